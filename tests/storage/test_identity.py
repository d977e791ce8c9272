"""A file of another run under the name of this one's is found out by whoever reads it."""

import json
import re
import shutil
from pathlib import Path

import pytest

from disentbench.cli import main
from disentbench.storage import expected, files, identities, seals
from disentbench.storage.study_file import read_study

pytestmark = pytest.mark.usefixtures("quick_figures")

GRID = {"of": "dsprites_small", "posX": {"stride": 8}, "posY": {"stride": 8}, "scale": [0, 5]}
STUDY = {
    "study": "mine",
    "datasets": {"tiny": GRID, "other": GRID | {"scale": [1, 4]}},
    "objectives": {"vae": {}, "beta_tcvae": {"beta": [4]}},
    "seeds": "0-1",
    "pack": 2,
    "latents": 3,
    "architecture": {"of": "mlp_chen2018", "hidden": 8},
    "training": {"steps": 4, "batch_size": 8},
    "metrics": ["mig"],
}
OF = read_study(STUDY)
PACK, BETA, ELSEWHERE = OF.packs[0], OF.packs[1], OF.packs[2]
RERUN = "snakemake --cores all --configfile mine.yaml"


def run(*words) -> int:
    return main(list(map(str, words)))


def said(identity) -> str:
    return json.dumps(identity)


def data(root, name) -> int:
    recipe = OF.dataset_recipe(name)
    options = json.dumps({key: value for key, value in recipe.items() if key != "of"})
    return run("data", recipe["of"], "--options", options, "--out", root / name / "images.h5")


def train(root, pack=PACK, of=OF) -> int:
    own, images = root / pack.path, root / pack.dataset / "images.h5"
    words = ("--model", own / "model.pt", "--history", own / "history.csv", "--threads", 1)
    checkpoints = ("--checkpoints", own / "checkpoints")
    return run("train", of.recipe(pack).text, "--images", images, *words, *checkpoints)


def encode(root, pack=PACK) -> int:
    own, images = root / pack.path, root / pack.dataset / "images.h5"
    words = ("--model", own / "model.pt", "--latents", own / "latents.h5", "--threads", 1)
    return run("encode", OF.recipe(pack).text, "--images", images, *words)


def score(root, pack=PACK) -> int:
    own = root / pack.path
    of = {name: said(expected.of_pack(OF.recipe(pack), name)) for name in ("latents", "scores/mig")}
    words = ("--out", own / "scores/mig.csv", "--detail", own / "scores/mig.json", "--sums")
    words += ("--input-identity", of["latents"], "--identity", of["scores/mig"])
    return run("score", own / "latents.h5", "--metrics", "mig", *words)


def levels(root, dataset="tiny") -> int:
    words = ("--out", root / dataset / "levels/mig.csv", "--sums", "--metrics", "mig")
    words += ("--input-identity", said(expected.images(OF.dataset(dataset))))
    words += ("--identity", said(expected.of_dataset(OF, dataset, "levels/mig")))
    return run("levels", root / dataset / "images.h5", *words)


def audit(root, dataset="tiny") -> int:
    pack = OF.first_pack(dataset)
    words = ("--out", root / dataset / "audit.csv", "--sums", "--batch-sizes", "4")
    words += ("--input-identity", said(expected.of_pack(OF.recipe(pack), "latents")))
    words += ("--identity", said(expected.audit(OF, dataset)))
    return run("audit", root / pack.path / "latents.h5", *words)


def collect(root) -> int:
    return run("collect", OF.text, "--results", root.parent, "--out", root / "scores.csv")


def report(root) -> int:
    words = ("--scores", root / "scores.parquet", "--out", root / "report/index.html")
    return run("report", OF.text, "--results", root.parent, *words)


def verify(root, *options) -> int:
    return run("verify", OF.text, "--results", root.parent, *options)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """The folder of a finished study."""
    root = tmp_path_factory.mktemp("results") / "mine"
    for name in OF.datasets:
        assert data(root, name) == levels(root, name) == 0
    for pack in OF.packs:
        assert train(root, pack) == encode(root, pack) == score(root, pack) == 0
    for name in OF.datasets:
        assert audit(root, name) == 0
    assert collect(root) == report(root) == 0
    return root


