# Where the package is, that its libraries are there, that this folder can be written to, and that
# config files are data: before Snakemake reads one of its own.

import os
import sys
from pathlib import Path

# Jobs find the package of this checkout wherever they run, installed or not.
library = Path(workflow.current_basedir.get_path_or_uri(secret_free=False)).parent.resolve()
sys.path.insert(0, str(library))

from quasipotential import environment

try:
    if not workflow.deployment_settings.deployment_method:  # else jobs have packages of their own
        environment.check(library.parent)
    environment.check_folder(Path.cwd())
except environment.EnvironmentFaultError as error:
    raise WorkflowError(str(error)) from None

from quasipotential import config as schema, config_file

try:
    if workflow.modifier.is_main_snakefile():  # else the files are those of another workflow
        for file in ["config.yaml", *map(os.path.relpath, workflow.overwrite_configfiles)]:
            if os.path.exists(file):
                config_file.check(Path(file))
except schema.ConfigError as error:
    raise WorkflowError(str(error)) from None
