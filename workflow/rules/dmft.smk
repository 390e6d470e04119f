# Dynamical mean-field theory: static, stationary and two-time.


rule dmft_one:
    """One result of dynamical mean-field theory."""
    output:
        "results/dmft/{key}.nc",
    log:
        "results/logs/dmft/{key}.log",
    benchmark:
        "results/benchmarks/dmft/{key}.tsv"
    group:
        plan.groups("dmft")
    localrule: plan.is_small("dmft")
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * plan.spec("dmft", wildcards.key).mem_mb(),
        runtime=lambda wildcards, attempt: attempt * plan.spec("dmft", wildcards.key).runtime(),
    params:
        spec=lambda wildcards: plan.spec("dmft", wildcards.key).canonical(),
        code=lambda wildcards: digest_of_kind("dmft", plan.spec("dmft", wildcards.key).module),
    message:
        "DMFT {wildcards.key}"
    script:
        "../scripts/dmft.py"


rule dmft:
    """Dynamical mean-field theory: static, stationary, two-time."""
    input:
        plan.paths("dmft"),
