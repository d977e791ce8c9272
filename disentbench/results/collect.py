"""The tidy table of a study: every score file of it, read and put together."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from disentbench.recipe import Pack
from disentbench.storage import expected, files
from disentbench.storage.provenance import unique
from disentbench.study import Study


def collect(study: Study, results: Path) -> pd.DataFrame:
    """The tidy table of a study: a row for each run and value, from every pack's score files.

    Columns: dataset, objective, setting, seed, one for each swept setting, metric, value.
    """
    scores = pd.concat([_of_pack(study, pack, results) for pack in study.packs], ignore_index=True)
    identity = ["dataset", "objective", "setting", "seed"]
    swept = [column for column in scores if column not in (*identity, "metric", "value")]
    return scores[[*identity, *swept, "metric", "value"]]


def _of_pack(study: Study, pack: Pack, results: Path) -> pd.DataFrame:
    folder = results / study.study / pack.path / "scores"
    for metric in study.metrics:
        path = files.checked(folder / f"{metric}.csv")
        expected.require(path, expected.of_pack(study.recipe(pack), f"scores/{metric}"))
    scores = pd.concat([read(folder / f"{metric}.csv") for metric in study.metrics])
    return scores.rename(columns={"run": "seed"}).assign(
        dataset=pack.dataset,
        objective=pack.objective,
        setting=pack.setting,
        seed=lambda table: table["seed"].astype(int),
        **study.point(pack),
    )


def scored_by(study: Study, results: Path) -> list[dict]:
    """With what code the study was scored, each once, as far as the details say it."""
    folders = (results / study.study / pack.path / "scores" for pack in study.packs)
    paths = (folder / f"{metric}.json" for folder in folders for metric in study.metrics)
    details = (json.loads(files.checked(path).read_text()) for path in paths if path.exists())
    return unique(each["provenance"] for each in details if "provenance" in each)


def read(path: Path) -> pd.DataFrame:
    """A score file, every value to its last digit."""
    return pd.read_csv(files.checked(path), dtype={"run": str})


def write_parquet(scores: pd.DataFrame, path: Path, provenance: dict) -> None:
    """A tidy table as parquet, names encoded as dictionaries; what is missing is null.

    The schema's metadata holds the provenance as JSON under `disentbench`.
    """
    table = pa.Table.from_pandas(scores, preserve_index=False)
    metadata = table.schema.metadata | {"disentbench": json.dumps(provenance)}
    names = list(scores.select_dtypes(exclude="number"))
    parquet.write_table(
        table.replace_schema_metadata(metadata), path, compression="zstd", use_dictionary=names
    )
