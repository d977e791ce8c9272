"""A download that broke off goes on where it was, and nothing is spliced that does not fit."""

import fcntl
import resource

import pytest
from builders.site import BODY, MD5, OTHER, SHA256

from disentbench.errors import UserError
from disentbench.storage import downloads

SUMS = pytest.mark.parametrize("checksum", [SHA256, MD5, None], ids=["sha256", "md5", "none"])
CUT = 200_000  # a little less has come where a connection breaks there


def names(path):
    return sorted(entry.name for entry in path.parent.iterdir())


def left_off(site, path, checksum=SHA256, again=0, then="goes on from there") -> int:
    """Have a download break off, `again` bytes into the second try; how many bytes were kept."""
    site.cuts = [CUT, again]
    with pytest.raises(UserError, match=f"and the same command {then}"):
        downloads.download(path, (site.url,), checksum)
    assert names(path) == ["file.h5.part", "file.h5.part.json"]
    kept = path.with_name("file.h5.part").read_bytes()
    assert 0 < len(kept) <= CUT
    assert kept == BODY[: len(kept)]
    site.asked.clear()
    site.conditions.clear()
    return len(kept)


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


def test_a_site_may_give_the_rest_in_pieces(site, path):
    kept = left_off(site, path, None)
    site.most = 40_000
    downloads.download(path, (site.url,), None)
    assert site.asked == [f"bytes={start}-" for start in range(kept, len(BODY), 40_000)]
    assert path.read_bytes() == BODY


@SUMS
def test_a_site_that_gives_no_rest_is_asked_for_the_whole(site, path, checksum):
    left_off(site, path, checksum)
    site.ranges = False
    downloads.download(path, (site.url,), checksum)
    assert path.read_bytes() == BODY


@SUMS
def test_that_it_goes_on_is_said_only_of_a_site_that_gives_the_rest(site, path, checksum):
    site.ranges = False
    left_off(site, path, checksum, again=CUT, then="begins anew")
    downloads.download(path, (site.url,), checksum)
    assert path.read_bytes() == BODY


@SUMS
def test_a_wrong_rest_is_not_taken(site, path, checksum):
    kept = left_off(site, path, checksum)
    site.shift = 10
    downloads.download(path, (site.url,), checksum)
    assert site.asked == [f"bytes={kept}-", None]
    assert path.read_bytes() == BODY


@SUMS
def test_a_rest_that_is_too_long_is_not_taken(site, path, checksum):
    kept = left_off(site, path, checksum)
    site.excess = b"more"
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
    left_off(site, path, None, again=CUT, then="begins anew")
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


@pytest.mark.parametrize("body", [BODY + b"more", BODY[:1000]])
def test_a_mirror_with_a_file_of_another_length_begins_anew(site, mirror, path, body):
    kept = left_off(site, path, SHA256)
    site.status, mirror.body = 503, body
    with pytest.raises(UserError, match=f"gives another file, of {len(body):,} bytes"):
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


@pytest.mark.parametrize("links", [True, False])
def test_what_has_come_whole_and_was_not_checked_is_not_asked_for_again(
    site, path, monkeypatch, links
):
    """Not every file system knows a second name for a file."""

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    def refuse(*_):
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr("pooch.core.hash_matches", interrupt)
        if not links:
            patch.setattr("os.link", refuse)
        with pytest.raises(KeyboardInterrupt):
            downloads.download(path, (site.url,), SHA256)
    assert names(path) == ["file.h5.part", "file.h5.part.json"]
    downloads.download(path, (site.url,), SHA256)
    assert len(site.asked) == 1
    assert path.read_bytes() == BODY


def test_a_second_process_does_not_write_to_the_same_part(site, path):
    left_off(site, path)
    with path.with_name("file.h5.part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another process downloads to"):
            downloads.download(path, (site.url,), SHA256)
    assert site.asked == []


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
