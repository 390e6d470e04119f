#!/usr/bin/env bash
# State of a Slurm job for Snakemake, from the controller: running, success or failed.
set -u
answer=$(scontrol show job "$1" 2>&1)
case "$answer" in
    *JobState=COMPLETED*) echo success ;;
    *JobState=PENDING* | *JobState=CONFIGURING* | *JobState=RUNNING* | *JobState=COMPLETING* | \
        *JobState=SUSPENDED* | *JobState=REQUEUED*) echo running ;;
    *JobState=* | *"Invalid job id"*) echo failed ;;
    *) echo running ;;  # the controller did not answer: ask again rather than start a second writer
esac
