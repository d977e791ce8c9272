"""What it costs to keep latents in float16, or of a part of the images: every value beside all.

    python benchmarks/evaluation.py

Trains two objectives on 92,160 images of dSprites, encodes each run as a study's `evaluate` may ask
for, and scores it by every metric; then rounds posteriors that are ever narrower to float16. Writes
its two sections of benchmarks/RESULTS.md. It takes about ten minutes of a core.
"""

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from sections import machine, write

from disentbench.cli import main as command
from disentbench.metrics import value_of
from disentbench.posterior import Posterior, aggregate
from disentbench.posterior.from_files import read_latents
from disentbench.scoring import scores
from disentbench.storage.latents_file import SHIFT, shift
from disentbench.storage.study_file import read_study

GRID = {"image_size": 32, "scale": {"stride": 2}, "posX": {"stride": 2}, "posY": {"stride": 2}}
STUDY = {
    "study": "evaluation",
    "datasets": {"dsprites": GRID},
    "objectives": {"vae": {}, "beta_tcvae": {"beta": [3]}},
    "seeds": "0-2",
    "pack": 3,
    "latents": 6,
    "architecture": {"of": "mlp_chen2018", "hidden": 256},
    "training": {"steps": 1500, "batch_size": 64, "learning_rate": 0.001},
}
ALL = "all images"
WAYS = {
    ALL: {},
    "float16": {"latents": "float16"},
    "50,000 images": {"images": 50_000},
    "10,000 images": {"images": 10_000},
    "stride 2": {"stride": 2},
}
THREADS = ("--threads", 1)
AGAIN = "all, drawn anew"  # the same latents, scored with other samples


SHIFTS = (0.01, 0.03, SHIFT, 0.3, 1.0)  # of means by float16, in standard deviations
TERMS = ("index_code_mi", "total_correlation", "dimension_wise_kl")


def main() -> None:
    trained()
    narrow()


def trained() -> None:
    """Write the section on trained models."""
    began = time.monotonic()
    with TemporaryDirectory() as folder:
        paths = encoded(Path(folder))
        table = pd.concat([scored(paths[way], way, seed) for way, seed in columns()])
        moved = max(map(furthest, paths[ALL], paths["float16"]))
        sizes = {way: sum(path.stat().st_size for path in paths[way]) for way in WAYS}
    minutes = (time.monotonic() - began) / 60
    write("Evaluation: a part of the images, and float16", text(table, moved, sizes, minutes))


def columns() -> list[tuple[str, int]]:
    """What is scored, and the seed of what metrics draw."""
    return [*((way, 0) for way in WAYS), (AGAIN, 1)]


def encoded(folder: Path) -> dict[str, list[Path]]:
    """The latents of every pack, as each of the WAYS has them."""
    study, images = read_study(STUDY), folder / "images.h5"
    run("data", "dsprites", "--options", json.dumps(GRID), "--out", images)
    paths: dict[str, list[Path]] = {way: [] for way in (*WAYS, AGAIN)}
    for pack in study.packs:
        recipe, own = study.recipe(pack).text, folder / pack.path
        trained = ("--images", images, "--model", own / "model.pt")
        kept = ("--history", own / "history.csv", "--checkpoints", own / "checkpoints")
        run("train", recipe, *trained, *kept, *THREADS)
        for way, evaluate in WAYS.items():
            paths[way].append(own / f"{way}.h5")
            asked = ("--evaluate", json.dumps(evaluate))
            run("encode", recipe, *trained, "--latents", paths[way][-1], *asked, *THREADS)
    return paths | {AGAIN: paths[ALL]}


def run(*words: object) -> None:
    if command(list(map(str, words))):
        raise SystemExit(1)


def scored(paths: list[Path], way: str, seed: int) -> pd.DataFrame:
    """Every value of every run: objective, run, metric, value, and the way it was encoded."""
    tables = [
        scores.table(list(scores.score_file(path, seed=seed))).assign(objective=objective, way=way)
        for objective, path in zip(STUDY["objectives"], paths, strict=True)
    ]
    return pd.concat(tables)


