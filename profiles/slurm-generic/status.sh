#!/usr/bin/env bash
# State of a Slurm job for Snakemake, from the controller: running, success or failed.
set -u
answer=$(scontrol show job "$1" 2>&1)
case "$answer" in
    *JobState=COMPLETED*) echo success ;;
    *JobState=BOOT_FAIL* | *JobState=CANCELLED* | *JobState=DEADLINE* | *JobState=FAILED* | \
        *JobState=NODE_FAIL* | *JobState=OUT_OF_MEMORY* | *JobState=PREEMPTED* | \
        *JobState=TIMEOUT* | *"Invalid job id"*) echo failed ;;
    *) echo running ;;  # also when the controller does not answer: no second writer
esac
