"""Codes in groups: a vector for each factor is scored by its first principal component."""

import numpy as np
import pandas as pd
import pytest
from builders.codes import CODES, FACTORS, LOGVAR, npz, run
from scipy.stats import ortho_group
from sklearn.decomposition import PCA

import disentbench
from disentbench import plugins
from disentbench.errors import UserError
from disentbench.posterior import in_groups as module
from disentbench.posterior.from_arrays import represent
from disentbench.posterior.in_groups import in_groups, latents_of
from disentbench.scoring.calibration import calibrate
from disentbench.scoring.scores import chosen

rng = np.random.default_rng(0)
TURNED = (
    rng.standard_normal((240, 7)) @ np.diag([4, 1, 1, 0.1, 3, 2, 0.5]) @ ortho_group.rvs(7, 1, 0)
)


@pytest.mark.parametrize("offset", [0, 1e6])
@pytest.mark.parametrize("rows", [2**16, 50])
def test_it_is_scikit_learns_component_of_the_centred_vectors(offset, rows, monkeypatch):
    monkeypatch.setattr(module, "ROWS", rows)
    found = in_groups(represent(TURNED + offset, FACTORS), [[4, 5, 6], [3, 0, 1, 2]]).mean
    for column, latents in zip(found.T, ([4, 5, 6], [3, 0, 1, 2]), strict=True):
        expected = PCA(n_components=1).fit_transform(TURNED[:, latents])[:, 0]
        sign = np.sign(column @ expected)
        assert column == pytest.approx(sign * expected, abs=1e-5 * max(1, offset / 1e5))


def vectors(codes):
    """Each code along a direction of its own, in three latents that are otherwise still."""
    directions = ([1.0, -2.0, 0.5], [0.0, 0.3, 1.0])
    return np.hstack([np.outer(z, d) for z, d in zip(codes.T, directions, strict=True)])


METRICS = "mig,modularity,sap_r2,irs,mcc,r2"


def test_a_code_along_a_direction_scores_as_the_code():
    alone = disentbench.score(CODES, FACTORS, metrics=METRICS)
    found = disentbench.score(vectors(CODES), FACTORS, metrics=METRICS, groups=3)
    assert found == pytest.approx(alone, abs=0.01)
    assert disentbench.score(vectors(CODES), FACTORS, metrics="mcc", groups=3)["mcc_pearson"] > 0.99


ALIKE = [3, "3", "0-2,3-5", [range(3), [3, 4, 5]], np.arange(6).reshape(2, 3)[:, ::-1]]


@pytest.mark.parametrize("groups", ALIKE)
def test_groups_may_be_said_in_several_ways(groups):
    assert [sorted(group) for group in latents_of(groups, 6)] == [[0, 1, 2], [3, 4, 5]]


def test_a_lone_latent_is_a_group_and_its_own_component():
    found = in_groups(represent(CODES, FACTORS), "1,0-0").mean
    assert found == pytest.approx(CODES[:, ::-1] - CODES[:, ::-1].mean(0), abs=1e-6)


WRONG = {
    "0-2,2-5": "latent 2 twice",
    "0-2,3-6": "group 1 names latent 6; the latents are 0 to 5",
    "0-999999999": "the latents are 0 to 5",
    "3-5,2-0": "group 1 is empty",
    "4": "6 latents do not make groups of 4",
    "0": "6 latents do not make groups of 0",
    "0-2;3-5": "write 16 for blocks of 16 latents, or 0-15,16-31",
    "0-2,": "write 16 for blocks",
    "": "write 16 for blocks",
    "-1": "write 16 for blocks",
}
NO_GROUPS = {
    "none": ([], "there is no group"),
    "an empty one": ([[0], []], "group 1 is empty"),
    "a fraction": ([[0.0, 1]], "group 0 names latent 0.0"),
    "a negative": ([[-1]], "group 0 names latent -1"),
    "a word": ([["a"]], "group 0 names latent 'a'"),
}


@pytest.mark.parametrize(("groups", "words"), [*WRONG.items(), *NO_GROUPS.values()])
def test_groups_that_are_none_are_refused(groups, words):
    with pytest.raises(UserError, match=words):
        latents_of(groups, 6)


def test_what_is_in_no_group_is_left_out_with_a_word():
    with pytest.warns(UserWarning, match="latents in no group are left out: 0, 5"):
        assert latents_of("1-2,3-4", 6) == [[1, 2], [3, 4]]


def test_a_vector_that_stands_still_is_a_dead_latent():
    still = np.hstack([np.ones((240, 2)), CODES])
    found = disentbench.score(still, FACTORS, metrics="mig,active_units", groups=[[0, 1], [2], [3]])
    alone = disentbench.score(CODES, FACTORS, metrics="mig,active_units")
    assert found == pytest.approx(alone, abs=1e-6)


def test_the_metrics_of_posteriors_are_left_out_or_refused_in_a_sentence():
    given = {"logvar": LOGVAR, "groups": 1}
    found = chosen(None, in_groups(represent(CODES, FACTORS, logvar=LOGVAR), 1))
    assert "mig" in found
    assert not [name for name in found if "posterior" in plugins.needs(name)]
    why = "needs? logvar, and a group's principal component has none"
    for more in ({"metrics": "rate"}, {"metrics": "udr"}, {"code": "sampled"}):
        with pytest.raises(UserError, match=why):
            disentbench.score(CODES, FACTORS, **given, **more)


def test_at_the_command_line(tmp_path, capsys):
    path, out = npz(tmp_path, mean=vectors(CODES), logvar=vectors(LOGVAR)), tmp_path / "scores.csv"
    for groups in ("3", "0-2,3-5"):
        arguments = ["--groups", groups, "--metrics", METRICS, "--out", out]
        assert run(capsys, "score", path, *arguments)[0] == 0
        found = pd.read_csv(out)
        expected = disentbench.score(vectors(CODES), FACTORS, metrics=METRICS, groups=3)
        assert dict(zip(found.metric, found.value, strict=True)) == pytest.approx(expected)
    for wrong, words in (("5", "do not make groups of 5"), ("0-3,3-5", "latent 3 twice")):
        code, printed, error = run(capsys, "score", path, "--groups", wrong, "--metrics", "mig")
        assert (code, printed, words in error) == (2, "", True)
        assert len(error.strip().split("\n")) == 1


def test_chance_of_groups_is_chance():
    """A component sees no order of rows: shuffled vectors are a shuffled latent."""
    order = np.random.default_rng(3).permutation(240)
    run_of = represent(vectors(CODES)[order], FACTORS)
    shuffled = in_groups(represent(vectors(CODES), FACTORS), 3).mean[order]
    assert abs(in_groups(run_of, 3).mean) == pytest.approx(abs(shuffled), abs=1e-6)
    level = calibrate(FACTORS, ["mig", "sap_r2", "mcc"]).set_index("metric").chance
    noise = np.random.default_rng(4).standard_normal((240, 32))
    found = disentbench.score(noise, FACTORS, metrics="mig,sap_r2,mcc", groups=16)
    assert level.to_dict() == pytest.approx(found, abs=0.15)
