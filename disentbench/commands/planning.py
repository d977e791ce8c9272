"""The command plan, which says what a study will be and cost before anything of it runs."""

from pathlib import Path
from typing import TYPE_CHECKING

from disentbench.errors import UserError
from disentbench.storage.study_file import read_study

if TYPE_CHECKING:
    from disentbench.study import Study
    from disentbench.workflow.hours import Throughput


def plan(
    *,
    study: str,
    results: Path,
    measure: bool,
    images_per_second: float | None,
    device: str | None,
    at_once: int,
    json: bool,
) -> None:
    """Say what a study will be and cost: runs, jobs, images, disk, memory, hours, and what is done.

    Nothing is run and nothing is written.
    """
    from disentbench.workflow import plan_text
    from disentbench.workflow.plan import plan as planned

    of = read_study(study)
    throughput = _throughput(of, measure, images_per_second, device)
    found = planned(of, results, throughput, at_once)
    print(plan_text.machine(found) if json else plan_text.text(found))


def _throughput(
    study: "Study", measure: bool, rate: float | None, device: str | None
) -> "Throughput | None":
    """What was asked for, which is one or nothing."""
    from disentbench.workflow import gpus, hours

    if measure + (rate is not None) + (device is not None) > 1:
        raise UserError(
            "--measure, --images-per-second and --device each say a throughput; give one of them"
        )
    if measure:
        from disentbench.workflow.measured import measured

        return measured(study)
    if rate is not None:
        return hours.given(rate, gpus.count())
    return None if device is None else hours.of_device(study, device)
