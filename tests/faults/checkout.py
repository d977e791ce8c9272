"""A small study in a copy of the checkout: run as users run it, and compared file by file."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import yaml

from disentbench.storage import expected
from disentbench.storage.study_file import read_study

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PARTS = ("Snakefile", "workflow", "configs", "disentbench")
CONFIG = "faults.yaml"
RESULTS = "results/faults"
RERUN = (
    *("--cores", "all", "--configfile", CONFIG),
    *("--workflow-profile", "workflow/profiles/default"),
)
LONGEST = 900  # seconds; a workflow that takes longer hangs

STUDY = {
    "study": "faults",
    "datasets": {
        "tiny": {
            "of": "dsprites_small",
            "posX": {"stride": 8},
            "posY": {"stride": 8},
            "scale": [0, 5],
        }
    },
    "objectives": {
        "beta_tcvae": {"beta": [1, 2, 4, 6, 8]},
        "hfvae": {"beta": [4], "groups": {"position": [0, 1]}, "discrete": {"shape": 3}},
    },
    "seeds": "0-1",
    "pack": 2,
    "latents": 4,
    "architecture": {"of": "mlp_chen2018", "hidden": 32},
    "training": {"steps": 300, "batch_size": 32, "learning_rate": 0.001},
    "metrics": ["mig", "decomposition", "elbo"],
}


class Checkout(NamedTuple):
    """A folder with the code and a study of six packs."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / RESULTS

    @property
    def witness(self) -> Path:
        """Where the processes write down what they have done; see witness/sitecustomize.py."""
        return self.folder / "witness"

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "PYTHONPATH": f"{self.folder}:{HERE / 'witness'}",
            "DISENTBENCH_FAULTS": str(self.witness),
            "OMP_NUM_THREADS": "1",
        }

    @property
    def packs(self) -> list[Path]:
        """The folders of the packs."""
        study = read_study(STUDY)
        return [self.results / pack.path for pack in study.packs]

    def start(self, *options: str) -> subprocess.Popen:
        """The workflow, in a session of its own; what it says is added to snakemake.log."""
        with (self.folder / "snakemake.log").open("a") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "snakemake", *RERUN, *options],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def rerun(self, *options: str) -> int:
        """The exit code of the workflow, run to its end."""
        return self.start(*options).wait(LONGEST)

    def command(self, *arguments) -> subprocess.CompletedProcess:
        """A command run by hand."""
        return subprocess.run(
            [Path(sys.executable).with_name("disentbench"), *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST,
        )

    def words(self) -> str:
        """What the workflow has said, and its logs."""
        logs = [self.folder / "snakemake.log", *sorted(self.results.rglob("logs/*.log"))]
        return "\n".join(log.read_text(errors="replace") for log in logs if log.exists())

    def content(self) -> dict[str, str]:
        """The digest of every file of the results, whatever its name begins with.

        Logs and what jobs took are other ones every time.
        """
        paths = [path for path in self.results.rglob("*") if path.is_file()]
        return {
            path.relative_to(self.results).as_posix(): digest(path)
            for path in paths
            if path.suffix not in (".log", ".tsv")
        }


def laid_out(folder: Path) -> Checkout:
    """A copy of the checkout, whose trainings save several times in the seconds that they take.

    They count a second for a step: what a clock says would be in their files, other every time.
    """
    folder.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / part)
    options = " --checkpoints ", " --checkpoint-seconds 0.3 --checkpoints "
    replace(folder / "workflow/rules/train.smk", *options)
    replace(folder / "disentbench/training/effort.py", "self.clock.taken(state)", "float(made)")
    (folder / CONFIG).write_text(yaml.safe_dump(STUDY, sort_keys=False))
    checkout = Checkout(folder)
    checkout.witness.mkdir()
    return checkout


def replace(path: Path, text: str, other: str) -> None:
    """Write another text in the place of one that is in a file."""
    before = path.read_text()
    assert text in before
    path.write_text(before.replace(text, other, 1))


def copied(checkout: Checkout, folder: Path) -> Checkout:
    """The same with its results, as old as they are, and all that Snakemake knows of them."""
    shutil.copytree(checkout.folder, folder, symlinks=True)
    (folder / "snakemake.log").unlink()
    return Checkout(folder)


def differences(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    """What was lost, what is there and should not be, and what has another content."""
    lost = [f"lost: {name}" for name in sorted(expected.keys() - found.keys())]
    left = [f"left behind: {name}" for name in sorted(found.keys() - expected.keys())]
    both = sorted(found.keys() & expected.keys())
    return lost + left + [f"other: {name}" for name in both if found[name] != expected[name]]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def recipe(number: int) -> str:
    """The study of one pack alone, as the commands take it."""
    study = read_study(STUDY)
    return study.recipe(study.packs[number]).text


def whole_study() -> str:
    return read_study(STUDY).text


def options() -> str:
    """The data set's options, as the command takes them."""
    return json.dumps(
        {key: value for key, value in STUDY["datasets"]["tiny"].items() if key != "of"}
    )


def identity(command: str) -> str:
    """What the workflow has the checksums say of this command's results, of the first pack."""
    study = read_study(STUDY)
    of = {
        "score": expected.of_pack(study.recipe(study.packs[0]), "scores/mig"),
        "levels": expected.of_dataset(study, "tiny", "levels/mig"),
        "audit": expected.audit(study, "tiny"),
    }
    return json.dumps(of.get(command))
