"""Latents from anywhere: what is read, and what is refused in one sentence."""

import pickle

import h5py
import numpy as np
import pytest

from disentbench.cli import main
from disentbench.errors import UserError
from disentbench.posterior.from_files import read_latents
from disentbench.storage.representation_files import Reading

rng = np.random.default_rng(0)
MEAN = rng.normal(size=(20, 3)).astype(np.float32)
FACTORS = rng.integers(0, 4, (20, 2))


def h5(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
    return path


def npz(path, **arrays):
    np.savez(path, **arrays)
    return path


WRITERS = {"h5": h5, "npz": npz}


@pytest.fixture(params=WRITERS)
def write(request, tmp_path):
    """Write arrays to a file of each kind."""
    return lambda **arrays: WRITERS[request.param](tmp_path / f"x.{request.param}", **arrays)


def test_one_run(write):
    ((name, run),) = read_latents(write(mean=MEAN, factors=FACTORS, logvar=MEAN - 1))
    assert name == "0"
    assert np.array_equal(run.mean, MEAN)
    assert np.array_equal(run.factors, FACTORS)
    assert np.array_equal(run.logvar, MEAN - 1)


def test_several_runs(write):
    means = np.stack([MEAN, -MEAN])
    runs = dict(read_latents(write(mean=means, factors=FACTORS)))
    assert list(runs) == ["0", "1"]
    assert np.array_equal(runs["1"].mean, -MEAN)
    assert runs["0"].posterior is None


def test_a_seed_that_is_there_twice_is_refused(tmp_path):
    """Whoever reads the file: a run is known by its seed."""
    runs = np.stack([MEAN, MEAN + 1, -MEAN, 2 * MEAN])
    path = h5(tmp_path / "x.h5", mean=runs, logvar=runs, factors=FACTORS, seeds=[0, 1, 0, 1])
    with pytest.raises(UserError, match=r"x\.h5 has the seed 0 twice"):
        list(read_latents(path))
    for command in ("score", "audit"):
        assert main([command, str(path)]) == 2


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int32])
def test_any_number_will_do(write, dtype):
    ((_, run),) = read_latents(write(mean=(10 * MEAN).astype(dtype), factors=FACTORS))
    assert run.mean.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, bool])
def test_classes_become_0_to_n(write, dtype):
    odd = np.array([[0, 1], [1, 0], [0, 0]], dtype)
    scale = 1 if dtype is bool else 7
    factors = np.repeat(odd * odd.dtype.type(scale), 5, axis=0)
    ((_, run),) = read_latents(write(mean=MEAN[:15], factors=factors))
    assert np.array_equal(run.factors, np.repeat(odd.astype(int), 5, axis=0))


def with_bad_row(value):
    bad = MEAN.copy()
    bad[7, 1] = value
    return bad


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


MISTAKES = [
    ({"mean": MEAN}, "has no (dataset|array) 'factors'; it holds mean"),
    ({"factors": FACTORS}, "has no (dataset|array) 'mean'; it holds factors"),
    ({"mean": MEAN[:9], "factors": FACTORS}, "mean has 9 rows and factors 20; they must agree"),
    ({"mean": MEAN[0], "factors": FACTORS}, r"mean has shape \(3,\)"),
    ({"mean": MEAN[:0], "factors": FACTORS[:0]}, r"mean has shape \(0, 3\)"),
    ({"mean": MEAN, "factors": FACTORS[:, 0]}, r"factors has shape \(20,\)"),
    ({"mean": MEAN, "factors": FACTORS + 0.5}, "its classes must be whole numbers"),
    ({"mean": MEAN, "factors": FACTORS * np.nan}, "its classes must be whole numbers"),
    ({"mean": with_bad_row(np.nan), "factors": FACTORS}, r"mean is not finite in row 7 \(1 rows"),
    ({"mean": with_bad_row(np.inf), "factors": FACTORS}, "mean is not finite in row 7"),
    (
        {"mean": np.where(with_bad_row(np.inf) == np.inf, 1e300, MEAN), "factors": FACTORS},
        "not finite in row 7",
    ),
    ({"mean": MEAN, "factors": FACTORS, "logvar": MEAN[:, :2]}, "logvar is .* and mean"),
    ({"mean": MEAN, "factors": FACTORS, "logvar": with_bad_row(np.nan)}, "logvar is not finite"),
    ({"mean": MEAN.astype("S8"), "factors": FACTORS}, "it must hold numbers"),
]


@pytest.mark.parametrize(("arrays", "words"), MISTAKES)
def test_what_does_not_fit_is_refused(write, arrays, words):
    with pytest.raises(UserError, match=words) as caught:
        list(read_latents(write(**arrays)))
    assert "\n" not in str(caught.value)


WARNED = [
    ({"mean": MEAN[:2], "factors": FACTORS[:2]}, r"mean is \(2, 3\), fewer images than latents"),
    ({"mean": MEAN, "factors": np.arange(500).reshape(20, 25)}, "fewer images than factors"),
    ({"mean": MEAN, "factors": np.c_[FACTORS, range(20)]}, "factor 2 has another class in each"),
]


@pytest.mark.parametrize(("arrays", "words"), WARNED)
def test_what_is_seldom_meant_gets_a_warning(write, arrays, words):
    with pytest.warns(UserWarning, match=words):
        assert len(list(read_latents(write(**arrays)))) == 1


