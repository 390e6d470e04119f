# Disorder realisations: J/g of the elliptic Gaussian ensemble.


rule couplings_one:
    """Couplings of one network."""
    output:
        "results/couplings/{key}.nc",
    log:
        "results/logs/couplings/{key}.log",
    benchmark:
        "results/benchmarks/couplings/{key}.tsv"
    localrule: plan.is_small("couplings")
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * plan.spec("couplings", wildcards.key).mem_mb(),
        runtime=lambda wildcards, attempt: attempt * plan.spec("couplings", wildcards.key).runtime(),
    params:
        spec=lambda wildcards: plan.spec("couplings", wildcards.key).canonical(),
        code=provenance.source_digest(scripts / "couplings.py"),
    message:
        "Couplings {wildcards.key}"
    script:
        "../scripts/couplings.py"


rule couplings:
    """All couplings that the config asks for."""
    input:
        plan.paths("couplings"),