def furthest(exact: Path, rounded: Path) -> float:
    """How far float16 moves the means of a latent, at most, in standard deviations (rms)."""
    moved = []
    for (_, a), (_, b) in zip(read_latents(exact), read_latents(rounded), strict=True):
        assert a.logvar is not None  # of runs of ours
        moved.append(shift(a.mean, a.logvar, b.mean.astype(np.float64)).max())
    return max(moved)


def text(table: pd.DataFrame, moved: float, sizes: dict[str, int], minutes: float) -> str:
    """The section of RESULTS.md."""
    table = table[table["metric"].map(value_of) == table["metric"]]
    runs = table.pivot_table("value", ["metric", "objective", "run"], "way")
    others = [way for way in (AGAIN, *WAYS) if way != ALL]
    off = runs[others].sub(runs[ALL], axis=0).abs().groupby("metric").mean()
    spread = runs[ALL].groupby(["metric", "objective"]).std().groupby("metric").mean()
    mean = runs[ALL].groupby("metric").mean()
    rows = [
        f"| {' | '.join([name, *map(short, (mean[name], spread[name], *off.loc[name, others]))])} |"
        for name in off.index
    ]
    return TEXT.format(
        machine=machine(1),
        minutes=minutes,
        moved=moved,
        disk=", ".join(f"{way} {size / 1e6:.1f} MB" for way, size in sizes.items()),
        head=" | ".join(others),
        line="|---" * (3 + len(others)),
        rows="\n".join(rows),
    )


def short(value: float) -> str:
    """Two digits behind the first that counts, four decimals at most."""
    return f"{value:.3g}" if abs(value) >= 1 else f"{value:.4f}"


TEXT = """\
A VAE and a beta-TCVAE (beta 3), three seeds each, on 92,160 images of dSprites at 32 x 32 (three
scales, every second position), 6 latents: each run encoded as `evaluate` may ask for, and scored by
every metric. The mean over all images and runs, the standard deviation over seeds, and the mean
absolute difference from all images in float32, over the six runs. `all, drawn anew` are the same
latents with other samples, where a metric draws some: less than that is no difference. Stride 2
leaves 5,120 images. Terms of the rate in nats: of a part the mixture q(z) is of its images alone.
The models are small and trained for 1,500 steps.

{machine} `python benchmarks/evaluation.py`; {minutes:.0f} minutes beside other work.

| value | mean | over seeds | {head} |
{line}|
{rows}

float16 moves the means of no latent by more than {moved:.4f} of their standard deviation (root mean
square). On disk: {disk}.
"""


def narrow() -> None:
    """Write the section on posteriors so narrow that float16 moves their means by SHIFTS."""
    mean = np.random.default_rng(0).standard_normal((20_000, 6)).astype(np.float32)
    short = mean.astype(np.float16)
    rows = "\n".join(narrowed(mean, short, moved) for moved in SHIFTS)
    title = "Evaluation: narrow posteriors in float16"
    write(title, NARROW.format(machine=machine(1), limit=SHIFT, rows=rows))


def narrowed(mean: np.ndarray, short: np.ndarray, moved: float) -> str:
    """A line of the table: what rounding alters, by the same samples of z."""
    logvar = np.zeros_like(mean) + 2 * np.log(shift(mean, np.zeros_like(mean), short) / moved)
    terms = [
        aggregate.decompose(Posterior(m, logvar, {}), {}, rng=np.random.default_rng(1))
        for m in (mean, short.astype(np.float32))
    ]
    off = [f"{getattr(terms[1], name) - getattr(terms[0], name):+.4f}" for name in TERMS]
    bound = mean.shape[1] * np.log1p(moved**2) / 2
    cells = [f"{moved:g}", f"{np.exp(logvar / 2).mean():.5f}", *off, f"{bound:.4f}"]
    return f"| {' | '.join(cells)} |"


NARROW = """\
20,000 images, 6 latents, means drawn from a standard normal, every posterior as narrow as makes
float16 move its means by so much, in its standard deviations (root mean square over the images):
the exact terms after rounding minus before, in nats, by the same samples of z, and the estimate
6 log(1 + shift^2) / 2. Above a shift of {limit:g} encoding refuses float16.

{machine} `python benchmarks/evaluation.py`

| shift | sigma | index-code MI | total correlation | dimension-wise KL | estimate |
|---|---|---|---|---|---|
{rows}
"""


if __name__ == "__main__":
    main()
