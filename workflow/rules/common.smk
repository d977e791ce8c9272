"""The study, read and checked before anything runs; what the rules ask of it."""

import json
import os
import shlex
import shutil
import sys
from functools import cache
from pathlib import Path

from disentbench import configfiles, files, plugins
from disentbench import study as studies
from disentbench.errors import UserError

# Jobs find the command beside the Python that runs Snakemake, activated or not, and know how to run
# the workflow again: to say so where an input is damaged. A job on a cluster has it from its parent.
# The shell outlives SIGTERM: it waits for the training that saves.
if "--target-jobs" not in sys.argv:
    os.environ[files.RERUN] = shlex.join(["snakemake", *sys.argv[1:]])
again = shlex.quote(files.rerun_command())
here = shlex.quote(str(Path(sys.executable).parent))
prefix = f'trap : TERM; export PATH={here}:"$PATH" {files.RERUN}={again}; '
# Snakemake fills in what stands in single braces.
shell.prefix(prefix.replace("{", "{{").replace("}", "}}"))

# What Snakemake has read is not asked: it has its own words for a number like 1:9 or 010.
try:
    study = studies.read(
        *configfiles.merged(workflow.configfiles, workflow.config_settings)
    )
except UserError as error:
    print(f"disentbench: {error}", file=sys.stderr, flush=True)
    sys.exit(2)

RUNS = "results/{study}/{dataset}/{objective}/{setting}/seeds-{seeds}/"


wildcard_constraints:
    study="[^/]+",
    dataset="[^/]+",
    objective="[^/]+",
    setting="[^/]+",
    seeds="[0-9]+-[0-9]+",
    metric="[^/]+",


# A request for a GPU counts where there is one; on a cluster the profile asks (set-resources).
gpus = int(shutil.which("nvidia-smi") is not None)


def options(dataset):
    """A data set's options, as JSON."""
    given = study.datasets[dataset].items()
    return json.dumps({key: value for key, value in given if key != "of"})


def pack(wildcards):
    """The pack that a rule's wildcards name."""
    return study.pack_at(
        "{dataset}/{objective}/{setting}/seeds-{seeds}".format(**wildcards)
    )


def recipe(wildcards):
    """All that the pack's training depends on: a change in it trains the pack anew."""
    return study.recipe(pack(wildcards))


@cache
def source(kind, name):
    """The file that defines a part: a change in it computes anew what it made, and no more."""
    return os.path.relpath(plugins.source(kind, name))


def packs(file):
    """This file of every pack."""
    return [f"results/{study.study}/{each.path}/{file}" for each in study.packs]


def first_pack(dataset, file):
    """This file of the first pack on a data set."""
    each = next(each for each in study.packs if each.dataset == dataset)
    return f"results/{study.study}/{each.path}/{file}"
