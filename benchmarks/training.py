"""How many images per second are trained on, and what of the hardware's rate that is.

    make bench        this machine's processor, beside the peers; some minutes
    make bench-gpu    its GPU; under ten minutes, needs PyTorch and no Snakemake

Writes its sections of benchmarks/RESULTS.md.
"""

import argparse
import subprocess
import sys
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import torch
from sections import machine, write
from steps import (
    OBJECTIVES,
    Case,
    Trainer,
    copy_rate,
    operations,
    problem,
    product_rate,
    rate,
    steps_in,
)

from disentbench import devices, train
from disentbench.kernels import native

ARCHITECTURES = ("conv_locatello2019", "conv_burgess2018", "mlp_chen2018")
ROUNDS, SECONDS = 7, 8.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--peers", type=Path, help="the Python of an environment with the peers")
    parser.add_argument("--contender", nargs=3, help=argparse.SUPPRESS)  # way, precision, cores
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        parser.error("PyTorch finds no GPU here; `make bench` measures this machine's processor")
    devices.keep_memory()
    if arguments.contender:
        print(contender(*arguments.contender))
    elif arguments.device == "cuda":
        write("Training, GPU", on_gpu(torch.device("cuda")))
    else:
        torch.set_num_threads(1)
        write("Training, CPU: what it costs", on_cpu(torch.device("cpu")))
        write("Training, CPU: where a step's time goes", profiled())
        if arguments.peers:
            write("Training, CPU: beside the peers", beside_peers(arguments.peers))


# The processor.


def on_cpu(device: torch.device) -> str:
    """The cost by objective, architecture, precision, members and steps, on one core."""
    cases = [
        *(Case(objective=name) for name in OBJECTIVES),
        *(Case(architecture=name, precision=p) for name in ARCHITECTURES for p in train.DTYPES),
        Case(precision="float32", way="library"),
        Case(batch=256, architecture="mlp_chen2018"),
        Case(batch=256, architecture="mlp_chen2018", objective="vae"),
    ]
    before = {precision: product_rate(device, precision) for precision in train.DTYPES}
    rates = {case: rate(case, device) for case in cases}
    after = {precision: product_rate(device, precision) for precision in train.DTYPES}
    peak = {precision: max(before[precision], after[precision]) for precision in train.DTYPES}
    rows = []
    for case, found in rates.items():
        model = problem(case, device, together=False).model
        share = found * operations(model) / peak[case.precision]
        what = (case.objective, case.architecture, case.precision, case.batch, case.way or "ours")
        rows.append((*what, f"{found:,.0f}", f"{1e3 * case.batch / found:.1f}", f"{share:.2f}"))
    return CPU.format(
        machine=machine(1),
        copy=copy_rate(device) / 1e9,
        float32=peak["float32"] / 1e9,
        bf16=peak["bf16"] / 1e9,
        rows=table(rows),
        growth=table(growth(device)),
    )


def growth(device: torch.device) -> list[tuple]:
    """Seconds of more steps, more images a step and more members, in float32."""
    base = Case(precision="float32")
    rows = []
    for steps, batch, members in [
        *((steps, 64, 1) for steps in (10, 20, 40, 80)),
        *((10, batch, 1) for batch in (128, 256, 512)),
        *((10, 64, members) for members in (2, 4, 8)),
    ]:
        found = rate(base._replace(batch=batch, members=members), device, steps)
        total = steps * batch * members
        rows.append((steps, batch, members, f"{total / found:.2f}", f"{found:,.0f}"))
    return rows


def profiled() -> str:
    """Of a step of conv_locatello2019 at batch 64, one core: the time by kind of operation."""
    device, columns = torch.device("cpu"), {}
    for precision in ("bf16", "float32"):
        trainer = Trainer(Case(precision=precision), [0], device, together=False)
        steps_in(trainer, 10)
        cpu = torch.profiler.ProfilerActivity.CPU
        with torch.profiler.profile(activities=[cpu]) as profile, named_in_c():
            steps_in(trainer, 30)
        spent = defaultdict(float)
        for event in profile.key_averages():
            spent[kind(event.key)] += event.self_cpu_time_total / 30e3
        columns[precision] = spent
    found = [name for name in KINDS if any(spent[name] for spent in columns.values())]
    rows = [(name, *(f"{columns[precision][name]:.1f}" for precision in columns)) for name in found]
    rows.append(("all", *(f"{sum(spent.values()):.1f}" for spent in columns.values())))
    return PROFILE.format(machine=machine(1), rows=table(rows))


