"""Numbers and names in a study are what a person reads in them, through every reader."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from builders.strangers import STUDY, refused

from disentbench.errors import UserError
from disentbench.storage import plain_data
from disentbench.storage.study_file import read_study
from disentbench.workflow import configfiles

ROOT = Path(__file__).parents[2]
READ = {
    **{
        "1e-1": 0.1,
        "4e1": 40.0,
        "1E+2": 100.0,
        "-.5": -0.5,
        "1.": 1.0,
        "+3": 3,
        "0": 0,
        "0.50": 0.5,
    },
    **{"0-9": "0-9", "1.2.3": "1.2.3", "e1": "e1", "'010'": "010", "'no'": "no", "'1:9'": "1:9"},
    **{"true": True, "false": False, "~": None, "null": None, "y": "y", "1:99": "1:99"},
}


@pytest.mark.parametrize("text", READ)
def test_what_a_person_reads_is_read(text):
    found = plain_data.parsed(f"a: {text}")["a"]
    assert (found, type(found)) == (READ[text], type(READ[text]))


REFUSED = {
    "1:9": "1:9 in line 2 is 69 to YAML, which counts it in base 60; write 1-9 for a range",
    "1:30": "is 90 to YAML, .*90 for the number, or '1:30' in quotes",
    "1:30.5": "is 90.5 to YAML",
    "-1:00:00": "is -3600 to YAML",
    "010": "is 8 to YAML, which counts it in base 8; write 10 or 8 for the number, or '010' in",
    "-017": "is -15 to YAML",
    "0o17": "is 15 to YAML, which counts it in base 8; write 17 or 15",
    "08": "no usual spelling of a number; write 8",
    "0x10": "is 16 to YAML; write 16",
    "0b11": "is 3 to YAML; write 3",
    "1_000": "no usual spelling of a number; write 1000",
    "1_000.5": "write 1000.5",
    ".inf": "no finite number",
    "-.INF": "no finite number",
    ".nan": "no finite number",
    "1e400": "1e400 is more than a number can be",
    "9" * 900: "has 900 digits",
    "no": "no in line 2 is false to YAML; write false, or 'no' in quotes",
    "On": "is true to YAML",
    "2024-01-01": "2024-01-01 in line 2 is a date to YAML; write '2024-01-01' in quotes",
    "!!int '010'": "is 8 to YAML",
    "1e-999": "1e-999 is less than a number can be",
    "!!int x": "x in line 2 is no number",
    "!!int '1:2:'": "1:2: in line 2 is no number",
    "!!int '0x'": "0x in line 2 is no number",
    "!!int [1, 2]": "expected a scalar",
    "!!float {x: y}": "expected a scalar",
    "!!bool [x]": "expected a scalar",
    "!!timestamp [x]": "expected a scalar",
    "!!bool x": "x is neither true nor false",
    "!!set {x, y}": "tag",
}


@pytest.mark.parametrize("text", REFUSED)
@pytest.mark.parametrize("place", ["a: {}", "{}: a", "a: [{}]"])
def test_what_yaml_reads_otherwise_is_refused(text, place):
    with pytest.raises(UserError, match=REFUSED[text]) as caught:
        plain_data.parsed(f"b: 0\n{place.format(text)}")
    assert len(str(caught.value)) < 250


def test_minus_nothing_is_nothing():
    assert [str(each) for each in plain_data.parsed("[-0.0, 0.0, -0]")] == ["0.0", "0.0", "0"]


def test_keys_are_merged_in_as_far_as_anybody_means_it():
    text = "a: &a {x: 1, y: 2}\nb: &b {<<: *a, y: 3}\nc: {<<: [*a, *b], z: 4}"
    assert plain_data.parsed(text) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 3},
        "c": {"x": 1, "y": 2, "z": 4},
    }
    ten = [", ".join([f"*l{i}"] * 10) for i in range(11)]
    each = "".join(f"l{i + 1}: &l{i + 1} {{<<: [{those}]}}\n" for i, those in enumerate(ten))
    with pytest.raises(UserError, match=r"line 6 merges more than 100,000 keys"):
        plain_data.parsed("l0: &l0 {a: 1, b: 2}\n" + each)
    with pytest.raises(UserError, match=r"line 1 merges a mapping into itself"):
        plain_data.parsed("a: &a {<<: *a}")


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "1e400", "9" * 30, "1" * 5000])
def test_json_has_finite_numbers_only(text):
    with pytest.raises(UserError, match=r"no number|more than a number|digits"):
        plain_data.parsed(f'{{"a": [{text}]}}')


@pytest.mark.parametrize("values", [["1e-1", 0.1], [4, "4.0"], [1e-1, 0.1], [0.1234567, 0.1234568]])
def test_values_of_one_path_are_one_too_many(values):
    with pytest.raises(UserError, match=r"twice .*each of them once"):
        read_study(STUDY | {"objectives": {"beta_vae": {"beta": values}}})


@pytest.mark.parametrize("key", ["pack", "latents", "seeds", "beta"])
@pytest.mark.parametrize("digits", [400, 5000])
def test_a_number_of_many_digits_is_refused(key, digits):
    number = 10**digits
    change = {"objectives": {"beta_vae": {"beta": [number]}}} if key == "beta" else {key: number}
    with pytest.raises(UserError) as caught:
        read_study(STUDY | change)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"study": 1e5}, "study is 100000.0; it should be text, in quotes"),
        ({"datasets": {1: {"of": "dsprites"}}}, "it should be text, in quotes"),
        ({"datasets": [False]}, "False stands for no name; write names, in quotes"),
        ({"objectives": [None]}, "None stands for no name"),
        ({"training": {"steps": 40.5}}, "training.steps is 40.5; it should be a whole number"),
    ],
)
def test_a_name_or_count_of_another_kind_is_told_what_would_do(change, words):
    with pytest.raises(UserError) as caught:
        read_study(STUDY | change)
    assert words in str(caught.value)


def snakemake(*words) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "snakemake", "-n", "--quiet", *map(str, words)]
    path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    environment = os.environ | {"PYTHONPATH": path}
    return subprocess.run(
        command, capture_output=True, check=False, text=True, cwd=ROOT, env=environment
    )


TEXT = yaml.safe_dump({key: value for key, value in STUDY.items() if key != "seeds"}).encode()
HOSTILE = {
    "base 60": (TEXT + b"seeds: 1:9\n", "is 69 to YAML"),
    "octal": (TEXT + b"seeds: 0\npack: 010\n", "is 8 to YAML"),
    "UTF-16": ((TEXT.decode() + "seeds: 0\n").encode("utf-16"), "it is UTF-16 text; save it as"),
    "UTF-32": ((TEXT.decode() + "seeds: 0\n").encode("utf-32"), "it is UTF-32 text; save it as"),
    "Latin-1": (TEXT + "seeds: 0 # größe\n".encode("latin-1"), "byte 0xf6 in line"),
    "binary": (bytes(range(256)), "holds NUL bytes"),
    "digits": (TEXT + b"seeds: " + b"9" * 5000, "has 5,000 digits"),
    "nested": (TEXT + b"seeds: " + b"[" * 10_000, "nested too deeply"),
    "circle": (TEXT + b"seeds: 0\nx: &a {b: *a}\n", "holds the alias itself"),
    "keys": (b"".join(b"k%d: 0\n" % i for i in range(20_000)), "more than the 100,000 bytes"),
    "template": (b'__use_yte__: true\n__definitions__: [\'open("CANARY", "w")\']\n', "unknown key"),
    "no mapping": (b"- a\n", "a study is a mapping of keys to values"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_study_is_one_sentence(kind, tmp_path, monkeypatch, capsys):
    """Through our own commands, and through what Snakemake's profile calls."""
    content, words = HOSTILE[kind]
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    if kind != "template":
        assert words in refused(capsys, "status", path)
    monkeypatch.setattr(sys, "argv", ["snakemake", "-n", "--configfile", str(path), "-c1"])
    with pytest.raises(SystemExit) as caught:
        configfiles.check_command()
    error = capsys.readouterr().err
    assert (caught.value.code, words in error, error.count("\n")) == (2, True, 1)


