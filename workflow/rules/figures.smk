# The figures: each a rule of its own name, drawn from cached results and published values.

# Relative, so that a checkout that moves with its results stays up to date.
data = Path(os.path.relpath(library / "data"))
words = Path(os.path.relpath(library / "report"))


for name, figure in plan.figures.items():

    rule:
        name:
            name
        input:
            [path for _, paths in figure.sources for path in paths],
            published=ancient(local(str(data / "published.csv"))),
            caption=ancient(local(str(words / f"{name}.rst"))),
        output:
            pdf=planning.figure_file(figure, "pdf"),
            png=report(
                planning.figure_file(figure, "png"),
                caption=os.path.abspath(root / planning.figure_file(figure, "rst")),
                category="Figures",
                labels={"figure": name.removeprefix("fig")},
            ),
            svg=planning.figure_file(figure, "svg"),
            table=planning.figure_file(figure, "csv"),
            caption=planning.figure_file(figure, "rst"),
        log:
            f"results/logs/figures/{figure.key}.log",
        benchmark:
            f"results/benchmarks/figures/{figure.key}.tsv"
        localrule: True
        conda:
            "../../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=figure.mem_mb(),
            runtime=figure.runtime(),
        params:
            name=name,
            spec=figure.canonical(),
            code=provenance.source_digest(scripts / "figures.py", [f"figures.{name}"]),
            data=provenance.file_digest(data / "published.csv"),
            words=[
                provenance.file_digest(words / file)
                for file in (f"{name}.rst", "_differences.rst", "_networks.rst")
            ],
        message:
            f"Figure {name}"
        script:
            "../scripts/figures.py"

    # A docstring inside a rule can only be the same for all.
    getattr(rules, name).rule.docstring = title(name)


rule figures:
    """All figures."""
    input:
        [planning.figure_file(figure, "pdf") for figure in plan.figures.values()],
