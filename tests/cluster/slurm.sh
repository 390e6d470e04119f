#!/usr/bin/env bash
# A Slurm of one node on this machine, without systemd, on loopback, for tests.
#   slurm.sh install   packages of Debian (root, apt)
#   slurm.sh start     daemons; back when the node is idle
#   slurm.sh stop      ends them and removes what start wrote
# A machine that has a Slurm of its own is left alone.
set -euo pipefail

CONFIG=/etc/slurm/slurm.conf  # Slurm's own place: jobs lose SLURM_CONF before they start steps
MARK="# written by tests/cluster/slurm.sh"
STATE=/tmp/quasipotential-slurm
PACKAGES=(munge slurmctld slurmd slurm-client)
PATH=$PATH:/usr/sbin:/sbin

fail() {
    echo "$*" >&2
    exit 1
}

# The registry answers soon, or the test is skipped.
APT=(apt-get -qq -o Acquire::Retries=0 -o Acquire::http::Timeout=10 -o Acquire::https::Timeout=10)
INSTALL=(install --yes --no-install-recommends "${PACKAGES[@]}")
export DEBIAN_FRONTEND=noninteractive

install_packages() {
    [ "$(id -u)" = 0 ] || fail "installing ${PACKAGES[*]} needs root"
    command -v apt-get >/dev/null || fail "there is no apt-get to install ${PACKAGES[*]} with"
    # A minute for the network, and no limit for what must not be interrupted.
    timeout 60 "$0" fetch || fail "apt-get could not fetch ${PACKAGES[*]} in a minute"
    "${APT[@]}" "${INSTALL[@]}" >/dev/null
}

fetch_packages() {
    "${APT[@]}" update >/dev/null
    "${APT[@]}" --download-only "${INSTALL[@]}" >/dev/null
}

start() {
    [ "$(id -u)" = 0 ] || fail "starting the daemons needs root"
    [ ! -e $CONFIG ] || fail "$CONFIG exists: this machine has a Slurm of its own"
    mkdir -p /etc/slurm $STATE/controller $STATE/node /run/munge
    memory=$(awk '/^MemTotal/ {print int($2 / 1024 * 0.8)}' /proc/meminfo)
    cat >$CONFIG <<END
$MARK
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
MinJobAge=300
SchedulerParameters=sched_min_interval=1000
StateSaveLocation=$STATE/controller
SlurmdSpoolDir=$STATE/node
SlurmctldPidFile=$STATE/slurmctld.pid
SlurmdPidFile=$STATE/slurmd.pid
SlurmctldLogFile=$STATE/slurmctld.log
SlurmdLogFile=$STATE/slurmd.log
NodeName=localhost NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory State=UNKNOWN
PartitionName=debug Nodes=localhost Default=YES MaxTime=INFINITE State=UP
END
    if ! pgrep -x munged >/dev/null; then
        [ -s /etc/munge/munge.key ] || mungekey --create
        chown -R munge: /run/munge /etc/munge
        setpriv --reuid=munge --regid=munge --clear-groups munged --pid-file=/run/munge/test.pid
    fi
    slurmctld
    slurmd -N localhost
    for _ in $(seq 100); do
        if [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ]; then
            return
        fi
        sleep 0.2
    done
    sed "s/^/  /" $STATE/*.log >&2
    fail "the node did not become idle in 20 s"
}

stop() {
    grep -qs "^$MARK" $CONFIG || fail "no Slurm that this script started"
    scancel --full --partition=debug || true
    for file in $STATE/slurmd.pid $STATE/slurmctld.pid /run/munge/test.pid; do
        [ ! -s $file ] || end "$(cat $file)"
    done
    rm -rf $CONFIG $STATE
}

end() {  # one process, and wait for it
    kill "$1" 2>/dev/null || return 0
    for _ in $(seq 100); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -9 "$1"
}

case ${1-} in
    install) install_packages ;;
    fetch) fetch_packages ;;
    start) start ;;
    stop) stop ;;
    *) fail "usage: $0 install | start | stop" ;;
esac
