# Config and plan, made once and used by every rule.

import atexit
import functools
import os
import sys
from pathlib import Path

# Jobs find the package of this checkout wherever they run, installed or not.
library = Path(workflow.current_basedir.get_path_or_uri(secret_free=False)).parent.resolve()
sys.path.insert(0, str(library))

from quasipotential import config as schema, environment, plan as planning, provenance, shelf

environment.lead_jobs_to(library)
scripts = library / "scripts"
# A stage with several kinds of result has one module for each, which its script looks up.
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


# When this run ends, however it ends, the stable names follow its config; not after a dry run.
if workflow.is_main_process:
    atexit.register(lambda: workflow.dryrun or shelf.publish(plan))
