"""Downloads end in the right file or none, go on where they were, and say what to do if they can't.

The sites are all on this machine.
"""

import fcntl
import hashlib
import re
import resource
import shutil
import socket
from collections import namedtuple

import numpy as np
import pytest
from builders.site import Site

from disentbench import plugins
from disentbench.datasets._published import PublishedDataset
from disentbench.errors import UserError
from disentbench.storage import downloads

BODY = np.random.default_rng(0).bytes(300_000)
OTHER = np.random.default_rng(1).bytes(300_000)
SHA256 = f"sha256:{hashlib.sha256(BODY).hexdigest()}"
SUMS = pytest.mark.parametrize(
    "checksum",
    [SHA256, f"md5:{hashlib.md5(BODY).hexdigest()}", None],
    ids=["sha256", "md5", "none"],
)
CUT = 200_000  # a little less has come where a connection breaks there


@pytest.fixture(autouse=True)
def no_detours(monkeypatch):
    """No proxy between a test and its site, and no wait before a second try."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setattr(downloads, "PAUSE", 0)


@pytest.fixture
def site():
    with Site(BODY).open() as opened:
        yield opened


@pytest.fixture
def mirror():
    with Site(BODY).open() as opened:
        yield opened


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "file.h5"


def names(path):
    return sorted(entry.name for entry in path.parent.iterdir())


def left_off(site, path, checksum=SHA256, again=0) -> int:
    """Have a download break off, `again` bytes into the second try; how many bytes were kept."""
    site.cuts = [CUT, again]
    with pytest.raises(UserError, match="the same command goes on from there"):
        downloads.download(path, (site.url,), checksum)
    assert names(path) == ["file.h5.part", "file.h5.part.json"]
    kept = path.with_name("file.h5.part").read_bytes()
    assert 0 < len(kept) <= CUT
    assert kept == BODY[: len(kept)]
    site.asked.clear()
    site.conditions.clear()
    return len(kept)


@SUMS
def test_a_file_comes_whole_and_alone(site, path, checksum):
    assert not downloads.is_there(path, checksum)
    downloads.download(path, (site.url,), checksum)
    assert path.read_bytes() == BODY
    assert names(path) == ["file.h5"]
    assert site.asked == [None]
    assert downloads.is_there(path, checksum)


@SUMS
def test_an_interrupted_download_asks_for_the_rest_alone(site, path, checksum):
    kept = left_off(site, path, checksum)
    downloads.download(path, (site.url,), checksum)
    assert site.asked == [f"bytes={kept}-"]
    assert site.conditions == ['"1"']
    assert path.read_bytes() == BODY
    assert names(path) == ["file.h5"]


def test_a_connection_that_breaks_now_and_then_is_made_anew(site, path):
    site.cuts = [100_000, 90_000, 80_000]
    downloads.download(path, (site.url,), None)
    starts = [int(asked[6:-1]) for asked in site.asked[1:]]
    assert len(starts) >= 2
    assert starts == sorted(set(starts))
    assert path.read_bytes() == BODY


@SUMS
def test_a_site_that_gives_no_rest_is_asked_for_the_whole(site, path, checksum):
    left_off(site, path, checksum)
    site.ranges = False
    downloads.download(path, (site.url,), checksum)
    assert path.read_bytes() == BODY


@SUMS
def test_a_wrong_rest_is_not_taken(site, path, checksum):
    kept = left_off(site, path, checksum)
    site.shift = 10
    downloads.download(path, (site.url,), checksum)
    assert site.asked == [f"bytes={kept}-", None]
    assert path.read_bytes() == BODY


@pytest.mark.parametrize("heeds", [True, False])
def test_two_versions_of_a_file_are_not_spliced(site, path, heeds):
    left_off(site, path, None)
    site.body, site.etag, site.heeds_conditions = OTHER, '"2"', heeds
    downloads.download(path, (site.url,), None)
    assert path.read_bytes() == OTHER


@pytest.mark.parametrize("tag", [None, 'W/"1"'])
def test_what_has_no_version_is_gone_on_with_if_it_has_a_sum(site, path, tag):
    """A weak tag is the same for other bytes of one meaning, and is none for us."""
    site.etag = tag
    left_off(site, path, None, again=CUT)
    downloads.download(path, (site.url,), None)
    assert site.asked == [None]
    path.unlink()
    kept = left_off(site, path, SHA256)
    downloads.download(path, (site.url,), SHA256)
    assert site.asked == [f"bytes={kept}-"]
    assert site.conditions == [None]


def test_the_time_of_a_change_is_a_version_too(site, path):
    site.etag, site.changed = None, "Fri, 27 Nov 2015 10:00:00 GMT"
    kept = left_off(site, path, None)
    downloads.download(path, (site.url,), None)
    assert (site.asked, site.conditions) == ([f"bytes={kept}-"], [site.changed])
    assert path.read_bytes() == BODY


def test_a_mirror_goes_on_where_the_first_site_left_off_if_a_sum_shows_the_file(site, mirror, path):
    kept = left_off(site, path, SHA256)
    site.status, mirror.etag = 503, '"another"'
    downloads.download(path, (site.url, mirror.url), SHA256)
    assert (mirror.asked, mirror.conditions) == ([f"bytes={kept}-"], [None])
    assert path.read_bytes() == BODY


def test_without_a_sum_a_mirror_begins_anew(site, mirror, path):
    left_off(site, path, None)
    site.status = 503
    downloads.download(path, (site.url, mirror.url), None)
    assert mirror.asked == [None]
    assert path.read_bytes() == BODY


def test_a_mirror_with_a_file_of_another_length_begins_anew(site, mirror, path):
    kept = left_off(site, path, SHA256)
    site.status, mirror.body = 503, BODY + b"more"
    with pytest.raises(UserError, match="gives another file, of 300,004 bytes"):
        downloads.download(path, (site.url, mirror.url), SHA256)
    assert mirror.asked == [f"bytes={kept}-", None]


@pytest.mark.parametrize("said", [b"", b"[]", b'{"url": 1}', b"\xff", None])
def test_a_part_of_unknown_origin_is_not_gone_on_with(site, path, said):
    left_off(site, path)
    origin = path.with_name("file.h5.part.json")
    origin.unlink() if said is None else origin.write_bytes(said)
    downloads.download(path, (site.url,), SHA256)
    assert site.asked == [None]
    assert path.read_bytes() == BODY


def test_what_has_come_whole_and_was_not_checked_is_not_asked_for_again(site, path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pooch.core.hash_matches", interrupted)
        with pytest.raises(KeyboardInterrupt):
            downloads.download(path, (site.url,), SHA256)
    assert names(path) == ["file.h5.part", "file.h5.part.json"]
    downloads.download(path, (site.url,), SHA256)
    assert len(site.asked) == 1
    assert path.read_bytes() == BODY


def test_a_file_system_of_one_name_for_a_file_will_do(site, path, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr("os.link", refuse)
    downloads.download(path, (site.url,), SHA256)
    assert path.read_bytes() == BODY
    assert names(path) == ["file.h5"]


def test_a_site_need_not_say_how_much_comes(site, path):
    site.sized = False
    downloads.download(path, (site.url,), SHA256)
    assert path.read_bytes() == BODY


def test_bytes_are_kept_as_they_come(site, path):
    """Servers say of a .gz that it is packed for the way; unpacked it would be another file."""
    site.headers = {"Content-Encoding": "gzip"}
    downloads.download(path, (site.url,), SHA256)
    assert path.read_bytes() == BODY


def test_a_redirection_is_followed(site, path):
    site.location = "/elsewhere"
    downloads.download(path, (site.url,), SHA256)
    assert path.read_bytes() == BODY


@SUMS
def test_a_mirror_is_used_where_the_first_site_is_dead(site, path, checksum):
    downloads.download(path, (dead(), site.url), checksum)
    assert path.read_bytes() == BODY


def test_a_wrong_file_is_removed_and_the_mirror_asked(site, mirror, path):
    site.body = OTHER
    downloads.download(path, (site.url, mirror.url), SHA256)
    assert path.read_bytes() == BODY
    assert names(path) == ["file.h5"]
    assert mirror.asked == [None]


def test_a_wrong_file_from_everywhere_is_said_and_not_kept(site, path):
    site.body = OTHER
    with pytest.raises(UserError) as error:
        downloads.download(path, (site.url,), SHA256)
    words = f"{site.url} gives another file, of 300,000 bytes, than {SHA256}, which is removed"
    assert words in str(error.value)
    assert "goes on" not in str(error.value)
    assert names(path) == []


def dead() -> str:
    """An address where nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/file"


