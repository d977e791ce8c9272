"""Ways of computing a convolution's three products on a processor, one core, side by side.

    python benchmarks/layers.py

Says what stands between a training step and the processor's rate: the rates that the library's
convolutions reach forward and for each gradient, those of plain matrix products of the same
arithmetic and those of our own in C; and what torch.compile makes of a step. Writes its section of
benchmarks/RESULTS.md.
"""

from functools import partial
from typing import NamedTuple
from unittest import mock

import torch
import torch.nn.functional as F
from sections import machine, write
from steps import Case, Trainer, steps_in, timed

from disentbench import devices, train
from disentbench.kernels import native

BATCH, ROUNDS = 64, 7
CPU = torch.device("cpu")


class Shape(NamedTuple):
    """A convolution of kernel 4 and stride 2 from `large` channels at 2 side to `small` at side."""

    large: int
    small: int
    side: int

    @property
    def operations(self) -> int:
        return 2 * BATCH * 16 * self.large * self.small * self.side**2


SHAPES = [Shape(32, 32, 16), Shape(32, 64, 8), Shape(64, 64, 4), Shape(1, 32, 32)]


def main() -> None:
    torch.set_num_threads(1)
    devices.keep_memory()
    rows = [row(shape, layout) for shape in SHAPES for layout in LAYOUTS]
    write(
        "Training, CPU: what was tried",
        TEXT.format(machine=machine(1), head=table(HEAD), rows=table(rows), **whole()),
    )


LAYOUTS = {"channels last": torch.channels_last, "channels first": torch.contiguous_format}


def row(shape: Shape, layout: str) -> tuple:
    """GFLOP/s of each way in bf16."""
    best = dict.fromkeys(tasks := ways(shape, LAYOUTS[layout]), 0.0)
    for _ in range(ROUNDS):  # the ways in turn, so that a slow moment of the machine hits them all
        for name, task in tasks.items():
            best[name] = max(best[name], shape.operations / timed(task, CPU) / 1e9)
    size = f"{shape.large} x {2 * shape.side}² to {shape.small} x {shape.side}²"
    return (size, layout, *(f"{best[name]:.0f}" if name in best else "" for name in COLUMNS))


COLUMNS = (
    *("forward", "to input", "to weight", "transposed", "with bias", "its weight", "and bias"),
    *("product", "of weight", "forward in C", "transposed in C", "weight in C"),
)
HEAD = [("layer", "layout", *COLUMNS), ("---",) * (2 + len(COLUMNS))]


def ways(shape: Shape, layout) -> dict:
    """The library's three products, transposed forward with a bias and without, the gradient of a
    transposed convolution's weight with its bias's, two matrix products of the arithmetic, and ours
    in C, which have channels last alone."""
    large, small, side = shape
    x = drawn(BATCH, large, 2 * side, 2 * side).contiguous(memory_format=layout)
    y = drawn(BATCH, small, side, side).contiguous(memory_format=layout)
    w, bias = drawn(small, large, 4, 4).contiguous(memory_format=layout), drawn(large)
    squares, blocks = (
        drawn(BATCH * (side + 1) ** 2, 4 * small),
        drawn(BATCH * (side + 1) ** 2, 4 * large),
    )
    places = drawn(4 * small, 4 * large)

    def gradients(g, x, transposed, *wanted):
        biases = [x.shape[1] if not transposed else g.shape[1]] if wanted[2] else None
        shape = (biases, [2, 2], [1, 1], [1, 1], transposed, [0, 0], 1)
        return torch.ops.aten.convolution_backward(g, x, w, *shape, list(wanted))

    weight, biases = w.float().contiguous(), drawn(small).float()
    in_c = {
        "forward in C": lambda: native.down(x, weight, biases, rectified=True),
        "transposed in C": lambda: native.up(y, weight, bias.float()),
        "weight in C": lambda: native.of_weight(x, y, weight),
    }
    library = {
        "forward": lambda: F.conv2d(x, w, None, 2, 1),
        "to input": lambda: gradients(y, x, False, True, False, False),
        "to weight": lambda: gradients(y, x, False, False, True, False),
        "transposed": lambda: F.conv_transpose2d(y, w, None, 2, 1),
        "with bias": lambda: F.conv_transpose2d(y, w, bias, 2, 1),
        "its weight": lambda: gradients(x, y, True, False, True, False),
        "and bias": lambda: gradients(x, y, True, False, True, True),
        "product": lambda: squares @ places,
        "of weight": lambda: squares.T @ blocks,
    }
    return library | (in_c if layout is torch.channels_last and native.can(x.dtype) else {})


def drawn(*size: int) -> torch.Tensor:
    return torch.randn(size).bfloat16()


def whole() -> dict[str, float]:
    """Milliseconds of a step with PyTorch's layers, eager and compiled, and with ours, without the
    layers in C and with them; seconds that compiling takes."""
    plain = Trainer(Case(way="library"), [0], CPU, together=False)
    ours = Trainer(Case(), [0], CPU, together=False)
    losses = train.member_losses
    compiled = torch.compile(partial(losses, plain.problem, step=0), dynamic=False)

    def without_c(*arguments):
        with mock.patch.object(native, "serves", return_value=False):
            return losses(*arguments)

    cases = {
        "eager": (plain, losses),
        "compiled": (plain, lambda problem, *batch: compiled(*batch[:-1])),
        "python": (ours, without_c),
        "ours": (ours, losses),
    }
    times = {name: [] for name in cases}
    for turn in range(ROUNDS):
        for name, (trainer, function) in cases.items():
            train.member_losses = function
            first = steps_in(trainer, 1)
            if turn == 0 and name == "compiled":
                seconds = first
            times[name].append(steps_in(trainer, 4) / 4 * 1e3)
    return {name: min(found) for name, found in times.items()} | {"seconds": seconds}


def table(rows: list[tuple]) -> str:
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


TEXT = """\
GFLOP/s of PyTorch's convolutions (kernel 4, stride 2, bf16, batch 64) and of matrix products of the
same arithmetic, without the gathering that these need: forward, the gradients to the input and to
the weight; transposed forward without and with a bias, the gradient to its weight alone and with
its bias's; squares of the small side times the weight, and squares times blocks of the large side.
In C (disentbench/kernels/native.c) forward is with a bias and a ReLU, transposed with a bias; the
gradients to inputs are the same two functions.

{machine} `python benchmarks/layers.py`

{head}
{rows}

A whole step (conv_locatello2019, beta-TCVAE, bf16): PyTorch's own layers {eager:.1f} ms, the same
under torch.compile {compiled:.1f} ms (after {seconds:.0f} s of compiling), ours {python:.1f} ms
without the layers in C and {ours:.1f} ms with them.
"""


if __name__ == "__main__":
    main()
