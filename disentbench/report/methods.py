"""What was run and on what, and what the numbers and the objectives are called in the papers."""

import inspect
import json
import math
import re
from typing import Any, NamedTuple

import pandas as pd
import yaml

from disentbench import plugins
from disentbench.metrics import Value
from disentbench.options import Options
from disentbench.recipe import Training
from disentbench.report import evaluated, levels, records
from disentbench.report.levels import Levels
from disentbench.report.ranking import Shown
from disentbench.report.runs import Key
from disentbench.report.text import GREEK, count, duration, listed, number, symbol
from disentbench.study import Study

STARTS = {
    "torch": "uniform within 1 / √(fan in), as PyTorch’s layers begin",
    "glorot": "weights uniform within √(6 / (fan in + fan out)), biases 0 (Glorot & Bengio 2010)",
}


RENDERED = "rendered anew at every step, and once for each image where models are judged"


class Fact(NamedTuple):
    """A line of the head."""

    name: str
    text: str


class Explained(NamedTuple):
    """A metric with its values: all that a reader needs to compare them with published ones."""

    variant: str
    reference: str
    values: list[tuple[str, ...]]  # label, name, range, better, chance, perfect code


class Formula(NamedTuple):
    """An objective as its paper gives it, with the settings that it had here."""

    label: str
    formula: str
    settings: str
    reference: str


def facts(study: Study, runs: int, made: list[dict]) -> list[Fact]:
    """The head of the report, without a date: the same study gives the same page."""
    lines = [
        *(Fact("data set", _dataset(study, name)) for name in study.datasets),
        Fact("evaluated", evaluated.words(study)),
        Fact("architecture", _architecture(study)),
        Fact("likelihood", _likelihood(study)),
        Fact("training", _training(study)),
        Fact("optimiser", _optimiser(study.training)),
        Fact("initialisation", STARTS[study.training.initialisation]),
        Fact("precision", study.training.precision),
        Fact("runs", _runs(study, runs)),
    ]
    return [*lines, *_machine(made)]


def _dataset(study: Study, name: str) -> str:
    dataset = study.dataset(name)
    channels, height, width = dataset.image_shape
    colour = "one channel" if channels == 1 else f"{channels} channels"
    factors = ", ".join(f"{k} ({len(v)})" for k, v in dataset.factors.items())
    known = f"factors (classes): {factors}" if factors else "no factors"
    known += f"; {RENDERED}" if dataset.renders else ""
    label = dataset.label if study.file_of("datasets", name) == name else f"{name}: {dataset.label}"
    return (
        f"{label}; {count(dataset.size, 'image')} of {height} × {width}, {colour}; "
        f"{known}. {dataset.reference}"
    )


def unmeasured(study: Study, name: str) -> str:
    """What cannot be measured on a data set for what it lacks; empty where all can be."""
    dataset, there = study.dataset(name), study.metrics_on(name)
    lacking = [metric for metric in study.metrics if metric not in there]
    for_factors = [metric for metric in lacking if "factors" in plugins.needs(metric)]
    if not dataset.varies:
        none = "no factors" if not dataset.factors else "no factor of more than one class"
        if not for_factors:
            return f"This data set has {none}, and no metric of the study needs one."
        named = _labels(for_factors)
        return f"This data set has {none}. Not measured on it, as they need factors: {named}."
    if not lacking:
        return ""
    return f"Not measured on this data set, which holds no combination out: {_labels(lacking)}."


def _labels(metrics: list[str]) -> str:
    return listed(plugins.load("metrics", metric).label for metric in metrics)


def _training(study: Study) -> str:
    """Steps and batches, and how often each image was seen: an epoch leaves out a last rest."""
    steps, batch = study.training.steps, study.training.batch_size
    datasets = {name: study.dataset(name) for name in study.datasets}
    weighted = [name for name, dataset in datasets.items() if dataset.is_weighted]
    alike = [dataset for name, dataset in datasets.items() if name not in weighted]
    ways = [_sampling(study.training, [dataset.size for dataset in alike])] if alike else []
    if weighted:
        on = f" on {listed(weighted)}" if alike else ""
        ways.append(f"drawn with replacement by weights{on}")
    return ", ".join([f"{count(steps, 'step')} of {count(batch, 'image')}", *ways])


