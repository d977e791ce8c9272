"""No text of a stranger is rendered, typeset or run by what we write; no module of ours could."""

import ast
import io
import json
import re
import tokenize
from html.parser import HTMLParser
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from builders.checkouts import copy_of_checkout, snakemake
from builders.strangers import STUDY
from builders.studies import examined, made, rendered, scored, trained

from disentbench import study as studies
from disentbench.report.text import latex
from disentbench.storage import plain_data, seals
from disentbench.study import fitting

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("canary", "quick_figures")


EVIL = "<script>alert(1)</script>\"><img src=x onerror='alert(2)'>{{ 7 * 7 }}{% raw %}$x_{&lt;"


def reseal(path: Path) -> None:
    content = path.read_bytes()
    with seals.sealed(path) as part:
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
    monkeypatch.setattr(studies, "path_safe", lambda name: name)
    monkeypatch.setattr(fitting, "path_safe", lambda name: name)
    groups = {"groups": {"<script>$x_{": [0, 1]}, "discrete": {"<img onerror=x>$": 2}}
    of = made(objectives={"hfvae": {"beta": [4], **groups}}, metrics=["mig"])
    poisoned(tmp_path, of, monkeypatch)
    table = scored(of).assign(**{EVIL: 0.5, "<script>": np.nan})
    page = rendered(tmp_path, of, table)
    assert "&lt;script&gt;alert(1)" in page
    assert "{{ 7 * 7 }}" in page
    markup = Markup()
    markup.feed(page)
    assert markup.tags.isdisjoint({"iframe", "object", "embed", "svg", "link", "form"})
    assert markup.scripts == [[("type", "application/json"), ("id", "data")], []]
    assert not [name for name, _ in markup.attributes if name.startswith("on")]
    addresses = [value for name, value in markup.attributes if name in ("href", "src")]
    assert all(re.match("data:image/|#|figures/|tables/", address) for address in addresses)


class Markup(HTMLParser):
    """The tags and attributes that a browser would see."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.scripts: list[list[tuple[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.scripts += [attrs] if tag == "script" else []
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
    for path in PATHS:
        (checkout / path).write_text("no archive")
    config = checkout / "evil.yaml"
    config.write_text(yaml.safe_dump(STUDY | {"study": "evil", "datasets": evil}))
    plan = snakemake(checkout, "-n", config=config)
    assert plan.returncode == 0, plan.stderr
    targets = [f"results/evil/{name}/images.h5" for name in evil]
    snakemake(checkout, "--keep-going", *targets, config=config)
    for name, options in evil.items():
        log = (checkout / f"results/evil/{name}/logs/data.log").read_text()
        assert f"{plain_data.printable(options['path'])} is damaged or is not an .npz file" in log


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
