"""Published files, downloaded: whole and with the right checksum, or not there.

What has come so far is beside the file, in NAME.part, with where it is from in NAME.part.json; an
interrupted download goes on from there. pooch checks the sum; only the transfer is ours, for pooch
begins each anew. Nothing that comes is executed or unpacked.
"""

import os
import re
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from disentbench.errors import UserError
from disentbench.storage import files, limits, parts

if TYPE_CHECKING:
    from requests import Response

SECONDS = (10, 60)  # how long a server may take to be reached, and to say something
PAUSE = 1.0  # seconds before a connection that broke is made anew
WHOLE = r"[0-9]{1,18}"  # as a number of bytes is written
CHUNK = 2**16  # bytes; up to that many are lost when a connection breaks


BEGINNINGS = {  # of the kinds of files that are published, by their suffix
    ".npz": b"PK\3\4",
    ".h5": b"\x89HDF\r\n\x1a\n",
    ".gz": b"\x1f\x8b",
    ".mat": b"MATLAB",
}


class UnreachableError(Exception):
    """Why an address does not give its file, in words that follow it."""


def is_there(path: Path, checksum: str | None) -> bool:
    """Whether the file is there and right; a UserError for anything else that is in its place."""
    if path.is_dir():
        raise UserError(f"{path} is a folder, and a file goes there; move it away")
    if not path.exists():
        return False
    limits.regular(path)
    if checksum and (came := sum_of(path, checksum.partition(":")[0])) != checksum:
        raise UserError(
            f"{path} is there and is not the published file: its sum is {came}, and {checksum} is "
            "published; move it away or remove it, then run the same command again"
        )
    if not checksum and (wrong := _misbegun(path, path.suffix)):
        raise UserError(
            f"{path} is there and is not the published file: it {wrong}; move it away or remove "
            "it, then run the same command again"
        )
    return True


def _misbegun(path: Path, suffix: str) -> str | None:
    """What is wrong with the first bytes of a file, in words that follow it, if it has a suffix."""
    expected = BEGINNINGS.get(suffix, b"")
    with path.open("rb") as file:
        came = file.read(max(1, len(expected)))
    if not came:
        return "is empty"
    if not came.startswith(expected):
        return f"begins with {came!r}, where {suffix} files have {expected!r}"
    return None


def sum_of(path: Path, algorithm: str = "sha256") -> str:
    """A file's checksum, such as 'sha256:...'."""
    import pooch  # noqa: PLC0415 - half a second

    return f"{algorithm}:{pooch.file_hash(str(path), alg=algorithm)}"


def download(path: Path, urls: tuple[str, ...], checksum: str | None) -> None:
    """Download a file that is not there, from the first address that gives it.

    Raises a UserError that says how to get it by hand if none does.
    """
    files.make_room(path)
    failures = []
    for url in urls:
        try:
            _download(path, url, checksum)
            return
        except UnreachableError as error:
            failures.append(f"{url} {error}")
    part = parts.part_of(path)
    kept = f"; what came is kept in {part}, and the same command "
    kept += "goes on from there" if parts.can_go_on(path, urls, checksum) else "begins anew"
    raise UserError(
        f"{path.name} cannot be downloaded: {', '.join(failures)}; get it with a browser and put "
        f"it at {path.absolute()}, or name where you have it by `path` in the study"
        f"{kept if part.exists() else ''}"
    )


def _download(path: Path, url: str, checksum: str | None) -> None:
    import pooch  # noqa: PLC0415

    pooch.get_logger().setLevel("WARNING")
    part = parts.part_of(path)
    with files.naming(part), parts.held(part) as file, files.scratch(path) as folder:
        transfer: Any = Transfer(part, file, checksum)
        try:
            came = pooch.retrieve(url, checksum, path.name, folder, downloader=transfer)
        except ValueError:  # so pooch says that the sum is another
            sentence = f"gives another file, of {part.stat().st_size:,} bytes, than {checksum}"
            part.unlink()
            raise UnreachableError(f"{sentence}, which is removed") from None
        if not checksum and (wrong := _misbegun(Path(came), path.suffix)):
            part.unlink(missing_ok=True)
            raise UnreachableError(f"gives a file that {wrong}, which is removed")
        os.replace(part if part.exists() else came, path)
        parts.origin_of(part).unlink(missing_ok=True)


