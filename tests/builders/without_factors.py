"""A study of two data sets, one without factors and one drawn by weights.

Stripes are images without ground truth, as a folder of photographs would be.
"""

import yaml

STRIPES = '''"""Stripes at random places: images without ground truth."""

from typing import ClassVar

import numpy as np

from disentbench.datasets import Dataset, Images


class Stripes(Dataset):
    label: ClassVar[str] = "Stripes"
    reference: ClassVar[str] = "a test"

    many: int = 64

    @property
    def factors(self):
        return {}

    @property
    def size(self):
        return self.many

    @property
    def image_shape(self):
        return (1, 32, 32)

    def images(self):
        rows = np.random.default_rng(0).integers(0, 2, (self.many, 32, 1), dtype=np.uint8)
        return Images(
            name=self.name,
            label=self.label,
            shape=self.image_shape,
            factors=np.zeros((self.many, 0), np.int64),
            factor_names=(),
            factor_values=(),
            bits=np.packbits(rows.repeat(32, axis=2).reshape(self.many, -1), axis=1),
        )


dataset = Stripes
'''

SMALL = {
    "of": "dsprites_small",
    **{"posX": {"stride": 8}, "posY": {"stride": 8}, "scale": [0, 5]},
    "correlate": [{"factors": ["posX", "posY"], "sigma": 0.3}],
    "hold_out": [{"shape": "heart", "scale": 5}, {"posX": {"from": 0, "to": 10}, "shape": 0}],
}


def study(**changes):
    """A study of stripes and of small dSprites, as YAML."""
    return yaml.safe_dump(
        {
            "study": "photographs",
            "datasets": {"stripes": {}, "tiny": SMALL},
            "objectives": {"vae": {}},
            "seeds": "0-1",
            "pack": 2,
            "latents": 3,
            "architecture": {"of": "mlp_chen2018", "hidden": 8},
            "training": {"steps": 4, "batch_size": 8},
            "metrics": ["mig", "elbo", "active_units", "held_out"],
        }
        | changes,
        sort_keys=False,
    )
