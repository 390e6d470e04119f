# Config and plan, made once and used by every rule.

import atexit
import functools

from quasipotential import plan as planning, provenance, shelf

environment.lead_jobs_to(library)
scripts = library / "scripts"
# A stage with several kinds of result has one module for each, which its script looks up.
digest_with = functools.cache(
    lambda stage, module: provenance.source_digest(scripts / f"{stage}.py", [module])
)
digest_of_kind = functools.cache(
    lambda stage, module: provenance.source_digest(scripts / f"{stage}.py", [f"{stage}.{module}"])
)

try:
    settings = schema.load(config)
    plan = planning.build(settings)
except schema.ConfigError as error:
    raise WorkflowError(str(error)) from None


wildcard_constraints:
    key=r"[^/]+",


def publish():
    if not workflow.dryrun and (fault := shelf.publish(plan)):
        print(fault, file=sys.stderr)


# When this run ends, however it ends, the stable names follow its config; not after a dry run.
if workflow.is_main_process:
    atexit.register(publish)
