"""What a report takes on disk: an estimate, from how many figures of which kind it has.

The numbers of bytes are of the reports of configs/smoke.yaml (4 settings, 8 runs of 40 steps),
configs/demo.yaml (8 settings, 24 runs of 800 steps) and, for shades and colours, of
configs/rooms3d.yaml with 400 steps and no dci (5 settings, 15 runs). Where they differ, a plot
grows with the settings that it shows, and a picture is the larger the less its model has learnt.
"""

from collections import defaultdict
from math import prod

from disentbench.recipe import Recipe
from disentbench.study import Study
from disentbench.workflow.values import given

# A plot's PDF and PNG with their checksums, and its SVG on the page: once, and for each setting.
PLOT_FILES, PLOT_PAGE = (32_700, 3_000), (5_300, 1_100)
# Bytes of a value that a model paints, in the PDF and PNG of a run's pictures, in those on the page
# and in the run's small picture there: of binary images, of shades, and of models that have seen
# few images, which paint noise.
BINARY, SHADES, NOISE = (1.43, 0.18, 0.18), (2.14, 0.48, 0.48), (3.15, 0.75, 0.93)
FEW_IMAGES = 10_000
# A run's pictures have so many images twice and so many tiles for each of these latents at most; so
# has its small one.
PICTURES, SMALL = (10, 9, 12), (6, 7, 6)
PICTURED = 3  # runs of each objective: median, best and worst
MOST_PICTURES, MOST_SMALL = 1_400_000, 1_200_000  # bytes of a page that all of them may take
PAGE = 190_000  # style, script, words, swatches
OF_RUN, OF_SETTING = 28, 1_700  # bytes of a value: in tables, results.json and on the page
# Plots of a data set: three of the audit, two of the bound, one each of correlation, variance and
# cost; three losses; of each axis four of the codes; of each objective two of its latents.
ONCE, LOSSES, CODES, LATENTS = 8, 3, 4, 2
FAMILIAR, SHARE = 9, 0.75  # values with an interval of every setting, of those that there are


def report(study: Study) -> int:
    """The page, its figures and tables, and results.json."""
    return PAGE + sum(_of_dataset(study, name) for name in study.datasets)


def _of_dataset(study: Study, dataset: str) -> int:
    recipe = study.recipe(study.first_pack(dataset))
    runs = sum(len(pack.seeds) for pack in study.packs if pack.dataset == dataset)
    settings = sum(len(study.sweep(name)) for name in study.objectives)
    shown = sum(given(metric).values for metric in study.metrics_on(dataset))
    plots = sum(
        count * sum(once + each * shown_there for once, each in (PLOT_FILES, PLOT_PAGE))
        for shown_there, count in plots_by_settings(study, shown)
    )
    tables = (OF_RUN * runs + OF_SETTING * settings) * shown
    return plots + _pictures(study, recipe, runs) + tables


def plots_by_settings(study: Study, shown: int) -> list[tuple[int, int]]:
    """The plots of a data set on which so many values are shown: (settings in each, how many)."""
    settings = sum(len(study.sweep(name)) for name in study.objectives)
    intervals = min(FAMILIAR, round(SHARE * shown)) if settings > 1 else 0
    of_all = ONCE + _losses(study) + LATENTS * len(study.objectives) + intervals
    of_axes = [(there, shown + CODES) for there in axes(study)]
    return [(settings, of_all), *(of_axes or [(settings, CODES)])]


def _losses(study: Study) -> int:
    """The plots of losses: beside those that all have, each estimator's, and two of a critic."""
    objectives = [objective for name in study.objectives for _, objective in study.settings(name)]
    estimators = {objective.structure().estimator for objective in objectives} - {None}
    critics = any(objective.critic(study.latents) for objective in objectives)
    return LOSSES + len(estimators) + 2 * critics


def axes(study: Study) -> list[int]:
    """The settings on each axis: of beta or an objective's own, with two points or more.

    What has no strength, the VAE, is on the axis of beta.
    """
    points: dict[tuple[str, str], list] = defaultdict(list)
    for name in study.objectives:
        for point in study.sweep(name):
            key, value = next(iter(point.items()), ("beta", None))
            own = "" if key == "beta" else study.file_of("objectives", name)
            points[key, own].append(value)
    return [len(values) for values in points.values() if len({*values} - {None}) > 1]


def _pictures(study: Study, recipe: Recipe, runs: int) -> int:
    """What models paint: pictures of some runs, in files and on the page, and one of each run."""
    share, seen = len(study.datasets), recipe.training.steps * recipe.training.batch_size
    learnt = BINARY if recipe.dataset.packed else SHADES
    in_files, on_page, small = NOISE if seen < FEW_IMAGES else learnt
    seeds = len({seed for pack in study.packs for seed in pack.seeds})
    pictured = min(PICTURED, seeds) * len(study.objectives)
    pixels = pictured * _pixels(recipe, *PICTURES)
    small_ones = min(MOST_SMALL // share, small * runs * _pixels(recipe, *SMALL))
    return round(in_files * pixels + min(MOST_PICTURES // share, on_page * pixels) + small_ones)


def _pixels(recipe: Recipe, images: int, tiles: int, latents: int) -> int:
    """The numbers in a run's pictures: images, what becomes of them, and tiles of its latents."""
    variables = recipe.latents + len(recipe.objective.structure().discrete)
    return prod(recipe.dataset.image_shape) * (2 * images + tiles * min(latents, variables))
