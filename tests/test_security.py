"""Files, studies and names from a stranger are data: none is run, followed or rendered."""

import ast
import io
import json
import os
import pickle
import re
import tokenize
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from test_report import examined, made, rendered, scored, trained
from test_workflow import copy_of_checkout, snakemake

from disentbench import documents, encode, files
from disentbench import study as studies
from disentbench.cli import main
from disentbench.datasets import dsprites_npz
from disentbench.errors import UserError
from disentbench.report.text import latex

ROOT = Path(__file__).parent.parent
STUDY = {
    "study": "little",
    "datasets": {"tiny": {"of": "dsprites_small", "posX": {"stride": 8}, "posY": {"stride": 8}}},
    "objectives": {"vae": {}},
    "seeds": 0,
    "latents": 3,
    "architecture": {"of": "mlp_chen2018", "hidden": 8},
    "training": {"steps": 2, "batch_size": 8},
    "metrics": ["mig"],
}
CANARY = "CANARY"


class Bomb:
    """What runs a command when it is unpickled."""

    def __reduce__(self):
        return (os.system, (f"touch {CANARY}",))


@pytest.fixture(autouse=True)
def canary(tmp_path, monkeypatch):
    """Whatever the tests do, nobody has run the command."""
    monkeypatch.chdir(tmp_path)
    yield
    assert not list(tmp_path.rglob(f"{CANARY}*"))


def refused(capsys, *words) -> str:
    """The one sentence with which a command ends, having written nothing."""
    before = {path for path in Path().rglob("*") if path.is_file()}
    assert main([str(word) for word in words]) == 2
    error = capsys.readouterr().err.strip()
    assert "Traceback" not in error
    assert len([line for line in error.splitlines() if not line.startswith("warning: ")]) == 1
    assert {path for path in Path().rglob("*") if path.is_file()} == before
    return error


def images() -> Path:
    options = {key: value for key, value in STUDY["datasets"]["tiny"].items() if key != "of"}
    main(["data", "dsprites_small", "--options", json.dumps(options), "--out", "images.h5"])
    return Path("images.h5")


def torch_file(path: Path, content) -> None:
    with files.sealed(path) as part:
        torch.save(content, part)


def pickle_file(path: Path, content) -> None:
    with files.sealed(path) as part:
        part.write_bytes(pickle.dumps(content))


def old_torch_file(path: Path, content) -> None:
    with files.sealed(path) as part:
        torch.save(content, part, _use_new_zipfile_serialization=False)


def model(**parts) -> dict:
    return {"fingerprint": "", "parameters": {}, "failed": torch.zeros(1), "origins": []} | parts


BOMBS = [Bomb(), model(parameters=Bomb()), model(origins=[Bomb()]), {"fingerprint": Bomb()}]


@pytest.mark.parametrize("write", [torch_file, pickle_file, old_torch_file])
@pytest.mark.parametrize("content", BOMBS, ids=["alone", "parameters", "origins", "fingerprint"])
def test_a_model_is_never_unpickled(capsys, write, content):
    write(Path("model.pt"), content)
    words = ["--images", images(), "--model", "model.pt", "--latents", "latents.h5"]
    assert "model.pt cannot be read" in refused(capsys, "encode", json.dumps(STUDY), *words)


@pytest.mark.parametrize("write", [torch_file, pickle_file, old_torch_file])
@pytest.mark.parametrize("content", BOMBS, ids=["alone", "parameters", "origins", "fingerprint"])
def test_a_checkpoint_is_never_unpickled(capsys, write, content):
    """It counts as damaged: the training says so and begins anew."""
    write(Path("checkpoints/seeds-0-0.pt"), content)
    words = ["--images", images(), "--model", "model.pt", "--history", "history.csv"]
    words += ["--checkpoints", "checkpoints"]
    assert main(["train", json.dumps(STUDY), *map(str, words)]) == 0
    assert "begins anew" in capsys.readouterr().err
    assert encode.load(Path("model.pt")).parameters


MEAN = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
FACTORS = np.random.default_rng(1).integers(0, 4, (20, 2))
BOMB = np.array([[Bomb()]], dtype=object)


@pytest.mark.parametrize("name", ["mean", "factors", "logvar"])
@pytest.mark.parametrize("command", ["score", "levels", "audit"])
def test_an_array_of_objects_is_never_unpickled(capsys, name, command):
    np.savez("x.npz", **({"mean": MEAN, "factors": FACTORS} | {name: BOMB}))
    assert "x.npz cannot be read" in refused(capsys, command, "x.npz")


