# Samples of the Boltzmann measure on several networks, drawn in the job.


rule batches_one:
    """Samples of the Boltzmann measure of several networks, in one job."""
    output:
        "results/batches/{key}.nc",
    log:
        "results/logs/batches/{key}.log",
    benchmark:
        "results/benchmarks/batches/{key}.tsv"
    group:
        lambda wildcards: plan.spec("batches", wildcards.key).group()
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * plan.spec("batches", wildcards.key).mem_mb(),
        runtime=lambda wildcards, attempt: attempt * plan.spec("batches", wildcards.key).runtime(),
    params:
        spec=lambda wildcards: plan.spec("batches", wildcards.key).canonical(),
        code=provenance.source_digest(scripts / "batches.py"),
    message:
        "Sampling {wildcards.key}"
    script:
        "../scripts/batches.py"


rule batches:
    """All samples of networks in batches."""
    input:
        plan.paths("batches"),