@contextmanager
def named_in_c():
    """The functions of native.c by name, for the profiler."""
    run = native.run

    def named(name: str, *arguments) -> None:
        with torch.profiler.record_function(f"native::{name}"):
            run(name, *arguments)

    native.run = named
    try:
        yield
    finally:
        native.run = run


KINDS = {
    "convolutions in C, forward and gradients to inputs": (
        *("native::down", "native::up", "native::up_to_few"),
    ),
    "convolutions in C, gradients to weights": ("native::of_weight",),
    "dense layers in C": ("native::dense", "native::dense_to_x", "native::dense_of_weight"),
    "convolutions, forward": ("aten::mkldnn_convolution", "aten::_convolution"),
    "convolutions, gradients": ("aten::convolution_backward",),
    "matrix products": ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm"),
    "ReLU, biases and other elementwise": (
        *("aten::relu_", "aten::threshold_backward", "aten::add_", "aten::add", "aten::sum"),
        *("aten::mul", "aten::sub", "aten::addcmul", "aten::softplus", "aten::sigmoid"),
        *("aten::exp", "aten::neg", "aten::pow", "aten::logsumexp", "aten::mean", "aten::div"),
    ),
    "copies, casts and gathers": (
        *("aten::copy_", "aten::clone", "aten::index", "aten::index_select", "aten::cat"),
        *("aten::zero_", "aten::fill_", "aten::_index_put_impl_", "aten::stack"),
    ),
    "Adam": ("aten::_fused_adam_",),
    "dispatch and bookkeeping": (),
}


def kind(operation: str) -> str:
    """The kind that an operation is of; what is of none is bookkeeping."""
    return next((name for name, keys in KINDS.items() if operation in keys), [*KINDS][-1])


def contender(way: str, precision: str, cores: str) -> float:
    """The rate of one member on so many cores."""
    torch.set_num_threads(int(cores))
    case = Case(precision=precision, way=None if way == "ours" else way)
    return rate(case, torch.device("cpu"), steps=200, rounds=1)


def beside_peers(peers: Path) -> str:
    """Every contender in turn, several rounds, on two cores."""
    here = Path(__file__).parent
    ours, theirs = [sys.executable, here / "training.py"], [peers, here / "peers.py"]
    timing = ("--seconds", str(SECONDS))
    contenders = {
        "disentbench, bf16": [[*ours, "--contender", "ours", "bf16", "1"]] * 2,
        "disentbench, float32": [[*ours, "--contender", "ours", "float32", "1"]] * 2,
        "one model, eager PyTorch": [[*ours, "--contender", "library", "float32", "2"]],
        "disent 0.8.0": [[*theirs, "disent", *timing, "--threads", "2"]],
        "disent 0.8.0, two at once": [[*theirs, "disent", *timing, "--threads", "1"]] * 2,
        "pythae 0.1.2": [[*theirs, "pythae", *timing, "--threads", "2"]],
        "pythae 0.1.2, two at once": [[*theirs, "pythae", *timing, "--threads", "1"]] * 2,
    }
    rates = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, commands in contenders.items():
            rates[name].append(sum(at_once(commands)))
    rows = []
    for name, found in rates.items():
        span = f"{min(found):,.0f} to {max(found):,.0f}"
        times = (times_of(found, rates[peer]) for peer in ("disent 0.8.0", "pythae 0.1.2"))
        rows.append((name, f"{median(found):,.0f}", span, *times))
    return PEERS.format(machine=machine(2), rows=table(rows), rounds=ROUNDS)


def times_of(found: list[float], peers: list[float]) -> str:
    """How many times a peer's rate, round by round, for the machine is faster in some than in
    others: the median round, the least and the best."""
    times = sorted(mine / theirs for mine, theirs in zip(found, peers, strict=True))
    return f"{median(times):.2f} ({times[0]:.2f} to {times[-1]:.2f})"


def at_once(commands: list[list]) -> list[float]:
    """What each of some commands prints last, all run at the same time."""
    running = [
        subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
        for command in commands
    ]
    said = [process.communicate()[0] for process in running]
    return [float(text.split()[-1]) for text in said]


# The GPU.