@pytest.mark.parametrize("name", ["x.npz", "x.csv", "x.parquet", "x.h5"])
def test_a_pickle_by_another_name_is_never_unpickled(capsys, name):
    Path(name).write_bytes(pickle.dumps(Bomb()))
    assert name in refused(capsys, "score", name)
    pd.DataFrame({"z0": [1], "v0": [0]}).assign(z0=[Bomb()]).to_pickle(name)
    assert name in refused(capsys, "score", name)


@pytest.mark.parametrize("name", ["imgs", "latents_classes"])
def test_the_published_images_are_never_unpickled(capsys, name):
    arrays = {"imgs": np.zeros((1, 64, 64), np.uint8), "latents_classes": FACTORS}
    np.savez("x.npz", **(arrays | {name: BOMB}))
    assert "x.npz" in refused(capsys, "compare-dsprites", "x.npz")
    options = json.dumps({"path": "x.npz"})
    refused(capsys, "data", "dsprites_npz", "--options", options, "--out", "images.h5")
    with pytest.raises(UserError):
        dsprites_npz.read_bits("x.npz", (1,))


@pytest.mark.parametrize("member", ["../mean.npy", "/mean.npy", "mean"])
def test_an_archive_writes_no_files(capsys, member):
    with zipfile.ZipFile("x.npz", "w") as archive:
        archive.writestr(member, b"touch")
    refused(capsys, "score", "x.npz")


SECRET = "secret.h5"


def linked(file):
    file["mean"] = h5py.ExternalLink(SECRET, "mean")


def linked_softly(file):
    file["away"] = h5py.ExternalLink(SECRET, "/")
    file["mean"] = h5py.SoftLink("/away/mean")


def linked_deeply(file):
    file["mean"] = MEAN
    file["logits/a"] = h5py.ExternalLink(SECRET, "mean")


def linked_as_attribute(file):
    file["mean"] = MEAN
    file["scales"] = h5py.ExternalLink(SECRET, "mean")


def stored_elsewhere(file):
    storage = [(str(Path("secret.txt").resolve()), 0, 240)]
    file.create_dataset("mean", (20, 3), np.float32, external=storage)


def virtual(file):
    layout = h5py.VirtualLayout((20, 3), np.float32)
    layout[:] = h5py.VirtualSource(SECRET, "mean", (20, 3))
    file.create_virtual_dataset("mean", layout)


FOREIGN = [linked, linked_softly, linked_deeply, linked_as_attribute, stored_elsewhere, virtual]


@pytest.mark.parametrize("command", ["score", "levels", "audit"])
@pytest.mark.parametrize("put", FOREIGN)
def test_latents_do_not_lead_to_other_files(capsys, put, command):
    Path("secret.txt").write_bytes(b"x" * 240)
    with h5py.File(SECRET, "w") as file:
        file["mean"] = MEAN
    with h5py.File("x.h5", "w") as file:
        put(file)
        file["factors"] = FACTORS
        file["logvar"] = MEAN
    error = refused(capsys, command, "x.h5")
    assert re.search("link to another file|values in other files", error)


@pytest.mark.parametrize("put", FOREIGN)
def test_images_do_not_lead_to_other_files(capsys, put):
    path = images()
    Path("secret.txt").write_bytes(b"x" * 240)
    with h5py.File(path, "r+") as file:
        put(file)
    with files.sealed("again.h5") as part:
        part.write_bytes(path.read_bytes())
    words = ["--model", "model.pt", "--history", "history.csv", "--checkpoints", "checkpoints"]
    assert main(["train", json.dumps(STUDY), "--images", "again.h5", *words]) == 2
    assert re.search("link to another file|values in other files", capsys.readouterr().err)
    assert not Path("model.pt").exists()


TAGS = [
    "!!python/object/apply:os.system ['touch CANARY']",
    "!!python/object/new:os.system ['touch CANARY']",
    "!!python/object:builtins.object {}",
    "!!python/name:os.system",
    "!!python/module:os",
    "!<tag:yaml.org,2002:python/object/apply:os.system> ['touch CANARY']",
]


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("key", ["study", "extra", "seeds"])
def test_a_study_is_plain_data(capsys, tag, key):
    text = yaml.safe_dump({k: v for k, v in STUDY.items() if k != key})
    Path("study.yaml").write_text(f"{text}{key}: {tag}\n")
    assert "study.yaml cannot be read" in refused(capsys, "status", "study.yaml")
    assert "study.yaml" in refused(capsys, "collect", "study.yaml", "--out", "x.csv")


