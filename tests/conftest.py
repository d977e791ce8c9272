"""Shapes written in signatures are checked while the tests run; one thread a test process."""

import torch
from jaxtyping import install_import_hook

install_import_hook("disentbench", "beartype.beartype")
torch.set_num_threads(1)
