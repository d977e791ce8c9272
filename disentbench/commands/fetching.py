"""The command fetch, which downloads the files of a published data set."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from disentbench import plugins
from disentbench.commands.signals import stoppable
from disentbench.errors import UserError
from disentbench.storage import limits

if TYPE_CHECKING:
    from disentbench.datasets._published import Download


def fetch(*, dataset: str, to: Path | None = None) -> None:
    """Download the files of a published data set, to where a study looks for them.

    A file comes from its authors' server, or from a mirror, and is kept if its checksum is right;
    nothing is unpacked. What is there already is checked and left as it is. Stopped or cut off, the
    same command goes on from where it was. Files go to DISENTBENCH_DATA/NAME, if that is set in the
    environment, else to ~/.cache/disentbench/NAME; with --to a study names them by `path`.
    """
    from disentbench.datasets._published import fetched

    downloads = _downloads(dataset)
    folder = fetched(dataset) if to is None else limits.expanded(to).absolute()
    with stoppable(lambda: _left(downloads, folder)):
        for download in downloads:
            _fetch(download, folder)
    if to is None:
        print(f"a study that names {dataset} finds it there")
        return
    path = folder / downloads[0].name if len(downloads) == 1 else folder
    print(f"in a study: {{{dataset}: {{path: {json.dumps(str(path), ensure_ascii=False)}}}}}")


def _downloads(name: str) -> "tuple[Download, ...]":
    """The files of a data set; a UserError if it has none."""
    from disentbench.datasets._published import PublishedDataset

    dataset = plugins.load("datasets", name)
    if issubclass(dataset, PublishedDataset):
        return dataset.downloads
    fields = dataset.model_fields.items()
    own = [key for key, field in fields if field.is_required() and "Path" in str(field.annotation)]
    if own:
        raise UserError(f"{name} brings no files of its own; `{own[0]}` names yours in a study")
    raise UserError(f"{name} is rendered here and needs no download")


def _fetch(download: "Download", folder: Path) -> None:
    """Get one file unless it is there, and say so."""
    from disentbench.storage import downloads

    path = folder / download.name
    if there := downloads.is_there(path, download.checksum):
        print(f"{path} is there already", end="")
    else:
        downloads.download(path, download.urls, download.checksum)
        print(f"{path} has been downloaded", end="")
    if download.checksum:
        print(f"{' and right' if there else ''}: {download.checksum}")
    else:
        print(f"; no checksum is published, and its own is {downloads.sum_of(path)}")
    sys.stdout.flush()


def _left(files: "tuple[Download, ...]", folder: Path) -> str:
    """What is left where a signal came, and what the same command does with it."""
    from disentbench.storage import parts

    begun = [file for file in files if parts.is_begun(folder / file.name)]
    if all(parts.can_go_on(folder / file.name, file.urls, file.checksum) for file in begun):
        return "what came is kept, and the same command goes on from there"
    return "the same command begins this file anew, as its server gives no rest"