def bombed(levels: int = 30) -> str:
    """Lists of lists that stand for two to the power of `levels` parts."""
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        *(bombed(), f"study: &s [*s]\n{bombed(3)}", "[" * 100_000, '{"a":' * 100_000),
        *("a: " + "[" * 5000, "9" * 5000, "seeds: " + "9" * 5000, "? [a]\n: 1", "a: \0"),
    ],
    ids=["bomb", "circle", "deep", "deep JSON", "deep YAML", "long", "number", "odd key", "NUL"],
)
def test_a_study_cannot_exhaust_its_reader(capsys, text):
    Path("study.yaml").write_text(text)
    refused(capsys, "status", "study.yaml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seeds: 1\npack: 2\nseeds: 3", "the key 'seeds' stands twice, in lines 1 and 3; keep one"),
        ("training: {steps: 1, steps: 2}", "the key 'steps' stands twice, in line 1; keep one"),
        ("a: {b: {c: 1,\n 'c': 2}}", "the key 'c' stands twice, in lines 1 and 2; keep one"),
        ('{"study": "x", "study": "y"}', "the key 'study' stands twice; keep one"),
    ],
)
def test_a_key_that_stands_twice_is_named(text, words):
    with pytest.raises(UserError) as caught:
        documents.parsed(text)
    assert str(caught.value) == words


def test_keys_that_are_merged_stand_once():
    text = "base: &b {k: 0, l: 1}\na: {q: &x {<<: *b, k: 1}}\nc: {<<: *x, l: 2}"
    assert documents.parsed(text)["c"] == {"k": 1, "l": 2}


NAMES = [
    *("../../x", "..", ".", "a/b", "/etc/passwd", "a\0b", "", " ", "a b", "a\n", "-rf", "~"),
    *("a\\b", "a:b", "x" * 65, "x" * 10_000, "\u0430", "a\u202e", "$(touch CANARY)", "`x`", "a;b"),
    *("{input}", "<b>", "a\x1b[31m", "CON.", "*", "a'b", 'a"b', "%s", "a,b", "a=b"),
]
HFVAE = {"of": "hfvae", "beta": 1}
PLACES = {
    "study": lambda name: {"study": name},
    "dataset": lambda name: {"datasets": {name: {"of": "dsprites_small"}}},
    "data sets": lambda name: {"datasets": [name]},
    "dataset of": lambda name: {"datasets": {"a": {"of": name}}},
    "objective": lambda name: {"objectives": {name: {"of": "vae"}}},
    "objective of": lambda name: {"objectives": {"a": {"of": name}}},
    "architecture": lambda name: {"architecture": name},
    "architecture of": lambda name: {"architecture": {"of": name}},
    "metric": lambda name: {"metrics": [name]},
    "group": lambda name: {"objectives": {"a": {**HFVAE, "groups": {name: [0, 1]}}}},
    "discrete": lambda name: {"objectives": {"a": {**HFVAE, "discrete": {name: 2}}}},
    "swept": lambda name: {"objectives": {"a": {**HFVAE, "estimator": [name]}}},
    "key": lambda name: {name: 1},
    "option": lambda name: {"objectives": {"a": {**HFVAE, name: 1}}},
    "seeds": lambda name: {"seeds": name},
}


@pytest.mark.parametrize("place", PLACES)
def test_a_name_that_could_leave_its_folder_is_refused(capsys, place):
    for name in NAMES:
        text = json.dumps(STUDY | PLACES[place](name))
        error = refused(capsys, "report", text, "--scores", "x.csv", "--out", "index.html")
        assert len(error) < 1000
        assert error.isprintable()


