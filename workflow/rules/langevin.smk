# Samples of the Boltzmann measure exp(-beta E) on one network.


rule langevin_one:
    """Samples of the Boltzmann measure of one network."""
    input:
        lambda wildcards: [
            planning.path(spec) for spec in plan.spec("langevin", wildcards.key).inputs()
        ],
    output:
        "results/langevin/{key}.nc",
    log:
        "results/logs/langevin/{key}.log",
    benchmark:
        "results/benchmarks/langevin/{key}.tsv"
    group:
        lambda wildcards: plan.spec("langevin", wildcards.key).group()
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * plan.spec("langevin", wildcards.key).mem_mb(),
        runtime=lambda wildcards, attempt: attempt * plan.spec("langevin", wildcards.key).runtime(),
    params:
        spec=lambda wildcards: plan.spec("langevin", wildcards.key).canonical(),
        code=provenance.source_digest(scripts / "langevin.py"),
    message:
        "Sampling {wildcards.key}"
    script:
        "../scripts/langevin.py"


rule langevin:
    """All samples of single networks."""
    input:
        plan.paths("langevin"),
