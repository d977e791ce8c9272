"""The tidy table of a study: a row for each run and value, as CSV and as parquet.

Columns: dataset, objective, setting, seed, published_id if the study has such numbers, one for each
swept setting, metric, value. Parquet also says what made the numbers, as JSON in its schema's
metadata under `disentbench`.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from disentbench.errors import UserError
from disentbench.storage import plain_data
from disentbench.storage.plain_data import printable

SETTING = ["dataset", "objective", "setting"]
RUN = [*SETTING, "seed"]
PUBLISHED_ID = "published_id"
COLUMNS = [*RUN, "metric", "value"]
MADE = b"disentbench"


def read_scores(path: Path) -> pd.DataFrame:
    """RUN, metric and value of a tidy table, every value to its last digit and once.

    Raises a UserError for what is no such table.
    """
    table = _table(path)
    for column in ("seed", "value"):
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise UserError(f"{path}: its column {column!r} does not hold numbers")
    table[[*SETTING, "metric"]] = table[[*SETTING, "metric"]].astype(str)
    if (twice := table.duplicated([*RUN, "metric"])).any():
        row = table[twice].iloc[0]
        raise UserError(f"{path} has {row['metric']} of {run_name(list(row[RUN]))} twice; keep one")
    return table


def _table(path: Path) -> pd.DataFrame:
    try:
        table = _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)
        if missing := [name for name in COLUMNS if name not in table]:
            raise ValueError(f"no column {missing[0]!r}")
        return table
    except UserError:
        raise
    except Exception as error:  # a mangled table fails in many ways, all of them the file's
        reason = printable(" ".join(str(error).split())) or type(error).__name__
        raise UserError(f"{path} cannot be read as a table of scores: {reason}") from None


def _parquet(path: Path) -> pd.DataFrame:
    there = parquet.read_schema(path).names
    return pd.read_parquet(path, columns=[name for name in COLUMNS if name in there])


def _csv(path: Path) -> pd.DataFrame:
    """Every digit as it was written, and names that look like missing values as names."""
    text = dict.fromkeys([*SETTING, "metric", "value"], str)
    table = pd.read_csv(path, usecols=COLUMNS.__contains__, dtype=text, keep_default_na=False)
    if "value" in table:
        table["value"] = [float(value or "nan") for value in table["value"]]
    return table


def write_parquet(scores: pd.DataFrame, path: Path, made: dict) -> None:
    """A tidy table as parquet, names encoded as dictionaries; what is missing is null.

    `made` says what made it.
    """
    table = pa.Table.from_pandas(scores, preserve_index=False)
    metadata = table.schema.metadata | {MADE: json.dumps(made)}
    names = list(scores.select_dtypes(exclude="number"))
    parquet.write_table(
        table.replace_schema_metadata(metadata), path, compression="zstd", use_dictionary=names
    )


def read_made(path: Path) -> dict:
    """What made a tidy table, where it is parquet and says it as plain data."""
    if path.suffix.lower() != ".parquet":
        return {}
    metadata = parquet.read_metadata(path).metadata or {}
    try:
        made = plain_data.parsed(metadata.get(MADE, b"{}").decode())
    except ValueError:
        return {}
    return made if isinstance(made, dict) else {}


def run_name(run: Sequence[Any]) -> str:
    """A run (data set, objective, setting, seed) as a path with its seed."""
    dataset, objective, setting, seed = run
    return f"{dataset}/{objective}/{setting} seed {seed}"
