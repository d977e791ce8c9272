"""What a number is computed with: found in the text of the files, and no more than that."""

import ast
import importlib
import json
import subprocess
import sys

import pytest

from disentbench import plugins, sources

KINDS = ("datasets", "objectives", "architectures", "likelihoods")
PARTS = ("dsprites_small", "hfvae", "mlp_chen2018", "gaussian")
FIGURES = plugins.names("report/figures")


def names(paths) -> set[str]:
    return {path.relative_to(sources.ROOT).as_posix() for path in paths}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package in place of ours, of a few empty modules; a function that writes its module a."""
    monkeypatch.setattr(sources, "ROOT", tmp_path / "disentbench")
    (sources.ROOT / "room").mkdir(parents=True)
    for name in ("__init__.py", "b.py", "c.py", "room/__init__.py", "room/d.py"):
        (sources.ROOT / name).write_text("")
    forget()
    yield (sources.ROOT / "a.py").write_text
    forget()


def forget() -> None:
    """Have all files read again."""
    for cached in (sources.of, sources.imported, sources.digest, sources.content_digest):
        cached.cache_clear()


IMPORTS = {
    "import disentbench.b": "b.py",
    "import disentbench.b as x": "b.py",
    "from disentbench import b": "b.py",
    "from disentbench import b as x, c": "b.py",
    "from disentbench.b import thing": "b.py",
    "from disentbench.b import *": "b.py",
    "from . import b": "b.py",
    "from .b import thing": "b.py",
    "from disentbench.room import d": "room/d.py",
    "from disentbench.room.d import thing": "room/d.py",
    "from .room.d import thing": "room/d.py",
    "from disentbench.room import Thing": "room/__init__.py",
    "from disentbench.room import *": "room/__init__.py",
    "import disentbench.room": "room/__init__.py",
    "from disentbench import Thing": "__init__.py",
    "import disentbench": "__init__.py",
    "def f():\n    from disentbench import b": "b.py",
    "try:\n    import x\nexcept ImportError:\n    from disentbench import b": "b.py",
    "if TYPE_CHECKING:\n    pass\nelse:\n    from disentbench import b": "b.py",
}
NO_IMPORTS = [
    "import b",
    "from b import disentbench",
    "# from disentbench import b",
    "x = 'from disentbench import b'",
    "if TYPE_CHECKING:\n    from disentbench import b",
    "if typing.TYPE_CHECKING:\n    from disentbench import b",
]


@pytest.mark.parametrize(("text", "file"), IMPORTS.items())
def test_every_way_to_import_is_followed(package, text, file):
    package(text)
    found = names(sources.of("a"))
    assert {"a.py", file} <= found <= {"a.py", "c.py", file}


@pytest.mark.parametrize("text", NO_IMPORTS)
def test_what_is_not_run_or_not_ours_is_not(package, text):
    package(text)
    assert names(sources.of("a")) == {"a.py"}


def test_a_module_in_a_room_is_followed_by_its_own_names(package):
    package("from disentbench.room import d")
    (sources.ROOT / "room/d.py").write_text("from . import Thing\nfrom ..b import x\n")
    assert names(sources.of("a")) == {"a.py", "room/d.py", "room/__init__.py", "b.py"}


def test_circles_end_carriers_are_not_followed_and_templates_come_along(package):
    package("from disentbench import room, errors\n")
    (sources.ROOT / "errors.py").write_text("from disentbench import b\n")
    (sources.ROOT / "room/__init__.py").write_text("from disentbench import a\n")
    for name in ("page.html", ".page.html.swp"):
        (sources.ROOT / "room" / name).write_text("")
    assert names(sources.of("a")) == {"a.py", "room/__init__.py", "room/page.html"}


def test_a_digest_is_of_names_and_contents(package):
    package("")
    paths = sources.of("a", "b")
    before = sources.digest(*paths)
    sources.ROOT.joinpath("b.py").write_text("# changed\n")
    forget()
    assert sources.digest(*paths) != before
    assert sources.digest(paths[0]) != sources.digest(paths[1])


# A file, and of which metrics it alters the scores.
HELPERS = {
    "metrics/_boosting.py": {"dci"},
    "posterior/quadrature.py": {"decomposition", "mig_chen"},
    "posterior/aggregate.py": {"decomposition", "mig_chen"},
    "posterior/rates.py": {"decomposition", "elbo", "held_out", "mig_chen", "udr"},
    "metrics/mig.py": {"mig", "held_out"},
    "posterior/representation.py": set(plugins.names("metrics")),
    "scoring/scores.py": set(plugins.names("metrics")),
}


@pytest.mark.parametrize(("file", "metrics"), HELPERS.items())
def test_a_helper_alters_the_metrics_that_use_it(file, metrics):
    assert {name for name in plugins.names("metrics") if uses(name, file)} == metrics


def uses(metric, file) -> bool:
    return file in names(sources.scoring(metric))


# For each list of modules, in a process that has imported nothing of ours: what then is imported.
IMPORTED = """
import json, os, sys
import h5py, matplotlib.figure, pandas, scipy.stats, sklearn.ensemble, sklearn.linear_model, torch
for modules in sys.argv[1:]:
    if os.fork() == 0:
        for module in modules.split():
            __import__(f"disentbench.{module}")
        ours = [m.__file__ for name, m in sys.modules.items() if name.startswith("disentbench.")]
        print(json.dumps([modules, ours]), flush=True)
        os._exit(0)
    assert os.wait()[1] == 0
