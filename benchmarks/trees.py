"""DCI by our boosted trees beside those of libraries that bring histograms, in one run.

    pip install lightgbm
    OMP_NUM_THREADS=1 python benchmarks/trees.py

Prints a Markdown table: CPU seconds and DCI on the oracle tables, with the value of the published
code. scikit-learn's histogram trees have no importances; theirs are read from private fields.
"""

import json
import time
from pathlib import Path

import h5py
import lightgbm
import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier

from disentbench.metrics._boosting import boost
from disentbench.metrics._splits import train_test
from disentbench.metrics.dci import concentration

ORACLES = Path(__file__).parent.parent / "tests" / "oracles"
VALUES = ("disentanglement", "completeness", "informativeness_test")


def ours(train, classes, test):
    trees = boost(train, classes, test, rng=np.random.default_rng(0))
    return trees.importance, trees.predicted


def by_lightgbm(train, classes, test):
    trees = lightgbm.LGBMClassifier(
        max_depth=3,
        num_leaves=8,
        importance_type="gain",
        max_bin=127,
        min_child_samples=1,
        n_jobs=1,
        verbose=-1,
    ).fit(train, classes)
    return trees.feature_importances_, trees.predict(test)


def by_histograms(train, classes, test):
    trees = HistGradientBoostingClassifier(
        max_depth=3, max_bins=127, early_stopping=False, min_samples_leaf=1, max_leaf_nodes=None
    ).fit(train, classes)
    importance = np.zeros(train.shape[1])
    for predictor in (each for iteration in trees._predictors for each in iteration):
        inner = predictor.nodes[predictor.nodes["is_leaf"] == 0]
        np.add.at(importance, inner["feature_idx"], inner["gain"])
    return importance, trees.predict(test)


def measured(fit, codes, factors):
    """CPU seconds, then D, C and I of all factors."""
    train, test = train_test(len(codes), np.random.default_rng(0))
    began = time.process_time()
    fitted = [fit(codes[train], v[train], codes[test]) for v in factors.T]
    seconds = time.process_time() - began
    R = np.stack([importance / importance.sum() for importance, _ in fitted], axis=1)
    accuracy = np.mean([p == v[test] for (_, p), v in zip(fitted, factors.T, strict=True)])
    return seconds, concentration(R), concentration(R.T), accuracy


def main():
    torch.set_num_threads(1)
    oracles = json.loads((ORACLES / "oracles.json").read_text())
    print("| table | trees | CPU s | D | C | I |\n|---|---|---|---|---|---|")
    for name in ("l_btcvae", "g_noisy", "f_noise"):
        with h5py.File(ORACLES / f"{name}.h5") as file:
            codes, factors = file["mean"][:], file["factors"][:].astype(int)
        known = [oracles[name][f"dlib_split.dci.{value}"]["mean"] for value in VALUES]
        print(f"| {name} | published code | | " + " | ".join(f"{v:.4f}" for v in known) + " |")
        for label, fit in (
            ("disentbench", ours),
            ("LightGBM", by_lightgbm),
            ("scikit-learn, histograms", by_histograms),
        ):
            seconds, *values = measured(fit, codes, factors)
            row = " | ".join(f"{v:.4f}" for v in values)
            print(f"| {name} | {label} | {seconds:.2f} | {row} |", flush=True)


if __name__ == "__main__":
    main()
