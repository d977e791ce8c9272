"""Tables of codes and factors from outside: .csv and .parquet, a row for each image."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pyarrow import parquet

from disentbench.errors import UserError
from disentbench.storage import limits, seals

LONGEST_LINE = 2**20  # bytes of a table's first line that are looked at


def read_table(
    path: Path,
    codes: list[str] | None = None,
    factors: list[str] | None = None,
    logvar: list[str] | None = None,
    *,
    memory: int = limits.MEMORY,
    bare: bool = False,
) -> dict:
    """What `represent` takes, from a table's columns: those named, or z0, ..., and v0, ...

    The columns logvar0, ... are log sigma^2 of z0, ..., of whichever are read, unless `logvar`
    names others; `bare` allows for no factors.
    """
    table = _table(path, memory)
    there = list(map(str, table.columns))
    if not codes and not logvar:  # all of them, so that a gap is refused
        logvar = numbered(path, table, "logvar")
    codes = codes or numbered(path, table, "z")
    factors = factors or numbered(path, table, "v")
    logvar = logvar_of(path, codes, there, logvar) if logvar != [] else []
    every = codes + factors + logvar
    if len(set(every)) < len(every):
        raise UserError(f"the columns {', '.join(every)} name one twice; name each once")
    for kind, names in (("codes", codes), ("factors", factors), ("logvar", logvar)):
        missing = [name for name in names if name not in table]
        if missing or not (names or kind == "logvar" or (kind == "factors" and bare)):
            what = f"no column {missing[0]!r}" if missing else f"no columns for the {kind}"
            raise UserError(f"{path} has {what}; its columns are {', '.join(there) or 'none'}")
    arrays = {"mean": _numbers(path, table[codes])}
    if factors:
        arrays |= {"factors": _factors(path, table[factors]), "factor_names": factors}
    if logvar:
        arrays["logvar"] = _numbers(path, table[logvar])
    return arrays


def read_own_table(path: Path, text: Sequence[str] = ()) -> pd.DataFrame:
    """A table of ours, if its checksum holds; the columns `text` are read as they stand."""
    return pd.read_csv(seals.checked(path), dtype=dict.fromkeys(text, str))


def _table(path: Path, memory: int) -> pd.DataFrame:
    limits.regular(path, "a table")
    csv = path.suffix.lower() == ".csv"
    try:
        require_bounds(path, memory)
        return pd.read_csv(path) if csv else _parquet(path)
    except UserError:
        raise
    except Exception as error:  # a mangled table fails in many ways, all of them the file's
        raise _mangled(path, error) from None


def _mangled(path: Path, error: Exception) -> UserError:
    """What to raise for a file that cannot be read as a table."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return UserError(f"{path} cannot be read as a table: {reason}")


def require_bounds(path: Path, memory: int = limits.MEMORY) -> None:
    """Look at what a table claims before it is read; a UserError for too much, or what is none."""
    claim = _csv_claim if path.suffix.lower() == ".csv" else _parquet_claim
    claimed, columns = claim(path)
    limits.require_count(path, columns, limits.MOST_COLUMNS, "columns")
    limits.require_memory(path, claimed, memory)


def _csv_claim(path: Path) -> tuple[int, int]:
    """Bytes that a table of numbers takes, and its text beside it; how many columns it has."""
    values = 0
    with path.open("rb") as file:
        columns = file.readline(LONGEST_LINE).count(b",") + 1
        file.seek(0)
        while block := file.read(2**20):
            values += block.count(b",") + block.count(b"\n")
    return path.stat().st_size + 8 * values, columns


def _parquet_claim(path: Path) -> tuple[int, int]:
    try:
        metadata = parquet.read_metadata(path)
    except Exception as error:  # its end is gone, or is no such thing
        raise _mangled(path, error) from None
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    columns = _text_columns(metadata)
    text = sum(group.column(i).total_uncompressed_size for group in groups for i in columns)
    return 8 * metadata.num_rows * metadata.num_columns + text, metadata.num_columns


def _text_columns(metadata: parquet.FileMetaData) -> list[int]:
    schema = metadata.schema
    return [i for i in range(len(schema)) if schema.column(i).physical_type == "BYTE_ARRAY"]


def _parquet(path: Path) -> pd.DataFrame:
    """The table; a text that a file holds once for many rows is once in memory, too."""
    metadata = parquet.read_metadata(path)
    text = [metadata.schema.column(i).path for i in _text_columns(metadata)]
    table = pd.read_parquet(path, read_dictionary=text)
    coded = table.select_dtypes("category").columns
    return table.astype(dict.fromkeys(coded, object))


def numbered(path: Path, table: pd.DataFrame, letter: str) -> list[str]:
    """The columns z0, z1, ...; a gap or a second column of one name is refused."""
    columns = [
        name for name in map(str, table.columns) if re.fullmatch(rf"{letter}\d+(\.\d+)?", name)
    ]
    names = [f"{letter}{i}" for i in range(len(columns))]
    if odd := sorted(set(columns) - set(names)):
        raise UserError(
            f"{path} has a column {odd[0]!r}; number them {letter}0, {letter}1, ... once"
        )
    return names


def _numbers(path: Path, table: pd.DataFrame) -> np.ndarray:
    for name, column in table.items():
        if not pd.api.types.is_numeric_dtype(column):
            raise UserError(f"{path}: column {name!r} holds {column.dtype}; codes are numbers")
    return table.to_numpy(np.float64)


def _factors(path: Path, table: pd.DataFrame) -> np.ndarray:
    """Classes; text has its classes in alphabetical order."""
    if table.isna().any(axis=None):
        row = int(table.isna().any(axis=1).to_numpy().argmax())
        raise UserError(f"{path}: a factor is missing in row {row}; leave such rows out")
    numeric = pd.api.types.is_numeric_dtype
    columns = [c if numeric(c) else pd.factorize(c, sort=True)[0] for _, c in table.items()]
    return np.stack([np.asarray(column) for column in columns], axis=1)


def logvar_of(
    path: Path, codes: list[str], there: Sequence[str], named: list[str] | None = None
) -> list[str]:
    """The columns of log sigma^2 that go with these columns of codes, in their order.

    logvarN goes with zN, whichever codes are chosen and in whatever order; `named` says it for
    columns of other names. None where the table has none for these codes, which is said where it
    has some that may be meant.
    """
    if named is not None:
        if len(named) != len(codes):
            raise UserError(
                f"there are {len(named)} columns of logvar and {len(codes)} of codes; name as "
                "many, in the same order"
            )
        return named
    columns = [name for name in there if re.fullmatch(r"logvar\d+", name)]
    odd = [name for name in codes if not re.fullmatch(r"z\d+", name)]
    if columns and odd:
        warnings.warn(
            f"{path}: which logvar goes with {odd[0]!r} is not said, and so none is used; name the "
            "columns with --logvar",
            stacklevel=2,
        )
    wanted = [] if odd else [f"logvar{name[1:]}" for name in codes]
    missing = [name for name in wanted if name not in columns]
    if missing and set(wanted) & set(columns):
        raise UserError(
            f"{path} has no column {missing[0]!r} beside 'z{missing[0].removeprefix('logvar')}', "
            f"but others; name the columns with --logvar"
        )
    return [] if missing else wanted