@pytest.fixture
def root(finished, tmp_path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(finished, tmp_path / "results/mine"))


@pytest.fixture
def workflow(monkeypatch):
    """As in a job of the workflow."""
    monkeypatch.setenv(files.RERUN, RERUN)


def test_every_file_of_a_study_is_what_it_must_be(root, capsys, workflow):
    assert verify(root) == 0
    assert capsys.readouterr().out == "every file is whole\n"
    for step in (train, encode, score, levels, audit, collect, report):
        assert step(root) == 0


# What is copied over what, and who reads it.
CHANGED = {
    "images.h5": ("other/images.h5", "tiny/images.h5", (train, encode, levels, report)),
    "model.pt": (f"{BETA.path}/model.pt", f"{PACK.path}/model.pt", (encode, report)),
    "a model of other data": (
        *(f"{ELSEWHERE.path}/model.pt", f"{PACK.path}/model.pt", (encode, report)),
    ),
    "latents.h5": (f"{BETA.path}/latents.h5", f"{PACK.path}/latents.h5", (score, audit, report)),
    "history": (f"{BETA.path}/history.csv", f"{PACK.path}/history.csv", (report,)),
    "scores": (f"{BETA.path}/scores/mig.csv", f"{PACK.path}/scores/mig.csv", (collect, report)),
    "levels": ("other/levels/mig.csv", "tiny/levels/mig.csv", (report,)),
    "audit": ("other/audit.csv", "tiny/audit.csv", (report,)),
}
READ = [(kind, reader) for kind, (_, _, readers) in CHANGED.items() for reader in readers]


def copied(root, kind) -> Path:
    """The file that another now stands in for, with what stands beside it."""
    source, path, _ = CHANGED[kind]
    for beside in sorted((root / source).parent.glob(f"{Path(source).stem}.*")):
        shutil.copy(beside, (root / path).with_suffix(beside.suffix))
    return root / path


@pytest.mark.parametrize(("kind", "reader"), READ, ids=lambda x: getattr(x, "__name__", x))
def test_who_reads_it_names_it_and_it_is_set_aside(kind, reader, root, capsys, workflow):
    path = copied(root, kind)
    assert reader(root) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    aside = f"it is now {path.name}.damaged, and this makes it again: {RERUN}"
    assert re.search(rf": {re.escape(str(path))} (is not what its name says|was made)", error)
    assert error.endswith(aside)
    assert not path.exists()
    assert path.with_name(f"{path.name}.damaged").exists()


@pytest.mark.parametrize(("kind", "reader"), READ, ids=lambda x: getattr(x, "__name__", x))
def test_by_hand_it_is_named_and_stays_where_it_is(kind, reader, root, capsys):
    path = copied(root, kind)
    there = sorted(root.rglob("*"))
    assert reader(root) == 2
    assert f"{path} " in capsys.readouterr().err
    assert sorted(root.rglob("*")) == there


@pytest.mark.parametrize("kind", CHANGED)
def test_verify_names_it_and_sets_it_aside(kind, root, capsys):
    path = copied(root, kind)
    assert verify(root) == 2
    kinds = "of another run|made with other settings or by another version"
    assert re.search(rf"^({kinds}): {re.escape(str(path))}$", capsys.readouterr().err, re.MULTILINE)
    if kind == "images.h5":  # nothing in it says another study: its settings are other ones
        return
    assert verify(root, "--set-aside") == 0
    assert path.with_name(f"{path.name}.damaged").exists()


