"""What a study may say, and what follows from it: its packs and their recipes. Imports no torch."""

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from disentbench import plugins
from disentbench.options import SINCE, Options, as_mapping, shown, twice
from disentbench.recipe import Pack, Parts, Recipe, Sweep, Training, path_safe
from disentbench.study import bounds, fitting, published
from disentbench.study.evaluation import Evaluate

# The keys of a study that alter no model; all others are in every recipe.
TRAINS_NOTHING = {"metrics", "evaluate", "published_id"}
Name = Annotated[str, AfterValidator(path_safe)]
Small = Annotated[int, Field(ge=1, le=1000)]


class Study(Options):
    """One study: data sets, objectives with their swept settings, seeds, model, training, metrics.

    In `datasets` and `objectives` a key is a name in paths and tables; its options may hold `of`,
    the file that defines it, where that is not the key itself. `published_id` is the number that
    seed 0 of a setting has in a published study, by data set, objective and setting.
    """

    study: Name
    datasets: Annotated[dict[Name, dict[str, Any]], Field(min_length=1)]
    objectives: Annotated[dict[Name, dict[str, Any]], Field(min_length=1)]
    seeds: Annotated[str, AfterValidator(bounds.seed_range)]
    pack: Small = 5
    latents: Small = 10
    architecture: dict[str, Any]
    likelihood: Annotated[dict[str, Any], SINCE] = {"of": "bernoulli"}  # noqa: RUF012
    training: Training
    metrics: Annotated[list[str], Field(min_length=1)] = plugins.names("metrics")
    evaluate: Annotated[Evaluate, SINCE] = Evaluate()
    published_id: Annotated[published.Numbers, SINCE] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, raw: Any) -> Any:
        """A list of names stands for a mapping without options, a lone name for its `of`."""
        if not isinstance(raw, dict):
            raise ValueError("a study is a mapping of keys to values")
        raw = dict(raw)
        for key in ("datasets", "objectives"):
            raw[key] = as_mapping(raw[key]) if key in raw else raw.get(key, {})
        for key in ("architecture", "likelihood"):
            if isinstance(raw.get(key), str):
                raw[key] = {"of": raw[key]}
        if isinstance(raw.get("seeds"), int) and not isinstance(raw["seeds"], bool):
            raw["seeds"] = str(raw["seeds"])
        return raw

    @model_validator(mode="after")
    def _parts_exist_and_fit(self) -> "Study":
        self._within_bounds()
        if (double := twice(self.metrics)) is not None:
            raise ValueError(f"metrics names {shown(double)} twice; name each metric once")
        for metric in self.metrics:
            plugins.require("metrics", metric)
        _ = self.density  # its options are looked at, too
        batch = self.training.batch_size
        for name, options in self.datasets.items():
            fitting.images(name, self.dataset(name), batch, self.network)
            options.update(self.dataset(name).filled)
        made = {name: self.dataset(name) for name in self.datasets}
        fitting.evaluated(made, self.evaluate, self.metrics)
        fitting.metrics(self._metrics_on, self.metrics)
        for name in self.objectives:
            for _, objective in self.settings(name):
                structure = objective.structure()
                fitting.groups(name, structure, self.latents)
                fitting.batch_size(name, structure, batch)
        settings = {name: sweep.settings for name, sweep in self._sweeps.items()}
        first, last = self._ends
        published.check(self.published_id, self.datasets, settings, range(first, last + 1))
        return self

    def _within_bounds(self) -> None:
        """Count before anything is made: so many runs, packs and characters a study may have."""
        bounds.require_text(len(self.text))
        settings = sum(sweep.size for sweep in self._sweeps.values()) * len(self.datasets)
        bounds.require_runs(settings, *self._ends, self.pack)

    @property
    def text(self) -> str:
        """The whole study as JSON."""
        return json.dumps(self.model_dump(mode="json"))

    def metrics_on(self, dataset: str) -> list[str]:
        """Those of the metrics that can be measured on a data set, which may lack what they need.

        One without ground truth has no factors, and most hold no combinations out.
        """
        return self._metrics_on[dataset]

    @cached_property
    def _metrics_on(self) -> dict[str, list[str]]:
        return {
            name: fitting.measurable(self.metrics, self.dataset(name), self.evaluate)
            for name in self.datasets
        }

    def file_of(self, kind: str, name: str) -> str:
        """The file that defines what the study calls `name` in `datasets` or `objectives`."""
        return getattr(self, kind)[name].get("of", name)

    def dataset(self, name: str) -> Any:
        """The data set of this name, options set; what it is told of files, it is told once."""
        if name not in self._datasets:
            self._datasets[name] = plugins.make("datasets", name, self.datasets[name])
        return self._datasets[name]

    @cached_property
    def _datasets(self) -> dict[str, Any]:
        """Those that were asked for."""
        return {}

    @cached_property
    def network(self) -> Any:
        """The architecture, options set."""
        return self._lone("architecture", "architectures")

    @cached_property
    def density(self) -> Any:
        """The likelihood, options set."""
        return self._lone("likelihood", "likelihoods")

    def _lone(self, key: str, kind: str) -> Any:
        """What a study has one of, options set."""
        options = dict(getattr(self, key))
        if not isinstance(options.get("of"), str):
            choices = ", ".join(plugins.names(kind))
            raise ValueError(f"{key} needs the key 'of'; choose from {choices}")
        return plugins.make(kind, options["of"], options)

    def settings(self, name: str) -> Iterable[tuple[str, Any]]:
        """(setting, objective) of every point of an objective's sweep, in the order written."""
        return self._sweeps[name].settings.items()

    def sweep(self, name: str) -> list[dict[str, Any]]:
        """What is set at every point of an objective's sweep, in the order written."""
        return self._sweeps[name].points

    @cached_property
    def _sweeps(self) -> dict[str, Sweep]:
        return {name: Sweep(name, options) for name, options in self.objectives.items()}

    @property
    def _ends(self) -> tuple[int, int]:
        """The first and the last seed."""
        first, _, last = self.seeds.partition("-")
        return int(first), int(last or first)

    @property
    def blocks(self) -> list[tuple[int, int]]:
        """First and last seed of each block, aligned to multiples of the pack's size."""
        first, last = self._ends
        starts = range(first - first % self.pack, last + 1, self.pack)
        return [(max(start, first), min(start + self.pack - 1, last)) for start in starts]

    @cached_property
    def packs(self) -> list[Pack]:
        """Every pack of the study: what is trained, encoded and scored as one."""
        return [
            Pack(dataset, name, setting, *block)
            for dataset in self.datasets
            for name in self.objectives
            for setting, _ in self.settings(name)
            for block in self.blocks
        ]

    def first_pack(self, dataset: str) -> Pack:
        """The first pack on a data set: the one that is audited."""
        return next(pack for pack in self.packs if pack.dataset == dataset)

    def pack_at(self, path: str) -> Pack:
        """The pack whose files are at this path below results/{study}/."""
        return self._by_path[path]

    @cached_property
    def _by_path(self) -> dict[str, Pack]:
        return {pack.path: pack for pack in self.packs}

    def pack_of(self, dataset: str, objective: str, setting: str, seed: int) -> Pack:
        """The pack that holds a run."""
        packs = self._by_setting[dataset, objective, setting]
        return next(pack for pack in packs if seed in pack.seeds)

    def companions(self, pack: Pack) -> list[Pack]:
        """The other packs of a pack's setting: what is compared with its runs."""
        return [other for other in self._by_setting[pack.of] if other != pack]

    @cached_property
    def _by_setting(self) -> dict[tuple[str, str, str], list[Pack]]:
        packs: dict[tuple[str, str, str], list[Pack]] = {}
        for pack in self.packs:
            packs.setdefault(pack.of, []).append(pack)
        return packs

    def point(self, pack: Pack) -> dict[str, Any]:
        """The swept settings of a pack, by name."""
        swept = self.sweep(pack.objective)[0]
        return {key: getattr(self._objective(pack), key) for key in swept}

    def recipe(self, pack: Pack) -> Recipe:
        """What a pack is trained with.

        Whatever the study says is in it but what trains nothing, so that no key can be forgotten.
        """
        if pack.of not in self._recipes:
            self._recipes[pack.of] = self._recipe(pack)
        return replace(self._recipes[pack.of], pack=pack)

    def _recipe(self, pack: Pack) -> Recipe:
        parts = {
            "datasets": {pack.dataset: self.dataset_recipe(pack.dataset)},
            "objectives": {pack.objective: self._objective_recipe(pack)},
            "architecture": {"of": self.architecture["of"]} | self.network.model_dump(mode="json"),
        }
        if "likelihood" in self._training:
            options = self.density.model_dump(mode="json")
            parts["likelihood"] = {"of": self.likelihood["of"]} | options
        return Recipe(
            study=self.study,
            pack=pack,
            dataset=self.dataset(pack.dataset),
            objective=self._objective(pack),
            architecture=self.network,
            likelihood=self.density,
            latents=self.latents,
            training=self.training,
            parts=self.parts(pack),
            setting=self._training | parts,
        )

    def parts(self, pack: Pack) -> Parts:
        """The files that define what a pack is trained with."""
        files = (self.file_of("datasets", pack.dataset), self.file_of("objectives", pack.objective))
        return Parts(*files, self.architecture["of"], self.likelihood["of"])

    @cached_property
    def _recipes(self) -> dict[tuple[str, str, str], Recipe]:
        """One of each setting that was asked for."""
        return {}

    @cached_property
    def _training(self) -> dict[str, Any]:
        """The study without its seeds and pack, and without what trains nothing."""
        return self.model_dump(mode="json", exclude=TRAINS_NOTHING | {"seeds", "pack"})

    def dataset_recipe(self, name: str) -> dict[str, Any]:
        """All that training sees of a data set, defaults filled in."""
        options = self.dataset(name).model_dump(mode="json")
        return {"of": self.file_of("datasets", name)} | options

    def _objective_recipe(self, pack: Pack) -> dict[str, Any]:
        """An objective at one setting, defaults filled in; but a list is read as a sweep."""
        options = self._objective(pack).model_dump(mode="json")
        single = {key: value for key, value in options.items() if not isinstance(value, list)}
        swept = {key: [value] for key, value in self.point(pack).items()}
        return {"of": self.file_of("objectives", pack.objective)} | single | swept

    def _objective(self, pack: Pack) -> Any:
        """The objective at a pack's setting."""
        return self._sweeps[pack.objective].settings[pack.setting]
