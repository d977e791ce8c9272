"""What the commands do; each imports what it needs, so that `--help` does not wait for torch."""

import json
import os
import shutil
import sys
import time
import warnings
from itertools import chain
from pathlib import Path

from disentbench import plugins, sources
from disentbench import study as studies
from disentbench.errors import UserError
from disentbench.storage import expected, files
from disentbench.storage.identities import Identity

DIFFERENT = 3  # what `diff --exit-code` answers; 1 and 2 are mistakes


def data(arguments) -> None:
    """Render or read a data set and write it as one HDF5 file."""
    from disentbench.datasets import promised
    from disentbench.storage import images_file
    from disentbench.storage.provenance import provenance

    dataset = studies.made("datasets", arguments.dataset, arguments.options)
    text = json.dumps({arguments.dataset: dataset.model_dump(mode="json")})
    rendered = promised(dataset, dataset.images(), "what it gives")
    code = sources.digest(*sources.data(arguments.dataset))
    said = expected.images(dataset) | {"code": code}
    images_file.write(rendered, arguments.out, provenance(text, "cpu"), said)


def train(arguments) -> None:
    """Train the runs of one pack; a killed training resumes from its checkpoints."""
    from disentbench.training.interruption import supervised

    study = single_pack(arguments.study)
    lock = arguments.checkpoints.with_suffix(".lock")
    with supervised(lock, arguments.wait) as supervision:
        images = images_of(study, arguments.images)
        if trained_already(study, images, arguments.model, arguments.history):
            print("trained already: the same model is there", file=sys.stderr)
        else:
            train_pack(study, images, arguments, supervision)
        # On a network file system a file that is still open elsewhere cannot go; it does no harm.
        shutil.rmtree(arguments.checkpoints, ignore_errors=True)


def images_of(study: studies.Study, path: Path):
    """The images of a study with one data set, if they are those that it asks for."""
    from disentbench.datasets import promised
    from disentbench.storage import images_file

    (name,) = study.datasets
    dataset, read = study.dataset(name), images_file.read(path)
    expected.require(path, expected.images(dataset))
    return promised(dataset, read, str(path))


def train_pack(study: studies.Study, images, arguments, supervision) -> None:
    """Train and write the history, then the model: where that is, the training is done."""
    from disentbench.models import model_file
    from disentbench.training import devices
    from disentbench.training import loop as training
    from disentbench.training.progress import Progress

    (pack,), file = study.packs, arguments.checkpoints / "progress.json"
    made = {"images": images.digest, "code": sources.digest(*sources.training(*study.parts(pack)))}
    with Progress(pack.seeds, study.training.steps, file) as progress:
        trained = training.train(
            study,
            images,
            devices.use(arguments.threads),
            arguments.checkpoints,
            vectorise=arguments.vectorise,
            seconds_between_checkpoints=arguments.checkpoint_seconds,
            report=progress,
            supervision=supervision,
        )
    with files.whole(arguments.history) as path:
        trained.history.to_csv(path, index=False)
    files.write_sums(arguments.history, identity=expected.of_pack(study, pack, "history") | made)
    content = {
        "fingerprint": training.fingerprint(study, images),
        "parameters": trained.parameters,
        "failed": trained.failed,
        "origins": trained.origins,
    }
    model_file.save(arguments.model, content, expected.of_pack(study, pack, "model") | made)


def trained_already(study: studies.Study, images, model: Path, history: Path) -> bool:
    """Whether another process, for which this one has waited, say, has done the same training."""
    from disentbench.models.model_file import load
    from disentbench.training.loop import fingerprint

    if not (model.exists() and history.exists()):
        return False
    try:
        files.checked(history)
        expected.require(history, expected.of_pack(study, study.packs[0], "history"))
        return load(model).fingerprint == fingerprint(study, images)
    except UserError as error:
        print(f"{error}; training anew", file=sys.stderr)
        return False


def single_pack(text: str) -> studies.Study:
    """A study that holds one pack."""
    study = studies.read(text)
    if len(study.packs) > 1:
        raise UserError(
            f"{study.study} has {len(study.packs)} packs, and this command takes one; "
            "`snakemake` runs them all"
        )
    return study


