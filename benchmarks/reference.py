"""The supervised metrics as their papers and published code read, on scikit-learn and scipy.

They are what one writes without caring for time, and what `metrics.py` measures disentbench by.
Each takes codes [image, latent] and factors [image, factor] and returns values under the names that
disentbench uses; rows to fit and to score on are those of disentbench, given the same generator.
"""

import numpy as np
from scipy.stats import entropy
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, mutual_info_score, roc_auc_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from disentbench.metrics._splits import train_test


def binned(codes):
    """Every latent in 20 equal-width bins."""
    edges = [np.histogram(z, 20)[1][:-1] for z in codes.T]
    return np.stack([np.digitize(z, e) for z, e in zip(codes.T, edges, strict=True)], axis=1)


def information(codes, factors):
    """I(z_j; v_k) of binned codes [latent, factor]."""
    return np.array([[mutual_info_score(v, z) for v in factors.T] for z in binned(codes).T])


def entropies(classes):
    return np.array([mutual_info_score(v, v) for v in classes.T])


def mig(codes, factors):
    ordered = np.sort(information(codes, factors), axis=0)[::-1]
    return {"mig": np.mean((ordered[0] - ordered[1]) / entropies(factors))}


def mig_sup(codes, factors):
    mi, active = information(codes, factors), codes.var(0) > 0.01
    gap, share = (np.diff(np.sort(m, axis=1)[:, -2:])[:, 0] for m in (mi, mi / entropies(factors)))
    return {
        "mig_sup": np.mean(gap / entropies(binned(codes))),
        "mig_sup_li2020": share[active].mean(),
    }


def dcimig(codes, factors):
    mi = information(codes, factors)
    kept = np.zeros(factors.shape[1])
    for row in mi:
        second, first = np.sort(row)[-2:]
        kept[row.argmax()] = max(kept[row.argmax()], first - second)
    return {"dcimig": kept.sum() / entropies(factors).sum()}


def jemmig(codes, factors):
    mi, bins, h = information(codes, factors), binned(codes), entropies(factors)
    scores = []
    for k, v in enumerate(factors.T):
        best, second = np.argsort(mi[:, k])[::-1][:2]
        pair = np.unique(np.stack([bins[:, best], v]), axis=1, return_counts=True)[1]
        scores.append(1 - (entropy(pair) - mi[best, k] + mi[second, k]) / (h[k] + np.log(20)))
    return {"jemmig": np.mean(scores)}


def modularity(codes, factors):
    scores = []
    for row in information(codes, factors) ** 2:
        others = row.sum() - row.max()
        scores.append(1 - others / (row.max() * (len(row) - 1)) if row.max() > 0 else 0.0)
    active = codes.var(0) > 0.01
    return {"modularity": np.mean(scores), "modularity_active": np.array(scores)[active].mean()}


def explicitness(codes, factors, rng):
    train, test = train_test(len(codes), rng)
    scaler = StandardScaler().fit(codes[train])
    areas = []
    for v in factors.T:
        model = LogisticRegression(max_iter=1000).fit(scaler.transform(codes[train]), v[train])
        p = model.predict_proba(scaler.transform(codes[test]))
        areas.append(np.mean([roc_auc_score(v[test] == c, p[:, c]) for c in model.classes_]))
    return {"explicitness": np.mean(areas)}


def sap(codes, factors, rng):
    train, test = train_test(len(codes), rng)
    accuracy = np.zeros((codes.shape[1], factors.shape[1]))
    for j in range(codes.shape[1]):
        for k in range(factors.shape[1]):
            machine = LinearSVC(C=0.01, class_weight="balanced", random_state=0)
            machine.fit(codes[train, j, None], factors[train, k])
            accuracy[j, k] = machine.score(codes[test, j, None], factors[test, k])
    ordered = np.sort(accuracy, axis=0)[::-1]
    return {"sap": np.mean(ordered[0] - ordered[1])}


def sap_r2(codes, factors):
    r2 = np.zeros((codes.shape[1], factors.shape[1]))
    for j, z in enumerate(codes.T):
        for k, v in enumerate(factors.T):
            covariance = np.cov(z, v)
            if covariance[0, 0] > 1e-12:
                r2[j, k] = covariance[0, 1] ** 2 / (covariance[0, 0] * covariance[1, 1])
    ordered = np.sort(r2, axis=0)[::-1]
    return {"sap_r2": np.mean(ordered[0] - ordered[1])}


