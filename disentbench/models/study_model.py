"""The model and the objective that a study of a single pack trains."""

import torch

from disentbench.models.vae import VAE
from disentbench.objectives import Objective
from disentbench.study import Study

DTYPES = {"float32": torch.float32, "bf16": torch.bfloat16}


def vae(study: Study) -> VAE:
    """The model, for the images of the study's only data set."""
    (dataset,), objective = study.datasets, only_objective(study)
    return VAE(
        study.network,
        study.dataset(dataset).image_shape,
        study.latents,
        objective.structure().discrete,
        DTYPES[study.training.precision],
    )


def only_objective(study: Study) -> Objective:
    """The objective, its settings filled in."""
    (name,) = study.objectives
    ((_, objective),) = study.settings(name)
    return objective
