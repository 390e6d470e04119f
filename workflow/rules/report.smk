# The tables: published values beside ours, and the theory's claims. The report: one page with
# them, the figures and where all of it comes from. (`snakemake --report` makes Snakemake's own.)


report: "../report/workflow.rst"


rule ledger:
    """Each published value beside ours, with errors, a verdict and a reason."""
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
        """The claims of docs/theory.md beside what is computed."""
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


rule page:
    """The report: ledger, figures with captions and where they come from, results/report.html."""
    input:
        [
            planning.figure_file(figure, suffix)
            for figure in plan.figures.values()
            for suffix in ("svg", "pdf", "rst")
        ],
        [planning.figure_file(table, "csv") for table in plan.named.values()],
        ledger=planning.figure_file(plan.ledger, "nc"),
        template=ancient(local(str(words / "page.html"))),
    output:
        "results/report.html",
    log:
        "results/logs/figures/page.log",
    benchmark:
        "results/benchmarks/figures/page.tsv"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=plan.ledger.mem_mb(),
        runtime=plan.ledger.runtime(),
    params:
        config=config,
        titles={name: title(name) for name in plan.figures},
        code=provenance.source_digest(scripts / "page.py"),
        words=[
            provenance.file_digest(words / file)
            for file in (
                "page.html",
                "page.css",
                "page.js",
                "workflow.rst",
                "ledger.rst",
                "claims.rst",
            )
        ],
    message:
        "The report"
    script:
        "../scripts/page.py"


rule report:
    """The report by the name that `make` has for it."""
    input:
        "results/report.html",
