"""Scoring anybody's latents: from Python, from files of every kind, from the command line."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import disentbench
from disentbench import plugins
from disentbench.cli import main
from disentbench.commands.tables import write_table
from disentbench.errors import UserError
from disentbench.posterior.represent import represent
from disentbench.scoring import calibration, scores

ROOT = Path(__file__).parents[2]
rng = np.random.default_rng(0)
FACTORS = np.tile(np.indices((3, 4)).reshape(2, -1).T, (20, 1))
CODES = (FACTORS + 0.05 * rng.normal(size=FACTORS.shape)).astype(np.float32)
LOGVAR = np.full_like(CODES, -5)
QUICK = ["mig", "modularity", "sap_r2"]


def table(tmp_path, kind, **columns):
    frame = pd.DataFrame(
        {"z0": CODES[:, 0], "z1": CODES[:, 1], "v0": FACTORS[:, 0], "v1": FACTORS[:, 1]} | columns
    )
    path = tmp_path / f"table.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    return path


def npz(tmp_path, name="x.npz", **arrays):
    path = tmp_path / name
    np.savez(path, **({"mean": CODES, "factors": FACTORS, "logvar": LOGVAR} | arrays))
    return path


def run(capsys, *arguments):
    code = main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_arrays_from_python():
    found = disentbench.score(CODES, FACTORS, metrics=QUICK)
    assert set(found) == {"mig", "modularity", "modularity_active", "sap_r2"}
    assert found["mig"] > 0.9
    assert disentbench.score(
        CODES, FACTORS, metrics=["total_correlation"], logvar=LOGVAR
    ).keys() == {
        *("total_correlation", "total_correlation_se"),
    }


def test_readmes_example_runs():
    readme = (ROOT / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    names = {}
    exec(code, names)
    assert names["scores"]["mig"] > 0.9


def test_all_that_can_be_computed_is():
    given = set(scores.chosen(None, represent(CODES, FACTORS)))
    with_posterior = set(scores.chosen(None, represent(CODES, FACTORS, logvar=LOGVAR)))
    assert {"mig", "dci"} <= given
    assert not {"mig_chen", "decomposition", "udr"} & given
    assert with_posterior - given == {"mig_chen", "decomposition"}


def test_what_a_metric_needs_and_does_not_get_is_said():
    with pytest.raises(ValueError, match="'mig_chen' needs logvar, which is not given"):
        disentbench.score(CODES, FACTORS, metrics=["mig_chen"])
    with pytest.raises(ValueError, match="no metric named 'migg'; choose from"):
        disentbench.score(CODES, FACTORS, metrics=["migg"])
    with pytest.raises(ValueError, match="sampled codes need logvar"):
        disentbench.score(CODES, FACTORS, metrics=["mig"], code="sampled")


def test_sampled_codes_are_noisier_and_repeatable():
    wide = np.full_like(CODES, 1.0)

    def mig(**options):
        return disentbench.score(CODES, FACTORS, logvar=wide, metrics=["mig"], **options)["mig"]

    assert mig(code="sampled") < 0.5 * mig()
    assert mig(code="sampled", seed=3) == mig(code="sampled", seed=3) != mig(code="sampled", seed=4)


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


def test_json_says_what_is_infinite_and_it_is_read_back(tmp_path):
    """JSON has no infinity; what is undefined is null."""
    values = np.array([[np.inf, 1 / 3], [-np.inf, np.nan]])
    scored = [scores.Scored("0", "x", scores.Score({"a": np.inf, "b": 1 / 3}, {"m": values}), [])]
    text = json.dumps(scores.details(scored), allow_nan=False)
    back = json.loads(text)["runs"]["0"]["x"]["m"]
    assert back == [["inf", 1 / 3], ["-inf", None]]
    np.testing.assert_array_equal(np.array(back, float), values)
    write_table(scores.table(scored), tmp_path / "x.json")
    rows = json.loads((tmp_path / "x.json").read_text())
    assert rows == [
        {"run": "0", "metric": "a", "value": "inf"},
        {"run": "0", "metric": "b", "value": 1 / 3},
    ]
    assert [float(row["value"]) for row in rows] == [np.inf, 1 / 3]
    odd = pd.DataFrame({"name": ["a", None], "whole": [1, 2], "value": [np.nan, -np.inf]})
    assert json.loads(json.dumps(scores.records(odd), allow_nan=False)) == [
        {"name": "a", "whole": 1, "value": None},
        {"name": None, "whole": 2, "value": "-inf"},
    ]


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


def test_chance_and_perfection_are_computed_from_the_factors():
    found = calibration.calibrate(
        FACTORS, ["mig", "dci", "mig_chen", "explicitness", "active_units"]
    )
    table = found.set_index("metric")
    assert "active_units" not in table.index
    assert table.perfect["mig"] == pytest.approx(1, abs=1e-6)
    assert table.perfect["mig_chen"] == pytest.approx(1, abs=0.01)
    assert table.chance["mig"] < 0.1
    assert table.chance["explicitness"] == pytest.approx(0.5, abs=0.1)
    assert (table.perfect > table.chance).all()


def test_twenty_bins_cannot_hold_32_positions():
    """A perfect code of dSprites' position loses what 20 bins lose of 32 classes."""
    factors = np.indices((32, 32)).reshape(2, -1).T
    perfect = calibration.calibrate(factors, ["mig"]).perfect[0]
    assert perfect == pytest.approx(0.85, abs=0.02)


