"""What others ask of a repository: Snakemake's catalogue, citation, checks on GitHub, an image."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from disentbench.storage import files
from disentbench.workflow import shells

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OLDEST = PROJECT["requires-python"].removeprefix(">=")


def read(path) -> dict:
    return yaml.safe_load((ROOT / path).read_text())


def test_the_catalogue_finds_what_it_asks_of_a_standardised_workflow():
    """Its documentation: snakemake-workflow-catalog, source/docs/about/adding_workflows.md."""
    assert re.match(r'#.*\ninclude: "\.\./Snakefile"\n', (ROOT / "workflow/Snakefile").read_text())
    assert list((ROOT / "workflow/rules").glob("*.smk"))
    assert {"snakemake", "workflow"} <= set(
        re.findall(r"\w+", (ROOT / "README.md").read_text().lower())
    )
    usage = read(".snakemake-workflow-catalog.yml")["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    ways = usage["software-stack-deployment"]
    assert ways == {"conda": False, "apptainer": True, "apptainer+conda": False}
    assert usage["report"] is True


def test_the_configuration_that_the_catalogue_shows_names_what_is_there():
    text = (ROOT / "config/README.md").read_text()
    for name in re.findall(r"configs/\w+\.yaml", text):
        assert (ROOT / name).is_file(), name
    for link in re.findall(r"\]\((\S+)\)", text):
        assert (ROOT / "config" / link).exists(), link


def test_the_citation_has_what_its_schema_asks_for_and_this_version():
    citation = read("CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    assert citation["version"] == PROJECT["version"]
    assert (citation["title"], citation["license"]) == (PROJECT["name"], PROJECT["license"])
    assert citation["authors"][0]["name"] in (ROOT / "LICENSE").read_text()


def test_the_checks_on_github_run_what_is_there_with_pythons_that_are_supported():
    workflow = read(".github/workflows/ci.yml")
    assert workflow["permissions"] == {"contents": "read"}
    jobs = workflow["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    assert all(re.search(r"@[0-9a-f]{40}$", step["uses"]) for step in steps if "uses" in step)
    assert {"run": ".ci/run"} in jobs["check"]["steps"]
    assert os.access(ROOT / ".ci/run", os.X_OK)
    pythons = jobs["check"]["strategy"]["matrix"]["python"]
    assert pythons[0] == OLDEST
    assert pythons == sorted(pythons, key=lambda python: int(python.removeprefix("3.")))
    commands = {step["run"].split()[0] for step in steps if "run" in step}
    assert commands == {".ci/run", "python", *PROJECT["scripts"]}
    targets = re.findall(r"^make ([\w-]+)$", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text()
    assert targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_the_image_is_built_of_the_wheel_with_the_pinned_versions():
    recipe = (ROOT / "workflow/apptainer.def").read_text()
    sections = dict(re.findall(r"^%(\w+)\n(.*?)(?=^%|\Z)", recipe, re.MULTILINE | re.DOTALL))
    copied = {line.split()[0] for line in sections["files"].splitlines() if line.strip()}
    assert copied == {"constraints.txt", "dist"}
    assert (ROOT / "constraints.txt").exists()
    assert "rm -rf dist\n" in (ROOT / "Makefile").read_text().partition("\nwheel:")[2]
    assert f"From: python:{OLDEST}-slim" in recipe
    assert "--constraint constraints.txt dist/*.whl" in sections["post"]
    words = sections["test"].split()
    assert words[0] in PROJECT["scripts"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize("in_image", [False, True])
def test_a_job_finds_the_command_beside_its_python_or_in_the_image(tmp_path, in_image):
    python = tmp_path / "with a space" / "bin/python"
    again = "snakemake --config 'study={x}'"
    prefix = shells.prefix(str(python), again, in_image).format()  # as Snakemake does
    said = subprocess.run(
        ["bash", "-c", f'{prefix}echo "$PATH"; echo "${files.RERUN}"'],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert said == ["/usr/bin:/bin" if in_image else f"{python.parent}:/usr/bin:/bin", again]


def test_a_plain_snakemake_has_the_profile_that_goes_on_after_a_kill():
    """Snakemake looks for profiles/default beside the Snakefile that it finds."""
    for snakefile in (ROOT / "Snakefile", ROOT / "workflow/Snakefile"):
        profile = yaml.safe_load((snakefile.parent / "profiles/default/config.yaml").read_text())
        assert profile["rerun-incomplete"] is profile["nolock"] is True
