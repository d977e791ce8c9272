"""Scoring anybody's files at the command line: every kind alike; a mistake is one sentence."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from builders.codes import CODES, FACTORS, LOGVAR, npz, run, table

import disentbench
from disentbench import plugins
from disentbench.cli import main


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz"])
def test_every_kind_of_file_scores_the_same(kind, tmp_path, capsys):
    path = npz(tmp_path) if kind == "npz" else table(tmp_path, kind)
    out = tmp_path / "scores.csv"
    assert run(capsys, "score", path, "--metrics", "mig,sap_r2", "--out", out)[0] == 0
    found = pd.read_csv(out)
    assert list(found) == ["run", "metric", "value"]
    expected = disentbench.score(CODES, FACTORS, metrics=["mig", "sap_r2"])
    assert dict(zip(found.metric, found.value, strict=True)) == pytest.approx(expected)


def test_columns_may_be_named_and_classes_may_be_text(tmp_path, capsys):
    path = table(tmp_path, "csv", colour=np.array(["red", "green", "blue"])[FACTORS[:, 0]])
    out = tmp_path / "scores.csv"
    arguments = ["--codes", "z0,z1", "--factors", "colour,v1", "--metrics", "mig", "--out", out]
    assert run(capsys, "score", path, *arguments)[0] == 0
    assert pd.read_csv(out).value[0] == pytest.approx(
        disentbench.score(CODES, FACTORS, metrics=["mig"])["mig"]
    )


def rates(path, capsys, codes, *options):
    """The rate by latent that the command finds."""
    detail = path.with_name("detail.json")
    columns = ["--codes", codes, "--factors", "v0,v1", *options]
    arguments = [path, *columns, "--metrics", "decomposition", "--detail", detail]
    code, _, error = run(capsys, "score", *arguments)
    assert code == 0, error
    return json.loads(detail.read_text())["runs"]["0"]["decomposition"]["rate"]


def test_logvar_goes_with_its_code_in_any_order_and_any_choice(tmp_path, capsys):
    widths = {"logvar0": np.full(len(CODES), -4.0), "logvar1": np.full(len(CODES), -1.0)}
    path = table(tmp_path, "csv", **widths)
    expected = [
        np.mean(CODES[:, j].astype(float) ** 2 + np.exp(v) - v - 1) / 2
        for j, v in enumerate((-4.0, -1.0))
    ]
    assert rates(path, capsys, "z0,z1") == pytest.approx(expected)
    assert rates(path, capsys, "z1,z0") == pytest.approx(expected[::-1])
    assert rates(path, capsys, "z1") == pytest.approx(expected[1:])
    crossed = rates(path, capsys, "z1,z0", "--logvar", "logvar0,logvar1")
    assert crossed != pytest.approx(expected[::-1])


def test_codes_of_other_names_have_the_logvar_that_is_named_or_none(tmp_path, capsys):
    path = table(tmp_path, "csv", a=CODES[:, 1], s=np.full(len(CODES), -1.0), logvar0=-4.0)
    one = rates(path, capsys, "a", "--logvar", "s")
    path = table(tmp_path, "parquet", logvar0=-4.0, logvar1=-1.0)
    assert one == pytest.approx(rates(path, capsys, "z1"))
    path = table(tmp_path, "csv", a=CODES[:, 1], logvar0=-4.0)
    arguments = [path, "--codes", "z0,a", "--factors", "v0,v1", "--metrics"]
    code, _, error = run(capsys, "score", *arguments, "mig")
    assert (code, "which logvar goes with 'a' is not said" in error) == (0, True)
    code, _, error = run(capsys, "score", *arguments, "decomposition")
    assert (code, "needs logvar, which is not given" in error) == (2, True)


@pytest.mark.parametrize("named", [["--codes", "z1,z0"], ["--factors", "v1,v0"]])
def test_codes_or_factors_may_be_named_alone(named, tmp_path, capsys):
    """The others are z0, z1, ... or v0, v1, ...; the order is no matter."""
    path, out = table(tmp_path, "csv"), tmp_path / "scores.csv"
    assert run(capsys, "score", path, *named, "--metrics", "mig", "--out", out)[0] == 0
    expected = disentbench.score(CODES, FACTORS, metrics="mig")["mig"]
    assert pd.read_csv(out).value[0] == pytest.approx(expected)


def test_arrays_in_npy_files_go_together(tmp_path, capsys):
    for name, values in {"z": CODES, "f": FACTORS, "l": LOGVAR}.items():
        np.save(tmp_path / f"{name}.npy", values)
    beside = ["--with", f"factors={tmp_path / 'f.npy'},logvar={tmp_path / 'l.npy'}"]
    out, codes = tmp_path / "scores.csv", tmp_path / "z.npy"
    metrics = ["--metrics", "mig,total_correlation", "--out", out]
    assert run(capsys, "score", codes, *beside, *metrics)[0] == 0
    expected = disentbench.score(CODES, FACTORS, logvar=LOGVAR, metrics="mig,total_correlation")
    found = pd.read_csv(out)
    assert dict(zip(found.metric, found.value, strict=True)) == pytest.approx(expected)
    assert run(capsys, "levels", codes, *beside, "--metrics", "mig")[0] == 0
    assert run(capsys, "audit", codes, *beside, "--batch-sizes", "16")[0] == 0
    alone = ["--with", f"logvar={tmp_path / 'l.npy'}", "--metrics", "total_correlation"]
    assert run(capsys, "score", codes, *alone)[0] == 0
    with pytest.raises(SystemExit):
        main(["score", str(codes), "--with", "factors"])


def test_a_file_without_factors_scores_what_needs_none(tmp_path, capsys):
    path = tmp_path / "bare.npz"
    np.savez(path, mean=CODES, logvar=LOGVAR, distortion=np.full(len(CODES), 5.0))
    code, out, _ = run(capsys, "score", path, "--metrics", "elbo")
    assert (code, "distortion" in out) == (0, True)
    code, _, error = run(capsys, "score", path)
    assert (code, "has no array 'factors'; it holds mean, logvar, distortion" in error) == (2, True)
    assert run(capsys, "audit", path, "--batch-sizes", "16")[0] == 0


def test_several_files_and_several_runs(tmp_path, capsys):
    several = npz(tmp_path, mean=np.stack([CODES, -CODES]), logvar=np.stack([LOGVAR, LOGVAR]))
    code, out, _ = run(capsys, "score", several, npz(tmp_path, "y.npz"), "--metrics", "mig")
    assert code == 0
    assert out.split("\n")[0].split() == ["file", "run", "metric", "value"]
    assert len(out.strip().split("\n")) == 1 + 3


def test_runs_of_one_file_are_compared_and_a_lone_one_is_nan_with_a_word(tmp_path, capsys):
    twins = npz(tmp_path, mean=np.stack([CODES, -CODES]), logvar=np.stack([LOGVAR, LOGVAR]))
    code, out, _ = run(capsys, "score", twins, "--metrics", "udr_spearman")
    assert code == 0
    assert [float(line.split()[-1]) for line in out.strip().split("\n")[1:]] == pytest.approx(
        [1, 1], abs=0.1
    )
    code, out, error = run(capsys, "score", npz(tmp_path), "--metrics", "udr")
    assert (code, "no other run to compare with" in error) == (0, True)
    assert out.count("NaN") == 3


def test_json_and_detail(tmp_path, capsys):
    out, detail = tmp_path / "scores.json", tmp_path / "detail.json"
    arguments = ["--metrics", "mig,dci", "--out", out, "--detail", detail]
    assert run(capsys, "score", npz(tmp_path), *arguments)[0] == 0
    assert {row["metric"] for row in json.loads(out.read_text())} >= {"mig", "dci_completeness"}
    detail = json.loads(detail.read_text())["runs"]["0"]
    assert np.shape(detail["mig"]["mutual_information"]) == (2, 2)
    assert np.shape(detail["dci"]["importance"]) == (2, 2)


def test_the_same_seed_gives_the_same_file(tmp_path, capsys):
    out = [tmp_path / f"{i}.csv" for i in range(3)]
    for path, seed in zip(out, (0, 0, 1), strict=True):
        arguments = ["--metrics", "beta_vae_score,decomposition", "--seed", seed, "--out", path]
        assert run(capsys, "score", npz(tmp_path, mean=CODES * [1, 0.1]), *arguments)[0] == 0
    same, again, other = (path.read_text() for path in out)
    assert same == again != other


MISTAKES = [
    (["nowhere.npz"], "nowhere.npz does not exist"),
    (["{npz}", "--metrics", "mgi"], "no metric named 'mgi'; choose from"),
    (["{npz}", "nowhere.npz"], "nowhere.npz does not exist"),
    (
        ["{csv}", "--codes", "a,b", "--factors", "v0"],
        "no column 'a'; its columns are z0",
    ),
    (["{csv}", "--codes", "z0,z0", "--factors", "v0"], "name one twice"),
    (["{csv}", "--codes", "z0,v0", "--factors", "v0"], "name one twice"),
    (["{npz}", "{npz}"], "x.npz is named twice"),
    (["{npz}", "--metrics", "mig", "--detail", "{npz}"], "x.npz is named twice"),
    (["{csv}", "--logvar", "z0,z1"], "name one twice"),
    (["{csv}", "--codes", "z0", "--factors", "v0", "--logvar", "z1,v1"], "name as many"),
    (["{csv}", "--codes", "z0", "--factors", "v0", "--logvar", "z0"], "name one twice"),
    (["{csv}", "--codes", "z0", "--factors", "v0", "--logvar", "b"], "no column 'b'"),
    (["{half}", "--codes", "z0,z1", "--factors", "v0"], "has no column 'logvar1' beside 'z1'"),
    (["{csv}", "--metrics", "rate"], "'decomposition' needs logvar"),
    (["{npz}", "--codes", "z0", "--factors", "v0"], "is no table"),
    (["{csv}", "--code", "sampled", "--metrics", "mig"], "sampled codes need logvar"),
    (["{csv}", "--metrics", "udr"], "'udr' needs logvar"),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES)
def test_a_mistake_is_one_sentence_and_leaves_no_output(arguments, words, tmp_path, capsys):
    files = {"npz": npz(tmp_path), "csv": table(tmp_path, "csv")}
    files["half"] = table(tmp_path, "parquet", logvar0=CODES[:, 0])
    before = sorted(tmp_path.iterdir())
    out = tmp_path / "out.csv"
    code, _, error = run(capsys, "score", *(a.format(**files) for a in arguments), "--out", out)
    assert code == 2
    assert words in error
    assert len(error.strip().split("\n")) == 1
    assert sorted(tmp_path.iterdir()) == before


def test_an_output_that_cannot_be_written_is_named(tmp_path, capsys):
    code, _, error = run(capsys, "score", npz(tmp_path), "--metrics", "mig", "--out", tmp_path)
    assert code == 2
    assert str(tmp_path) in error
    assert len(error.strip().split("\n")) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]


def test_a_seed_that_is_no_number_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["score", "x.npz", "--seed", "-1"])
    assert caught.value.code == 2


@pytest.mark.parametrize("header", ["z0,z2,v0", "z0,z0,v0", "z1,z2,v0"])
def test_columns_out_of_number_are_refused(header, tmp_path, capsys):
    path = tmp_path / "odd.csv"
    path.write_text(header + "\n1,2,0\n2,1,1\n3,3,0\n")
    code, _, error = run(capsys, "score", path, "--metrics", "mig")
    assert (code, "number them z0, z1, ... once" in error) == (2, True)


def test_a_missing_factor_is_named(tmp_path, capsys):
    path = table(tmp_path, "csv", v1=np.where(np.arange(len(FACTORS)) == 7, np.nan, FACTORS[:, 1]))
    code, _, error = run(capsys, "score", path, "--metrics", "mig")
    assert code == 2
    assert "a factor is missing in row 7" in error


@pytest.mark.parametrize("kind", plugins.KINDS)
def test_every_kind_is_listed(kind, capsys):
    code, out, _ = run(capsys, "list", kind)
    assert code == 0
    for name in plugins.names(kind):
        assert re.search(rf"^{name} ", out, re.MULTILINE)
