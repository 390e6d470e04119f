# The report: `snakemake --report results/report.html` collects the figures and this table.


report: "../report/workflow.rst"


rule comparison:
    input:
        tables=[path for _, paths in plan.comparison.sources for path in paths],
    output:
        table=report(
            planning.figure_file(plan.comparison, "csv"),
            caption="../report/comparison.rst",
            category="Published values",
        ),
    log:
        f"results/logs/figures/{plan.comparison.key}.log",
    benchmark:
        f"results/benchmarks/figures/{plan.comparison.key}.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=plan.comparison.mem_mb(),
        runtime=plan.comparison.runtime(),
    params:
        code=provenance.source_digest(scripts / "comparison.py"),
    message:
        "Published values beside ours"
    script:
        "../scripts/comparison.py"
