"""The tidy table of a study: every score file of it, read and put together."""

import json
from pathlib import Path

import pandas as pd

from disentbench import plugins
from disentbench.recipe import Pack
from disentbench.results.tidy import PUBLISHED_ID, RUN
from disentbench.storage import expected, seals, tables
from disentbench.storage.layout import StudyFolder
from disentbench.storage.provenance import unique
from disentbench.study import Study, published


def collect(study: Study, results: Path) -> pd.DataFrame:
    """The tidy table of a study: a row for each run and value, from every pack's score files.

    Columns: dataset, objective, setting, seed, published_id if the study has such numbers, one for
    each swept setting, metric, value.
    """
    scores = pd.concat([_of_pack(study, pack, results) for pack in study.packs], ignore_index=True)
    swept = [column for column in scores if column not in (*RUN, PUBLISHED_ID, "metric", "value")]
    numbered = [PUBLISHED_ID] if study.published_id else []
    return scores[[*RUN, *numbered, *swept, "metric", "value"]]


def _of_pack(study: Study, pack: Pack, results: Path) -> pd.DataFrame:
    folder = StudyFolder(results / study.study).pack(pack)
    parts, givers = [], {}
    for metric in study.metrics_on(pack.dataset):
        path = seals.checked(folder.scores(metric))
        of = expected.of_pack(study.recipe(pack), f"scores/{metric}", study.evaluate)
        expected.require(path, of)
        parts.append(tables.read_own_table(path, text=("run",)))
        for value in parts[-1]["metric"].unique():
            plugins.note_giver(givers, value, metric)
    return (
        pd.concat(parts)
        .rename(columns={"run": "seed"})
        .assign(
            dataset=pack.dataset,
            objective=pack.objective,
            setting=pack.setting,
            seed=lambda table: table["seed"].astype(int),
            **{PUBLISHED_ID: lambda table: _published_ids(study, pack, table["seed"])},
            **study.point(pack),
        )
    )


def _published_ids(study: Study, pack: Pack, seeds: pd.Series) -> pd.Series:
    """The number of each seed in a published study; missing where the setting has none."""
    first = published.of_seed_0(study.published_id).get(pack.of, pd.NA)
    return seeds.astype("Int64") + first


def scored_by(study: Study, results: Path) -> list[dict]:
    """With what code the study was scored, each once, as far as the details say it."""
    folder = StudyFolder(results / study.study)
    paths = (
        folder.pack(pack).detail(metric)
        for pack in study.packs
        for metric in study.metrics_on(pack.dataset)
    )
    details = (json.loads(seals.checked(path).read_text()) for path in paths if path.exists())
    return unique(detail["provenance"] for detail in details if "provenance" in detail)
