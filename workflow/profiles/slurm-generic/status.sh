#!/usr/bin/env bash
# State of a Slurm job for Snakemake, from the controller: running, success or failed.
set -u
state=$(scontrol show job "$1" 2>/dev/null | sed -n 's/.*JobState=\([A-Z_]*\).*/\1/p' | head -n 1)
case "$state" in
    COMPLETED) echo success ;;
    PENDING | CONFIGURING | RUNNING | COMPLETING | SUSPENDED | REQUEUED) echo running ;;
    *) echo failed ;;  # also a job that the controller has forgotten
esac
