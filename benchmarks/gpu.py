"""How many images per second a pack is trained on, and what part of the GPU's rate that is.

    make bench-gpu      needs PyTorch for the GPU, and no Snakemake; a minute or two

Writes its section of benchmarks/RESULTS.md.
"""

import argparse

import torch
from sections import machine, write
from steps import Case, copy_rate, line, operations, product_rate, resident, step_seconds

from disentbench import plugins
from disentbench.models.device_images import Resident
from disentbench.models.vae import DTYPES
from disentbench.training import devices

CASES = (
    *(Case(members=members) for members in (1, 2, 5, 10, 25, 50, 100, 200)),
    *(Case(precision="float32", members=members) for members in (1, 50)),
    *(Case(architecture=name) for name in plugins.names("architectures")),
    *(Case(objective=name) for name in plugins.names("objectives")),
    *(Case(batch=batch) for batch in (256, 1024)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.parse_args()
    if not torch.cuda.is_available():
        parser.error("PyTorch finds no GPU here")
    with devices.use(1) as device:
        write("Training, GPU", measured(tuple(dict.fromkeys(CASES)), device))


def measured(cases: tuple[Case, ...], device: torch.device, side: int = 8192) -> str:
    """The section: a row a case, printed as it comes."""
    images = resident(cases[0], device)
    peak = {precision: product_rate(device, precision, side) for precision in DTYPES}
    rows = []
    for case in cases:
        rows.append(row(case, images, peak[case.precision]))
        print(rows[-1], flush=True)
    return TEXT.format(
        machine=machine(1, device.type),
        copy=copy_rate(device, side) / 1e9,
        **{precision: rate / 1e12 for precision, rate in peak.items()},
        rows="\n".join(rows),
    )


def row(case: Case, images: Resident, peak: float) -> str:
    """A line of the table."""
    on_gpu = images.device.type == "cuda"
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    seconds = step_seconds(case, images)
    rate = case.members * case.batch / seconds
    share = rate * operations(case, images) / peak
    memory = torch.cuda.max_memory_allocated() / 1e9 if on_gpu else float("nan")
    measured = f"{rate:,.0f}", f"{1e3 * seconds:.1f}", f"{share:.4f}", f"{memory:.1f}"
    return line(*case, *measured)


TEXT = """\
Images per second of all members of a pack, trained as one, images of 64 x 64 and 10 latents: the
product's own step, replayed as a graph where it can be, the best of three rounds. Its convolutions
and matrix products, forward and backward, come to the part named of the rate of a large matrix
product on the same device ({float32:.0f} TFLOP/s in float32, {bf16:.0f} in bf16); a large copy
moves {copy:,.0f} GB/s, read and written. GB is the most that was allocated on the device.

{machine} `make bench-gpu`

| objective | architecture | precision | batch | members | images/s | ms a step | part | GB |
|---|---|---|---|---|---|---|---|---|
{rows}"""


if __name__ == "__main__":
    main()