def test_levels_and_audit_from_the_command_line(tmp_path, capsys):
    path = npz(tmp_path)
    code, out, _ = run(capsys, "levels", path, "--metrics", "mig")
    assert code == 0
    assert out.split()[:3] == ["metric", "chance", "perfect"]
    code, out, _ = run(capsys, "audit", path, "--batch-sizes", "16")
    assert code == 0
    assert "exact" in out
    code, _, error = run(capsys, "audit", path, "--run", "7")
    assert (code, "its runs are 0" in error) == (2, True)


def test_metrics_without_factors_have_no_levels(tmp_path, capsys):
    """An answer without a line would puzzle; the workflow's file may have none."""
    path, out = tmp_path / "x.npz", tmp_path / "levels.csv"
    np.savez(path, mean=FACTORS.astype(np.float32), factors=FACTORS)
    code, _, error = run(capsys, "levels", path, "--metrics", "elbo")
    assert (code, "none of elbo looks at factors" in error) == (2, True)
    assert run(capsys, "levels", path, "--metrics", "elbo", "--out", out)[0] == 0
    assert pd.read_csv(out).empty


@pytest.mark.slow
def test_a_million_rows():
    rng = np.random.default_rng(0)
    factors = rng.integers(0, [3, 6, 40, 32, 32], (1_000_000, 5))
    codes = (factors @ rng.normal(size=(5, 10)) + rng.normal(size=(1_000_000, 10))).astype("f4")
    found = disentbench.score(codes, factors, logvar=np.zeros_like(codes))
    assert all(np.isfinite(value) for value in found.values())


def test_what_is_not_finite_is_named_with_its_run():
    codes = np.random.default_rng(0).standard_normal((4, 30, 3))
    codes[2, 5, 1] = np.nan
    with pytest.raises(UserError, match=r"^run 9: mean is not finite in row 5"):
        disentbench.score(codes, np.arange(30)[:, None] % 3, metrics="mig", seeds=[7, 8, 9, 10])


@pytest.mark.parametrize(("dtype", "offset"), [(np.float32, 1e8), (np.float16, 2048)])
def test_digits_that_an_offset_has_cost_in_the_file_are_warned_of(dtype, offset):
    factors = np.tile(np.indices((4, 3)).reshape(2, -1).T, (5, 1))
    with pytest.warns(UserWarning, match="latent 0 of mean reaches .* take off the offset"):
        disentbench.score((factors * 3 + offset).astype(dtype), factors, metrics="mig")
