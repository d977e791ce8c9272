"""A recipe for the tests of training; needs no more than training does."""

from disentbench import plugins
from disentbench.storage.study_file import read_recipe

SETTINGS = {
    "annealed_vae": {"c_max": 3, "threshold": 5},
    "factor_vae": {"gamma": 3, "critic_layers": 2, "critic_units": 16},
    "hfvae": {"beta": 3, "alpha": 2, "groups": {"a": [0, 1]}, "discrete": {"shape": 3}},
    "info_vae": {"alpha": 0.5, "lambda_mmd": 10},
}


GRID = {"of": "dsprites_small", "image_size": 16, "posX": [0, 9], "posY": [0, 8]}


def tiny(
    objective="beta_tcvae",
    architecture="mlp_chen2018",
    seeds="0-2",
    dataset=GRID,
    likelihood="bernoulli",
    **training,
):
    """A pack that trains in a blink."""
    model = plugins.load("objectives", objective)
    needed = {k: 3 for k, field in model.model_fields.items() if field.is_required()}
    options = {"of": architecture} | ({"hidden": 32} if "mlp" in architecture else {})
    return read_recipe(
        {
            "study": "tiny",
            "datasets": {"grid": dataset},
            "objectives": {objective: SETTINGS.get(objective, needed)},
            "seeds": seeds,
            "pack": 10,
            "latents": 3,
            "architecture": options,
            "likelihood": likelihood,
            "training": {"steps": 6, "batch_size": 16, "learning_rate": 1e-3} | training,
        }
    )
