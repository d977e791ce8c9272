"""DCI by our boosted trees beside scikit-learn's, which define it, and beside trees on histograms.

    OMP_NUM_THREADS=1 python benchmarks/trees.py              # a table to print
    OMP_NUM_THREADS=1 python benchmarks/trees.py --small      # without the large tables

Prints a Markdown table: CPU seconds, and D, C and I as the mean over two seeds of the trees, with
every latent's sign at random: where two features split a class off equally well, scikit-learn's
choice hangs on rounding, and so on signs. The histogram trees have no importances; theirs are read
from private fields.
"""

import argparse
import json
import time
from pathlib import Path

import h5py
import numpy as np
import torch
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier

from disentbench.metrics._boosting import boost
from disentbench.metrics._splits import train_test
from disentbench.metrics.dci import concentration

ORACLES = Path(__file__).parent.parent / "tests" / "oracles"
VALUES = ("disentanglement", "completeness", "informativeness_test")
UNBALANCED = [[0.85, 0.1, 0.04, 0.01], [0.9, 0.08, 0.02], [0.5, 0.25, 0.13, 0.06, 0.04, 0.02]]
RARE = [[0.97, 0.01, 0.01, 0.01], [0.96, 0.02, 0.02], [0.4, 0.3, 0.3]]


def ours(train, classes, test, seed):
    trees = boost(train, classes, test, rng=np.random.default_rng(seed))
    return trees.importance, trees.predicted


def by_definition(train, classes, test, seed):
    trees = GradientBoostingClassifier(random_state=seed).fit(train, classes)
    return trees.feature_importances_, trees.predict(test)


def by_histograms(train, classes, test, seed):
    trees = HistGradientBoostingClassifier(
        max_depth=3,
        max_bins=127,
        early_stopping=False,
        min_samples_leaf=1,
        max_leaf_nodes=None,
        random_state=seed,
    ).fit(train, classes)
    importance = np.zeros(train.shape[1])
    for predictor in (tree for iteration in vars(trees)["_predictors"] for tree in iteration):
        inner = predictor.nodes[predictor.nodes["is_leaf"] == 0]
        np.add.at(importance, inner["feature_idx"], inner["gain"])
    return importance / max(importance.sum(), 1e-300), trees.predict(test)


TREES = {
    "disentbench": ours,
    "scikit-learn": by_definition,
    "scikit-learn, 127 bins": by_histograms,
}


def made_up(shares, images, latents=10):
    """Factors whose classes have these shares, and latents that know them through noise."""
    rng = np.random.default_rng(1)
    factors = np.stack([rng.choice(len(p), images, p=p) for p in shares], axis=1)
    z = (factors - factors.mean(0)) / factors.std(0)
    mixed = z @ rng.standard_normal((len(shares), latents)) * (rng.random(latents) < 0.7)
    return np.float32(mixed + rng.standard_normal((images, latents))), factors


def oracle(name):
    with h5py.File(ORACLES / f"{name}.h5") as file:
        return file["mean"][:], file["factors"][:].astype(int)


def measured(fit, codes, factors, seed):
    """CPU seconds, then D, C and I of all factors."""
    train, test = train_test(len(codes), np.random.default_rng(0))
    began = time.process_time()
    codes = codes * np.random.default_rng(seed).choice(
        np.array([-1, 1], np.float32), codes.shape[1]
    )
    fitted = [fit(codes[train], v[train], codes[test], seed) for v in factors.T]
    seconds = time.process_time() - began
    R = np.stack([importance for importance, _ in fitted], axis=1)
    accuracy = np.mean([p == v[test] for (_, p), v in zip(fitted, factors.T, strict=True)])
    return seconds, concentration(R), concentration(R.T), accuracy


def show(name, codes, factors, names=tuple(TREES), seeds=2):
    for label in names:
        runs = [measured(TREES[label], codes, factors, seed) for seed in range(seeds)]
        seconds, *values = np.mean(runs, axis=0)
        row = " | ".join(f"{v:.4f}" for v in values)
        print(f"| {name} | {label} | {seconds:.2f} | {row} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="leave the published tables out")
    small = parser.parse_args().small
    torch.set_num_threads(1)
    print("| table | trees | CPU s | D | C | I |\n|---|---|---|---|---|---|")
    for label, shares in (("unbalanced", UNBALANCED), ("rare", RARE)):
        for images in (1500, 4608):
            show(f"{label}, {images:,} images", *made_up(shares, images))
    oracles = json.loads((ORACLES / "oracles.json").read_text())
    for name in () if small else ("l_btcvae", "g_noisy", "f_noise"):
        known = [oracles[name][f"dlib_split.dci.{value}"]["mean"] for value in VALUES]
        print(f"| {name} | published code | | " + " | ".join(f"{v:.4f}" for v in known) + " |")
        show(name, *oracle(name), ("disentbench", "scikit-learn, 127 bins"), seeds=1)


if __name__ == "__main__":
    main()
