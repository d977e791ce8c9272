"""Which runs are shown and how much of them: best, median and worst, in a page's budget."""

import base64
import io
import re

import h5py
import numpy as np
import pytest
from builders.findings import TWO, block, given
from builders.studies import LEAN, made, rendered, scored, trained
from PIL import Image

from disentbench.models import model_file
from disentbench.report import decoding, extremes, thumbnails
from disentbench.report import page as page_of
from disentbench.report.decoding import Row
from disentbench.report.extremes import Place
from disentbench.report.figures import pictures
from disentbench.report.figures.pictures import Pictures

pytestmark = pytest.mark.usefixtures("quick_figures")
KEY = ("vae", "default")


def shown(scores: list[float], sign: int = 1) -> list[tuple[str, int]]:
    """Which runs are shown of a setting with these scores, by seed."""
    of = made(**TWO | {"seeds": f"0-{len(scores) - 1}", "pack": len(scores)})
    part, rule = block(of, given(of, {KEY: scores}))
    return [tuple(place) for place in extremes.places(part, KEY, rule._replace(sign=sign))]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0.3, 0.1, 0.2], [("median", 2), ("best", 0), ("worst", 1)]),
        ([0.4, 0.1, 0.3, 0.2], [("median", 3), ("best", 0), ("worst", 1)]),
        ([0.2, 0.2, 0.2], [("median", 1), ("best", 2), ("worst", 0)]),
        ([0.3, 0.1], [("worst", 1), ("best", 0)]),
        ([0.3], [("median", 0)]),
        ([0.5, np.nan, 0.1, 0.3], [("median", 3), ("best", 0), ("worst", 2)]),
        ([np.nan, 0.1, np.nan], [("median", 1)]),
        ([np.nan, np.nan], []),
    ],
    ids=["three", "four", "all equal", "two", "one", "one lacks", "one has", "none has"],
)
def test_the_median_is_shown_then_the_best_and_the_worst(scores, expected):
    assert shown(scores) == expected


def test_where_low_is_good_the_lowest_is_best():
    assert shown([0.3, 0.1, 0.2], sign=-1) == [("median", 2), ("best", 1), ("worst", 0)]
    assert shown([0.3, 0.1], sign=-1) == [("best", 1), ("worst", 0)]


def test_thumbnails_are_of_the_leading_runs_first():
    of = made(**TWO | {"seeds": "0-3"})
    scores = {
        ("vae", "default"): [0.1, 0.2, 0.3, 0.4],
        ("beta_vae", "beta-4"): [0.8, 0.9, 0.7, 0.6],
    }
    part, rule = block(of, given(of, scores))
    a, b = ("beta_vae", "beta-4"), KEY
    leading = [(*a, 2), (*b, 1), (*a, 1), (*b, 3), (*a, 3), (*b, 0)]
    assert thumbnails.priority(part, rule) == [*leading, (*b, 2), (*a, 0)]
    assert len(thumbnails.priority(part, None)) == 8


def run(word: str, side: int, name: str = "vae") -> Pictures:
    """Pictures of noise in colour, which no PNG makes smaller."""
    rng = np.random.default_rng(0)
    images = [rng.uniform(size=(n, 3, side, side)) for n in (10, 10, *[9] * 12)]
    rows = [Row(f"z{i}", "", strip) for i, strip in enumerate(images)]
    whole = word == "median"
    return Pictures((name, "default"), Place(word, 0), whole, rows[:2], rows[2:], 12)


@pytest.mark.parametrize("side", [8, 24, 64, 100])
def test_pictures_keep_to_their_budget(side):
    runs = [run(word, side, name) for name in "ab" for word in ("median", "best", "worst")]
    drawn = pictures.fitted(runs, 1_000_000)
    assert sum(model.size for model in drawn) <= 1_000_000
    assert len(drawn) == {8: 6, 24: 6, 64: 2, 100: 1}[side]
    widths = {strip.width for model in drawn for strip in model.traversals}
    assert (10 * side + 9 * decoding.GAP in widths) == (side < 64)


def test_every_tile_of_a_run_is_as_large_as_any_other():
    wide, few = (Row("z0", "", np.ones((n, 1, 4, 4))) for n in (9, 3))
    shown = Pictures(KEY, Place("median", 0), True, [few, few], [wide, few], 2)
    (excerpt,) = pictures.fitted([shown], 10_000)
    strips = [*excerpt.reconstructions, *excerpt.traversals]
    assert {(strip.width, strip.height) for strip in strips} == {(9 * 4 + 8 * decoding.GAP, 4)}
    pixels = np.array(opened(excerpt.traversals[1].uri))
    step = 4 + decoding.GAP
    seen = [place % step < 4 and place < 3 * step for place in range(pixels.shape[1])]
    assert (pixels[:, :, 1] == np.where(seen, 255, 0)).all()


def opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A study's folder, its page, its report as figures see it and the part of its data set."""
    folder, of, seen = tmp_path_factory.mktemp("finished"), made(**LEAN), []
    trained(folder, of, failed=[3])
    for path in (folder / of.study).rglob("latents.h5"):
        with h5py.File(path, "a") as file:  # models that learnt nothing respond to nothing
            file["mean"][0, :, 0] = file["factors"][:, 0]
    with pytest.MonkeyPatch.context() as patch:
        section = page_of.section
        patch.setattr(page_of, "section", lambda *part: (seen.append(part), section(*part))[1])
        table = scored(of)
        table.loc[(slice(None), slice(None), slice(None), 3), :] = np.nan
        page = rendered(folder, of, table)
    return folder / of.study, page, *seen[0]


def drawn(report, runs) -> dict:
    return thumbnails.drawn(report, "tiny", runs)


def test_every_sound_run_has_a_thumbnail(finished):
    _, _, report, part = finished
    runs = thumbnails.priority(part, report.rule)
    known = drawn(report, runs)
    assert list(known) == [run for run in runs if run[2] != 3]  # which diverged
    assert drawn(report, runs) == known
    picture = known["hfvae", "beta-4", 0]
    names = [name for name, _ in picture.rows]
    assert names[:2] == ["original", "decoded"]
    assert set(names[2:]) == {"z0", "z1", "z2", "shape", "size"}
    side = 32 + decoding.GAP
    size = (thumbnails.TILES * side - decoding.GAP, len(names) * side - decoding.GAP)
    assert opened(picture.uri).size == size == (picture.width, picture.height)
    uris = thumbnails.thumbnails(report, "tiny", runs)
    assert uris == {run: picture.uri for run, picture in known.items()}


def test_thumbnails_stop_at_their_budget(finished, monkeypatch):
    _, _, report, part = finished
    runs = thumbnails.priority(part, report.rule)
    sizes = [len(picture.uri) for picture in drawn(report, runs).values()]
    monkeypatch.setattr(thumbnails, "BUDGET", sum(sizes[:3]) + 1)
    assert list(drawn(report, runs)) == [run for run in runs if run[2] != 3][:3]


def test_a_run_without_its_files_has_no_thumbnail(finished):
    folder, _, report, _ = finished
    pack = report.files.pack(report.study.packs[0])
    runs = [("vae", "default", 0), ("vae", "default", 2)]
    for path in (pack.model, pack.latents):
        away = path.rename(path.with_suffix(".away"))
        assert list(drawn(report, runs)) == [runs[1]]
        away.rename(path)
    images = report.files.dataset("tiny").images
    away = images.rename(folder / "away")
    assert drawn(report, runs) == {}
    away.rename(images)


def test_a_traversal_is_of_its_latent_alone(finished):
    """At the posterior mean itself, a tile is what the image is decoded to."""
    _, _, report, _ = finished
    x = decoding.chosen_images(report, "tiny", 3)
    model = decoding.model_of(report, ("tiny", "vae", "default", 0), model_file.load)
    rows = decoding.traversals(model, x[1], 5, 2)
    assert [row.images.shape for row in rows] == [(5, 1, 32, 32)] * 2
    kl = model.latent_kl
    assert rows[0].name == f"z{kl.argmax()}"
    assert len(decoding.traversals(model, x[1], 5, 9)) == 3


def test_latents_that_are_no_numbers_make_no_picture(finished, tmp_path):
    _, _, report, _ = finished
    pack = report.files.pack(report.study.packs[0])
    copy = tmp_path / "latents.h5"
    copy.write_bytes(pack.latents.read_bytes())
    with h5py.File(copy, "a") as file:
        file["mean"][0] = np.nan
    recipe = report.study.recipe(report.study.packs[0])
    saved = model_file.load(pack.model)
    assert decoding.read_model(recipe, copy, saved, 0) is None
    assert decoding.read_model(recipe, copy, saved, 1) is not None


def test_the_page_has_a_response_of_each_objective(finished):
    _, page, report, part = finished
    seeds = {key[0]: extremes.places(part, key, report.rule)[0].seed for key in part.best}
    respond = [name for name, seed in seeds.items() if seed % 2 == 0]  # the first of its pack
    assert page.count("mean of each latent over the classes of each factor") == len(respond) > 0
    for name in respond:
        assert f"figures/tiny_response_{name}.pdf" in page


def test_pictures_have_no_style_of_their_own(finished):
    """The page may forbid styles in attributes."""
    _, page, report, part = finished
    section = page[page.index('id="pictures-tiny"') :]
    section = section[: section.index("<h2", 5)]
    assert "style=" not in re.sub('src="[^"]*"', "", section)
    assert section.count("<b>original</b>") == 3 * len(report.study.objectives)
    assert len(re.findall(r"<h4>(?:median|best|worst) ", section)) == 9
    for suffix in ("", "_best", "_worst"):
        name = f"{part.dataset}_pictures_vae{suffix}"
        assert report.folder.figure(name, ".pdf").name in page
