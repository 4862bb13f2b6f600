"""Downloads from a real server that cuts connections, has no ranges, changes its files or has none."""

from __future__ import annotations

import hashlib
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from backend.hub import download
from backend.hub.download import Wanted, fetch, mirrored
from protocol.problems import ErrorCode, ProblemError

from .tiny_web import TinyWeb

CONTENT = np.random.default_rng(1).bytes(300_000)
OTHER = np.random.default_rng(2).bytes(300_000)
FULL = Path("/dev/full")
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "BACKOFF_S", 0.001)
    monkeypatch.setattr(download, "CHUNK", 20_000)


@pytest.fixture
def web() -> Iterator[TinyWeb]:
    with TinyWeb({"/file.bin": CONTENT}) as running:
        yield running


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / "file.bin"


def wanted(web: TinyWeb, size: int = 0, sha256: str = DIGEST, reserve: int = 0) -> Wanted:
    return Wanted(f"{web.url}/file.bin", size, sha256, reserve)


def refused(code: ErrorCode, asked: Wanted, target: Path) -> str:
    with pytest.raises(ProblemError) as caught:
        fetch(asked, target)
    assert caught.value.problem.code is code
    assert not target.exists()
    return str(caught.value)


def begun(web: TinyWeb, target: Path, nbytes: int, asked: Wanted | None = None) -> Path:
    """Fetch until the connection is cut for good after ``nbytes``; the .part."""
    web.cuts = [nbytes]
    web.statuses = [200, *[503] * download.ATTEMPTS]
    assert "503" in refused(ErrorCode.UNREACHABLE, asked or wanted(web), target)
    web.statuses.clear()
    web.requests.clear()
    part = target.with_name("file.bin.part")
    assert part.read_bytes() == CONTENT[:nbytes]
    return part


def test_a_file_comes_whole_and_its_progress_is_told(web: TinyWeb, target: Path) -> None:
    told: list[tuple[str, int, int]] = []
    assert fetch(wanted(web, len(CONTENT)), target, lambda *update: told.append(update)) == DIGEST
    assert target.read_bytes() == CONTENT
    assert not target.with_name("file.bin.part").exists()
    assert told[-1] == ("Fetching file.bin", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


@pytest.mark.parametrize("length", [True, False])
def test_without_a_known_digest_its_own_is_told(web: TinyWeb, target: Path, length: bool) -> None:
    web.says_length = length
    assert fetch(wanted(web, sha256=""), target) == DIGEST


def test_a_cut_connection_goes_on_where_it_was_cut(web: TinyWeb, target: Path) -> None:
    web.cuts = [100_000, 0, 50_000, 1]
    assert fetch(wanted(web), target) == DIGEST
    places = ["", "bytes=100000-", "bytes=100000-", "bytes=150000-", "bytes=150001-"]
    assert [asked for _, asked in web.requests] == places


def test_getting_on_a_little_is_enough_and_standing_still_is_not(web: TinyWeb, target: Path) -> None:
    web.cuts = [25_000] * 11
    assert fetch(wanted(web), target) == DIGEST
    target.unlink()
    web.cuts = [25_000, *[0] * 20]
    assert "connection was cut" in refused(ErrorCode.UNREACHABLE, wanted(web), target)
    assert len(web.cuts) == 20 - download.ATTEMPTS + 1


def test_a_later_call_goes_on(web: TinyWeb, target: Path) -> None:
    begun(web, target, 120_000)
    assert fetch(wanted(web), target) == DIGEST
    assert web.requests == [("/file.bin", "bytes=120000-")]


def test_a_server_without_ranges_starts_anew(web: TinyWeb, target: Path) -> None:
    web.ranges = False
    begun(web, target, 120_000)
    web.cuts = [200_000]
    assert fetch(wanted(web), target) == DIGEST
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("minds", [True, False], ids=["if-range", "ignores if-range"])
@pytest.mark.parametrize("known", [True, False], ids=["digest known", "digest unknown"])
def test_a_file_that_changed_starts_anew(web: TinyWeb, target: Path, minds: bool, known: bool) -> None:
    begun(web, target, 120_000, wanted(web, sha256="" if not known else DIGEST))
    digest = hashlib.sha256(OTHER).hexdigest()
    web.files["/file.bin"], web.tag, web.minds_if_range = OTHER, '"two"', minds
    assert fetch(wanted(web, sha256=digest if known else ""), target) == digest
    assert target.read_bytes() == OTHER


@pytest.mark.parametrize("length", [310_000, 120_000, 100_000])
def test_another_size_starts_anew(web: TinyWeb, target: Path, length: int) -> None:
    web.tag = None
    begun(web, target, 120_000)
    changed = (OTHER + OTHER)[:length]
    web.files["/file.bin"] = changed
    digest = hashlib.sha256(changed).hexdigest()
    assert fetch(wanted(web, sha256=digest), target) == digest


def test_nothing_is_joined_where_nothing_says_that_it_fits(web: TinyWeb, target: Path) -> None:
    web.tag = None
    begun(web, target, 120_000, wanted(web, sha256=""))
    fetch(wanted(web, sha256=""), target)
    assert web.requests == [("/file.bin", "")]


def test_a_damaged_beginning_is_noticed_and_fetched_anew(web: TinyWeb, target: Path) -> None:
    part = begun(web, target, 120_000)
    part.write_bytes(b"x" + CONTENT[1:120_000])
    assert fetch(wanted(web), target) == DIGEST
    assert [asked for _, asked in web.requests] == ["bytes=120000-", ""]


def test_a_wrong_checksum_leaves_nothing(web: TinyWeb, target: Path) -> None:
    assert "0" * 64 in refused(ErrorCode.BAD_INPUT, wanted(web, sha256="0" * 64), target)
    assert list(target.parent.iterdir()) == []


def test_another_size_than_the_card_says_is_refused_before_it_comes(web: TinyWeb, target: Path) -> None:
    assert "300,000 bytes in place of 5" in refused(ErrorCode.BAD_INPUT, wanted(web, size=5), target)
    assert not target.with_name("file.bin.part").exists()


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_what_is_not_to_be_had_is_asked_for_once(web: TinyWeb, target: Path, status: int) -> None:
    web.statuses = [status] * 9
    said = refused(ErrorCode.UNREACHABLE, wanted(web), target)
    assert str(status) in said
    assert "wholeform models import" in said
    assert len(web.requests) == 1


def test_a_busy_server_is_asked_again(web: TinyWeb, target: Path) -> None:
    web.statuses = [503, 429, 500]
    assert fetch(wanted(web), target) == DIGEST


def test_nobody_there(target: Path) -> None:
    assert "127.0.0.1:1" in refused(ErrorCode.UNREACHABLE, Wanted("http://127.0.0.1:1/file.bin"), target)


def test_what_is_there_is_not_fetched_again(web: TinyWeb, target: Path) -> None:
    fetch(wanted(web, sha256=""), target)
    web.requests.clear()
    assert fetch(wanted(web, sha256=""), target) == DIGEST
    assert web.requests == []
    target.write_bytes(b"damaged")
    assert fetch(wanted(web, sha256=""), target) == DIGEST
    assert len(web.requests) == 1


def test_a_whole_part_only_needs_its_name(web: TinyWeb, target: Path) -> None:
    begun(web, target, 120_000).write_bytes(CONTENT)
    assert fetch(wanted(web), target) == DIGEST
    assert web.requests == []


def test_a_small_disk_is_noticed_before_anything_comes(
    web: TinyWeb, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage(NamedTuple):
        free: int

    free = len(CONTENT) + 1000 + (256 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free - 1))
    assert "WHOLEFORM_MODELS" in refused(ErrorCode.TOO_LARGE, wanted(web, reserve=1000), target)
    assert not target.with_name("file.bin.part").exists()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free))
    assert fetch(wanted(web, reserve=1000), target) == DIGEST


