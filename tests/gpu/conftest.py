"""The device under test: the CPU, vectorised as a GPU would be, and the GPU where there is one."""

import pytest
import torch

from disentbench.training import devices

absent = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no GPU here")


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, absent])])
def device(request):
    """As the commands set it up."""
    if request.param == "cpu":
        yield torch.device("cpu")
        return
    with devices.use(1) as gpu:
        yield gpu