def irs(codes, factors):
    codes = codes[:, codes.std(0) > 0]
    largest = abs(codes - codes.mean(0)).max(0)
    robustness = np.zeros((codes.shape[1], factors.shape[1]))
    for k, v in enumerate(factors.T):
        moved = []
        for c in np.unique(v):
            z = codes[v == c]
            moved.append(np.percentile(abs(z - z.mean(0)), 99, axis=0))
        robustness[:, k] = 1 - np.mean(moved, axis=0) / largest
    return {"irs": np.average(robustness.max(1), weights=largest)}


def dci(codes, factors, rng):
    train, test = train_test(len(codes), rng)
    importance, accuracy = np.zeros((codes.shape[1], factors.shape[1])), []
    for k, v in enumerate(factors.T):
        model = GradientBoostingClassifier(random_state=0).fit(codes[train], v[train])
        importance[:, k] = abs(model.feature_importances_)
        accuracy.append(model.score(codes[test], v[test]))
    per_latent = 1 - entropy(importance.T + 1e-11, base=importance.shape[1])
    per_factor = 1 - entropy(importance + 1e-11, base=importance.shape[0])
    return {
        "dci_disentanglement": np.average(per_latent, weights=importance.sum(1)),
        "dci_completeness": np.average(per_factor, weights=importance.sum(0)),
        "dci_informativeness": np.mean(accuracy),
    }


class Grid:
    """Images by their factors, where every combination of classes is one row of the table."""

    def __init__(self, factors):
        self.sizes = factors.max(0) + 1
        self.rows = np.empty(len(factors), int)
        self.rows[np.ravel_multi_index(factors.T, self.sizes)] = np.arange(len(factors))

    def factors(self, count, rng):
        return np.stack([rng.integers(size, size=count) for size in self.sizes], axis=1)

    def find(self, factors):
        return self.rows[np.ravel_multi_index(factors.T, self.sizes)]


def beta_vae_score(codes, factors, rng):
    grid, points = Grid(factors), np.empty((15_000, codes.shape[1]))
    fixed = rng.integers(factors.shape[1], size=len(points))
    for i, k in enumerate(fixed):
        one, other = grid.factors(64, rng), grid.factors(64, rng)
        other[:, k] = one[:, k]
        points[i] = np.mean(abs(codes[grid.find(one)] - codes[grid.find(other)]), axis=0)
    model = LogisticRegression(max_iter=1000).fit(points[:10_000], fixed[:10_000])
    return {"beta_vae_score": model.score(points[10_000:], fixed[10_000:])}


def factor_vae_score(codes, factors, rng):
    grid, variance = Grid(factors), codes.var(0, ddof=1)
    active = np.sqrt(variance) >= 0.05
    fixed = rng.integers(factors.shape[1], size=15_000)
    votes = np.zeros((2, active.sum(), factors.shape[1]), int)
    for i, k in enumerate(fixed):
        batch = grid.factors(64, rng)
        batch[:, k] = batch[0, k]
        local = codes[grid.find(batch)].var(0, ddof=1)
        votes[int(i >= 10_000), np.argmin(local[active] / variance[active]), k] += 1
    right = votes[1, np.arange(active.sum()), votes[0].argmax(1)].sum()
    return {"factor_vae_score": right / 5_000}


def info(codes, factors, rng):
    span, z = np.ptp(codes, axis=0), StandardScaler().fit_transform(codes)
    active, seed = span >= span.max() / 20, int(rng.integers(2**31))
    known, explicit = np.zeros((active.sum(), factors.shape[1])), []
    for k, v in enumerate(factors.T):
        mi = mutual_info_classif(z[:, active], v, n_neighbors=10, random_state=seed)
        known[:, k] = mi / mutual_info_score(v, v)
        model = LogisticRegression(C=np.inf, max_iter=1000).fit(z, v)
        explicit.append(1 - log_loss(v, model.predict_proba(z)) / mutual_info_score(v, v))
    return {
        "info_m": share(known),
        "info_e": np.mean(explicit),
        "info_c": share(known.T),
    }


def share(matrix):
    """The mean over rows of largest / sum, so that 0 is uniform."""
    uniform = 1 / matrix.shape[1]
    return (np.mean(matrix.max(1) / matrix.sum(1)) - uniform) / (1 - uniform)
