"""Two results side by side: what differs is counted and sized, and nothing else is."""

import math

import numpy as np
import pandas as pd
import pytest
from builders.tidy_tables import RUN, saved, tidy
from scipy import stats

from disentbench.cli import main
from disentbench.results import diff, diff_text

rng = np.random.default_rng(0)


def compared(tmp_path, a, b, **options):
    paths = [saved(tmp_path / name, table) for name, table in (("a", a), ("b", b))]
    return diff.compare(*paths, **options)


def changed(table, where, value):
    table = table.copy()
    table.loc[where(table), "value"] = value
    return table


def first_line(found):
    return diff_text.text(found).split("\n")[0]


def test_a_result_is_identical_to_itself_in_any_order_and_format(tmp_path):
    table = tidy()
    a = saved(tmp_path / "a", changed(table, lambda t: t.index == 3, np.nan))
    b = saved(tmp_path / "b", pd.read_csv(a / "scores.csv").sample(frac=1), "scores.parquet")
    found = diff.compare(a, b / "scores.parquet")
    assert found.same
    assert first_line(found) == "identical: 16 values of 8 runs"
    assert not len(found.means)
    assert diff.compare(a, b).same


def test_every_digit_counts(tmp_path):
    a, b = tidy(), tidy()
    b["value"] = np.nextafter(b["value"], np.inf)
    found = compared(tmp_path, a, b)
    assert len(found.differing) == 16
    assert compared(tmp_path, a, b, tolerance=1e-15).same


def test_the_largest_difference_is_named_with_its_run(tmp_path):
    a = tidy()
    b = changed(a, lambda t: t.index == 0, a["value"][0] + 0.25)
    b = changed(b, lambda t: t.index == 9, a["value"][9] - 0.5)
    found = compared(tmp_path, a, b)
    run = "tiny/beta_vae/beta-4 seed 0"
    assert first_line(found) == f"2 of 16 values differ, by at most 0.5 (elbo, {run})"
    metrics = found.metrics.set_index("metric")
    assert metrics["differing"].to_dict() == {"elbo": 1, "mig": 1}
    assert metrics["largest"].to_dict() == pytest.approx({"elbo": 0.5, "mig": 0.25})
    assert metrics.loc["mig", "run"] == "tiny/vae/beta-4 seed 0"


def test_a_tolerance_lets_small_differences_pass(tmp_path):
    a = tidy()
    b = a.assign(value=a["value"] + 0.01)
    found = compared(tmp_path, a, b, tolerance=0.02)
    assert found.same
    assert first_line(found) == "alike: 16 values of 8 runs, none further apart than 0.02"
    assert not compared(tmp_path, a, b, tolerance=0.005).same


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_in_one_alone_differs_without_a_size(tmp_path, value):
    a = tidy()
    b = changed(a, lambda t: t.index == 3, value)
    for pair in ((a, b), (b, a)):
        found = compared(tmp_path, *pair)
        assert first_line(found) == "1 of 16 values differ; 1 of them finite in A or B alone"
        assert not compared(tmp_path, *pair, tolerance=1e9).same
    assert compared(tmp_path, b, b).same


def test_runs_and_values_of_one_alone_are_counted(tmp_path):
    a, b = tidy(seeds=range(4)), tidy(seeds=range(3), objectives=("vae", "beta_vae", "hfvae"))
    a = a[~((a["metric"] == "elbo") & (a["seed"] == 2))]
    b["value"] = b.merge(a, on=[*RUN, "metric"], how="left")["value_y"].to_numpy()
    found = compared(tmp_path, a, b)
    assert found.runs["where"].value_counts().to_dict() == {"both": 6, "a": 2, "b": 3}
    assert first_line(found) == (
        "identical: 10 values of 6 runs; 5 runs and 2 more values in A or B alone"
    )
    assert not found.same
    assert "runs: 6 in both, 2 in A alone, 3 in B alone" in diff_text.text(found)


