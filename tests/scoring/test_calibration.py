"""What chance and a perfect code would score, computed from the factors alone."""

import numpy as np
import pandas as pd
import pytest
from builders.codes import FACTORS, npz, run

from disentbench.scoring import calibration


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
