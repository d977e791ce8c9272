"""The command fetch, which downloads the files of a published data set."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disentbench import plugins
from disentbench.errors import Stopped, UserError
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
    with _stoppable():
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


@contextmanager
def _stoppable() -> Iterator[None]:
    """Have signals end the work where it is, and say that the same command goes on."""
    from disentbench.training.interruption import SIGNALS

    came = []

    def stop(number: int, _: Any) -> None:
        came.append(number)
        raise KeyboardInterrupt  # nothing on the way takes it for an error of the network

    heeded = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heeded}
    try:
        yield
    except KeyboardInterrupt:
        number = signal.Signals(came[0] if came else signal.SIGINT)
        raise Stopped(
            f"stopped by {number.name}; what came is kept, and the same command goes on from there",
            number,
        ) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