def test_what_is_usual_gets_none(write, recwarn):
    list(read_latents(write(mean=MEAN, factors=FACTORS)))
    assert not recwarn.list


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"mean": MEAN.T, "factors": FACTORS}, "mean has them as columns, so transpose it"),
        ({"mean": MEAN, "factors": FACTORS.T}, "factors has them as columns, so transpose it"),
        ({"mean": MEAN, "factors": FACTORS / 3}, r"factor . is 0\.\d+ in row .*np\.unique"),
        ({"mean": MEAN, "factors": FACTORS, "logvar": MEAN[None]}, "logvar"),
        ({"mean": MEAN[None], "factors": FACTORS, "logvar": MEAN}, "must have as many runs"),
        ({"mean": MEAN[None], "factors": FACTORS, "distortion": MEAN}, "must have as many runs"),
        ({"mean": MEAN, "factors": FACTORS, "distortion": MEAN[0]}, "mean has 20 rows and dist"),
    ],
)
def test_what_was_meant_is_guessed(write, arrays, words):
    with pytest.raises(UserError, match=words):
        list(read_latents(write(**arrays)))


def test_a_row_that_is_not_finite_is_named_with_its_run(write):
    runs = np.stack([MEAN, with_bad_row(np.nan), MEAN])
    with pytest.raises(UserError, match=r"run 1: mean is not finite in row 7 \(1 rows"):
        list(read_latents(write(mean=runs, factors=FACTORS)))


def test_a_file_of_other_names_is_told_which_are_expected(tmp_path):
    path = npz(tmp_path / "x.npz", codes=MEAN, labels=FACTORS)
    with pytest.raises(UserError) as caught:
        list(read_latents(path))
    assert str(caught.value).endswith(
        "has no array 'mean'; it holds codes, labels; the names are mean, factors, logvar, "
        "distortion, of which mean and factors are needed"
    )


@pytest.mark.parametrize("runs", [1, 2])
def test_distortion_is_read_of_every_kind_of_file(write, runs):
    nats = np.arange(20.0)
    arrays = {"mean": MEAN, "logvar": MEAN, "distortion": nats}
    if runs > 1:
        arrays = {name: np.stack([each] * runs) for name, each in arrays.items()}
    for _, run in read_latents(write(factors=FACTORS, **arrays)):
        assert np.array_equal(run.distortion, nats)


def test_text_stands_for_classes_in_arrays_too(tmp_path):
    text = np.array(["red", "green", "blue", "red"] * 5)[:, None]
    for path in (
        npz(tmp_path / "x.npz", mean=MEAN, factors=text),
        h5(tmp_path / "x.h5", mean=MEAN, factors=text.astype("S")),
    ):
        ((_, run),) = read_latents(path)
        assert run.factors[:4, 0].tolist() == [2, 1, 0, 2]


def test_codes_in_an_npy_go_with_other_files(tmp_path):
    for name, values in {"codes": MEAN, "f": FACTORS, "l": MEAN - 1}.items():
        np.save(tmp_path / f"{name}.npy", values)
    beside = {"factors": tmp_path / "f.npy", "logvar": tmp_path / "l.npy"}
    path = tmp_path / "codes.npy"
    ((_, run),) = read_latents(path, Reading(beside=beside))
    assert np.array_equal(run.logvar, MEAN - 1)
    assert np.array_equal(run.factors, FACTORS)
    with pytest.raises(UserError, match="is codes alone; name the factors, --with factors=FILE"):
        list(read_latents(path))
    with pytest.raises(UserError, match="no array 'labels' goes with codes; the names are mean"):
        list(read_latents(path, Reading(beside=beside | {"labels": path})))
    with pytest.raises(UserError, match=r"nowhere\.npy does not exist"):
        list(read_latents(path, Reading(beside={"factors": tmp_path / "nowhere.npy"})))
    with pytest.raises(UserError, match=r"is no \.npy file; arrays go --with those alone"):
        list(read_latents(npz(tmp_path / "x.npz"), Reading(beside=beside)))


def test_an_array_of_objects_is_never_unpickled(tmp_path):
    path = tmp_path / "bomb.npz"
    np.savez(path, mean=np.array([Bomb()], dtype=object), factors=FACTORS)
    with pytest.raises(UserError, match="cannot be read"):
        list(read_latents(path))
    plain = tmp_path / "pickle.npz"
    plain.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(UserError, match="cannot be read"):
        list(read_latents(plain))


def test_an_external_link_is_refused(tmp_path):
    h5(tmp_path / "other.h5", mean=MEAN)
    path = h5(tmp_path / "x.h5", factors=FACTORS)
    with h5py.File(path, "a") as file:
        file["mean"] = h5py.ExternalLink("other.h5", "mean")
    with pytest.raises(UserError, match="link to another file"):
        list(read_latents(path))


@pytest.mark.parametrize("name", ["missing.h5", "missing.npz", "x.txt"])
def test_a_path_that_cannot_be_read_is_named(name):
    with pytest.raises(UserError, match=name):
        list(read_latents(name))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"failed": [b"False", b"False"]}, "failed holds .*; it must hold true or false for each"),
        ({"seeds": 3}, r"seeds is \(\); it must hold a whole number or a text for each run"),
        ({"seeds": [0.5, 1.5]}, "seeds holds float64; it must hold a whole number or a text"),
        ({"logits": np.zeros((2, 5, 3))}, "logits must be a group of datasets, not one itself"),
    ],
)
def test_what_says_something_of_each_run_is_of_its_kind(tmp_path, arrays, words):
    runs = np.zeros((2, len(FACTORS), 3))
    path = h5(tmp_path / "x.h5", mean=runs, factors=FACTORS, **arrays)
    with pytest.raises(UserError, match=words):
        list(read_latents(path))


def test_runs_may_have_names_for_seeds(tmp_path):
    runs = np.random.default_rng(0).standard_normal((2, len(FACTORS), 3))
    path = h5(tmp_path / "x.h5", mean=runs, factors=FACTORS, seeds=[b"a", b"b"])
    assert [name for name, _ in read_latents(path)] == ["a", "b"]