def on_gpu(device: torch.device) -> str:
    """The cost by way and mode, pack size, objective, architecture and precision."""
    peak = {precision: product_rate(device, precision) for precision in train.DTYPES}
    cases = [
        *(Case(members=50, way=way, mode=mode) for way in GPU_WAYS for mode in MODES),
        Case(way="library", precision="float32"),
        *(Case(members=members) for members in (1, 5, 10, 25, 50, 100, 200)),
        *(Case(members=50, precision="float32", mode=mode) for mode in MODES),
        *(Case(members=50, objective=name) for name in OBJECTIVES),
        *(Case(members=50, architecture=name) for name in ARCHITECTURES),
        *(Case(members=50, batch=batch) for batch in (128, 256)),
    ]
    rows = []
    for case in dict.fromkeys(cases):
        rows.append((*case[:5], case.way or "ours", case.mode, *gpu_cells(case, device, peak)))
        print(*rows[-1], sep="  ", flush=True)  # a run that is cut short has said something
    return GPU.format(
        machine=machine(1, "cuda"),
        copy=copy_rate(device) / 1e9,
        float32=peak["float32"] / 1e12,
        bf16=peak["bf16"] / 1e12,
        rows=table(rows),
    )


GPU_WAYS = ("library", "products")
MODES = ("eager", "graph", "compile")


def gpu_cells(case: Case, device: torch.device, peak: dict[str, float]) -> tuple[str, str, str]:
    """Images per second, part of the matrix products' rate, peak memory; or why there are none."""
    torch.cuda.reset_peak_memory_stats()
    try:
        found = rate(case, device)
    except Exception as error:  # one way that fails says so in its row, and the others go on
        return f"{type(error).__name__}: {str(error).splitlines()[0][:60]}", "", ""
    model = problem(case, device, together=True).model
    share = found * operations(model) / peak[case.precision]
    memory = torch.cuda.max_memory_allocated() / 1e9
    return f"{found:,.0f}", f"{share:.3f}", f"{memory:.1f}"


def table(rows: list[tuple]) -> str:
    """Lines of a Markdown table."""
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


CPU = """\
Beta-TCVAE or as named, 10 latents, images of 64 x 64; one core, one member. Operations are those of
the affine layers, forward and backward; their part is of the rate of a large matrix product on this
core, PyTorch's or ours: float32 {float32:.0f}, bf16 {bf16:.0f} GFLOP/s. A copy of 256 MB moves
{copy:.1f} GB/s, read and written. The way `library` is PyTorch's own layers, as one would write the
model.

{machine} `make bench`

| objective | architecture | precision | batch | layers | images/s | ms a step | part of the rate |
|---|---|---|---|---|---|---|---|
{rows}

More steps, images and members cost in proportion (one core, float32, conv_locatello2019):

| steps | batch | members | seconds | images/s |
|---|---|---|---|---|
{growth}
"""

PROFILE = """\
Milliseconds of a step of conv_locatello2019, beta-TCVAE, batch 64, one core, by PyTorch's profiler
(which itself costs some).

{machine} `make bench`

| | bf16 | float32 |
|---|---|---|
{rows}
"""

PEERS = """\
Beta-TCVAE on the layers of conv_locatello2019 (Locatello et al. 2019, table 1), batch 64, images of
64 x 64, on both cores of this machine. Every contender in turn, {rounds} rounds; images per second
of the median round, the least and the best, and how many times the peer's of the same round that
is, again of the median round, the least and the best. disentbench trains as its workflow does: two
jobs, each on a core. The peers run their own training loop, loss and loader at their defaults, once
with both cores for one model and once with two models at a time, each on a core. Eager PyTorch is
disentbench's own loop with PyTorch's own layers, on both cores.

{machine} `make bench`

| | images/s | least to best | times disent | times pythae |
|---|---|---|---|---|
{rows}
"""

GPU = """\
Beta-TCVAE or as named, 10 latents, images of 64 x 64, so many members vectorised. `library` is
PyTorch's layers under vmap (grouped convolutions), `products` batched matrix products, ours what
disentbench takes. Operations are those of the affine layers, forward and backward; their part is of
the rate of a large matrix product: float32 {float32:.0f}, bf16 {bf16:.0f} TFLOP/s. A copy of 1 GB
moves {copy:.0f} GB/s, read and written.

{machine} `make bench-gpu`

| objective | architecture | precision | batch | members | layers | mode | images/s | part | GB |
|---|---|---|---|---|---|---|---|---|---|
{rows}
"""


if __name__ == "__main__":
    main()
