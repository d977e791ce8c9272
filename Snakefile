# The pipeline: data -> train -> encode -> score -> collect -> report.
#
#   snakemake --cores all                               configs/study.yaml or, without it, the demo
#   snakemake --cores all --configfile configs/X.yaml   another study
#   snakemake --report report.zip                       Snakemake's own report of a finished one
import os

from disentbench.workflow import configfiles
from snakemake.utils import min_version

min_version("9.0")

if not {"study", "datasets", "objectives"} & set(config):

    configfile: configfiles.of_folder(str(workflow.current_basedir))


report: "workflow/report/workflow.rst"


# With `--sdm apptainer` each job runs in this image, which `apptainer build disentbench.sif
# workflow/apptainer.def` makes; the variable may name another file, or a registry's.
container: os.environ.get("DISENTBENCH_IMAGE", "disentbench.sif")


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        report=f"results/{study.study}/report/index.html",
        scores=f"results/{study.study}/scores.csv",
        figures=drawn(),