def test_nothing_in_both_is_nothing_to_compare(tmp_path):
    found = compared(tmp_path, tidy(["vae"]), tidy(["beta_vae"]))
    assert first_line(found) == "nothing to compare: no value of any run is in both"
    assert not found.same


def test_common_seeds_are_paired(tmp_path):
    """Against scipy's paired t test; B - A; other seeds are left out, and metrics that agree."""
    a, b = tidy(["vae"], range(6)), tidy(["vae"], range(5))
    noise = rng.normal(0.1, 0.02, 5)
    mig = b["metric"] == "mig"
    b.loc[mig, "value"] = a.loc[a["metric"].eq("mig"), "value"].to_numpy()[:5] + noise
    b.loc[~mig, "value"] = a.loc[a["metric"].ne("mig"), "value"].to_numpy()[:5]
    (row,) = compared(tmp_path, a, b).means.itertuples()
    expected = stats.ttest_1samp(noise, 0).confidence_interval()
    assert (row.metric, row.kind, row.seeds) == ("mig", "paired", 5)
    assert row.difference == pytest.approx(noise.mean())
    assert (row.low, row.high) == pytest.approx(tuple(expected))


def test_other_seeds_are_not_paired(tmp_path):
    a, b = tidy(["vae"], range(4), ["mig"]), tidy(["vae"], range(4, 9), ["mig"])
    (row,) = compared(tmp_path, a, b).means.itertuples()
    test = stats.ttest_ind(b["value"], a["value"], equal_var=False)
    assert row.kind == "Welch"
    assert row.difference == pytest.approx(b["value"].mean() - a["value"].mean())
    assert (row.low, row.high) == pytest.approx(tuple(test.confidence_interval()))


def test_values_that_runs_share_in_have_no_interval(tmp_path):
    a = tidy(["vae"], range(4), ["mig", "udr_spearman"])
    found = compared(tmp_path, a, a.assign(value=a["value"] + rng.normal(size=len(a))))
    low = found.means.set_index("metric")["low"]
    assert np.isfinite(low["mig"])
    assert np.isnan(low["udr_spearman"])
    assert "no interval; 4 common seeds" in diff_text.text(found)


@pytest.mark.parametrize("seeds", [[3, 4], [3]])
def test_one_common_seed_has_no_interval(tmp_path, seeds):
    a, b = tidy(["vae"], range(4)), tidy(["vae"], seeds)
    assert not len(compared(tmp_path, a, b.assign(value=9.0)).means)


def test_standard_errors_are_compared_but_have_no_means(tmp_path):
    a = tidy(metrics=["rate_se"])
    found = compared(tmp_path, a, a.assign(value=9.0))
    assert len(found.differing) == 8
    assert not len(found.means)


def test_metrics_can_be_chosen(tmp_path):
    a = tidy()
    b = changed(a, lambda t: t["metric"] == "elbo", 9.0)
    assert compared(tmp_path, a, b, metrics=["mig"]).same
    assert len(compared(tmp_path, a, b, metrics=["elbo"]).compared) == 8


def test_long_lists_are_cut(tmp_path):
    a = tidy(metrics=[f"m{i}" for i in range(40)])
    found = compared(tmp_path, a, a.assign(value=0.0))
    lines = diff_text.text(found).splitlines()
    assert "  and 20 more" in lines
    assert "  and 60 more" in lines
    assert len(lines) < 60


def test_the_clearest_differences_come_first(tmp_path):
    a = tidy(metrics=["mig"], objectives=["vae", "beta_vae", "hfvae"])
    shifts = {"vae": rng.normal(0, 1, 4), "beta_vae": 0.15 + 0.001 * rng.normal(size=4)}
    b = a.copy()
    for objective, shift in shifts.items():
        b.loc[b["objective"] == objective, "value"] += shift
    lines = diff_text.text(compared(tmp_path, a, b)).splitlines()
    start = lines.index("means of settings that differ, B - A, with 95 % intervals")
    assert "tiny/beta_vae/beta-4 mig: +0.1" in lines[start + 1]
    assert "tiny/vae/beta-4 mig" in lines[start + 2]
    assert "4 common seeds" in lines[start + 2]