def encode(arguments) -> None:
    """Encode every image of the data set under each run of a pack."""
    from disentbench.models.model_file import load, require_fit
    from disentbench.models.study_model import only_objective, vae
    from disentbench.storage import latents
    from disentbench.storage.provenance import provenance
    from disentbench.training import devices
    from disentbench.training.device_images import Resident
    from disentbench.training.encode import encode as encode_pack

    study = single_pack(arguments.study)
    device = devices.use(arguments.threads)
    images, (pack,) = images_of(study, arguments.images), study.packs
    saved, made_from = load(arguments.model), {"images": images.digest}
    expected.require(arguments.model, expected.of_pack(study, pack, "model") | made_from)
    code = {"code": sources.digest(*sources.encoding(study.architecture["of"]))}
    require_fit(saved, vae(study), len(pack.seeds))
    runs = encode_pack(vae(study), saved, Resident(images, device), pack.seeds, device)
    latents.write(
        arguments.latents,
        runs,
        images,
        identity={"study": study.study}
        | {key: getattr(pack, key) for key in ("dataset", "objective", "setting")},
        groups=only_objective(study).structure().groups,
        provenance=provenance(arguments.study, devices.name(device)) | {"trained": saved.origins},
        said=expected.of_pack(study, pack, "latents") | made_from | code,
    )


def score(arguments) -> None:
    """Compute metrics of anybody's latents: a table of run, metric and value."""
    import pandas as pd

    from disentbench.scoring import scores
    from disentbench.storage.provenance import origin

    apart(arguments, *arguments.files, *arguments.companions)
    for path in arguments.companions:
        require_beside(path, arguments)
    tables, details = [], {}
    for path in arguments.files:
        require_input(path, arguments)
        scored = scores.score_file(
            path,
            arguments.metrics,
            code=arguments.code,
            seed=arguments.seed,
            reading=reading(arguments),
            companions=arguments.companions,
        )
        scored = list(told(scored, path))
        name = os.fsencode(path).decode(errors="backslashreplace")  # it need not be UTF-8
        tables.append(scores.table(scored).assign(file=name))
        details[str(path)] = scores.details(scored) | {"provenance": origin("cpu")}
    several = len(arguments.files) > 1
    columns = ["file"] * several + ["run", "metric", "value"]
    write_table(pd.concat(tables)[columns], arguments.out)
    if arguments.detail:
        with files.whole(arguments.detail) as path:
            path.write_text(json.dumps(details if several else details.popitem()[1]))
    if arguments.sums:
        code = [sources.scoring(scores.file_of(name)) for name in arguments.metrics or []]
        written = [path for path in (arguments.out, arguments.detail) if path]
        files.write_sums(*written, identity=made_by(arguments, *code))


def require_input(path: Path, arguments) -> None:
    """Refuse what is not the file that a rule asks for; by hand, any will do."""
    if arguments.input_identity:
        expected.require(path, arguments.input_identity)


def require_beside(path: Path, arguments) -> None:
    """The same of a file of another pack of that setting."""
    if arguments.input_identity:
        expected.require(path, expected.beside(arguments.input_identity, path))


def made_by(arguments, *code: tuple[Path, ...]) -> Identity | None:
    """What is said of a table: what a rule says, and with what code it was made."""
    if not arguments.identity:
        return None
    return arguments.identity | {"code": sources.digest(*sorted({*chain(*code)}))}


def apart(arguments, *read: Path) -> None:
    """Refuse to write over what is read, or twice over the same file, and to read a file twice."""
    written = arguments.out, getattr(arguments, "detail", None)
    beside = (arguments.beside or {}).values()
    for paths in ((*read, *written), *((path, *written) for path in beside)):
        named = [os.path.realpath(path) for path in paths if path]  # of links in a circle, too
        if twice := [path for path in named if named.count(path) > 1]:
            name = Path(twice[0]).name
            raise UserError(f"{name} is named twice; input and outputs must be other files")


def reading(arguments):
    """How the files are to be read, as the command line says."""
    from disentbench.storage.latents import Reading

    names = ("codes", "factors", "logvar", "beside")
    given = {name: value for name in names if (value := getattr(arguments, name, None))}
    return Reading(**given, memory=arguments.max_memory)


