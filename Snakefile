# The whole workflow on one screen: config, plan, stages, targets.
#
#   couplings --> trajectories --+
#       |-------> langevin ------+
#                 batches -------+
#   dmft ------------------------+--> figures --> ledger, claims --> page
#   replica ---------------------+
#   published values ------------+

from snakemake.utils import min_version

min_version("9.0")


include: "workflow/rules/files.smk"


configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/couplings.smk"
include: "workflow/rules/trajectories.smk"
include: "workflow/rules/langevin.smk"
include: "workflow/rules/batches.smk"
include: "workflow/rules/dmft.smk"
include: "workflow/rules/replica.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


rule all:
    """All figures and tables; what runs when no target is named."""
    default_target: True
    input:
        rules.figures.input,
        [planning.figure_file(table, "csv") for table in plan.named.values()],


onstart:
    if fault := shelf.read_only():
        raise WorkflowError(fault)


onsuccess:
    where = "Figures: results/figures/   keys and parameters: results/index.csv"
    page = "Report: none yet; `make report` writes results/report.html"
    if os.path.exists("results/report.html"):
        page = "Report: results/report.html   (`make report` brings it up to date)"
    atexit.register(print, where, page, sep="\n")  # below Snakemake's own last lines