FAULTS = {
    "answers 404 Not Found": {"status": 404},
    "answers 500 Internal Server Error": {"status": 500},
    "answers with a web page": {"headers": {"Content-Type": "text/html; charset=utf-8"}},
    "leads in a circle": {"location": "/file"},
    "leads to what is not http": {"location": "file:///etc/hostname"},
    "broke off after 0 of 300,000 bytes": {"cuts": [0]},
}


@pytest.mark.parametrize("words", FAULTS)
def test_a_dead_link_says_what_to_do(site, path, words):
    vars(site).update(FAULTS[words])
    nobody = dead()
    with pytest.raises(UserError) as error:
        downloads.download(path, (site.url, nobody), None)
    assert str(error.value) == (
        f"file.h5 cannot be downloaded: {site.url} {words}, {nobody} cannot be connected to; get "
        f"it with a browser and put it at {path}, or name where you have it by `path` in the study"
    )
    assert names(path) == []


def test_a_host_that_nobody_knows_and_one_that_is_silent(path, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(downloads, "SECONDS", 0.2)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(UserError, match="does not answer in time"):
            downloads.download(path, (url,), None)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(UserError, match="has a host that is not found from here"):
        downloads.download(path, ("https://data.invalid/file",), None)


def test_https_with_a_stranger_s_certificate_or_none(site, path):
    secure = site.url.replace("http:", "https:")
    with pytest.raises(UserError, match="has a certificate that is not accepted here"):
        downloads.download(path, (secure,), None)


def test_another_file_in_its_place_is_left_alone(path):
    path.parent.mkdir()
    path.write_bytes(OTHER)
    with pytest.raises(UserError) as error:
        downloads.is_there(path, SHA256)
    assert str(path) in str(error.value)
    assert f"its sum is sha256:{hashlib.sha256(OTHER).hexdigest()}" in str(error.value)
    assert "remove it" in str(error.value)
    assert path.read_bytes() == OTHER
    path.unlink()
    path.mkdir()
    with pytest.raises(UserError, match="is a folder"):
        downloads.is_there(path, SHA256)


def test_a_second_process_does_not_write_to_the_same_part(site, path):
    left_off(site, path)
    with path.with_name("file.h5.part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another process downloads to"):
            downloads.download(path, (site.url,), SHA256)
    assert site.asked == []


def test_a_disk_without_room_is_found_out_before(site, path, monkeypatch):
    usage = namedtuple("usage", "total used free")(10**6, 0, 200_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match="195 KiB of room and 293 KiB are to come"):
        downloads.download(path, (site.url,), SHA256)
    assert names(path) == []


def test_a_disk_that_takes_no_more_keeps_what_it_has(site, path):
    """As a full disk, a file may not grow beyond a limit."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"File too large: .*file\.h5\.part'"):
            downloads.download(path, (site.url,), SHA256)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    kept = path.with_name("file.h5.part").stat().st_size
    assert 0 < kept <= 150_000
    site.asked.clear()
    downloads.download(path, (site.url,), SHA256)
    assert site.asked == [f"bytes={kept}-"]
    assert path.read_bytes() == BODY


def test_what_the_package_would_download_is_said_in_full():
    """Every address and sum in the registry can be used, and every name is one of a file."""
    for name in plugins.names("datasets"):
        dataset = plugins.load("datasets", name)
        for file, urls, checksum in getattr(dataset, "downloads", ()):
            assert re.fullmatch(r"[\w-][\w.-]*", file)
            assert urls
            assert all(re.fullmatch(r"https?://[^\s/]+/\S+", url) for url in urls)
            assert checksum is None or re.fullmatch(
                r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}", checksum
            )
        assert not issubclass(dataset, PublishedDataset) or dataset.downloads
