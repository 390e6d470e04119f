# The whole workflow on one screen: config, plan, stages, targets.
#
#   couplings --> trajectories --+
#       |-------> langevin ------+
#                 batches -------+
#   dmft ------------------------+--> figures --> report (snakemake --report)
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
    default_target: True
    input:
        rules.figures.input,
        [planning.figure_file(table, "csv") for table in plan.named.values()],


onstart:
    if fault := shelf.read_only():
        raise WorkflowError(fault)


onsuccess:
    print("Figures: results/figures/   keys and parameters: results/index.csv")