def told(scored, path: Path, seconds: int = 10):
    """The same scores; where they take long, a line now and then says how far they are."""
    began = last = time.monotonic()
    for each in scored:
        yield each
        if (now := time.monotonic()) - last >= seconds:
            last, words = now, f"{path}: run {each.run}: {each.metric}"
            print(f"{words} after {now - began:.0f} s", file=sys.stderr, flush=True)


def write_table(
    table, out: Path | None, sums: bool = False, identity: Identity | None = None
) -> None:
    """A table in a .csv or .json file, its checksum beside it, or readable on the terminal."""
    if out is None:
        print(table.to_string(index=False, float_format="{:.6f}".format))
        return
    from disentbench.scoring import scores

    with files.whole(out) as path:
        if out.suffix.lower() == ".json":
            path.write_text(json.dumps(scores.records(table)))
        else:
            table.to_csv(path, index=False)
    if sums:
        files.write_sums(out, identity=identity)


def levels(arguments) -> None:
    """Compute what chance and a perfect code score on the factors of a file."""
    from disentbench.scoring.calibration import levels as of_factors
    from disentbench.scoring.scores import file_of
    from disentbench.storage import latents

    apart(arguments, arguments.file)
    factors = latents.read_factors(arguments.file, reading(arguments))
    require_input(arguments.file, arguments)
    table = of_factors(factors, arguments.metrics, arguments.seed)
    if table.empty and arguments.out is None:  # a workflow's file may be empty, an answer not
        named = ", ".join(arguments.metrics)
        raise UserError(f"none of {named} looks at factors; name metrics that do, such as mig")
    code = [sources.levels(file_of(name)) for name in arguments.metrics or []]
    write_table(table, arguments.out, arguments.sums, made_by(arguments, *code))


def audit(arguments) -> None:
    """Compare the minibatch estimators of MI and TC with the exact values, on one posterior."""
    import pandas as pd

    from disentbench.scoring import scores
    from disentbench.scoring.audit import COLUMNS
    from disentbench.scoring.audit import audit as audit_posterior
    from disentbench.storage import latents

    apart(arguments, *arguments.files)
    for path in arguments.files:
        require_beside(path, arguments)
    said = made_by(arguments, sources.audit())
    found = audited(arguments.files, arguments.run, reading(arguments)._replace(bare=True))
    if found is None:
        warnings.warn("every run diverged; there is none to audit", stacklevel=1)
        write_table(pd.DataFrame(columns=[*COLUMNS, "run"]), arguments.out, arguments.sums, said)
        return
    file, name, posterior = found
    rng = scores.generator(arguments.seed, "audit")
    table = audit_posterior(posterior, batch_sizes=arguments.batch_sizes, rng=rng)
    table = table.assign(run=latents.title(file, name))
    write_table(table, arguments.out, arguments.sums, said)


def audited(paths: list[Path], wanted: str | None, reading):
    """The first run of the files that did not diverge, or the one that is wanted, if there is one.

    Its file, its name and its posterior; one run is in memory at a time.
    """
    from disentbench.storage import latents

    names = []
    for (place, name), run in latents.read_together(paths, reading):
        names.append(name)
        if run.failed and name == wanted:
            raise UserError(f"run {name} of {paths[place]} diverged; there is nothing to audit")
        if not run.failed and wanted in (None, name):
            if run.posterior is None:
                raise UserError(f"{paths[place]} has no logvar, and the audit needs it")
            return paths[place], name, run.posterior
    if wanted is not None:
        where = ", ".join(map(str, paths))
        raise UserError(f"no run {wanted!r} in {where}; its runs are {', '.join(names)}")
    return None


def collect(arguments) -> None:
    """Gather the scores of all runs of a study in one tidy table, as CSV and as parquet."""
    from disentbench.results import collect as tidy
    from disentbench.storage.provenance import provenance

    if arguments.out.suffix.lower() != ".csv":
        raise UserError(f"--out {arguments.out} must end in .csv; a .parquet is written beside it")
    study = studies.read(arguments.study)
    table = tidy.collect(study, arguments.results)
    write_table(table, arguments.out)
    with files.whole(arguments.out.with_suffix(".parquet")) as path:
        made = {"scored": tidy.scored_by(study, arguments.results)}
        tidy.write_parquet(table, path, provenance(study.text, "cpu") | made)
    code = {"code": sources.digest(*sources.collecting())}
    said = expected.of_study(study, "scores") | code
    files.write_sums(arguments.out, arguments.out.with_suffix(".parquet"), identity=said)


