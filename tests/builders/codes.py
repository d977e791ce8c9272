"""Codes that all but know two factors, as arrays and in files, and the command run on them."""

import numpy as np
import pandas as pd

from disentbench.cli import main

rng = np.random.default_rng(0)
FACTORS = np.tile(np.indices((3, 4)).reshape(2, -1).T, (20, 1))
CODES = (FACTORS + 0.05 * rng.normal(size=FACTORS.shape)).astype(np.float32)
LOGVAR = np.full_like(CODES, -5)


def table(tmp_path, kind, **columns):
    """The codes and factors in a table, these columns beside them or in their place."""
    frame = pd.DataFrame(
        {"z0": CODES[:, 0], "z1": CODES[:, 1], "v0": FACTORS[:, 0], "v1": FACTORS[:, 1]} | columns
    )
    path = tmp_path / f"table.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    return path


def npz(tmp_path, name="x.npz", **arrays):
    """The codes, factors and logvar in an archive, these arrays beside them or in their place."""
    path = tmp_path / name
    np.savez(path, **({"mean": CODES, "factors": FACTORS, "logvar": LOGVAR} | arrays))
    return path


def run(capsys, *arguments):
    """A command's exit code, and what it prints and complains of."""
    code = main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err