@pytest.mark.parametrize("name", NAMES)
def test_a_swept_text_is_a_part_of_a_path(name):
    """No objective sweeps free text yet; the next one is safe all the same."""
    assert studies._text("mws") == "mws"
    with pytest.raises(ValueError, match="cannot be a folder's name"):
        studies._text(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_part_that_does_not_exist_is_not_imported(capsys, name):
    refused(capsys, "data", f"x{name}".replace("\0", ""), "--out", "images.h5")


@pytest.mark.parametrize("value", [True, False, [True], [4, False]])
@pytest.mark.parametrize(
    "key", ["seeds", "pack", "latents", "beta", "steps", "adam_betas", "group"]
)
def test_true_is_no_number(key, value):
    training = STUDY["training"]
    change = {
        "beta": {"objectives": {"a": {"of": "hfvae", "beta": value}}},
        "steps": {"training": training | {"steps": value}},
        "adam_betas": {"training": training | {"adam_betas": value}},
        "group": {"objectives": {"a": {**HFVAE, "groups": {"x": value}}}},
    }.get(key, {key: value})
    with pytest.raises(UserError, match=r"takes no true or false|should be"):
        studies.read(STUDY | change)


EVIL = "<script>alert(1)</script>\"><img src=x onerror='alert(2)'>{{ 7 * 7 }}{% raw %}$x_{&lt;"


def reseal(path: Path) -> None:
    content = path.read_bytes()
    with files.sealed(path) as part:
        part.write_bytes(content)


def poisoned(folder: Path, of: studies.Study, monkeypatch) -> None:
    """A finished study in which every text that is not checked is hostile."""
    small = type(of.dataset("tiny"))
    monkeypatch.setattr(small, "label", EVIL)
    monkeypatch.setattr(small, "reference", EVIL)
    trained(folder, of, revisions=(EVIL, EVIL + "+"))
    examined(folder, of)
    own = folder / of.study
    pd.read_csv(own / "tiny/audit.csv").assign(run=EVIL).to_csv(own / "tiny/audit.csv", index=False)
    for pack in of.packs:
        path = own / pack.path / "latents.h5"
        with h5py.File(path, "r+") as file:
            made_by = {"revision": EVIL, "device": EVIL, "versions": {EVIL: EVIL}, "study": EVIL}
            origin = made_by | {"from_step": 0, EVIL: EVIL}
            file.attrs["provenance"] = json.dumps(made_by | {"trained": [origin], EVIL: EVIL})
            names = file["factors"].attrs["names"]
            file["factors"].attrs["names"] = [f"<script>$x_{{{i}" for i in range(len(names))]
        reseal(path)
        losses = pd.read_csv(path.with_name("history.csv")).assign(**{EVIL: 1.0})
        losses.to_csv(path.with_name("history.csv"), index=False)
        path.with_name("history.sha256").unlink(missing_ok=True)


def test_no_text_of_a_study_is_markup(tmp_path, monkeypatch):
    """Names are checked, so the check is switched off for those of the groups."""
    monkeypatch.setattr(studies, "_path_safe", lambda name: name)
    groups = {"groups": {"<script>$x_{": [0, 1]}, "discrete": {"<img onerror=x>$": 2}}
    of = made(objectives={"hfvae": {"beta": [4], **groups}}, metrics=["mig"])
    poisoned(tmp_path, of, monkeypatch)
    table = scored(of).assign(**{EVIL: 0.5, "<script>": np.nan})
    page = rendered(tmp_path, of, table)
    assert "&lt;script&gt;alert(1)" in page
    assert "{{ 7 * 7 }}" in page
    markup = Markup()
    markup.feed(page)
    assert markup.tags.isdisjoint({"script", "iframe", "object", "embed", "svg", "link", "form"})
    assert not [name for name, _ in markup.attributes if name.startswith("on")]
    addresses = [value for name, value in markup.attributes if name in ("href", "src")]
    assert all(re.match("data:image/|#|figures/|tables/", address) for address in addresses)


class Markup(HTMLParser):
    """The tags and attributes that a browser would see."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= set(attrs)


LATEX = {
    r"\input{/etc/passwd}": r"\textbackslash{}input\{/etc/passwd\}",
    r"\write18{rm}": r"\textbackslash{}write18\{rm\}",
    "50 % & #1 _ ^ ~ $x$": (r"50 \% \& \#1 \_ \textasciicircum{} \textasciitilde{} \$x\$"),
    "a^^5cinput": r"a\textasciicircum{}\textasciicircum{}5cinput",
}


@pytest.mark.parametrize(("text", "expected"), LATEX.items())
def test_no_text_is_a_command_of_latex(text, expected):
    assert latex(text) == expected


def test_no_name_in_a_table_is_a_command_of_latex(tmp_path):
    of = made(objectives={"vae": {}}, metrics=["mig"], study="little")
    rendered(tmp_path, of, scored(of).assign(**{r"\input{x} 5%": 0.5}))
    for path in (tmp_path / "report/tables").glob("*.tex"):
        body = path.read_text().split("\n", 1)[1]
        assert r"\input" not in body
        assert not re.search(r"(?<!\\)%", body)


PATHS = [
    *("$(touch CANARY0)", "`touch CANARY1`", "'; touch CANARY2; '", '"; touch CANARY3 #'),
    *("x\ntouch CANARY4\n", "{input} {dataset} {{x}}", "%s $HOME \\ !x", "x > CANARY5", "{"),
]


def test_no_value_of_a_study_is_a_command_of_the_shell(tmp_path):
    """Every value arrives in the job as it stands in the study."""
    checkout = copy_of_checkout(tmp_path)
    evil = {f"d{i}": {"of": "dsprites_npz", "path": path} for i, path in enumerate(PATHS)}
    config = checkout / "evil.yaml"
    config.write_text(yaml.safe_dump(STUDY | {"study": "evil", "datasets": evil}))
    plan = snakemake(checkout, "-n", config=config)
    assert plan.returncode == 0, plan.stderr
    targets = [f"results/evil/{name}/images.h5" for name in evil]
    snakemake(checkout, "--keep-going", *targets, config=config)
    for name, options in evil.items():
        log = (checkout / f"results/evil/{name}/logs/data.log").read_text()
        assert f"{documents.printable(options['path'])} is not a file" in log


def test_a_word_of_the_command_line_is_no_command_either(tmp_path):
    """Jobs are handed the command that ran the workflow, to say it."""
    checkout = copy_of_checkout(tmp_path)
    config = checkout / "study.yaml"
    config.write_text(yaml.safe_dump(STUDY))
    word = "{abc} $(touch CANARY0) `touch CANARY1` '; touch CANARY2; ' \"; touch CANARY3 #"
    target = "results/little/tiny/images.h5"
    run = snakemake(checkout, "--apptainer-args", word, target, config=config)
    assert run.returncode == 0, run.stderr
    assert (checkout / target).exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("study: a\n", "the key 'study' stands twice"),
        ("__use_yte__: true\n", "unknown key '__use_yte__'"),
    ],
)
def test_a_study_means_the_same_to_snakemake(tmp_path, text, words):
    """Snakemake's own reader takes the last of two keys, and templates."""
    checkout = copy_of_checkout(tmp_path)
    config = checkout / "study.yaml"
    config.write_text(text + (ROOT / "configs/smoke.yaml").read_text())
    run = snakemake(checkout, "-n", config=config)
    assert run.returncode == 2
    assert words in run.stderr
    assert "Traceback" not in run.stderr


FORBIDDEN = {"eval", "exec", "compile", "__import__", "breakpoint"}
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "xmlrpc"}
CALLS = {
    *("os.system", "os.popen", "yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load"),
    *("pd.read_pickle", "pd.eval", "torch.jit.load", "torch.hub.load", "np.fromregex"),
}


