"""Published shares of variance: Locatello et al. 2019 (arXiv:1811.12359), Table 5; their protocol.

Per cent of a score's variance that is explained by the objective, and by the objective with its
strength: six objectives, six strengths of each, 50 seeds, least squares on categories. The protocol
is that of the authors' code (disentanglement_lib, unsupervised_study_v1), said as a study says it.
"""

from functools import cache
from typing import Any, NamedTuple

from disentbench import plugins
from disentbench.report.figures._protocols import Difference, ScoredImages, differences
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
IMAGES = {  # how many, and their channels, height and width
    "dsprites": (737_280, (1, 64, 64)),
    "dsprites_color": (737_280, (3, 64, 64)),
    "dsprites_noisy": (737_280, (3, 64, 64)),
    "smallnorb": (48_600, (1, 64, 64)),
    "cars3d": (17_568, (3, 64, 64)),
    "shapes3d": (480_000, (3, 64, 64)),
}
ROWS = {"dsprites_small": "dsprites", "dsprites_npz": "dsprites"}  # data sets under another name
PROTOCOL: dict[str, Any] = {
    "study": "locatello2019",
    "datasets": ["dsprites"],
    "objectives": {
        "beta_vae": {"beta": [1, 2, 4, 6, 8, 16]},
        "factor_vae": {"gamma": [10, 20, 30, 40, 50, 100]},
        "dip_vae_i": {"lambda_od": [1, 2, 5, 10, 20, 50]},
        "dip_vae_ii": {"lambda_od": [1, 2, 5, 10, 20, 50]},
        "beta_tcvae": {"beta": [1, 2, 4, 6, 8, 10]},
        "annealed_vae": {"c_max": [5, 10, 25, 50, 75, 100]},
    },
    "seeds": "0-49",
    "latents": 10,
    "architecture": "conv_locatello2019",
    "training": {
        "steps": 300_000,
        "batch_size": 64,
        "sampling": "with_replacement",
        "learning_rate": 0.0001,
        "initialisation": "glorot",
    },
    "metrics": ["beta_vae_score", "dci", "factor_vae_score", "mig", "modularity", "sap"],
}
MEASURED = "10,000 drawn with replacement, and 5,000 more to test on"


class PublishedShares(NamedTuple):
    """The row of Table 5 of a data set, and where its protocol is not that of the study."""

    row: str
    shares: dict[str, tuple[int, int]]  # per cents by value
    differences: list[Difference]


def published(study: Study, dataset: str) -> PublishedShares | None:
    """What was published of a data set, by the protocol that was followed.

    None unless the table has a row of the data set, in whatever part and size, and the study has
    the same six objectives, each of them once.
    """
    file = study.file_of("datasets", dataset)
    row = ROWS.get(file, file)
    files = sorted(study.file_of("objectives", name) for name in study.objectives)
    if row not in PUBLISHED or files != sorted(PROTOCOL["objectives"]):
        return None
    return PublishedShares(
        plugins.load("datasets", row).label,
        dict(zip(VALUES, PUBLISHED[row], strict=True)),
        list(differences(_protocol(), ScoredImages(*IMAGES[row], MEASURED), study, dataset)),
    )


@cache
def _protocol() -> Study:
    return Study.model_validate(PROTOCOL)
