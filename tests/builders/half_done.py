"""A little study of which some is there: outputs, notes of how far a training is, locks."""

import json
import os
import time
from pathlib import Path

from disentbench.results import status as how_far
from disentbench.storage import jobs as jobs_of
from disentbench.storage import seals
from disentbench.storage.layout import StudyFolder
from disentbench.storage.study_file import read_study

STUDY = {
    "study": "little",
    "datasets": {"tiny": {"of": "dsprites_small", "posX": {"stride": 8}, "posY": {"stride": 8}}},
    "objectives": {"vae": {}, "beta_tcvae": {"beta": [1, 4]}},
    "seeds": "0-3",
    "pack": 2,
    "latents": 3,
    "architecture": {"of": "mlp_chen2018", "hidden": 8},
    "training": {"steps": 100, "batch_size": 8},
    "metrics": ["mig", "elbo"],
}
OF = read_study(STUDY)
PACKS = 6
EVERYTHING = {"data": 1, "train": PACKS, "encode": PACKS, "score": 2 * PACKS} | {
    **{"levels": 2, "audit": 1, "collect": 1, "report": 1}
}


def pack(results: Path, i: int = 0) -> Path:
    """The folder of a pack."""
    return results / "little" / OF.packs[i].path


def written(path: Path, content: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def made(job: jobs_of.Job, **said) -> Path:
    """A job's output that says what it is, `said` in place of some of it, and holds nothing."""
    said = job.identity | {"code": job.code} | said
    if job.output.suffix in seals.TABLES:
        seals.write_sums(written(job.output), identity=said)
    else:
        with seals.sealed(job.output, said) as path:
            path.touch()
    return job.output


def jobs(results: Path, stage: str = "") -> list[jobs_of.Job]:
    """The jobs of a stage, or of all."""
    return [
        job
        for job in jobs_of.jobs(OF, StudyFolder(results / "little"))
        if job.stage.startswith(stage)
    ]


def begun(results: Path, i: int = 0, **content) -> Path:
    """A training that has noted how far it is, and its lock."""
    content = {"done": 150, "total": 200, "seconds": 10, "began": 100} | content
    written(pack(results, i) / "checkpoints/progress.json", json.dumps(content))
    return pack(results, i) / "checkpoints.lock"


def lock(path: Path, host: str = "elsewhere", pid: int = 1, age: float = 0) -> Path:
    """The lock of a trainer that was last heard of so many seconds ago."""
    owner = f"filelock/2\npid={pid}\nhost={host}\nmode=lease\ntoken=a\nduration=30.0\n"
    written(path, owner)
    os.utime(path, (time.time() - age,) * 2)
    return path


def counts(results: Path, state: str) -> dict[str, int]:
    """How many outputs of every stage are in a state, where any are."""
    found = how_far.status(OF, results).jobs
    return {stage: n for stage, states in found.items() if (n := states[state])}
