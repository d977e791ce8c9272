"""What a report takes on disk: an estimate, from how many figures of which kind it draws.

The bytes of a figure are averages over the reports of configs/smoke.yaml and configs/demo.yaml.
"""

from collections import defaultdict
from typing import NamedTuple

from disentbench.study import Study
from disentbench.workflow.values import given


class Drawn(NamedTuple):
    """The bytes of a figure: of its PDF and PNG, and of what stands of it on the page."""

    files: int
    page: int

    @property
    def all(self) -> int:
        return self.files + self.page


PLOT = Drawn(44_500, 9_800)
PICTURES = Drawn(200_000, 58_000)  # of a run: images, reconstructions and traversals
THUMBNAIL = 34_000  # bytes of a run's small picture on the page
MOST_PICTURES, MOST_THUMBNAILS = 1_400_000, 1_200_000  # bytes of a page that all may take
PAGE = 140_000  # style, script, words and swatches
# Bytes of a value of a run, and of one of a setting: in tables, results.json and on the page.
OF_RUN, OF_SETTING = 28, 1_000
# Plots of a data set: three of the audit, four of the losses, two of the bound, one each of the
# metrics' correlation, of variance and of cost. Of each axis, four of the codes.
ONCE, CODES = 12, 4
FAMILIAR = 8  # values, at most, that are drawn with the interval of every setting
RUNS = 3  # of each objective that are pictured: median, best and worst


def report(study: Study) -> int:
    """The page, its figures and tables, and results.json."""
    return PAGE + sum(_of_dataset(study, name) for name in study.datasets)


def _of_dataset(study: Study, dataset: str) -> int:
    runs = [seed for pack in study.packs if pack.dataset == dataset for seed in pack.seeds]
    shown = sum(given(metric).values for metric in study.metrics_on(dataset))
    pictured, share = _pictured(study), len(study.datasets)
    on_page = min(pictured * PICTURES.page, MOST_PICTURES // share)
    on_page += min(len(runs) * THUMBNAIL, MOST_THUMBNAILS // share)
    settings = sum(len(study.sweep(name)) for name in study.objectives)
    tables = (OF_RUN * len(runs) + OF_SETTING * settings) * shown
    return PLOT.all * _plots(study, shown) + PICTURES.files * pictured + on_page + tables


def _plots(study: Study, shown: int) -> int:
    """The plots of a data set on which so many values are shown.

    Of each objective one is of what its latents know of factors, another of how they respond.
    """
    axes, settings = _axes(study), sum(len(study.sweep(name)) for name in study.objectives)
    intervals = min(shown, FAMILIAR) if settings > 1 else 0
    of_axes = axes * shown + max(axes, 1) * CODES
    return ONCE + 2 * len(study.objectives) + intervals + of_axes


def _axes(study: Study) -> int:
    """The strengths that have an axis: beta, or an objective's own, with two points or more."""
    points: dict[tuple[str, str], set] = defaultdict(set)
    for name in study.objectives:
        for point in study.sweep(name):
            for key, value in list(point.items())[:1]:
                own = "" if key == "beta" else study.file_of("objectives", name)
                points[key, own].add(value)
    return sum(len(values) > 1 for values in points.values())


def _pictured(study: Study) -> int:
    """The runs of a data set that are pictured."""
    seeds = len({seed for pack in study.packs for seed in pack.seeds})
    return min(RUNS, seeds) * len(study.objectives)
