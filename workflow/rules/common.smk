"""The study, read and checked before anything runs; what the rules ask of it."""

import json
import os
import shlex
import sys
from functools import cache
from pathlib import Path

from disentbench import plugins, sources
from disentbench.errors import UserError
from disentbench.storage import expected, files, study_file
from disentbench.storage.plain_data import printable
from disentbench.workflow import (
    configfiles,
    folder,
    gpus,
    memory,
    project,
    shells,
    terminal,
)
from snakemake.logging import logger
from snakemake.settings.types import DeploymentMethod

# A job on a cluster has from its parent how to run the workflow again.
if "--target-jobs" not in sys.argv:
    os.environ[files.RERUN] = shlex.join(["snakemake", *sys.argv[1:]])
deployment = workflow.deployment_settings.deployment_method
shell.prefix(
    shells.prefix(
        sys.executable, files.rerun_command(), DeploymentMethod.APPTAINER in deployment
    )
)

top = Path(str(workflow.current_basedir)).parents[1]  # where the Snakefile is

# What Snakemake has read is not asked: it has its own words for a number like 1:9 or 010.
try:
    study = study_file.read_study(
        *configfiles.merged(workflow.configfiles, workflow.config_settings)
    )
    if "--target-jobs" not in sys.argv:  # a job may run where no other's files are
        project.compare_versions(top)
        study_file.require_files(study)
except UserError as error:
    print(f"disentbench: {printable(str(error))}", file=sys.stderr, flush=True)
    sys.exit(2)

# A dry run, and whoever asks for more, gets Snakemake's own words. So do jobs on a cluster.
said = workflow.output_settings
if not (workflow.remote_exec or said.dryrun or said.verbose or said.printshellcmds):
    terminal.say_little(logger)


# Snakemake's own lock outlives a killed Snakemake; the profiles do without it. Not called in jobs.
onstart:
    try:
        folder.hold(study.study)
        folder.make_way(workflow.dag.needrun_jobs())
    except (UserError, NotADirectoryError) as error:
        print(f"disentbench: {error}", file=sys.stderr, flush=True)
        sys.exit(2)


# Nor is this, nor in a dry run. `make` says it itself, where there was nothing to do, too.
onsuccess:
    page = f"results/{study.study}/report/index.html"
    made = any(page in job.output for job in workflow.dag.jobs)
    if made and "MAKELEVEL" not in os.environ:
        print(f"The report: {os.path.abspath(page)}", flush=True)


RUNS = "results/{study}/{dataset}/{objective}/{setting}/seeds-{seeds}/"


wildcard_constraints:
    study="[^/]+",
    dataset="[^/]+",
    objective="[^/]+",
    setting="[^/]+",
    seeds="[0-9]+-[0-9]+",
    metric="[^/]+",


# A request for a GPU counts where there is one; on a cluster the profile asks (set-resources).
gpu = min(1, gpus.count())


def side_by_side(wildcards):
    """The cores of a training: one, or one a member where there are fewer packs than cores."""
    cores = workflow.resource_settings.cores or 1  # none on a cluster
    share = 1 if gpu else cores // len(study.packs)
    return max(1, min(len(pack(wildcards).seeds), share))


def options(dataset):
    """The options that a data set's images depend on, as JSON, defaults filled in."""
    return json.dumps(study.dataset(dataset).rendering)


def pack(wildcards):
    """The pack that a rule's wildcards name."""
    return study.pack_at(
        "{dataset}/{objective}/{setting}/seeds-{seeds}".format(**wildcards)
    )


def recipe(wildcards):
    """All that the pack's training depends on: a change in it trains the pack anew."""
    return recipe_of(wildcards).text


def recipe_of(wildcards):
    """What the pack is trained with."""
    return study.recipe(pack(wildcards))


@cache
def code(stage, *parts):
    """The files whose change computes anew what they make of these parts, and no more.

    None of a package that is not beside the Snakefile but installed, where the same code may have another path
    tomorrow: there `code_digest` alone tells.
    """
    if sources.ROOT.parent.resolve() != top.resolve():
        return []
    return [os.path.relpath(path) for path in getattr(sources, stage)(*parts)]


@cache
def code_digest(stage, *parts):
    """One word for what they hold: of files that were copied, the times may tell nothing."""
    return sources.digest(*getattr(sources, stage)(*parts))


def parts(wildcards):
    """The files of a pack's data set, objective, architecture and likelihood."""
    return study.recipe(pack(wildcards)).parts


def dataset_file(wildcards):
    """The file that defines a data set."""
    return study.file_of("datasets", wildcards.dataset)


def dataset_inputs(name):
    """The files that a data set reads, but for names in braces, which Snakemake would fill in.

    A folder changes with whatever is put there, of a study, too; the stamps say what is read.
    """
    dataset = study.dataset(name)
    if dataset.reads_folders:
        return []
    return [path for path in map(str, dataset.files) if not {*path} & {*"{}"}]


def dataset_stamps(name):
    """Size and time of these files: one that was moved there may be older than what it replaces."""
    return study.dataset(name).stamps


def said(identity):
    """What a file must say it is, as JSON."""
    return json.dumps(identity, sort_keys=True)


def evaluated(evaluate):
    """The option that names what is encoded and measured; none where that is all."""
    return ["--evaluate", evaluate.text] if evaluate.text else []


def of_pack(wildcards, name):
    """What this file of the pack must say it is."""
    return said(expected.of_pack(study.recipe(pack(wildcards)), name, study.evaluate))


def packs(file):
    """This file of every pack."""
    return [f"results/{study.study}/{each.path}/{file}" for each in study.packs]


def scores(suffix):
    """The score files of every pack, of the metrics that can be measured on its data set."""
    return [
        f"results/{study.study}/{each.path}/scores/{metric}{suffix}"
        for each in study.packs
        for metric in study.metrics_on(each.dataset)
    ]


def levels():
    """What chance and a perfect code score, on every data set by its metrics."""
    return [
        f"results/{study.study}/{dataset}/levels/{metric}.csv"
        for dataset in study.datasets
        for metric in study.metrics_on(dataset)
    ]


def companions(wildcards):
    """The latents of the other packs of the setting, for a metric that compares runs."""
    if "companions" not in plugins.needs(wildcards.metric):
        return []
    others = study.companions(pack(wildcards))
    return [f"results/{study.study}/{each.path}/latents.h5" for each in others]


def of_first_setting(dataset, file):
    """This file of every pack of the first setting on a data set."""
    first = study.first_pack(dataset)
    every = [first, *study.companions(first)]
    return [f"results/{study.study}/{each.path}/{file}" for each in every]


def drawn():
    """The folder of figures where it is, for `snakemake --report`.

    Their names are known when they are drawn, and as the output of a rule the folder would be
    emptied before each rendering, of what somebody else keeps there, too.
    """
    folder = f"results/{study.study}/report/figures"
    if not os.path.isdir(folder):
        return []
    return report(
        folder,
        patterns=["{figure}.png"],
        caption="workflow/report/figure.rst",
        category="Figures",
        labels={"figure": "{figure}"},
    )
