"""What a training costs on this machine's processor, and beside the peers.

    make bench        some ten minutes, of which the peers take the most

The peers, disent and pythae, train in an environment of their own, which `make bench` makes. Writes
its sections of benchmarks/RESULTS.md.
"""

import argparse
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from sections import machine, peak_memory, write
from steps import CPU, Case, line, operations, product_rate, resident, step_seconds, stepper

from disentbench import plugins
from disentbench.models.device_images import Resident
from disentbench.models.layers import multiplies_bf16
from disentbench.models.vae import DTYPES
from disentbench.training import devices

HERE = Path(__file__).parent
CORES = 2
ROUNDS, SECONDS = 5, 8.0
ONE = Case(precision="float32", members=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, help="the Python of an environment with the peers")
    parser.add_argument("--only", choices=["costs", "peers"], help="one of the two parts")
    parser.add_argument("--contender", choices=DTYPES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    devices.keep_memory()
    torch.set_num_threads(1)
    if arguments.contender:
        print(*contender(arguments.contender))
        return
    if arguments.only != "peers":
        write("Training, CPU: what it costs", costs())
        write("Training, CPU: where a step's time goes", profiled())
    if arguments.only != "costs" and arguments.peers:
        write("Training, CPU: beside the peers", beside_peers(arguments.peers))


# What it costs.

CASES = (
    *(ONE._replace(objective=name) for name in plugins.names("objectives")),
    *(
        ONE._replace(architecture=name, precision=precision)
        for name in plugins.names("architectures")
        for precision in DTYPES
    ),
    *(ONE._replace(batch=batch) for batch in (16, 256)),
)


def costs() -> str:
    """The section on the cost of a step: by what is trained, then by how much of it."""
    images = resident(ONE, CPU)
    peak = product_rate(CPU, "float32", 2048)
    return COSTS.format(
        machine=machine(1),
        peak=peak / 1e9,
        rows="\n".join(cost(case, peak, images) for case in dict.fromkeys(CASES)),
        growth="\n".join(growth()),
    )


def cost(case: Case, peak: float, images: Resident) -> str:
    """A row: images per second, milliseconds, and the part of a large product's rate."""
    seconds = step_seconds(case, images)
    share = operations(case, images) * case.batch / seconds / peak
    what = (case.objective, case.architecture, case.precision, case.batch)
    return shown(
        line(*what, f"{case.batch / seconds:,.0f}", f"{1e3 * seconds:.1f}", f"{share:.2f}")
    )


def shown(row: str) -> str:
    """The row, printed as it comes."""
    print(row, flush=True)
    return row


def growth() -> list[str]:
    """Seconds of more steps, more images a step and more members, one after the other."""
    images = resident(ONE, CPU)
    rows = []
    for steps, batch, members in (
        *((steps, 64, 1) for steps in (10, 20, 40)),
        *((10, batch, 1) for batch in (128, 256)),
        *((10, 64, members) for members in (2, 4)),
    ):
        trainers = [stepper(ONE._replace(batch=batch), images) for _ in range(members)]
        seconds = best_of_three(lambda each=trainers, n=steps: sum(n * train(n) for train in each))
        total = steps * batch * members
        rows.append(shown(line(steps, batch, members, f"{seconds:.2f}", f"{total / seconds:,.0f}")))
    return rows


def best_of_three(task: Callable[[], float]) -> float:
    """The least of three numbers of seconds, after a warm-up."""
    return min([task() for _ in range(4)][1:])


# Where the time goes.


def profiled() -> str:
    """Milliseconds of a step by kind of operation."""
    steps = stepper(ONE, resident(ONE, CPU))
    steps(5)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        steps(20)
    spent: dict[str, float] = defaultdict(float)
    for event in profile.key_averages():
        spent[kind(event.key)] += event.self_cpu_time_total / 20e3
    rows = [line(name, f"{spent[name]:.1f}") for name in KINDS if spent[name]]
    rows.append(line("all", f"{sum(spent.values()):.1f}"))
    return PROFILE.format(machine=machine(1), rows="\n".join(rows))


def kind(operation: str) -> str:
    """The kind that an operation is of; what is of none is bookkeeping."""
    return next((name for name, keys in KINDS.items() if operation in keys), OTHER)


OTHER = "dispatch and bookkeeping"
KINDS = {
    "convolutions, forward": ("aten::mkldnn_convolution", "aten::_convolution"),
    "convolutions, gradients": ("aten::convolution_backward",),
    "matrix products": ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm"),
    "ReLU, biases and other elementwise": (
        *("aten::relu_", "aten::clamp_min_", "aten::threshold_backward", "aten::add_", "aten::add"),
        *("aten::mul", "aten::sub", "aten::addcmul", "aten::softplus", "aten::sigmoid"),
        *("aten::exp", "aten::neg", "aten::pow", "aten::logsumexp", "aten::mean", "aten::div"),
        *("aten::sum", "aten::sub_", "aten::mul_", "aten::clamp_min"),
    ),
    "copies, casts and gathers": (
        *("aten::copy_", "aten::clone", "aten::index", "aten::index_select", "aten::cat"),
        *("aten::zero_", "aten::fill_", "aten::_index_put_impl_", "aten::stack"),
        *("aten::pixel_shuffle", "aten::constant_pad_nd"),
    ),
    "Adam": ("aten::_fused_adam_",),
    OTHER: (),
}


# Beside the peers.


def contender(precision: str) -> tuple[float, float]:
    """Images per second of one member on one core for some seconds, and its peak memory in GB."""
    steps = stepper(ONE._replace(precision=precision), resident(ONE, CPU))
    steps(8)
    began, count = time.perf_counter(), 0
    while time.perf_counter() < began + SECONDS:
        steps(1)
        count += 1
    rate = ONE.batch * count / (time.perf_counter() - began)
    return rate, peak_memory()


Found = tuple[float, float]  # images per second and GB of memory


def beside_peers(python: Path) -> str:
    """Every contender in turn, several rounds, on both cores."""
    ours = [sys.executable, __file__, "--contender"]
    peer = [python, HERE / "peers.py", "--seconds", SECONDS]
    contenders: dict[str, tuple[list, int]] = {
        "disentbench, float32": ([*ours, "float32"], CORES),
        "disentbench, bf16": ([*ours, "bf16"], CORES),
        **{name: ([*peer, key, "--threads", CORES], 1) for key, name in PEERS.items()},
        **{f"{name}, two at once": ([*peer, key], CORES) for key, name in PEERS.items()},
    }
    found: dict[str, list[Found]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, (command, copies) in contenders.items():
            found[name].append(side_by_side(list(map(str, command)), copies))
            print(name, *found[name][-1], flush=True)
    rows = "\n".join(compared(name, found) for name in contenders)
    note = "" if multiplies_bf16() else NO_BF16
    return BESIDE.format(machine=machine(CORES), rounds=ROUNDS, rows=rows, note=note)


PEERS = {"disent": "disent 0.8.0", "pythae": "pythae 0.1.2"}


def side_by_side(command: list[str], copies: int) -> Found:
    """Rates and memories of some copies of a command that run at once, added up."""
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(copies)
    ]
    said = [process.communicate()[0].split()[-2:] for process in running]
    rates, memories = zip(*((float(rate), float(gb)) for rate, gb in said), strict=True)
    return sum(rates), sum(memories)


def compared(name: str, found: dict[str, list[Found]]) -> str:
    """A contender's row: its rate, and how many times each peer's of the same round that is."""
    rates = [rate for rate, _ in found[name]]
    cells = [f"{median(rates):,.0f}", f"{min(rates):,.0f} to {max(rates):,.0f}"]
    for peer in PEERS.values():
        ratios = [mine / theirs for mine, (theirs, _) in zip(rates, found[peer], strict=True)]
        cells.append(f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    return line(name, *cells, f"{max(gb for _, gb in found[name]):.2f}")


COSTS = """\
Beta-TCVAE or as named, 10 latents, images of 64 x 64; one core, one member. Convolutions and matrix
products, forward and backward, come to the part named of the rate of a large matrix product in
float32 on this core ({peak:.0f} GFLOP/s).

{machine} `make bench`

| objective | architecture | precision | batch | images/s | ms a step | part |
|---|---|---|---|---|---|---|
{rows}

More steps, images and members cost in proportion (float32, conv_locatello2019):

| steps | batch | members | seconds | images/s |
|---|---|---|---|---|
{growth}"""

PROFILE = """\
Milliseconds of a step of conv_locatello2019, beta-TCVAE, batch 64, float32, one core, by PyTorch's
profiler (which itself costs some).

{machine} `make bench`

| | ms |
|---|---|
{rows}"""

BESIDE = """\
Beta-TCVAE on the layers of conv_locatello2019 (Locatello et al. 2019, table 1), batch 64, images of
64 x 64, on two cores. Every contender in turn, {rounds} rounds; images per second of the median
round, the least and the best, and how many times the peer's of the same round that is, again of the
median round, the least and the best; peak memory of all its processes. disentbench trains as its
workflow does: two jobs, each on a core. The peers run their own training loop, loss and loader at
their defaults, once with both cores for one model and once with two models at a time, each on a
core.{note}

{machine} `make bench`

| | images/s | least to best | times disent | times pythae | GB |
|---|---|---|---|---|---|
{rows}"""

NO_BF16 = """ This processor has no products of bf16: disentbench then rounds what it multiplies to
bf16, and multiplies in float32."""


if __name__ == "__main__":
    main()
