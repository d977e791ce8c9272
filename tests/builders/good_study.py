"""A study without a mistake, and what comes of it when one value is changed."""

import copy

GOOD = {
    "study": "good",
    "datasets": {"grid": {"of": "dsprites_small", "scale": [0, 5]}},
    "objectives": {
        "vae": {},
        "beta_tcvae": {"beta": [1, 4.0, 0.5], "gamma": [1, 3]},
        "grouped": {"of": "hfvae", "beta": 2, "groups": {"a": [0, 1]}, "discrete": {"s": 3}},
    },
    "seeds": "3-11",
    "pack": 5,
    "latents": 6,
    "architecture": {"of": "mlp_chen2018", "hidden": 8},
    "training": {"steps": 10, "batch_size": 16},
    "metrics": ["mig"],
}


def changed(path, value):
    """The good study with one value changed; a value of None removes the key."""
    raw = copy.deepcopy(GOOD)
    *parents, key = path.split("/")
    part = raw
    for parent in parents:
        part = part[parent]
    if value is None:
        del part[key]
    else:
        part[key] = value
    return raw
