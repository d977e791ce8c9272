"""What the metrics cost, beside what their definitions cost when written down plainly.

    python benchmarks/metrics.py

Both sides run in this process, one after the other, with the same number of threads. The sections
of benchmarks/RESULTS.md that were measured are written anew.
"""

import argparse
import inspect
import math
import resource
import time
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import reference
import torch
from sections import machine, write
from threadpoolctl import threadpool_limits

from disentbench import plugins
from disentbench.posterior import Posterior, aggregate
from disentbench.posterior.from_arrays import represent
from disentbench.scoring.scores import needs

HERE = Path(__file__).parent
TABLE = HERE.parent / "tests" / "oracles" / "l_btcvae.h5"
SUITE = (
    *("mig", "mig_sup", "dcimig", "jemmig", "modularity", "explicitness", "sap", "sap_r2"),
    *("irs", "dci", "beta_vae_score", "factor_vae_score", "info"),
)
SIZES = (3, 6, 40, 32, 32)  # of dSprites' factors: shape, scale, orientation, x, y
SAMPLES = 10_000
TERMS = ("rate", "index_code_mi", "total_correlation", "dimension_wise_kl")
EXACT_COMMAND = "python benchmarks/metrics.py --only decomposition"


def main() -> None:
    arguments = parse()
    torch.set_num_threads(arguments.threads)
    with threadpool_limits(arguments.threads):
        if arguments.only != "decomposition":
            write("Metrics: the supervised suite", suite(arguments))
        if arguments.only != "suite":
            write("Metrics: the exact decomposition", exact(arguments))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["suite", "decomposition"], help="one of the two parts")
    parser.add_argument(
        "--threads", type=int, default=1, help="of one thread the CPU time is work and no waiting"
    )
    return parser.parse_args()


def suite(arguments) -> str:
    """Every supervised metric on the 9,216 x 10 table, ours and the reference's."""
    with h5py.File(TABLE) as file:
        codes, factors = file["mean"][:], file["factors"][:].astype(np.int64)
    run = represent(codes, factors)
    lines, fast, slow = [], 0.0, 0.0
    for name in SUITE:
        inputs = {need: getattr(run, need) for need in needs(name)}
        ours, mine = timed(partial(plugins.load("metrics", name).compute, **inputs))
        theirs, plain = timed(partial(getattr(reference, name), codes, factors))
        lines.append(suite_row(name, mine, plain, ours.values, theirs))
        print(lines[-1], flush=True)
        fast, slow = fast + mine, slow + plain
    lines.append(suite_row("**total**", fast, slow, {}, {}))
    return SUITE_TEXT.format(
        rows=len(codes),
        latents=codes.shape[1],
        machine=machine(arguments.threads),
        command="python benchmarks/metrics.py --only suite",
        table="\n".join(lines),
        ratio=slow / fast,
    )


def timed(function):
    """What it returns, and its CPU seconds."""
    takes_rng = "rng" in inspect.signature(function).parameters
    given = {"rng": np.random.default_rng(0)} if takes_rng else {}
    result, _, cpu = clocked(partial(function, **given))
    return result, cpu


def cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def suite_row(name, ours, plain, values, reference_values) -> str:
    both = (f"{key} {values[key]:.4f} / {reference_values[key]:.4f}" for key in values)
    return f"| {name} | {ours:.3f} | {plain:.3f} | {plain / ours:.1f} | {', '.join(both)} |"


SUITE_TEXT = """\
CPU seconds of this one run, on {rows:,} images x {latents} latents of a published beta-TCVAE
encoder: disentbench beside scikit-learn versions of the published definitions
(benchmarks/reference.py), with both values. Values of metrics that draw rows, pairs or trees
differ by their sampling.

{machine} `{command}`

| metric | disentbench, s | reference, s | times less | values, disentbench / reference |
|---|---|---|---|---|
{table}

In total **{ratio:.0f} times less CPU time**.
"""


def exact(arguments) -> str:
    """The decomposition and MIG of as many images as dSprites has, beside the direct sums."""
    rng = np.random.default_rng(0)
    factors = np.indices(SIZES).reshape(len(SIZES), -1).T.astype(np.int64)
    posterior = like_dsprites(factors, rng)
    (terms, information), wall, cpu = clocked(both_metrics, posterior, factors, rng)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9  # Linux counts in KiB
    joint, marginal, off = direct_costs(posterior, rng)
    once = SAMPLES * posterior.mean.size
    direct = once * (joint + 5 * marginal)
    text = EXACT_TEXT.format(
        images=len(factors),
        latents=posterior.mean.shape[1],
        samples=SAMPLES,
        machine=machine(arguments.threads),
        command=EXACT_COMMAND,
        wall=wall,
        cpu=cpu,
        peak=peak,
        once=once,
        count=6 * once,
        ours=cpu / (6 * once) * 1e9,
        joint=joint * 1e9,
        marginal=marginal * 1e9,
        direct=f"{direct / 3600:.2f} h" if direct > 600 else f"{direct:.1f} s",
        ratio=f"{direct / cpu:.2g}",
        off=off,
        terms=", ".join(f"{name} {getattr(terms, name):.3f}" for name in TERMS),
        tc_se=terms.total_correlation_se,
        best=", ".join(f"{x:.3f}" for x in information.max(0)),
    )
    print(text)
    return text


