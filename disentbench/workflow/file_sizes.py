"""The bytes of each file of a study, worked out from its format; imports no torch.

What a format's structure says is computed. The rest, some kilobytes a file, are constants with what
they are of. Nothing is read: a size is known before there is a file.
"""

from math import ceil

from disentbench import plugins
from disentbench.datasets import Dataset
from disentbench.recipe import Recipe
from disentbench.storage import seals
from disentbench.storage.identities import MARK
from disentbench.study import Study
from disentbench.workflow import memory
from disentbench.workflow.values import given

FLOAT, INT, LONG = 4, 4, 8  # bytes of a number
# A number in a table: float64 to its last digit, and a comma. Most have 16 to 18 digits.
DIGITS = 19
# HDF5 finds chunks by trees (version 1), each node of which has room for this many.
IN_NODE = 64
# Of an HDF5 file of h5py 3 with five factors: its root, headers, axes' names and attributes.
IMAGES_HEADERS, LATENTS_HEADERS = 11_700, 7_900
LOGITS, LOGITS_OF_GROUP = 1_300, 300  # of the folder logits/ and of a group in it, but for values
RUNS_CHUNK = 1024  # entries by which `seeds` and `failed` grow
# Binary images that are drawn here take 1.0 to 1.7 % of their bytes compressed (dSprites at 64 x
# 64), 2.2 to 2.4 % at 32 x 32. Those of a file may not compress and count in full.
DRAWN_SHARE = 0.02
# Of model.pt as torch.save writes it: a tensor's record with its entries in the archive's directory
# and the pickle, and what there is once: fingerprint, origins, the archive's own.
RECORD, CONTAINER = 290, 1_400
VALUE_ROW = 33  # bytes of a value's row in a metric's table: run, name and number
DETAIL, DETAIL_RUN = 270, 60  # of a detail: once, with its provenance, and for the names in a run
IDENTITY = 130  # characters of what a file says it is: a path and some words
LOSS_LINE, LOSS_LINES = 33, 10  # a line of train.log, and how many a run has
LEVELS = 60  # bytes of a table of levels
PARQUET, PARQUET_ROW = 7_000, 10  # the schema and what made it, and a row, compressed
AUDIT_ROW, AUDIT_BATCHES = 80, (64, 256, 1024)  # bytes; batches that fit the images are audited
ESTIMATORS, TERMS = 3, 4  # of an audit: a row of each with each, at each batch


def images(dataset: Dataset) -> int:
    """images.h5: the images, binary ones compressed, their factors and their values."""
    share = DRAWN_SHARE if dataset.packed and not dataset.files else 1
    factors = INT * dataset.size * len(dataset.factors) + LONG * sum(dataset.sizes)
    return round(share * dataset.bytes) + factors + IMAGES_HEADERS + _ending()


def latents(recipe: Recipe, count: int, number: int) -> int:
    """latents.h5 of a pack: so many images, and so many bytes for a number of a posterior."""
    runs, groups = len(recipe.pack.seeds), recipe.objective.structure().discrete
    of_run = number * (2 * recipe.latents + sum(groups.values())) + FLOAT  # with the distortion
    of_image = LONG * (len(recipe.dataset.factors) + 1) + recipe.dataset.holds_out
    trees = (2 + len(groups)) * _tree(3, runs) + _tree(2, runs) + 2 * _tree(1, 1)
    chunks = RUNS_CHUNK * ceil(runs / RUNS_CHUNK) * (LONG + 1)
    headers = LATENTS_HEADERS + bool(groups) * LOGITS + len(groups) * LOGITS_OF_GROUP
    return count * (runs * of_run + of_image) + trees + chunks + headers + _ending()


