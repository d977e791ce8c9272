"""What each file of a study must say it is, and the refusal of one that says another thing.

`of` is the file's place below results/, without its suffix; `recipe` is one word for the settings
that it was made with; `images`, where it is known, one for the images. Files also say the `code`
that made them, which nobody demands: whether it matters is Snakemake's business.
"""

import hashlib
import json
from pathlib import Path, PurePath
from typing import Any

from disentbench.options import shown
from disentbench.recipe import Recipe
from disentbench.storage import files, seals
from disentbench.storage.identities import Identity
from disentbench.study import Study
from disentbench.study.evaluation import WHOLE, Evaluate

WRONG = {
    "recipe": "was made with other settings than those that are asked for",
    "images": "was made from other images than those that are there",
}


def images(dataset: Any) -> Identity:
    """What the file of a data set (`datasets.Dataset`) says, in whatever study."""
    return {"of": dataset.name, "recipe": _word(dataset.rendering)}


def of_dataset(study: Study, dataset: str, name: str) -> Identity:
    """What a file that is made from the evaluated images' factors says: levels/METRIC."""
    word = _word_of(study.dataset(dataset).rendering, study.evaluate.part)
    return {"of": f"{study.study}/{dataset}/{name}"} | word


def of_pack(recipe: Recipe, name: str, evaluate: Evaluate = WHOLE) -> Identity:
    """What a file of a pack says: model, history; by what is evaluated latents, scores/METRIC."""
    return {"of": f"{recipe.study}/{recipe.pack.path}/{name}"} | _word_of(recipe.setting, evaluate)


def audit(study: Study, dataset: str) -> Identity:
    """What the audit, which is of the first pack, says."""
    first = study.recipe(study.first_pack(dataset))
    latents = of_pack(first, "latents", study.evaluate)
    return {"of": f"{study.study}/{dataset}/audit", "recipe": _word(latents)}


def of_study(study: Study, name: str) -> Identity:
    """What a file that there is once says: scores, report/index."""
    return {"of": f"{study.study}/{name}", "recipe": _word(study.text)}


def of_page(study: Study, rank_by: str | None = None, choose_by: str | None = None) -> Identity:
    """What a study's page says; also by which values it ranks and chooses, where they were asked
    for, so that it is not taken for the study's own."""
    asked = {"rank_by": rank_by, "choose_by": choose_by}
    return of_study(study, "report/index") | {key: name for key, name in asked.items() if name}


def beside(identity: Identity, path: Path) -> Identity:
    """What a file says in another pack of the setting, where this is the identity of one pack's."""
    of = PurePath(identity["of"])
    return identity | {"of": str(of.parent.with_name(path.parent.name) / of.name)}


def require(path: Path, identity: Identity) -> None:
    """Refuse a file that is not what its name says.

    Files from elsewhere say nothing, which is no fault but in a workflow's job.
    """
    said = seals.identity(path)
    if said is None and not files.in_workflow():
        return
    if not (wrong := differences(said, identity)):
        return
    if path.suffix not in seals.TABLES and not seals.intact(path):
        raise seals.damaged(path)
    raise files.refused(path, wrong[0])


def differences(said: Identity | None, identity: Identity) -> list[str]:
    """In which respects a file is not what it must be, in words, the gravest first."""
    if said is None:
        return ["is damaged: it does not say what it is, and files of this version do"]
    if said.get("of") != identity["of"]:
        return [f"is not what its name says: it is {shown(said.get('of'))}"]
    return [
        words for key, words in WRONG.items() if key in identity and said.get(key) != identity[key]
    ]


def _word_of(made: Any, evaluate: Evaluate) -> Identity:
    """The word for settings and, where it is not as by default, for what is evaluated."""
    return {"recipe": _word([made, evaluate.text] if evaluate.text else made)}


def _word(what: Any) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