class Transfer:
    """What pooch calls to get a file: goes on where the part ends, again while that gets farther.

    One with a checksum may go on at another address. Without it only the same version is gone on
    with, as its server tells them apart.
    """

    def __init__(self, part: Path, file: IO[bytes], checksum: str | None):
        self.part, self.file, self.checksum = part, file, checksum

    def __call__(self, url: str, output: str, _: object) -> None:
        farthest = self.size
        while True:
            try:
                with files.naming(self.part):
                    self.go_on(url)
                break
            except UnreachableError:
                if self.size <= farthest:
                    raise
                farthest = self.size
                time.sleep(PAUSE)
        os.fsync(self.file.fileno())
        print(f"{self.part.stem} has come; checking it", file=sys.stderr)
        parts.same_file(self.part, output)

    @property
    def size(self) -> int:
        """Bytes that have come so far."""
        self.file.flush()
        return os.fstat(self.file.fileno()).st_size

    def go_on(self, url: str) -> None:
        """Get what is missing, or all if the server gives no rest."""
        start, origin = self.size, parts.known_origin(self.part)
        if origin and origin.total == start:
            return
        with self._answer(url, start, origin) as response:
            if response.status_code == 200:
                self.file.truncate(0)
                start = 0
            total = _total(response)
            gives_rests = response.status_code == 206 or _accepts_ranges(response)
            said = parts.Origin(url, _version(response), total, gives_rests)
            parts.note(self.part, said)
            self._require_room((total or 0) - start)
            self._write(response, start, total)

    def _answer(self, url: str, start: int, origin: parts.Origin | None) -> "Response":
        """The rest if it can be had and is surely of the same file, or else the whole."""
        same = origin is not None and origin.url == url and bool(origin.version)
        known = origin is not None and 0 < start < (origin.total or start + 1)
        if origin is None or not known or not (self.checksum or same):
            return _get(url, {}, (200,))
        asked = {"Range": f"bytes={start}-"} | ({"If-Range": origin.version} if same else {})
        response = _get(url, asked, (200, 206, 416))
        other = same and _version(response) not in ("", origin.version)
        if response.status_code == 200 or (_goes_on(response, start, origin) and not other):
            return response
        response.close()
        return _get(url, {}, (200,))

    def _require_room(self, needed: int) -> None:
        folder = self.part.parent
        if needed > (free := shutil.disk_usage(folder).free):
            raise OSError(
                f"{folder} has {limits.shown(free)} of room and {limits.shown(needed)} are to come;"
                " make room there, or name another folder with --to"
            )

    def _write(self, response: "Response", start: int, total: int | None) -> None:
        from tqdm import tqdm  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        bytes_shown = {"unit": "B", "unit_scale": True, "unit_divisor": 1024}
        bar = tqdm(total=total, initial=start, desc=self.part.stem, disable=None, **bytes_shown)
        whole, length = False, "" if total is None else f" of {total:,}"
        with bar, suppress(HTTPError):
            # As they come: of what a server has packed for the way, no rest could be asked for.
            for chunk in response.raw.stream(CHUNK, decode_content=False):
                self.file.write(chunk)
                bar.update(len(chunk))
            whole = total in (None, self.size)
        if not whole:
            raise UnreachableError(f"broke off after {self.size:,}{length} bytes")


def _get(url: str, asked: dict[str, str], accepted: tuple[int, ...]) -> "Response":
    """The answer to a request, its body still to come."""
    import requests  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    headers = {"User-Agent": "disentbench", "Accept-Encoding": "identity"} | asked
    try:
        response = requests.get(url, headers=headers, stream=True, timeout=SECONDS)
    except (requests.RequestException, HTTPError) as error:
        raise UnreachableError(_why(error)) from None
    why = f"answers {response.status_code} {response.reason}".rstrip()
    if response.status_code in accepted:
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            length = response.headers.get("Content-Length")
            if length is None or re.fullmatch(WHOLE, length):
                return response
            why = f"answers with the Content-Length {length!r}"
        else:
            why = "answers with a web page"  # of a login, say
    response.close()
    raise UnreachableError(why)


def _why(error: Exception) -> str:
    """What keeps a server from being reached, in words."""
    from requests import exceptions  # noqa: PLC0415

    for kind, words in {
        exceptions.SSLError: "has a certificate that is not accepted here",
        exceptions.ProxyError: "cannot be reached through the proxy of this machine",
        exceptions.Timeout: "does not answer in time",
        exceptions.TooManyRedirects: "leads in a circle",
        exceptions.InvalidSchema: "leads to what is not http",
    }.items():
        if isinstance(error, kind):
            return words
    if "NameResolutionError" in str(error):
        return "has a host that is not found from here"
    return "cannot be connected to"


def _version(response: "Response") -> str:
    """What a server says of a file's version; a weak ETag does not tell bytes apart."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def _accepts_ranges(response: "Response") -> bool:
    """Whether a server says that it gives rests of this file."""
    return response.headers.get("Accept-Ranges", "").strip().lower() == "bytes"


def _total(response: "Response") -> int | None:
    """The bytes of the whole file, if the server says it."""
    named = response.headers.get("Content-Range", "").rpartition("/")[2]
    length = named if response.status_code == 206 else response.headers.get("Content-Length", "")
    return int(length) if re.fullmatch(WHOLE, length) else None


def _goes_on(response: "Response", start: int, origin: parts.Origin) -> bool:
    """Whether this is what follows the first `start` bytes, of a file as long as it was."""
    if response.status_code != 206 or _total(response) != origin.total:
        return False
    return response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
