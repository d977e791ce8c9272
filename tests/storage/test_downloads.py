"""Downloads end in the right file or in none, and say what to do if they can't.

The sites are all on this machine.
"""

import hashlib
import re
import shutil
import socket
from collections import namedtuple

import pytest
from builders.site import BODY, MD5, OTHER, SHA256

from disentbench import plugins
from disentbench.datasets._published import PublishedDataset
from disentbench.errors import UserError
from disentbench.storage import downloads

SUMS = pytest.mark.parametrize("checksum", [SHA256, MD5, None], ids=["sha256", "md5", "none"])


def names(path):
    return sorted(entry.name for entry in path.parent.iterdir())


@SUMS
def test_a_file_comes_whole_and_alone(site, path, checksum):
    assert not downloads.is_there(path, checksum)
    downloads.download(path, (site.url,), checksum)
    assert path.read_bytes() == BODY
    assert names(path) == ["file.h5"]
    assert site.asked == [None]
    assert downloads.is_there(path, checksum)


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
    "gives a file that is empty, which is removed": {"body": b""},
    "answers with the Content-Length '-1'": {"headers": {"Content-Length": "-1"}},
    "gives a file that begins with b'<!DOCTYP', where .h5 files have "
    r"b'\x89HDF\r\n\x1a\n', which is removed": {"body": b"<!DOCTYPE html><p>Log in"},
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


@pytest.mark.parametrize(
    ("name", "beginning"),
    {"x.npz": b"PK\3\4", "x.h5": BODY[:8], "x.mat.gz": b"\x1f\x8b\x08", "x": b"?"}.items(),
)
def test_a_file_without_a_sum_at_least_begins_as_what_it_is(site, path, name, beginning):
    path, site.body = path.with_name(name), beginning + bytes(9)
    downloads.download(path, (site.url,), None)
    assert downloads.is_there(path, None)
    assert path.read_bytes() == site.body
    path.write_bytes(b"")
    with pytest.raises(UserError, match="is not the published file: it is empty; move it away"):
        downloads.is_there(path, None)


def test_a_disk_without_room_is_found_out_before(site, path, monkeypatch):
    usage = namedtuple("usage", "total used free")(10**6, 0, 200_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match="195 KiB of room and 293 KiB are to come"):
        downloads.download(path, (site.url,), SHA256)
    assert names(path) == []


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
