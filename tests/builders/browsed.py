"""Reports that a browser is shown: an ordinary one, one of hostile names, one of a single run."""

from pathlib import Path

import pytest

from builders import large_study
from builders.studies import examined, made, rendered, scored, trained
from disentbench import plugins

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp; β {{ 7 * 7 }}"
FOREIGN = (
    f"{HOSTILE} \u202e変分 مرحبا"  # the figures' fonts may lack these, so no objective's label
)


def whole(folder: Path) -> None:
    """A study whose models, histories, latents, details, levels and audit are all there."""
    of = made()
    trained(folder, of)
    examined(folder, of)
    rendered(folder, of, scored(of))


def one_run(folder: Path) -> None:
    of = made(seeds="7", pack=1, objectives={"vae": {}})
    trained(folder, of)
    rendered(folder, of, scored(of))


def hostile(folder: Path) -> None:
    """Names as long as may be; labels of markup, quotes and many alphabets; a run that diverged."""
    of = made(objectives={large_study.LONG: {"of": "beta_vae", "beta": [1, 4]}, "vae": {}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(of.dataset("tiny")), "label", FOREIGN)
        patch.setattr(plugins.load("objectives", "beta_vae"), "label", HOSTILE)
        trained(folder, of, failed=[1])
        rendered(folder, of, scored(of))