def test_other_settings_are_said_and_nothing_is_moved(root, capsys):
    longer = read_study(STUDY | {"training": {"steps": 5, "batch_size": 8}})
    there = sorted(root.rglob("*"))
    assert run("verify", longer.text, "--results", root.parent, "--set-aside") == 2
    error = capsys.readouterr().err
    assert "whole" not in error
    # Of four packs model, history, latents, scores; the audits; the tables and the page.
    assert error.count("\nmade with other settings") + error.startswith("made") == 4 * 5 + 2 + 3
    assert "25 made with other settings or by another version; `snakemake" in error
    assert sorted(root.rglob("*")) == there


def test_the_results_that_are_not_there_are_named(tmp_path, capsys):
    assert verify(tmp_path / "results/mine") == 2
    assert f"{tmp_path / 'results/mine'} is not there" in capsys.readouterr().err


@pytest.mark.parametrize("reader", [encode, report])
def test_a_model_and_latents_are_of_the_images_that_are_there(reader, root, capsys):
    """Other images under the same settings, as when a file that they are read from is replaced."""
    path = root / "tiny/images.h5"
    said_before = seals.identity(path)
    shutil.copy(root / "other/images.h5", path)
    content = path.read_bytes()
    end = content.rindex(identities.MARK)
    with seals.sealed(path, said_before | {"images": "others"}) as temporary:
        temporary.write_bytes(content[:end])
    assert reader(root) == 2
    assert "was made from other images than those that are there" in capsys.readouterr().err


def test_a_training_of_other_images_is_not_taken_up(root, capsys):
    """The same settings, another content: neither a model nor a checkpoint is of it."""
    read = json.loads(OF.recipe(PACK).text)
    assert train(root) == 0
    assert "trained already" in capsys.readouterr().err
    path = root / "tiny/images.h5"
    said_before = seals.identity(path)
    assert data(root, "other") == 0
    shutil.copy(root / "other/images.h5", path)
    content = path.read_bytes()
    with seals.sealed(path, said_before) as temporary:
        temporary.write_bytes(content[: content.rindex(identities.MARK)])
    assert train(root) == 0
    assert "trained already" not in capsys.readouterr().err
    assert json.loads(OF.recipe(PACK).text) == read


def test_files_that_say_nothing_are_for_those_who_come_from_elsewhere(root, tmp_path, capsys):
    path = root / PACK.path / "latents.h5"
    content = path.read_bytes()
    with seals.sealed(path) as temporary:
        temporary.write_bytes(content[: content.rindex(identities.MARK)])
    assert seals.identity(path) is None
    assert score(root) == 0
    assert report(root) == 0
    shutil.copy(path, tmp_path / "x.h5")
    assert run("score", tmp_path / "x.h5", "--metrics", "mig") == 0


def test_in_a_workflow_every_file_says_what_it_is(root, capsys, workflow):
    path = root / PACK.path / "latents.h5"
    content = path.read_bytes()
    with seals.sealed(path) as temporary:
        temporary.write_bytes(content[: content.rindex(identities.MARK)])
    assert score(root) == 2
    assert "latents.h5 is damaged: it does not say what it is" in capsys.readouterr().err
    assert path.with_name("latents.h5.damaged").exists()


@pytest.mark.parametrize("name", ["latents.h5", "scores/mig.sha256"])
def test_what_is_damaged_where_it_says_what_it_is_is_called_damaged(name, root, capsys, workflow):
    path = root / PACK.path / name
    broken = bytearray(path.read_bytes())
    broken[broken.rindex(b"mine/tiny")] ^= 1
    path.write_bytes(broken)
    assert report(root) == 2
    assert re.search(r"(latents\.h5|mig\.csv) is damaged: .* it is now", capsys.readouterr().err)


def test_the_latents_of_another_pack_of_the_setting_are_its_companions():
    """Packs of a setting have one recipe; only the place tells them apart."""
    wide = read_study(STUDY | {"seeds": "0-3"})
    first, second = (expected.of_pack(wide.recipe(pack), "latents") for pack in wide.packs[:2])
    path = Path("results/mine") / wide.packs[1].path / "latents.h5"
    assert expected.beside(first, path) == second != first
    assert first == expected.of_pack(OF.recipe(PACK), "latents")
