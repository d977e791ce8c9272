"""How many jobs a study has, rule by rule, and how many are left: what `snakemake -n` counts."""

from collections import Counter

from disentbench import plugins
from disentbench.recipe import Pack
from disentbench.results.status import Status
from disentbench.storage.layout import StudyFolder
from disentbench.study import Study

ALL = "all"  # the rule that asks for everything, which Snakemake counts, too


def from_scratch(status: Status) -> Counter:
    """The jobs of a study of which nothing is there, by rule."""
    return Counter({rule: states.total() for rule, states in status.jobs.items()} | {ALL: 1})


def left(study: Study, status: Status) -> Counter:
    """The jobs of a study that are not done, and those that follow from them, by rule.

    What is made of a file that is made anew is made anew, too, as Snakemake has it.
    """
    count, lacking = _of_parts(study, status), {job.stage for job in status.left}
    count["collect"] = int(count["score"] > 0 or "collect" in lacking)
    count["report"] = int(count.total() > 0 or "report" in lacking)
    count[ALL] = count["report"]
    return +count


def _of_parts(study: Study, status: Status) -> Counter:
    """The jobs of data sets and packs that are to run, by rule."""
    folder, lacking = StudyFolder(status.folder), {job.output for job in status.left}
    images = {name for name in study.datasets if folder.dataset(name).images in lacking}
    trained = {p for p in study.packs if p.dataset in images or folder.pack(p).model in lacking}
    encoded = {p for p in study.packs if p in trained or folder.pack(p).latents in lacking}
    settings = {pack.of for pack in encoded}

    def is_scored(pack: Pack, metric: str) -> bool:
        compares = "companions" in plugins.needs(metric)
        made_anew = pack.of in settings if compares else pack in encoded
        return made_anew or folder.pack(pack).scores(metric) in lacking

    def is_levelled(name: str, metric: str) -> bool:
        return name in images or folder.dataset(name).levels(metric) in lacking

    def is_audited(name: str) -> bool:
        return study.first_pack(name).of in settings or folder.dataset(name).audit in lacking

    measured = study.metrics_on
    scores = [is_scored(pack, metric) for pack in study.packs for metric in measured(pack.dataset)]
    levels = [is_levelled(name, metric) for name in study.datasets for metric in measured(name)]
    return Counter(
        data=len(images),
        levels=sum(levels),
        train=len(trained),
        encode=len(encoded),
        score=sum(scores),
        audit=sum(map(is_audited, study.datasets)),
    )
