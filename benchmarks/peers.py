"""Images per second that a peer's own training loop reaches: disent 0.8.0 or pythae 0.1.2.

    .venv-peers/bin/python benchmarks/peers.py disent --seconds 10 --threads 2

Run by benchmarks/cpu.py in an environment of the peers' own (`make bench` makes it). The peer
trains beta-TCVAE, beta 4, with its own loss, loop and data loader at their defaults, on the layers
of conv_locatello2019 and images of zeros and ones. Prints the rate and its peak memory in GB.
"""

import argparse
import importlib.machinery
import logging
import sys
import tempfile
import time
import types
import warnings

import numpy as np
import torch
from sections import peak_memory
from torch import nn

BATCH, LATENTS, WARM_UP = 64, 10, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", choices=["disent", "pythae"])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(arguments.threads)
    clock = Clock(arguments.seconds)
    try:
        {"disent": disent, "pythae": pythae}[arguments.peer](clock)
    except Enough:
        print(clock.rate, peak_memory())


class Enough(Exception):  # noqa: N818 - not an error
    """The time is up."""


class Clock:
    """Called after every step; raises Enough when so many seconds of steps have passed."""

    def __init__(self, seconds: float):
        self.seconds, self.steps = seconds, 0

    def tick(self) -> None:
        self.steps += 1
        if self.steps == WARM_UP:
            self.start = time.perf_counter()
        elif self.steps > WARM_UP and time.perf_counter() > self.start + self.seconds:
            self.rate = BATCH * (self.steps - WARM_UP) / (time.perf_counter() - self.start)
            raise Enough


def images(count: int = 4608) -> np.ndarray:
    """Pixels [image, 64, 64] of 0 and 1."""
    return (np.random.default_rng(0).random((count, 64, 64)) > 0.9).astype(np.uint8)


def encoder() -> nn.Sequential:
    """The layers of Locatello et al. 2019, table 1, up to the features."""
    down = [(1, 32, 4), (32, 32, 4), (32, 64, 2), (64, 64, 2)]
    layers = [
        layer for i, o, k in down for layer in (nn.Conv2d(i, o, k, 2, (k - 2) // 2), nn.ReLU())
    ]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(1024, 256), nn.ReLU())


def decoder() -> nn.Sequential:
    """Their mirror, up to the logits."""
    up = [(64, 64), (64, 32), (32, 32), (32, 1)]
    layers = [layer for i, o in up for layer in (nn.ConvTranspose2d(i, o, 4, 2, 1), nn.ReLU())]
    dense = [nn.Linear(LATENTS, 256), nn.ReLU(), nn.Linear(256, 1024), nn.ReLU()]
    return nn.Sequential(*dense, nn.Unflatten(1, (64, 4, 4)), *layers[:-1])


def disent(clock: Clock) -> None:
    """Its framework under Lightning's Trainer."""
    stand_in_for_torchvision()
    import lightning
    from disent.dataset import DisentDataset
    from disent.dataset.data import ArrayGroundTruthData
    from disent.dataset.sampling import SingleSampler
    from disent.frameworks.vae import BetaTcVae
    from disent.model import AutoEncoder, DisentDecoder, DisentEncoder

    class Encoder(DisentEncoder):
        def __init__(self):
            super().__init__(x_shape=(1, 64, 64), z_size=LATENTS, z_multiplier=2)
            self.model = nn.Sequential(encoder(), nn.Linear(256, 2 * LATENTS))

        def encode(self, x):
            return self.model(x)

    class Decoder(DisentDecoder):
        def __init__(self):
            super().__init__(x_shape=(1, 64, 64), z_size=LATENTS)
            self.model = decoder()

        def decode(self, z):
            return self.model(z)

    class Ticks(lightning.pytorch.callbacks.Callback):
        def on_train_batch_end(self, *_):
            clock.tick()

    pixels = images()[..., None] * 255
    data = ArrayGroundTruthData(pixels, ("a", "b"), (72, 64), array_chn_is_last=True)
    dataset = DisentDataset(data, SingleSampler(), transform=scaled)
    module = BetaTcVae(
        model=AutoEncoder(Encoder(), Decoder()),
        cfg=BetaTcVae.cfg(
            optimizer="adam",
            optimizer_kwargs={"lr": 1e-4},
            recon_loss="bce",
            loss_reduction="mean_sum",
            beta=4,
        ),
    )
    quiet = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    trainer = lightning.Trainer(
        max_epochs=-1, accelerator="auto", callbacks=[Ticks()], **dict.fromkeys(quiet, False)
    )
    trainer.fit(module, torch.utils.data.DataLoader(dataset, batch_size=BATCH, shuffle=True))


def scaled(pixels: np.ndarray) -> torch.Tensor:
    """[channel, h, w] in [0, 1], as torchvision's to_tensor gives."""
    return torch.from_numpy(pixels).permute(2, 0, 1).float().div(255)


def stand_in_for_torchvision() -> None:
    """disent imports torchvision for data sets and transforms that take no part here; where no
    build of it fits this PyTorch, empty classes stand in."""
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        sys.meta_path.insert(0, Empty())


class Empty:
    """Finds torchvision and its modules, with an empty class for every name asked of them."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torchvision":
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        module.__version__ = "0"
        module.__getattr__ = empty_class
        return module

    def exec_module(self, module):
        pass


def empty_class(name: str) -> type:
    if name.startswith("__"):
        raise AttributeError(name)
    return type(name, (), {})


def pythae(clock: Clock) -> None:
    """Its model under its own trainer."""
    from pythae.data.datasets import BaseDataset
    from pythae.models import BetaTCVAE, BetaTCVAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.features = encoder()
            self.mean, self.logvar = nn.Linear(256, LATENTS), nn.Linear(256, LATENTS)

        def forward(self, x):
            h = self.features(x)
            return ModelOutput(embedding=self.mean(h), log_covariance=self.logvar(h))

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.logits = decoder()

        def forward(self, z):
            return ModelOutput(reconstruction=self.logits(z).sigmoid())

    class Ticks(TrainingCallback):
        def on_train_step_end(self, training_config, **_):
            clock.tick()

    config = BetaTCVAEConfig(
        input_dim=(1, 64, 64), latent_dim=LATENTS, reconstruction_loss="bce", beta=4.0
    )
    pixels = torch.from_numpy(images()).float()[:, None]
    trainer = BaseTrainer(
        BetaTCVAE(config, encoder=Encoder(), decoder=Decoder()),
        BaseDataset(pixels, torch.zeros(len(pixels))),
        training_config=BaseTrainerConfig(
            output_dir=tempfile.mkdtemp(), per_device_train_batch_size=BATCH, learning_rate=1e-4
        ),
        callbacks=[Ticks()],
    )
    trainer.prepare_training()
    for epoch in range(1, 1_000_000):
        trainer.train_step(epoch)


if __name__ == "__main__":
    main()