def _sampling(training: Training, sizes: list[int]) -> str:
    """How images that are drawn alike were drawn, of data sets of these sizes."""
    if training.sampling == "with_replacement":
        return "drawn with replacement"
    in_epoch = dict.fromkeys(size // training.batch_size for size in sizes)
    return f"{' or '.join(number(training.steps / steps) for steps in in_epoch)} epochs"


def _optimiser(training: Training) -> str:
    one, two = training.adam_betas
    parts = [f"Adam, learning rate {training.learning_rate:g}, β₁ = {one:g}, β₂ = {two:g}"]
    if training.warm_up:
        parts.append(f"rising over {count(training.warm_up, 'step')}")
    if training.learning_rate_schedule == "cosine":
        parts.append("falling to nought by half a cosine")
    if training.weight_decay:
        parts.append(f"weight decay {training.weight_decay:g}, decoupled")
    if training.clip_norm is not None:
        parts.append(f"gradients clipped to a norm of {training.clip_norm:g}")
    return ", ".join(parts)


def _architecture(study: Study) -> str:
    network = study.network
    options = ", ".join(f"{k} {v}" for k, v in study.architecture.items() if k != "of")
    parts = [study.architecture["of"], network.label, options, network.reference]
    return f"{', '.join(p for p in parts if p)}; {count(study.latents, 'Gaussian latent')}"


def _likelihood(study: Study) -> str:
    density = study.density
    options = ", ".join(f"{symbol(k)} {_plain(v)}" for k, v in _plain_options(density).items())
    return "; ".join(part for part in (density.label, options, density.reference) if part)


def _runs(study: Study, runs: int) -> str:
    settings = sum(len(study.sweep(name)) for name in study.objectives)
    first, _, last = study.seeds.partition("-")
    seeds = f"seed {first}" if last in ("", first) else f"seeds {first} to {last}"
    text = (
        f"{count(runs, 'run')}: {count(len(study.objectives), 'objective')}, "
        f"{count(settings, 'setting')}, {seeds}"
    )
    return text + (f", {len(study.datasets)} data sets" if len(study.datasets) > 1 else "")


def _machine(made: list[dict]) -> list[Fact]:
    if not made:
        return [Fact("provenance", "no latents are left that would say")]
    packages = records.versions(made)
    text = ", ".join(f"{name} {' or '.join(texts)}" for name, texts in packages.items())
    return [
        Fact("devices", listed(records.distinct(made, "device"))),
        *_time(made),
        Fact("code revision", listed(records.distinct(made, "revision"))),
        Fact("versions", text),
    ]


def _time(made: list[dict]) -> list[Fact]:
    """What the trainings took, of those that say it."""
    trained = [making for making in made if "from_step" in making]
    told = [making["seconds"] for making in trained if records.timed(making)]
    if not told:
        return []
    lacking = "" if len(told) == len(trained) else ", as far as it is recorded"
    return [Fact("training time", f"{duration(sum(told))} of one process’s time in all{lacking}")]


def yaml_text(study: Study) -> str:
    """The study with every default filled in, those of its parts too, to be run again."""
    parts = {
        "datasets": {name: _filled(study, "datasets", name) for name in study.datasets},
        "objectives": {name: _filled(study, "objectives", name) for name in study.objectives},
        "architecture": {"of": study.architecture["of"]} | _plain_options(study.network),
        "likelihood": {"of": study.likelihood["of"]} | _plain_options(study.density),
        "training": _plain_options(study.training),
    }
    return yaml.safe_dump(json.loads(study.text) | parts, sort_keys=False, allow_unicode=True)


def _filled(study: Study, kind: str, name: str) -> dict:
    """The options of a data set or an objective: as they were given, else by default."""
    given = getattr(study, kind)[name]
    made = study.dataset(name) if kind == "datasets" else next(iter(study.settings(name)))[1]
    swept = given if kind == "objectives" else {}
    return {"of": study.file_of(kind, name)} | _plain_options(made) | swept


def _plain_options(made: Options) -> dict:
    return made.model_dump(mode="json", context="whole")


def explained(values: dict[str, Shown], known: dict[str, Levels]) -> list[Explained]:
    """What each value shown is, in the words of its metric; values of one metric together."""
    entries: dict[int, Explained] = {}
    for name, (value, metric) in values.items():
        variant = metric.variant if metric else "not described by a metric of the study"
        entry = Explained(variant, metric.reference if metric else "–", [])
        better = "–" if value.better == "neither" else value.better
        entry = entries.setdefault(id(metric), entry)
        ends = [levels.text(known, name, which) for which in ("chance", "perfect")]
        entry.values.append((value.label, name, _range(value), better, *ends))
    return list(entries.values())


def _range(value: Value) -> str:
    """The range of a value as an interval, with its unit."""
    left = "[" if math.isfinite(value.low) else "("
    right = "]" if math.isfinite(value.high) else ")"
    return f"{left}{_end(value.low)}, {_end(value.high)}{right} {value.unit}".strip()


def _end(bound: float) -> str:
    return f"{bound:g}" if math.isfinite(bound) else number(bound)


def formulas(study: Study, settings: pd.DataFrame) -> list[Formula]:
    """The objectives of the study, each with the formula that its file states."""
    return [_formula(study, name, settings) for name in study.objectives]


def _formula(study: Study, name: str, settings: pd.DataFrame) -> Formula:
    objective = plugins.load("objectives", study.file_of("objectives", name))
    first, *_ = (inspect.getdoc(objective) or "").splitlines()
    texts = [text for text in settings.loc[name, "text"] if text]
    fixed = [
        f"{symbol(k)} = {_plain(v)}"
        for k, v in _filled(study, "objectives", name).items()
        if k != "of" and not isinstance(v, list) and v != {}
    ]
    label = settings.loc[name, "label"].iloc[0]
    return Formula(
        label, _typeset(first.rstrip(".")), "; ".join([*texts, *fixed]), objective.reference
    )


def estimators(study: Study) -> dict[Key, str | None]:
    """The estimator that each setting trains with, where its loss needs one."""
    return {
        (name, setting): objective.structure().estimator
        for name in study.objectives
        for setting, objective in study.settings(name)
    }


def _typeset(formula: str) -> str:
    """A formula of plain letters with the signs that papers print."""
    for plain, sign in {"-log": "−log", "||": "‖", "sum_": "∑_"}.items():
        formula = formula.replace(plain, sign)
    return re.sub(r"[a-z]+", lambda word: GREEK.get(word[0], word[0]), formula)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}: {_plain(v)}" for k, v in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)