def both_metrics(posterior, factors, rng):
    terms = aggregate.decompose(posterior, {}, samples=SAMPLES, rng=rng)
    return terms, aggregate.mutual_information(posterior, factors)


def clocked(function, *arguments):
    """What it returns, the wall time and the CPU time of all threads and child processes."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    result = function(*arguments)
    return result, time.perf_counter() - wall, cpu_seconds() - cpu


def like_dsprites(factors, rng) -> Posterior:
    """Five latents that know position, scale and shape, orientation; five that are the prior."""
    shape, scale, _, x, y = (factors / (np.array(SIZES) - 1)).T
    angle = 2 * np.pi * factors[:, 2] / SIZES[2] * (1 + factors[:, 0])
    mean = 0.02 * rng.standard_normal((len(factors), 10))
    mean[:, 0] = 3.2 * (x - 0.5) + 0.1 * rng.standard_normal(len(factors))
    mean[:, 1] = 3.2 * (y - 0.5) + 0.1 * rng.standard_normal(len(factors))
    mean[:, 2] = 2.5 * (scale - 0.5) + 0.6 * (shape - 0.5)
    mean[:, 3], mean[:, 4] = 1.3 * np.sin(angle), 1.3 * np.cos(angle)
    sigma = np.array([0.06, 0.06, 0.15, 0.2, 0.2, 1, 1, 1, 1, 1])
    spread = np.where(sigma < 1, 0.3, 0.01)
    logvar = 2 * (np.log(sigma) + spread * rng.standard_normal(mean.shape))
    return Posterior(mean.astype(np.float32), logvar.astype(np.float32), {})


def direct_costs(posterior, rng):
    """Seconds per density of the two direct sums, and how far the two ways' log q(z) are apart."""
    rows = rng.choice(len(posterior.mean), 8192, replace=False)
    few = Posterior(posterior.mean[rows], posterior.logvar[rows], {})
    sample = aggregate.draw(few, 1024, rng)
    z, mean, logvar = (
        torch.as_tensor(a, dtype=torch.float32) for a in (sample.z, few.mean, few.logvar)
    )
    joint, marginal = (
        best_of_three(function, z, mean, logvar) for function in (direct_joint, direct_marginals)
    )
    direct = direct_joint(z, mean, logvar)
    off = abs(direct - aggregate.log_density(few, sample)).max()
    return joint / (z.numel() * len(mean)), marginal / (z.numel() * len(mean)), off


def best_of_three(function, *tensors) -> float:
    """Seconds of CPU time; the shortest, in its favour."""
    return min(cpu for _, _, cpu in (clocked(function, *tensors) for _ in range(3)))


def direct_joint(z, mean, logvar):
    """log q(z) and all log q(z_j) from one set of densities, as for the total correlation."""
    joint = []
    for density in densities(z, mean, logvar):
        joint.append(density.sum(1).logsumexp(1))
        density.logsumexp(2)
    return (torch.cat(joint) - math.log(len(mean))).numpy()


def direct_marginals(z, mean, logvar):
    """All log q(z_j), as for the entropies in MIG."""
    marginals = [density.logsumexp(2) for density in densities(z, mean, logvar)]
    return (torch.cat(marginals) - math.log(len(mean))).numpy()


def densities(z, mean, logvar):
    """log N(z_j; mean_nj, sigma_nj) [sample, latent, image], of some samples at a time.

    Of the layouts this one suits the sum over images best: it takes half the time of
    [sample, image, latent].
    """
    mean, logvar = mean.T.contiguous(), logvar.T.contiguous()
    constant, precise = logvar + math.log(2 * math.pi), torch.exp(-logvar / 2)
    for some in z.split(10):
        yield -0.5 * (((some[:, :, None] - mean) * precise) ** 2 + constant)


EXACT_TEXT = """\
The decomposition of the rate and MIG (Chen) of {images:,} images x {latents} latents, {samples:,}
samples of z: a synthetic posterior shaped like a trained model's on dSprites. Times are those of
this one run.

{machine} `{command}`

| | |
|---|---|
| decomposition + MIG, all five factors, wall time | {wall:.1f} s |
| CPU time | {cpu:.1f} s |
| peak memory of the process | {peak:.2f} GB |
| densities that the direct method evaluates | {count:.3g} |
| ours, per such density | {ours:.4f} ns |
| direct, per density: joint and marginals / marginals alone | {joint:.2f} ns / {marginal:.2f} ns |
| direct, all densities at that cost (not run) | {direct} |
| direct / ours | **{ratio}** |
| largest difference of log q(z), 1,024 samples, 8,192 images | {off:.1e} nats |

What is counted: with N images, S samples and D latents the authors' code evaluates N S D =
{once:.3g} log-densities for log q(z) and all log q(z_j), and 5 N S D for MIG: the marginals, and
the marginals given the values of four factors. Ours is the whole time of both over those
6 N S D, though it evaluates the joint by matrix products, the marginals on a grid instead of at
samples, and a fifth factor besides. Direct is a broadcast of log N(z; mu_n, sigma_n) in float32
and logsumexp over the images, timed on 1,024 samples x 8,192 images, the
best of three. Both costs are CPU time.

Nats: {terms} (standard error of the total
correlation {tc_se:.3f}). I(z; v) of each factor's best latent: {best}.
"""


if __name__ == "__main__":
    main()
