"""Which images the numbers of a page are of, and how their latents are kept, in words."""

from disentbench.report.text import count, fixed, listed
from disentbench.storage.latents_file import SHIFT
from disentbench.study import Study
from disentbench.study.evaluation import WHOLE, Evaluate

KEPT = {
    "float32": "latents kept in float32",
    "float16": "latents kept in float16: numbers to 2⁻¹¹ of their size, and no latent’s posterior "
    f"means moved by more than {SHIFT:g} of their standard deviation (root mean square)",
}
PART = (
    "Wherever this page says all images, these are meant: q(z) is the mixture of their posteriors "
    "alone, and the index-code mutual information is at most the logarithm of their number. "
    "Training drew from the whole data set."
)


def words(study: Study) -> str:
    """All images, or how many of which and what that means; in how many bits."""
    evaluate = study.evaluate
    if evaluate.part == WHOLE:
        return f"all images, {KEPT[evaluate.latents]}"
    counts = listed(_counted(study, name) for name in study.datasets)
    return f"{counts}, {_chosen(evaluate)}; {KEPT[evaluate.latents]}. {PART}"


def _counted(study: Study, name: str) -> str:
    dataset = study.dataset(name)
    of = f" of {name}" if len(study.datasets) > 1 else ""
    return f"{fixed(study.evaluate.count(dataset), 0)} of {count(dataset.size, 'image')}{of}"


def _chosen(evaluate: Evaluate) -> str:
    """How a part of the images was chosen."""
    if evaluate.images is not None:
        return "drawn once without replacement, the same for every run"
    if isinstance(evaluate.stride, int):
        return f"one class in {evaluate.stride} of every factor"
    steps = (f"one class in {step} of {name}" for name, step in evaluate.stride.items())
    return f"{listed(steps)}, all classes of the other factors"
