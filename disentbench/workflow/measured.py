"""The throughput of this machine, found out with some steps of a study's own trainings."""

from disentbench.recipe import Pack
from disentbench.study import Study
from disentbench.training import devices
from disentbench.training.rate import images_per_second
from disentbench.workflow.hours import Throughput


def measured(study: Study) -> Throughput:
    """What one core takes here, or one GPU where there is one; nothing is written.

    Each objective is measured on each kind of data set, at the middle of its settings: at an end it
    may be another's loss, as beta-TCVAE at beta = 1 is the VAE's.
    """
    kinds: dict[tuple, list[Pack]] = {}
    for pack in study.packs:
        kinds.setdefault(_kind(study, pack), []).append(pack)
    with devices.use(1) as device:
        rates = {
            kind: images_per_second(study.recipe(packs[len(packs) // 2]), device)
            for kind, packs in kinds.items()
        }
        name = devices.processor(device)["processor"]
    source = f"measured here: {name}"
    return Throughput(lambda pack: rates[_kind(study, pack)], source, device.type == "cuda")


def _kind(study: Study, pack: Pack) -> tuple:
    """What a step's time depends on beside the study's own network and batches."""
    dataset = study.dataset(pack.dataset)
    return pack.objective, study.file_of("datasets", pack.dataset), dataset.image_shape