def named(node) -> str:
    """`a.b.c` of a name or an attribute."""
    if isinstance(node, ast.Attribute):
        return f"{named(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def unsafe(tree) -> list[str]:
    """The lines of a module that would run what they read."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [each.name for each in node.names] + [getattr(node, "module", None) or ""]
            found += [name for name in modules if name.split(".")[0] in MODULES]
        if not isinstance(node, ast.Call):
            continue
        name = named(node.func)
        options = {each.arg: getattr(each.value, "value", None) for each in node.keywords}
        if name in FORBIDDEN | CALLS or options.get("shell"):
            found.append(name)
        if name == "torch.load" and options.get("weights_only") is not True:
            found.append(name)
        if name in ("np.load", "numpy.load") and options.get("allow_pickle") is not False:
            found.append(name)
        if name.startswith("yaml.") and options.get("Loader"):
            found.append(name)
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "disentbench").rglob("*.py")), ids=lambda p: p.stem)
def test_no_module_runs_what_it_reads(path):
    assert unsafe(ast.parse(path.read_text())) == []


@pytest.mark.parametrize("path", [ROOT / "Snakefile", *sorted((ROOT / "workflow").rglob("*.smk"))])
def test_no_rule_runs_what_it_reads(path):
    """Rules are no Python that `ast` can read; their words are."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
    words = {token.string for token in tokens if token.type == tokenize.NAME}
    assert words.isdisjoint(FORBIDDEN | MODULES | {"system", "popen", "run"})


UNSAFE = [
    *("import pickle", "from pickle import loads", "eval('1')", "torch.load(path)"),
    *("torch.load(path, weights_only=False)", "np.load(path)", "np.load(p, allow_pickle=True)"),
    *("yaml.load(text, Loader=x)", "subprocess.run(x, shell=True)", "os.system('x')"),
]


@pytest.mark.parametrize("line", UNSAFE)
def test_what_the_checks_above_would_find(line):
    assert unsafe(ast.parse(line))
