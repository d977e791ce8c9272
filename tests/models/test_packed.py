"""Where there is no Triton, nobody asks for it."""

import subprocess
import sys

import torch

from disentbench import plugins
from disentbench.likelihoods.bernoulli import Bernoulli
from disentbench.models import layers, packed
from disentbench.models.vae import VAE

LOADED = """
import sys
from disentbench.training import encode, loop
assert "disentbench.models._kernels" not in sys.modules
"""


def test_training_loads_no_kernels():
    subprocess.run([sys.executable, "-c", LOADED], check=True)


def test_without_triton_the_library_computes_a_pack(monkeypatch, recwarn):
    monkeypatch.setitem(sys.modules, "triton", None)
    monkeypatch.delitem(sys.modules, "disentbench.models._kernels", raising=False)
    monkeypatch.delattr("disentbench.models._kernels", raising=False)
    model = VAE(
        plugins.load("architectures", "conv_burgess2018")(), (1, 16, 16), 3, {}, Bernoulli()
    )
    assert not packed.available(torch.device("cuda"))
    assert packed.apply_for(model, torch.device("cuda")) is layers.apply
    assert not recwarn