def report(arguments) -> None:
    """Render the comparison report of a study: a page, its figures and its tables."""
    os.environ["MPLBACKEND"] = "agg"  # Jupyter asks for one that only it has; read at the import
    from disentbench.report import render

    began = time.monotonic()
    study = studies.read(arguments.study)
    render(study, arguments.results, arguments.scores, arguments.out)
    print(f"{arguments.out} in {time.monotonic() - began:.1f} s", file=sys.stderr)


def status(arguments) -> None:
    """Say how far a study is: what is done, runs, has failed or is missing, and the time left."""
    from disentbench.results import status as how_far

    found = how_far.status(studies.read(arguments.study), arguments.results)
    print(how_far.text(found))


def diff(arguments) -> int:
    """Say which scores of two results differ, by how much, and what made either.

    A and B are results folders of a study (results/NAME) or tidy tables (.csv or .parquet).
    """
    from disentbench.results import diff

    found = diff.compare(arguments.a, arguments.b, arguments.metrics, arguments.tolerance)
    print(diff.text(found))
    return 0 if found.same or not arguments.exit_code else DIFFERENT


def verify(arguments) -> None:
    """Read every file of a study and name what is damaged; moved aside, it will be made again."""
    from disentbench.results import verify as whether

    study = studies.read(arguments.study)
    folder = arguments.results / study.study
    if not folder.is_dir():
        raise UserError(f"{folder} is not there; --results names the folder above it")
    found = whether.verify(study, folder)
    command = f"snakemake --cores all --configfile {arguments.study}"
    for kind, path in ((kind, path) for kind, paths in found.kinds.items() for path in paths):
        print(f"{kind}: {path}", file=sys.stderr)
    wrong = found.damaged + found.foreign
    if wrong and not arguments.set_aside:
        raise UserError(
            f"{found.text}; `disentbench verify {arguments.study} --set-aside` moves aside what is "
            f"damaged or of another run, and `{command}` makes it again"
        )
    if wrong:
        whether.set_aside(folder, wrong)
        print(f"{len(wrong)} moved aside; `{command}` makes them again")
    if found.other:
        raise UserError(f"{len(found.other)} {whether.OTHER}; `{command}` makes them anew")
    if not wrong:
        print("every file is whole")


def list_(arguments) -> None:
    """Say what exists of a kind: name, label and reference; of a metric also how to read it."""
    reference = computed_levels(arguments)
    for name in plugins.names(arguments.kind):
        plugin = plugins.load(arguments.kind, name)
        print(f"{name:20} {plugin.label:28} {plugin.reference}")
        if arguments.kind == "metrics":
            print(f"    {plugin.variant}")
            for value in plugin.values:
                print(f"    {describe(value, reference)}")


def computed_levels(arguments) -> dict:
    """Chance and perfection by value, where a file with factors is given."""
    if arguments.on is None:
        return {}
    if arguments.kind != "metrics":
        raise UserError(f"--on goes with metrics, not with {arguments.kind}")
    from disentbench.scoring.calibration import levels as of_factors
    from disentbench.storage import latents

    table = of_factors(latents.read_factors(arguments.on))
    return table.set_index("metric").to_dict(orient="index")


def describe(value, reference: dict) -> str:
    """A value's name, range, direction and, if computed, what chance and a perfect code score."""
    direction = {"neither": "no direction"}.get(value.better, f"{value.better} is better")
    words = f"{value.name}: {value.low:g} to {value.high:g} {value.unit}".rstrip()
    if value.name not in reference:
        return f"{words}, {direction}"
    level = reference[value.name]
    return (
        f"{words}, {direction}; chance {level['chance']:.3f}, perfect code {level['perfect']:.3f}"
    )


def compare_dsprites(arguments) -> None:
    """Say where the published dSprites file and the rendered images differ."""
    from disentbench.datasets.dsprites_npz import compare_with_renderer

    print(compare_with_renderer(arguments.file))
