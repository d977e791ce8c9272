"""What training cost, from what its files say: sums, speeds, hardware, and what is not recorded."""

import json
import math

import h5py
import numpy as np
import pandas as pd
import pytest
from builders.studies import LEAN, made, rendered, scored, trained

from disentbench.report import checks, records, text
from disentbench.report.figures import cost
from disentbench.report.records import PackRecord
from disentbench.results import lineage

pytestmark = pytest.mark.usefixtures("quick_figures")
TWO = {"vae": {}, "beta_vae": {"beta": [4]}}
CPU = {"from_step": 0, "revision": "abc", "versions": {"torch": "2"}, "device": "cpu"}


def making(seconds: float, steps: int, **changes) -> dict:
    told = {"seconds": seconds, "member_steps": steps, "processor": "a CPU", "threads": 2}
    return CPU | told | changes


def record(pack, *trainings: dict) -> PackRecord:
    return PackRecord(pack, {"trained": list(trainings)}, [])


def test_parts_add_up_and_an_image_is_seen_once_by_each_member():
    packs = made(**LEAN).packs
    table = cost.costs(
        [
            record(packs[0], making(10, 40), making(30, 60, from_step=20, processor="a GPU")),
            record(packs[1], making(5, 80)),
        ],
        batch_size=8,
    )
    assert list(table["seconds"]) == [40, 5]
    assert list(table["images"]) == [800, 640]
    assert list(table["images_per_second"]) == [20, 128]
    assert list(table["processor"]) == ["a CPU, 2 threads + a GPU, 2 threads", "a CPU, 2 threads"]
    assert table["whole"].all()
    (line,) = cost.lines(table, {"vae": "VAE"})
    assert (line["runs"], line["packs"], line["hours"]) == ("4 runs", "2 packs", "0.0125")
    assert (line["per_run"], line["speed"], line["range"]) == ("11.2", "74.0", "20.0 to 128")


@pytest.mark.parametrize(
    "old", [CPU, making(math.nan, 3), making(0, 3), CPU | {"seconds": "9", "member_steps": None}]
)
def test_what_is_not_recorded_is_said_and_in_no_number(old):
    packs = made(**LEAN).packs
    table = cost.costs([record(packs[0], making(10, 40), old), record(packs[1], old)], 8)
    assert list(table["seconds"].fillna(-1)) == [10, -1]
    assert not table["whole"].any()
    assert cost.finding(table).endswith("Of 2 packs the time, or a part of it, is not recorded.")
    (line,) = cost.lines(table, {"vae": "VAE"})
    assert (line["per_run"], line["speed"]) == ("–", "32.0")


def test_no_part_that_differs_in_what_it_took_alone_is_another():
    pack = made(**LEAN).packs[0]
    parts = [making(1, 2), making(3, 4, from_step=9, processor="another CPU", threads=8)]
    assert records.resumed([record(pack, *parts)]) == []
    assert checks.mixed([record(pack, *parts)], parts) == []
    elsewhere = making(3, 4, from_step=9, device="a GPU")
    assert records.resumed([record(pack, parts[0], elsewhere)]) == [pack]
    assert records.distinct(parts, "device") == ["cpu"]


def test_a_comparison_of_results_tells_of_no_seconds(tmp_path):
    of = made(objectives={"vae": {}}, **LEAN)
    trained(tmp_path, of)
    tell(tmp_path, of, lambda place: making(1.0 + place, 8))
    made_by = lineage.read_lineage(tmp_path / of.study, tmp_path / "none.csv").made_by
    assert {name for name in made_by if name.startswith("trained")} == {
        *("trained at revision", "trained with device", "trained with torch"),
    }


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (12.34, "12.3\u00a0s"),
        (90, "1.50\u00a0min"),
        (3600, "1.00\u00a0h"),
        (3.6e6, "1\u2009000\u00a0h"),
    ],
)
def test_a_duration_has_the_largest_unit_that_it_fills(seconds, words):
    assert text.duration(seconds) == words.replace(" ", "\u00a0")


def tell(folder, of, trainings) -> None:
    """Have every pack's latents say what its training took."""
    for place, pack in enumerate(of.packs):
        with h5py.File(folder / of.study / pack.path / "latents.h5", "a") as file:
            said = json.loads(file.attrs["provenance"]) | {"trained": [trainings(place)]}
            file.attrs["provenance"] = json.dumps(said)


def test_the_page_says_what_the_study_cost(tmp_path, draw):
    draw("cost")
    of = made(objectives=TWO, **LEAN)
    trained(tmp_path, of)
    assert "is not recorded in what is left of them" in rendered(tmp_path, of, scored(of))
    tell(
        tmp_path, of, lambda place: making(900.0 * (place + 1), 8, revision="<b>", processor="<i>")
    )
    page = rendered(tmp_path, of, scored(of))
    hours = sum(range(1, len(of.packs) + 1)) / 4
    assert f"The training of 8 runs took {text.number(hours)}\u00a0h of one process’s time" in page
    assert f"<dd>{text.number(hours)}\u00a0h of one process’s time in all</dd>" in page
    assert "<i>" not in page
    assert "Images per second by objective, every pack a point; median: VAE" in page
    written = pd.read_csv(tmp_path / "report/tables/tiny_cost.csv")
    np.testing.assert_array_equal(written["seconds"], 900.0 * np.arange(1, len(of.packs) + 1))
    assert list(written["seeds"][:2]) == ["0-1", "2-3"]


def test_one_objective_has_no_panel_of_speeds(tmp_path, draw):
    draw("cost")
    of = made(objectives={"vae": {}}, **LEAN)
    trained(tmp_path, of)
    tell(tmp_path, of, lambda place: making(1.0, 8))
    page = rendered(tmp_path, of, scored(of))
    assert "What it cost" in page
    assert not (tmp_path / "report/figures/tiny_cost_throughput.pdf").exists()
