# The tables: published values beside ours, and the theory's claims. The report:
# `snakemake --report results/report.html` collects them and the figures.


report: "../report/workflow.rst"


rule ledger:
    input:
        [path for _, paths in plan.ledger.sources for path in paths],
    output:
        table=report(
            planning.figure_file(plan.ledger, "csv"),
            caption="../report/ledger.rst",
            category="Published values",
        ),
        summary=report(
            planning.figure_file(plan.ledger, "summary.csv"),
            caption="../report/ledger.rst",
            category="Published values",
        ),
        dataset=planning.figure_file(plan.ledger, "nc"),
    log:
        f"results/logs/figures/{plan.ledger.key}.log",
    benchmark:
        f"results/benchmarks/figures/{plan.ledger.key}.tsv"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=plan.ledger.mem_mb(),
        runtime=plan.ledger.runtime(),
    params:
        spec=plan.ledger.canonical(),
        code=provenance.source_digest(scripts / "ledger.py"),
    message:
        "The reproduction ledger: published values beside ours"
    script:
        "../scripts/ledger.py"


if plan.claims is not None:

    rule claims:
        input:
            [path for _, paths in plan.claims.sources for path in paths],
        output:
            table=report(
                planning.figure_file(plan.claims, "csv"),
                caption="../report/claims.rst",
                category="Claims of the theory",
            ),
            dataset=planning.figure_file(plan.claims, "nc"),
        log:
            f"results/logs/figures/{plan.claims.key}.log",
        benchmark:
            f"results/benchmarks/figures/{plan.claims.key}.tsv"
        localrule: True
        conda:
            "../../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=plan.claims.mem_mb(),
            runtime=plan.claims.runtime(),
        params:
            spec=plan.claims.canonical(),
            code=provenance.source_digest(scripts / "claims.py"),
        message:
            "The table of claims"
        script:
            "../scripts/claims.py"