def test_a_disk_that_gets_full_in_the_middle(web: TinyWeb, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part, opened = target.with_name("file.bin.part"), Path.open
    with monkeypatch.context() as patch:  # a device on which every write meets a full disk
        patch.setattr(Path, "open", lambda path, *how, **more: opened(FULL if path == part else path, *how, **more))
        assert "No space left on device" in refused(ErrorCode.TOO_LARGE, wanted(web), target)
    assert fetch(wanted(web), target) == DIGEST


def test_what_came_before_the_disk_refused_more_is_kept(web: TinyWeb, target: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (123_456, hard))  # the system writes that much and refuses the rest
    try:
        assert "goes on where it stopped" in refused(ErrorCode.TOO_LARGE, wanted(web), target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    web.requests.clear()
    assert fetch(wanted(web), target) == DIGEST
    assert web.requests == [("/file.bin", "bytes=123456-")]


@pytest.mark.parametrize(
    ("mirror", "place"),
    [
        ("", "https://hub.example/a/b/f=1.ckpt?x=1"),
        ("http://mirror.example:8000", "http://mirror.example:8000/a/b/f=1.ckpt?x=1"),
        ("https://mirror.example/", "https://mirror.example/a/b/f=1.ckpt?x=1"),
        ("https://files.example/models/", "https://files.example/models/name/f%3D1.ckpt"),
        ("file:///media/disk", "file:///media/disk/name/f%3D1.ckpt"),
    ],
)
def test_mirrors(mirror: str, place: str) -> None:
    assert mirrored("https://hub.example/a/b/f=1.ckpt?x=1", mirror, "name", "f=1.ckpt") == place


@pytest.mark.parametrize("mirror", ["mirror.example", "ftp://mirror.example", "https://", "/media/disk"])
def test_what_is_no_mirror_is_refused(mirror: str) -> None:
    with pytest.raises(ProblemError, match="is no mirror"):
        mirrored("https://hub.example/f", mirror, "name", "f")


def test_a_folder_as_mirror(tmp_path: Path, target: Path) -> None:
    place = mirrored("https://hub.example/f", tmp_path.as_uri(), "name", "f=1.ckpt")
    assert str(tmp_path / "name") in refused(ErrorCode.UNREACHABLE, Wanted(place), target)
    (tmp_path / "name").mkdir()
    (tmp_path / "name" / "f=1.ckpt").write_bytes(CONTENT)
    assert fetch(Wanted(place, sha256=DIGEST), target) == DIGEST