@pytest.mark.parametrize("kind", ["octal", "UTF-16", "template"])
def test_snakemake_reads_no_study_before_we_have(kind, tmp_path):
    content, words = HOSTILE[kind]
    (tmp_path / "study.yaml").write_bytes(content)
    run = snakemake("--configfile", tmp_path / "study.yaml")
    assert (run.returncode, words in run.stderr) == (2, True)
    assert "Traceback" not in run.stderr
    assert not (ROOT / "CANARY").exists()


def test_the_rules_see_what_we_read_and_what_the_command_overrules(tmp_path):
    """Of several files and `--config` the last counts, as Snakemake has it."""
    (tmp_path / "a.yaml").write_bytes(TEXT + b"seeds: 0-1\npack: 2\n")
    (tmp_path / "b.yaml").write_text("seeds: 4-7\nobjectives: {beta_vae: {beta: [1e-1]}}\n")
    words = ["--configfile", tmp_path / "a.yaml", tmp_path / "b.yaml", "--config", "pack=1"]
    run = snakemake(*words, "--summary")
    assert run.returncode == 0, run.stderr
    models = {line.split("\t")[0] for line in run.stdout.splitlines() if "model.pt" in line}
    settings = ("vae/default", "beta_vae/beta-0.1")
    assert models == {
        f"results/little/tiny/{setting}/seeds-{seed}-{seed}/model.pt"
        for setting in settings
        for seed in range(4, 8)
    }
