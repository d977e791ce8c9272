"""The study, read and checked before anything runs; what the rules ask of it."""

import json
import os
import shlex
import shutil
import sys
from functools import cache
from pathlib import Path

from disentbench import files, plugins
from disentbench import study as studies
from disentbench import workflow as conduct
from disentbench.errors import UserError
from snakemake.logging import logger

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

try:
    for file in workflow.configfiles:
        studies.require_plain(file)
    study = studies.read(config)
except UserError as error:
    print(f"disentbench: {error}", file=sys.stderr, flush=True)
    sys.exit(2)

# A dry run, and whoever asks for more, gets Snakemake's own words. So do jobs on a cluster.
said = workflow.output_settings
if not (workflow.remote_exec or said.dryrun or said.verbose or said.printshellcmds):
    conduct.say_little(logger)


# Snakemake's own lock outlives a killed Snakemake; the profiles do without it. Not called in jobs.
onstart:
    try:
        conduct.hold(study.study)
        conduct.make_way(workflow.dag.needrun_jobs())
    except (UserError, NotADirectoryError) as error:
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