"""
# What computes, by what it is.
COMPUTES = {
    **{f"metrics.{name} posterior.representation": name for name in plugins.names("metrics")},
    " ".join(f"{kind}.{name}" for kind, name in zip(KINDS, PARTS, strict=True))
    + " training.state models.vae training.rounding": "training",
    f"datasets.{PARTS[0]} architectures.{PARTS[2]} likelihoods.{PARTS[3]}"
    " models.vae training.encode training.rounding": "encoding",
    "scoring.audit": "audit",
    "results.collect": "collecting",
    " ".join(["report.page", *(f"report.figures.{name}" for name in FIGURES)]): "reporting",
}
OF_STAGE = {
    "training": lambda: sources.training(*PARTS),
    "encoding": lambda: sources.encoding(PARTS[0], *PARTS[2:]),
    **{name: getattr(sources, name) for name in ("audit", "collecting", "reporting")},
}


@pytest.fixture(scope="module")
def imported() -> dict[str, list[str]]:
    words = [sys.executable, "-c", IMPORTED, *COMPUTES]
    run = subprocess.run(words, capture_output=True, text=True, check=True)
    return dict(map(json.loads, run.stdout.splitlines()))


def says_more(name) -> bool:
    """Whether a module is more than a docstring, as a room's `__init__.py` may be."""
    return len(ast.parse(sources.ROOT.joinpath(name).read_text()).body) > 1


@pytest.mark.parametrize("modules", COMPUTES, ids=COMPUTES.get)
def test_what_is_imported_with_what_computes_is_among_its_sources(modules, imported):
    """Python itself is the oracle: every module of ours that is there after the import."""
    there = names(map(type(sources.ROOT), imported[modules]))
    assert modules.split()[0].replace(".", "/") + ".py" in there
    there = {
        name
        for name in there
        if name.split("/")[0].removesuffix(".py") not in sources.CARRIERS and says_more(name)
    }
    name = COMPUTES[modules]
    assert there <= names(OF_STAGE[name]() if name in OF_STAGE else sources.scoring(name))


def test_a_training_has_the_sources_of_a_step_and_not_those_of_the_loop():
    found = names(sources.training(*PARTS))
    assert {
        *("datasets/dsprites_small.py", "datasets/dsprites.py", "datasets/__init__.py"),
        *("objectives/hfvae.py", "objectives/_terms.py", "objectives/__init__.py"),
        *("architectures/mlp_chen2018.py", "architectures/__init__.py"),
        *("architectures/_convolutions.py", "models/layers.py", "models/pixel_noise.py"),
        *("likelihoods/gaussian.py", "likelihoods/_densities.py"),
        *(f"training/{name}.py" for name in ("loss", "state", "randomness")),
        *("models/vae.py", "models/device_images.py"),
    } <= found
    for name in ("loop", "checkpoint", "progress", "interruption"):
        assert f"training/{name}.py" not in found
    assert not {"study/__init__.py", "storage/files.py", "storage/latents_file.py"} & found
    assert not {name for name in found if name.startswith(("metrics/", "report/"))}
    assert not {"objectives/vae.py", "likelihoods/bernoulli.py"} & found


def test_data_has_the_sources_of_its_images():
    found = names(sources.data("dsprites_small"))
    assert {"datasets/dsprites_small.py", "datasets/dsprites.py", "storage/images.py"} <= found
    assert "datasets/dsprites_npz.py" not in found


def test_the_tables_and_the_report_have_their_own():
    assert "results/collect.py" in names(sources.collecting())
    found = names(sources.reporting())
    assert {
        "report/templates/page.html",
        "report/templates/page.css",
        "report/figures/audit.py",
        *("report/tables.py", "scoring/statistics/ranking.py", "recipe.py"),
        *("storage/images.py", "storage/images_file.py"),
    } <= found
    assert "recipe.py" in names(sources.collecting())
    assert names(sources.collecting()) & names(sources.scoring("mig")) == {"seeds.py"}
    assert "scoring/calibration.py" not in names(sources.scoring("mig"))
    assert "scoring/calibration.py" in names(sources.levels("mig"))
    assert "scoring/audit.py" in names(sources.audit())


@pytest.mark.parametrize("kind", plugins.KINDS)
def test_every_plugin_has_its_own_file_among_its_sources(kind):
    for name in plugins.names(kind):
        assert plugins.source(kind, name) in plugins.sources(kind, name)


def test_every_carrier_is_a_module():
    for name in sources.CARRIERS:
        assert importlib.import_module(f"disentbench.{name}")


def test_sources_are_found_without_importing_them():
    code = (
        "import sys; from disentbench import sources;"
        "sources.training('dsprites', 'hfvae', 'mlp_chen2018', 'laplace'), sources.reporting();"
        "ours = 'disentbench.training.state';"
        "assert not {'torch', 'numpy', ours} & set(sys.modules), 'an import'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
