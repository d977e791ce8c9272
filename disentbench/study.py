"""What a study may say, and what follows from it: its packs and their paths. Imports no torch."""

import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from disentbench import plugins
from disentbench.errors import UserError
from disentbench.options import Options, is_whole, sentence, shown
from disentbench.storage import limits, plain_data


def _path_safe(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_+-]{0,63}", name):
        raise ValueError(
            f"{shown(name)} cannot be a folder's name; "
            "use up to 64 letters, digits, '_', '-' and '+'"
        )
    return name


def _seed_range(seeds: Any) -> str:
    match = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", str(seeds))
    if not match or not 0 <= int(match[2] or match[1]) - int(match[1]) < MOST_SEEDS:
        raise ValueError(
            f"{shown(seeds)} is no range of seeds; write the first and the last, as in 0-4, "
            f"of at most {MOST_SEEDS:,} seeds"
        )
    return str(seeds)


MOST_SEEDS = 100_000
# The keys of a study that alter no model; all others are in every recipe.
TRAINS_NOTHING = {"metrics"}
# Ten times the largest study that we ship: 12,600 runs in 252 packs, and room to spare.
MOST_RUNS, MOST_PACKS = 200_000, 10_000
MOST_TEXT = 100_000  # characters of a study as JSON: a command takes 128 KiB in one argument
ONCE = "a sweep needs one value or more, each of them once"
Name = Annotated[str, AfterValidator(_path_safe)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Small = Annotated[int, Field(ge=1, le=1000)]


class Training(Options):
    """How every run is trained; Adam with these settings, batches drawn without replacement."""

    steps: Count
    batch_size: Count = 64
    learning_rate: Positive = 1e-4
    adam_betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (
        0.9,
        0.999,
    )
    precision: Literal["float32", "bf16"] = "float32"


@dataclass(frozen=True)
class Pack:
    """The runs of one (data set, objective, setting) over an aligned block of seeds."""

    dataset: str
    objective: str
    setting: str
    first: int
    last: int

    @property
    def seeds(self) -> range:
        return range(self.first, self.last + 1)

    @property
    def of(self) -> tuple[str, str, str]:
        """The data set, objective and setting whose runs these are."""
        return self.dataset, self.objective, self.setting

    @property
    def path(self) -> str:
        """Where the pack's files are, below results/{study}/."""
        seeds = f"seeds-{self.first}-{self.last}"
        return f"{self.dataset}/{self.objective}/{self.setting}/{seeds}"


class Study(Options):
    """One study: data sets, objectives with their swept settings, seeds, model, training, metrics.

    In `datasets` and `objectives` a key is a name in paths and tables; its options may hold `of`,
    the file that defines it, where that is not the key itself.
    """

    study: Name
    datasets: Annotated[dict[Name, dict[str, Any]], Field(min_length=1)]
    objectives: Annotated[dict[Name, dict[str, Any]], Field(min_length=1)]
    seeds: Annotated[str, AfterValidator(_seed_range)]
    pack: Small = 5
    latents: Small = 10
    architecture: dict[str, Any]
    training: Training
    metrics: Annotated[list[str], Field(min_length=1)] = plugins.names("metrics")

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, raw: Any) -> Any:
        """A list of names stands for a mapping without options, a lone name for its `of`."""
        if not isinstance(raw, dict):
            raise ValueError("a study is a mapping of keys to values")
        raw = dict(raw)
        for key in ("datasets", "objectives"):
            raw[key] = _as_mapping(raw[key]) if key in raw else raw.get(key, {})
        if isinstance(raw.get("architecture"), str):
            raw["architecture"] = {"of": raw["architecture"]}
        if isinstance(raw.get("seeds"), int) and not isinstance(raw["seeds"], bool):
            raw["seeds"] = str(raw["seeds"])
        return raw

    @model_validator(mode="after")
    def _parts_exist_and_fit(self):
        self._within_bounds()
        if (double := twice(self.metrics)) is not None:
            raise ValueError(f"metrics names {shown(double)} twice; name each metric once")
        for metric in self.metrics:
            plugins.require("metrics", metric)
        for name in self.datasets:
            self._fits(name)
        for name in self.objectives:
            for _, objective in self.settings(name):
                self._groups_fit(name, objective)
                self._estimate_fits(name, objective)
        return self

    def _within_bounds(self) -> None:
        """Count before anything is made: so many runs, packs and characters a study may have."""
        if (size := len(self.text)) > MOST_TEXT:
            raise ValueError(
                f"the study has {size:,} characters with its aliases and defaults written out; "
                f"at most {MOST_TEXT:,} fit a command, so make several studies of it"
            )
        settings = sum(map(self._count_settings, self.objectives)) * len(self.datasets)
        first, last = self._ends
        runs = settings * (last - first + 1)
        packs = settings * (last // self.pack - first // self.pack + 1)
        if runs > MOST_RUNS or packs > MOST_PACKS:
            raise ValueError(
                f"the study has {runs:,} runs in {packs:,} packs; at most {MOST_RUNS:,} runs and "
                f"{MOST_PACKS:,} packs are allowed, so take fewer seeds or settings, a larger "
                "pack, or several studies"
            )

    def _fits(self, name: str) -> None:
        dataset = self.dataset(name)
        batch = self.training.batch_size
        if not is_whole(dataset.size, 1, 10**9):
            raise ValueError(f"{name} says that it has {shown(dataset.size)} images")
        if dataset.size < 2:
            raise ValueError(
                f"datasets.{name} has one image, and nothing to measure; keep at least 2"
            )
        if batch > dataset.size:
            raise ValueError(
                f"training.batch_size {batch} is larger than {name}'s {dataset.size} images; "
                f"use at most {dataset.size}"
            )
        _named(f"architecture on {name}", self.network.check, dataset.image_shape)

    def _estimate_fits(self, name: str, objective) -> None:
        """On one image every estimate is a constant, and the objective would be the VAE."""
        if objective.structure().estimator is not None and self.training.batch_size < 2:
            raise ValueError(
                f"training.batch_size is {self.training.batch_size}, and objectives.{name} "
                "estimates q(z) from the images of a batch; use at least 2"
            )

    def _groups_fit(self, name: str, objective) -> None:
        structure = objective.structure()
        for group in (*structure.groups, *structure.discrete):
            _named(f"objectives.{name}", _path_safe, group)  # it names a part of latents.h5
        for group, members in structure.groups.items():
            if max(members) >= self.latents:
                raise ValueError(
                    f"objectives.{name}.groups.{group} names latent {max(members)}; "
                    f"the latents are 0 to {self.latents - 1}"
                )

    @property
    def text(self) -> str:
        """The whole study as JSON."""
        return json.dumps(self.model_dump(mode="json"))

    def file_of(self, kind: str, name: str) -> str:
        """The file that defines what the study calls `name` in `datasets` or `objectives`."""
        return getattr(self, kind)[name].get("of", name)

    def dataset(self, name: str):
        """The data set of this name, options set."""
        return made("datasets", name, self.datasets[name])

    @cached_property
    def network(self):
        """The architecture, options set."""
        options = dict(self.architecture)
        if not isinstance(options.get("of"), str):
            choices = ", ".join(plugins.names("architectures"))
            raise ValueError(f"architecture needs the key 'of'; choose from {choices}")
        return made("architectures", options["of"], options)

    def settings(self, name: str) -> Iterable[tuple[str, Any]]:
        """(setting, objective) of every point of an objective's sweep, in the order written."""
        return self._objectives[name].items()

    @cached_property
    def _objectives(self) -> dict[str, dict[str, Any]]:
        """Every objective by the study's name and by setting, each made once."""
        return {name: self._settings_once(name) for name in self.objectives}

    def _settings_once(self, name: str) -> dict[str, Any]:
        """The settings of a sweep; two that one path would stand for are refused."""
        made: dict[str, Any] = {}
        for setting, objective in self._made(name):
            if setting in made:
                lists = ", ".join(f"{k} {shown(v)}" for k, v in self._lists(name).items())
                raise ValueError(
                    f"objectives.{name} has the setting {setting} twice (a path has six digits of "
                    f"a number), from {lists}; {ONCE}"
                )
            made[setting] = objective
        return made

    def _made(self, name: str) -> Iterator[tuple[str, Any]]:
        for options in self.sweep(name):
            chosen = self.objectives[name] | options
            objective = made("objectives", name, chosen)
            texts = (f"{key}-{_text(getattr(objective, key))}" for key in options)
            yield "_".join(texts) or "default", objective

    def sweep(self, name: str) -> list[dict[str, Any]]:
        """The points of an objective's sweep: a list in its options holds the values to sweep."""
        lists = self._lists(name)
        for key, values in lists.items():
            if not values:
                raise ValueError(f"objectives.{name}.{key} is []; {ONCE}")
        return [
            dict(zip(lists, point, strict=True)) for point in itertools.product(*lists.values())
        ]

    def _lists(self, name: str) -> dict[str, list]:
        return {k: v for k, v in self.objectives[name].items() if isinstance(v, list)}

    def _count_settings(self, name: str) -> int:
        """How many points a sweep has, without making them."""
        return math.prod(map(len, self._lists(name).values()))

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

    def companions(self, pack: Pack) -> list[Pack]:
        """The other packs of a pack's setting: what is compared with its runs."""
        return [other for other in self._by_setting[pack.of] if other != pack]

    @cached_property
    def _by_setting(self) -> dict[tuple[str, str, str], list[Pack]]:
        found: dict[tuple[str, str, str], list[Pack]] = {}
        for pack in self.packs:
            found.setdefault(pack.of, []).append(pack)
        return found

    def point(self, pack: Pack) -> dict[str, Any]:
        """The swept settings of a pack, by name."""
        swept = self.sweep(pack.objective)[0]
        objective = self._objectives[pack.objective][pack.setting]
        return {key: getattr(objective, key) for key in swept}

    def recipe(self, pack: Pack) -> str:
        """The study of this pack alone, as JSON: all that its training depends on."""
        packing = {"seeds": f"{pack.first}-{pack.last}", "pack": self._smallest_pack(pack)}
        return json.dumps(self.setting_recipe(pack) | packing)

    def setting_recipe(self, pack: Pack) -> dict[str, Any]:
        """The same but for the seeds, of which each is trained alike in whatever company.

        Whatever a study may say is in it but what trains nothing, so that no key can be forgotten.
        """
        setting = pack.dataset, pack.objective, pack.setting
        if setting not in self._recipes:
            self._recipes[setting] = self._training | {
                "datasets": {pack.dataset: self.dataset_recipe(pack.dataset)},
                "objectives": {pack.objective: self._objective_recipe(pack)},
                "architecture": self._architecture_recipe,
            }
        return self._recipes[setting]

    @cached_property
    def _recipes(self) -> dict[tuple[str, str, str], dict[str, Any]]:
        """Those that were asked for, each made once."""
        return {}

    @cached_property
    def _training(self) -> dict[str, Any]:
        """The study without what trains nothing and without what says which runs there are."""
        return self.model_dump(mode="json", exclude=TRAINS_NOTHING | {"seeds", "pack"})

    @property
    def _architecture_recipe(self) -> dict[str, Any]:
        """The architecture, defaults filled in."""
        return {"of": self.architecture["of"]} | self.network.model_dump(mode="json")

    def dataset_recipe(self, name: str) -> dict[str, Any]:
        """All that a data set's images depend on, defaults filled in."""
        options = self.dataset(name).model_dump(mode="json")
        return {"of": self.file_of("datasets", name)} | options

    def _objective_recipe(self, pack: Pack) -> dict[str, Any]:
        """An objective at one setting, defaults filled in; but a list is read as a sweep."""
        options = self._objectives[pack.objective][pack.setting].model_dump(mode="json")
        single = {key: value for key, value in options.items() if not isinstance(value, list)}
        swept = {key: [value] for key, value in self.point(pack).items()}
        return {"of": self.file_of("objectives", pack.objective)} | single | swept

    def _smallest_pack(self, pack: Pack) -> int:
        """The least size of packs that keeps these seeds in one: the same however they were cut."""
        sizes = range(len(pack.seeds), self.pack + 1)
        return next(size for size in sizes if pack.first // size == pack.last // size)

    def parts(self, pack: Pack) -> tuple[str, str, str]:
        """The files that define a pack's data set, objective and architecture."""
        dataset = self.file_of("datasets", pack.dataset)
        return dataset, self.file_of("objectives", pack.objective), self.architecture["of"]


def require_files(study: Study) -> None:
    """Refuse a study that reads a file that is not there; its images may have been made of it."""
    for name in study.datasets:
        for path in study.dataset(name).files:
            if not path.is_file():
                raise UserError(
                    f"datasets.{name} reads {path}, which is no file here; put it there or name "
                    "one that is"
                )


def read(source: str | Path | dict, name: str = "study") -> Study:
    """A study from a YAML file, JSON text or a mapping; a UserError says what is wrong."""
    if isinstance(source, dict):
        return _validated(source, name)
    text = str(source)
    if text.lstrip().startswith("{"):
        return _validated(_parsed(text, name), name)
    return _validated(plain(Path(text)), text)


def plain(path: Path) -> Any:
    """What a study's file says, each number and name as a person reads it."""
    if not path.exists():
        raise UserError(f"no study file {path}; name a YAML file like configs/demo.yaml")
    limits.regular(path, "a YAML file like configs/demo.yaml")
    try:
        text = plain_data.text_of(path)
    except ValueError as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    return _parsed(text, str(path))


def _parsed(text: str, name: str) -> Any:
    try:
        return plain_data.parsed(text)
    except ValueError as error:
        raise UserError(f"{name} cannot be read: {error}") from None


def _validated(raw: Any, name: str) -> Study:
    try:
        return Study.model_validate(raw)
    except ValidationError as error:
        raise UserError(f"{name}: {sentence(error)}") from None
    except RecursionError:
        raise UserError(f"{name} is nested too deeply, or a part of it holds itself") from None


def _as_mapping(entries: Any) -> Any:
    if isinstance(entries, list):
        for entry in entries:
            if not isinstance(entry, str):
                raise ValueError(f"{shown(entry)} stands for no name; write names, in quotes")
        if (double := twice(entries)) is not None:
            raise ValueError(f"{shown(double)} is named twice; name each once")
        return {name: {} for name in entries}
    if isinstance(entries, dict):
        return {key: {} if options is None else options for key, options in entries.items()}
    return entries


def twice(names: list[str]) -> str | None:
    """The first name that has stood before, if any has."""
    seen: set[str] = set()
    return next((name for name in names if name in seen or seen.add(name)), None)


def made(kind: str, name: str, options: dict[str, Any]):
    """The plugin that options ask for; a ValueError says which key of which part is wrong."""
    options = dict(options)
    file = options.pop("of", name)
    plugins.require(kind, str(file))
    where = kind if kind == "architectures" else f"{kind}.{name}"
    return _named(where, plugins.load(kind, file).model_validate, options)


def _named(where: str, check, value):
    try:
        return check(value)
    except ValidationError as error:
        raise ValueError(f"{where}: {sentence(error)}") from None
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _text(value: Any) -> str:
    """A swept value as it stands in a path: 4, 0.5, mws."""
    if isinstance(value, int | float):
        return f"{value:g}"
    if isinstance(value, str):
        return _path_safe(value)
    raise ValueError(f"{shown(value)} cannot be swept; a sweep's values are numbers or names")