def test_names_that_pandas_would_take_for_missing_are_names(tmp_path):
    a = tidy(objectives=["NA", "nan", "null"])
    assert compared(tmp_path, a, a).runs["where"].eq("both").sum() == 12


def exit_code(*words):
    return main(["diff", *map(str, words)])


def test_exit_codes(tmp_path, capsys):
    a, b = saved(tmp_path / "a", tidy()), saved(tmp_path / "b", tidy().assign(value=9.0))
    fewer = saved(tmp_path / "c", tidy(seeds=[0]))
    assert [exit_code(a, other) for other in (a, b, fewer)] == [0, 0, 0]
    assert [exit_code(a, other, "--exit-code") for other in (a, b, fewer)] == [0, 3, 3]
    assert exit_code(a, b, "--exit-code", "--tolerance", "99", "--metrics", "mig") == 0
    assert capsys.readouterr().out.startswith("identical")


HEAD = "dataset,objective,setting,seed,metric,value\n"
TABLES = {
    "dataset,objective\n": "no column 'setting'",
    f"{HEAD}a,b,c,0,mig,high\n": "could not convert string to float: 'high'",
    f"{HEAD}a,b,c,x,mig,1\n": "'seed' does not hold",
    f"{HEAD}a,b,c,0,mig,1\na,b,c,0,mig,1\n": "seed 0 twice",
    "": "cannot be read as a table",
    '"\n\n"\na,b\nc,d,e,f,g\n': "cannot be read as a table",
}


@pytest.mark.parametrize(("content", "words"), TABLES.items())
def test_a_table_that_is_none_is_refused(tmp_path, capsys, content, words):
    saved(tmp_path / "a", tidy())
    (tmp_path / "b.csv").write_text(content)
    assert exit_code(tmp_path / "a", tmp_path / "b.csv") == 2
    error = capsys.readouterr().err.strip()
    assert words in error
    assert "\n" not in error


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + 99 * b"x" + b"PAR1"])
def test_a_mangled_parquet_is_refused(tmp_path, capsys, content):
    saved(tmp_path / "a", tidy())
    (tmp_path / "b.parquet").write_bytes(content)
    assert exit_code(tmp_path / "a", tmp_path / "b.parquet") == 2
    error = capsys.readouterr().err.strip()
    assert "b.parquet cannot be read as a table" in error
    assert "\n" not in error


@pytest.mark.parametrize("name", ["missing", "empty", "x.txt", "missing.csv"])
def test_a_path_without_results_is_refused(tmp_path, capsys, name):
    saved(tmp_path / "a", tidy())
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.txt").touch()
    assert exit_code(tmp_path / "a", tmp_path / name) == 2
    assert name in capsys.readouterr().err


def test_a_metric_that_neither_has_is_refused(tmp_path, capsys):
    saved(tmp_path / "a", tidy())
    assert exit_code(tmp_path / "a", tmp_path / "a", "--metrics", "migg") == 2
    assert "no metric named 'migg' in either; there are elbo, mig" in capsys.readouterr().err


@pytest.mark.parametrize("tolerance", ["-1", "nan", "inf", "x"])
def test_a_tolerance_is_a_number(tmp_path, tolerance, capsys):
    with pytest.raises(SystemExit) as caught:
        exit_code("a", "b", f"--tolerance={tolerance}")
    assert caught.value.code == 2
    assert "is no number of at least 0" in capsys.readouterr().err


def test_a_difference_has_no_size_that_is_not_a_number():
    assert math.isinf(diff.sized(tidy().assign(a=1.0, b=np.nan, where="both"), 0.0)["size"][0])
