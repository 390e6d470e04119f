# Replica theory: saddle points along a curve, and the damped iteration.


rule replica_one:
    """One result of the replica theory."""
    output:
        "results/replica/{key}.nc",
    log:
        "results/logs/replica/{key}.log",
    benchmark:
        "results/benchmarks/replica/{key}.tsv"
    group:
        plan.groups("replica")
    localrule: plan.is_small("replica")
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * plan.spec("replica", wildcards.key).mem_mb(),
        runtime=lambda wildcards, attempt: attempt * plan.spec("replica", wildcards.key).runtime(),
    params:
        spec=lambda wildcards: plan.spec("replica", wildcards.key).canonical(),
        code=lambda wildcards: digest_of_kind("replica", plan.spec("replica", wildcards.key).module),
    message:
        "Replica theory {wildcards.key}"
    script:
        "../scripts/replica.py"


rule replica:
    """All results of the replica theory."""
    input:
        plan.paths("replica"),
