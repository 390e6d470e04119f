# Where the package is, that its libraries are there, and that config files are data: before
# Snakemake reads one of its own.

import os
import sys
from pathlib import Path

# Jobs find the package of this checkout wherever they run, installed or not.
library = Path(workflow.current_basedir.get_path_or_uri(secret_free=False)).parent.resolve()
sys.path.insert(0, str(library))

from quasipotential import config as schema, config_file, environment

try:
    if not workflow.deployment_settings.deployment_method:  # else jobs have packages of their own
        environment.check(library.parent)
    for file in ["config.yaml", *map(os.path.relpath, workflow.overwrite_configfiles)]:
        if os.path.exists(file):
            config_file.check(Path(file))
except (schema.ConfigError, environment.IncompleteEnvironmentError) as error:
    raise WorkflowError(str(error)) from None
