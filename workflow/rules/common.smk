# Config and plan, made once and used by every rule.

import ast
import atexit
import functools

from snakemake.common.configfile import load_configfile
from snakemake.utils import update_config

from quasipotential import plan as planning, provenance, shelf

environment.prepare_jobs(library)
scripts = library / "scripts"
# A stage with several kinds of result has one module for each, which its script looks up.
digest_with = functools.cache(
    lambda stage, module: provenance.source_digest(scripts / f"{stage}.py", [module])
)
digest_of_kind = functools.cache(
    lambda stage, module: provenance.source_digest(scripts / f"{stage}.py", [f"{stage}.{module}"])
)

if not workflow.modifier.is_main_snakefile():  # a module: it is given what shall differ
    given, config = config, load_configfile(str(library.parent / "config.yaml"))
    update_config(config, given)

try:
    settings = schema.load(config)
    plan = planning.build(settings)
except schema.ConfigError as error:
    raise WorkflowError(str(error)) from None


wildcard_constraints:
    key=r"[^/]+",


def title(figure):
    """What a figure shows, in the first line of its module."""
    source = (library / "quasipotential" / "figures" / f"{figure}.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source)).partition("\n")[0]


# The folder of results/: as a module, the prefix it is given.
root = Path(workflow.modifier.modify_path("results")).parent


def publish():
    if not workflow.dryrun and (fault := shelf.publish(plan, root)):
        print(fault, file=sys.stderr)


# When this run ends, however it ends, the stable names follow its config; not after a dry run.
if workflow.is_main_process:
    atexit.register(publish)
