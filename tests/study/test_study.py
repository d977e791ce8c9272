"""What a study may say, and one clear sentence for every mistake."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from builders.good_study import GOOD, changed

from disentbench import plugins
from disentbench.errors import UserError
from disentbench.storage.study_file import read_study, require_files

ROOT = Path(__file__).parents[2]


def test_files_that_a_data_set_reads_are_known_and_must_be_there(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    study = read_study(changed("datasets/read", {"of": "dsprites_npz", "path": "~/x.npz"}))
    assert study.dataset("read").files == (tmp_path / "x.npz",)
    assert study.dataset("grid").files == ()
    assert study.dataset_recipe("read")["path"] == "~/x.npz"
    with pytest.raises(UserError, match=r"^datasets\.read reads .*/x\.npz, which is no file here"):
        require_files(study)
    (tmp_path / "x.npz").touch()
    require_files(study)


def test_what_estimates_nothing_may_train_on_single_images():
    raw = changed("training/batch_size", 1) | {"objectives": {"vae": {}, "beta_vae": {"beta": [4]}}}
    assert read_study(raw).training.batch_size == 1


@pytest.mark.parametrize("name", ["factor_vae", "dip_vae_i", "dip_vae_ii", "info_vae", "hfs_vae"])
def test_what_compares_the_images_of_a_batch_needs_two(name):
    options = {"of": name, **dict.fromkeys(required(name), 2)}
    raw = changed("training/batch_size", 1) | {"objectives": {"compared": options}}
    with pytest.raises(UserError, match=r"objectives\.compared estimates .*; use at least 2"):
        read_study(raw)


def required(name):
    fields = plugins.load("objectives", name).model_fields
    return [key for key, field in fields.items() if field.is_required()]


def test_short_forms():
    raw = GOOD | {
        "datasets": ["dsprites_small"],
        "objectives": ["vae"],
        "architecture": "mlp_chen2018",
        "seeds": 0,
    }
    assert [pack.path for pack in read_study(raw).packs] == ["dsprites_small/vae/default/seeds-0-0"]


ONE_IMAGE = dict.fromkeys(("shape", "scale", "orientation", "posX", "posY"), 0)

RISING = {"from": 0, "to": 4, "steps": 100}

MISTAKES = [
    ("colour", "red", "unknown key 'colour'; the keys are study, datasets, objectives"),
    ("training/stepz", 5, "training: unknown key 'stepz'; the keys are steps"),
    ("training/steps", None, "'training.steps' is missing"),
    ("training/steps", "many", "training.steps is 'many'"),
    ("training/batch_size", 5000, "batch_size 5000 is larger than grid's 1536 images"),
    (
        "training/batch_size",
        1,
        "and objectives.beta_tcvae estimates q(z) from the images of a batch",
    ),
    ("datasets/one", {"of": "dsprites", **ONE_IMAGE}, "datasets.one has one image"),
    ("training/learning_rate", -1, "training.learning_rate is -1"),
    ("training/precision", "float8", "training.precision is 'float8'; it should be 'float32'"),
    ("training/initialisation", "he", "initialisation is 'he'; it should be 'torch' or 'glorot'"),
    ("objectives/btcvae", {"beta": 1}, "no objective named 'btcvae'; choose from annealed_vae, "),
    ("objectives/beta_tcvae/beta", -1, "objectives.beta_tcvae: beta is -1"),
    ("objectives/beta_tcvae/beta", [1, -2], "objectives.beta_tcvae: beta is -2"),
    ("objectives/beta_tcvae/beta", [], "a sweep needs one value or more"),
    ("objectives/beta_tcvae/beta", [4, 4.0], "each of them once"),
    ("objectives/beta_tcvae/beta", float("nan"), "beta is nan"),
    ("objectives/beta_tcvae/beta", None, "the key 'beta' is missing"),
    ("objectives/beta_tcvae/strength", 3, "unknown key 'strength'; the keys are"),
    ("objectives/beta_tcvae/estimator", "naive", "estimator is 'naive'"),
    ("objectives/beta_tcvae/beta", RISING | {"from": -1}, "beta_tcvae: beta.from is -1"),
    ("objectives/beta_tcvae/beta", RISING | {"steps": 0}, "beta_tcvae: beta.steps is 0"),
    ("objectives/beta_tcvae/beta", {"from": 0, "to": 4}, "the key 'beta.steps' is missing"),
    ("objectives/beta_tcvae/beta", RISING | {"until": 9}, "the keys are from, to, steps"),
    ("objectives/beta_tcvae/beta", [1, RISING], "cannot be swept; a sweep's values are numbers"),
    ("objectives/beta_tcvae/warm_up", -1, "objectives.beta_tcvae: warm_up is -1"),
    ("objectives/info_vae", {"alpha": 1.5}, "alpha is 1.5; it should be at most 1"),
    ("objectives/annealed_vae", {}, "the key 'c_max' is missing"),
    ("objectives/factor_vae", {"gamma": 6, "permute": "all"}, "permute is 'all'; it should be"),
    ("training/clip_norm", 0, "training.clip_norm is 0; it should be greater than 0"),
    ("training/weight_decay", -1, "training.weight_decay is -1; it should be at least 0"),
    ("training/learning_rate_schedule", "linear", "it should be 'constant' or 'cosine'"),
    ("training/sampling", "weights", "it should be 'epochs' or 'with_replacement'"),
    ("objectives/grouped/groups/a", [0, 6], "names latent 6; the latents are 0 to 5"),
    ("objectives/grouped/groups/b", [1], "latent 1 is named twice"),
    ("objectives/grouped/discrete/s", 1, "discrete.s is 1"),
    ("objectives", {}, "objectives is {}"),
    ("datasets/mpi", {}, "no dataset named 'mpi'; choose from "),
    ("datasets/grid/scale", [9], "there is no class 9"),
    ("datasets/grid/image_size", 4, "image_size"),
    ("seeds", "", "'' is no range of seeds"),
    ("seeds", [], "seeds"),
    ("seeds", "5-3", "'5-3' is no range of seeds; write the first and the last, as in 0-4"),
    ("pack", 0, "pack is 0"),
    ("seeds", "0-999999999", "of at most 100,000 seeds"),
    ("latents", 10**12, "latents is 1000000000000"),
    ("architecture/hidden", 10**9, "hidden is 1000000000"),
    ("objectives/beta_tcvae/beta", 1e300, "beta is 1e+300"),
    ("metrics", ["migg"], "no metric named 'migg'; choose from active_units"),
    ("metrics", [], "metrics is []"),
    ("architecture", "resnet", "no architecture named 'resnet'; choose from conv_burgess2018"),
    ("architecture/hidden", 0, "hidden is 0"),
    (
        "architecture",
        {"of": "conv_locatello2019", "last_kernels": 3},
        "last_kernels is 3; it should be 2 or 4",
    ),
    ("study", "../../etc", "cannot be a folder's name"),
    ("objectives/..", {"of": "vae"}, "cannot be a folder's name"),
    ("datasets/a b", {"of": "dsprites"}, "cannot be a folder's name"),
    ("study", "<b>", "cannot be a folder's name"),
]


@pytest.mark.parametrize(("path", "value", "words"), MISTAKES)
def test_every_mistake_is_one_sentence(path, value, words):
    with pytest.raises(UserError) as caught:
        read_study(changed(path, value))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seeds": "0-99999"}, "the study has 800,000 runs in 160,000 packs; at most 200,000 runs"),
        (
            {"objectives": {"beta_tcvae": {k: list(range(1, 1001)) for k in ("beta", "gamma")}}},
            "the study has 9,000,000 runs in 3,000,000 packs; at most 200,000 runs and 10,000",
        ),
        ({"datasets": [f"d{i}" for i in range(20_000)]}, "at most 100,000 fit a command"),
        ({"metrics": ["mig"] * 20_000}, "characters with its aliases and defaults written out"),
    ],
)
def test_a_study_without_bounds_is_counted_before_it_is_made(changes, words, monkeypatch):
    monkeypatch.setattr(plugins, "make", lambda *_: pytest.fail("was made"))
    with pytest.raises(UserError) as caught:
        read_study(GOOD | changes)
    assert words in str(caught.value)


def test_ten_times_the_largest_study_that_we_ship_is_allowed():
    raw = yaml.safe_load((ROOT / "configs/scale.yaml").read_text())
    study = read_study(raw | {"seeds": "0-499"})
    assert (len(study.packs), study.packs[-1].last) == (2_520, 499)


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: [", "study: x\nstudy: y\n: :", "\x00"])
def test_a_file_that_is_no_study_is_refused(text, tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_study(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named():
    with pytest.raises(UserError, match=r"no study file nowhere\.yaml"):
        read_study("nowhere.yaml")


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_studies_that_we_ship_are_valid(path):
    assert read_study(path).packs


def test_planning_imports_no_torch():
    """Snakemake reads the study again in every job; torch would cost each a second."""
    code = (
        "import sys; from disentbench.storage.study_file import read_study;"
        "read_study(sys.argv[1]).packs;"
        "assert not {'torch', 'sklearn', 'pandas'} & set(sys.modules), 'heavy import'"
    )
    subprocess.run([sys.executable, "-c", code, json.dumps(GOOD)], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"training": {"steps": 10, "batch_size": 10**6}}, "is larger than"),
        ({"objectives": {"btcvae": {}}}, "no objective named 'btcvae'"),
        ({"bogus": 1}, "unknown key 'bogus'"),
        ({"published_id": {"grid": {"vae": {"beta-1": 0}}}}, "the study has no setting 'beta-1'"),
        ({"datasets": {"x": {"of": "dsprites_npz", "path": "nowhere.npz"}}}, "no file here"),
    ],
)
def test_snakemake_says_it_too_with_exit_code_2(config, words, tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(GOOD | config))
    run = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "--quiet", "--configfile", str(path)],
        capture_output=True,
        check=False,
        text=True,
        cwd=ROOT,
    )
    assert run.returncode == 2
    assert words in run.stderr
    assert "Traceback" not in run.stderr