def _tree(axes: int, chunks: int) -> int:
    """The tree that finds the chunks of a dataset with so many axes.

    A node has a head of 24 bytes, room for the places of 64 chunks, and between and around them 65
    keys: size, filters and corner of a chunk (HDF5 File Format Specification, III.A.1).
    """
    node = 24 + IN_NODE * LONG + (IN_NODE + 1) * (8 + LONG * (axes + 1))
    leaves = ceil(chunks / IN_NODE)
    return node * (leaves + (leaves > 1))


def model(recipe: Recipe) -> int:
    """model.pt: the parameters of every member in float32, without a critic's."""
    network, members = memory.of_model(recipe), len(recipe.pack.seeds)
    values = FLOAT * network.parameters * members
    return values + RECORD * network.tensors + CONTAINER + _ending()


def history(recipe: Recipe) -> int:
    """history.csv and its checksums.

    The loss, distortion and rate, a term that the objective estimates or shows, and a critic's
    loss, after seed and step.
    """
    seeds, steps = recipe.pack.seeds, recipe.training.steps
    columns = 4 + (recipe.objective.critic(memory.code_size(recipe)) is not None)
    row = len(f"{seeds[-1]},{steps},") + DIGITS * columns
    return len(seeds) * history_rows(steps) * row + sums(recipe.pack.path, "history.csv")


def history_rows(steps: int) -> int:
    """The rows of a run: one for every hundredth of its steps, or for each where they are few."""
    return ceil(steps / max(1, steps // 100))


def scores(recipe: Recipe, metric: str) -> int:
    """scores/METRIC.csv, .json and .sha256 of a pack.

    The detail of a run has a number for each factor with each variable and one for each factor
    where the metric looks at factors, and two for each variable where it does not.
    """
    runs, factors = len(recipe.pack.seeds), len(recipe.dataset.factors)
    variables = recipe.latents + len(recipe.objective.structure().discrete)
    looks = "factors" in plugins.needs(metric)
    numbers = (variables + 1) * factors if looks else 2 * variables
    table = len("run,metric,value") + runs * sum(given(metric)) * VALUE_ROW
    detail = DETAIL + runs * (DETAIL_RUN + DIGITS * numbers)
    of = f"{recipe.study}/{recipe.pack.path}/scores/{metric}"
    return table + detail + sums(of, f"{metric}.csv", f"{metric}.json")


def levels(study: Study, dataset: str, metric: str) -> int:
    """levels/METRIC.csv and its checksums: what chance and a perfect code score."""
    return LEVELS + sums(f"{study.study}/{dataset}/levels/{metric}", f"{metric}.csv")


def audit(study: Study, dataset: str, count: int) -> int:
    """audit.csv and its checksums: every term by every estimator at each batch, and exactly."""
    batches = sum(size <= count for size in AUDIT_BATCHES)
    rows = AUDIT_ROW * TERMS * (ESTIMATORS * batches + 1)
    return rows + sums(f"{study.study}/{dataset}/audit", "audit.csv")


def tables(study: Study) -> int:
    """scores.csv and scores.parquet, a row for each run and value, and their checksums."""
    csv = parquet = 0
    for pack in study.packs:
        rows = len(pack.seeds) * sum(sum(given(m)) for m in study.metrics_on(pack.dataset))
        csv += rows * (len(pack.path) + VALUE_ROW)
        parquet += rows * PARQUET_ROW
    return csv + parquet + PARQUET + sums(study.study, "scores.csv", "scores.parquet")


def training_log(recipe: Recipe) -> int:
    """train.log: the loss now and then. The logs of other jobs are empty where nothing is amiss."""
    lines = min(LOSS_LINES, history_rows(recipe.training.steps))
    return len(recipe.pack.seeds) * lines * LOSS_LINE


def sums(of: str, *names: str) -> int:
    """The checksums of files, after a line that says what they are: see storage/seals.py."""
    return seals.DIGITS + IDENTITY + len(of) + sum(seals.DIGITS + 3 + len(name) for name in names)


def _ending() -> int:
    """What a sealed file ends with: what it says it is, and its seal."""
    return len(MARK) + IDENTITY + seals.SEAL_BYTES
