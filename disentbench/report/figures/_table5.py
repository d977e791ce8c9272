"""Published shares of variance: Locatello et al. 2019 (arXiv:1811.12359), Table 5.

Per cent of a score's variance that is explained by the objective, and by the objective with its
strength: six objectives, six strengths of each, 50 seeds, least squares on categories.
"""

from disentbench.study import Study

VALUES = ("beta_vae_score", "dci_disentanglement", "factor_vae_score", "mig", "modularity", "sap")
PUBLISHED = {
    "dsprites": ((29, 59), (41, 77), (47, 54), (26, 72), (29, 39), (31, 56)),
    "dsprites_color": ((30, 69), (39, 80), (52, 61), (26, 76), (23, 40), (29, 56)),
    "dsprites_noisy": ((17, 26), (21, 42), (17, 25), (11, 29), (41, 50), (6, 20)),
    "smallnorb": ((68, 87), (71, 89), (58, 81), (71, 88), (62, 72), (62, 82)),
    "cars3d": ((1, 4), (36, 69), (26, 42), (34, 59), (37, 51), (13, 17)),
    "shapes3d": ((31, 61), (21, 78), (14, 53), (20, 59), (26, 49), (10, 35)),
}
SWEEPS = {
    "beta_vae": ("beta", (1, 2, 4, 6, 8, 16)),
    "factor_vae": ("gamma", (10, 20, 30, 40, 50, 100)),
    "dip_vae_i": ("lambda_od", (1, 2, 5, 10, 20, 50)),
    "dip_vae_ii": ("lambda_od", (1, 2, 5, 10, 20, 50)),
    "beta_tcvae": ("beta", (1, 2, 4, 6, 8, 10)),
    "annealed_vae": ("c_max", (5, 10, 25, 50, 75, 100)),
}


def published(study: Study, dataset: str) -> dict[str, tuple[int, int]]:
    """The published per cents by value; empty unless data set, objectives and strengths match."""
    file = study.file_of("datasets", dataset)
    changed = set(study.datasets[dataset]) - {"of"}
    if file not in PUBLISHED or changed or _sweeps(study) != SWEEPS:
        return {}
    return dict(zip(VALUES, PUBLISHED[file], strict=True))


def _sweeps(study: Study) -> dict[str, tuple[str, tuple] | None]:
    """What every objective sweeps, by its file; none of one that sets something else."""
    sweeps: dict[str, tuple[str, tuple] | None] = {}
    for name, options in study.objectives.items():
        keys = [key for key in options if key != "of"]
        points = study.sweep(name)
        swept = (keys[0], tuple(point.get(keys[0]) for point in points)) if len(keys) == 1 else None
        sweeps[study.file_of("objectives", name)] = swept
    return sweeps
