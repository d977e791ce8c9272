"""What a GPU measures of two members holds for more of them."""

import pytest
import torch
from builders.packs import tiny

from disentbench.models.device_images import Resident
from disentbench.models.vae import vae_of
from disentbench.training import devices, loop, parts

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no GPU here"),
]
RECIPE = tiny("hfvae", "conv_locatello2019", seeds="0-9", batch_size=64)
IMAGES = RECIPE.dataset.images()


@pytest.fixture
def gpu():
    with devices.use(1) as device:
        yield device


class Room(parts.Memory):
    """A GPU on which others leave so many bytes."""

    def __init__(self, device, left):
        super().__init__(device)
        self.left = left

    def free(self):
        return self.left


def test_a_pack_takes_no_more_memory_than_it_is_cut_for(gpu, tmp_path):
    resident = Resident(IMAGES, gpu)
    problem = loop.Problem(vae_of(RECIPE), RECIPE.objective, RECIPE.training, resident)
    memory, side_by_side = parts.Memory(gpu), []
    left = 3 * memory.needed(lambda: parts._attempt(problem, [0, 1]))

    def train():
        loop.train(
            *(RECIPE, IMAGES, gpu, tmp_path / "parts"),
            memory=Room(gpu, left),
            report=lambda seeds, step, loss: side_by_side.append(len(seeds)),
        )

    assert memory.needed(train) < left + resident.rows.nbytes
    assert set(side_by_side) == {4, 2}  # of 0.8 times what six need
