"""One file from a server: goes on where it stopped, and is there under its name only when it is whole and right.

While it is on the way it is FILE.part; FILE.notes says of which file of which server that is the beginning.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import msgspec

from backend import __version__
from backend.hub.disk import CHUNK, Told, check_room, sha256_of, size_in_words, size_of, tell_nobody, to_disk
from protocol.problems import ErrorCode, ProblemError

TIMEOUT_S = 60.0  # without a byte
ATTEMPTS = 5  # in a row without getting any further
BACKOFF_S = 1.0  # before the second, doubled before each other one

_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
_PASSING = {408, 425, 429}  # and all from 500 on: the server may answer better later
_NOT_THERE = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)


@dataclass(frozen=True)
class Wanted:
    """A file at ``url`` and what is known of it: bytes (0: unknown) and SHA-256 (empty: unknown). ``reserve``: bytes
    that must be free on the disk beside it."""

    url: str
    size: int = 0
    sha256: str = ""
    reserve: int = 0

    @property
    def place(self) -> str:
        """The server, or the folder, for people."""
        parts = urlsplit(self.url)
        return parts.netloc or str(Path(unquote(parts.path)).parent)


class _Notes(msgspec.Struct):
    """``tag`` changes when the file on the server does (its ETag, else its date, else empty); ``total`` are its bytes
    (0: unknown); ``sha256`` is there once the whole file is."""

    url: str = ""
    tag: str = ""
    total: int = 0
    sha256: str = ""


class _Cut(Exception):
    """The transfer ended early; trying again may help."""


def mirrored(url: str, mirror: str, name: str, file: str) -> str:
    """Where ``mirror`` has the ``file`` of model ``name`` that its authors have at ``url``.

    A server ("https://mirror.example") has it under the same path. A folder ("https://files.example/models/", also
    "file:///media/disk/models") has it as NAME/FILE. ProblemError (BAD_PARAMETER) for anything else.
    """
    if not mirror:
        return url
    parts = urlsplit(mirror)
    if parts.scheme not in ("http", "https", "file") or (parts.scheme != "file" and not parts.netloc):
        raise ProblemError(
            ErrorCode.BAD_PARAMETER,
            f"“{mirror}” is no mirror.",
            "Give a server (https://HOST), or a folder with NAME/FILE in it (https://HOST/FOLDER/ or file:///FOLDER).",
        )
    if parts.scheme != "file" and parts.path in ("", "/"):
        return urlunsplit((parts.scheme, parts.netloc, *urlsplit(url)[2:]))
    return f"{mirror.rstrip('/')}/{quote(name)}/{quote(file)}"


def fetch(wanted: Wanted, target: Path, told: Told = tell_nobody) -> str:
    """Have the file at ``target`` and return its SHA-256; one that is there and right is not fetched again.

    ProblemError: UNREACHABLE when the server cannot be reached, keeps cutting the connection or does not have it;
    TOO_LARGE when the disk is full, before or in the middle; BAD_INPUT when the file is not the one that is wanted.
    After UNREACHABLE, TOO_LARGE and KeyboardInterrupt the next call goes on where this one stopped.
    """
    part = _Part(target, told)
    if target.is_file():
        digest = sha256_of(target, told)
        if digest == (wanted.sha256 or part.notes.sha256):
            return digest
        target.unlink()
    inherited = size_of(part.path) > 0
    digest = _complete(wanted, part)
    if inherited and wanted.sha256 not in ("", digest):
        part.restart()  # perhaps only the old piece was wrong
        digest = _complete(wanted, part)
    if wanted.sha256 not in ("", digest):
        part.remove()
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"{target.name} from {wanted.place} is not the file that is expected: its SHA-256 is {digest}, not"
            f" {wanted.sha256}. It was removed.",
            "Try again or from another place: --mirror URL.",
        )
    part.finish(digest)
    return digest


class _Part:
    """The beginning of a file on the disk, with its digest so far."""

    def __init__(self, target: Path, told: Told) -> None:
        self.target, self.told = target, told
        self.path = target.with_name(f"{target.name}.part")
        self._notes_path = target.with_name(f"{target.name}.notes")
        self.notes = self._read_notes()
        self._hash, self._hashed = hashlib.sha256(), 0
        with _kept_on_disk(target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)

    def _read_notes(self) -> _Notes:
        try:
            return msgspec.json.decode(self._notes_path.read_bytes(), type=_Notes)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return _Notes()

    def note(self, notes: _Notes) -> None:
        self.notes = notes
        unfinished = self._notes_path.with_suffix(".notes-new")
        with _kept_on_disk(unfinished):
            unfinished.write_bytes(msgspec.json.encode(notes))
            os.replace(unfinished, self._notes_path)

    def restart(self) -> None:
        self._hash, self._hashed = hashlib.sha256(), 0
        self.path.unlink(missing_ok=True)

    def remove(self) -> None:
        self.restart()
        self._notes_path.unlink(missing_ok=True)

    def digest(self) -> str:
        """The SHA-256 of what is on the disk; only what an earlier process wrote is read."""
        total = size_of(self.path)
        if self._hashed < total:
            with self.path.open("rb") as file:
                file.seek(self._hashed)
                while chunk := file.read(CHUNK):
                    self._hash.update(chunk)
                    self._hashed += len(chunk)
                    self.told(f"Checking {self.path.name}", self._hashed, total)
        return self._hash.hexdigest()

    def write(self, response: Any, total: int) -> None:
        """Append what comes. ProblemError (TOO_LARGE) when it cannot be written, _Cut when no more comes."""
        self.digest()
        with _kept_on_disk(self.path), self.path.open("ab", buffering=0) as file:
            while chunk := _received(response):
                rest = memoryview(chunk)
                while rest:
                    rest = rest[file.write(rest) :]
                self._hash.update(chunk)
                self._hashed += len(chunk)
                self.told(f"Fetching {self.target.name}", self._hashed, total)

    def finish(self, digest: str) -> None:
        with _kept_on_disk(self.path):
            to_disk(self.path)
            self.note(_Notes(self.notes.url, self.notes.tag, self._hashed, digest))
            os.replace(self.path, self.target)


@contextmanager
def _kept_on_disk(path: Path) -> Iterator[None]:
    """Turns what the disk complains of into a ProblemError (TOO_LARGE)."""
    try:
        yield
    except OSError as error:
        raise ProblemError(
            ErrorCode.TOO_LARGE,
            f"{path} cannot be written: {error.strerror or error}.",
            "Make room there, or make it yours; then run the command again, and it goes on where it stopped.",
        ) from error


def _received(response: Any) -> bytes:
    try:
        return response.read1(CHUNK)  # what has come by now, so that little is lost to whoever stops here
    except (OSError, http.client.HTTPException) as error:
        raise _Cut(_reason(error)) from error


def _complete(wanted: Wanted, part: _Part) -> str:
    """Transfer until the file is whole; its SHA-256."""
    failures, furthest = 0, size_of(part.path)
    while True:
        try:
            _transfer(wanted, part)
            return part.digest()
        except _Cut as cut:
            got = size_of(part.path)
            failures = 1 if got > furthest else failures + 1
            furthest = max(got, furthest)
            if failures >= ATTEMPTS:
                raise ProblemError(
                    ErrorCode.UNREACHABLE,
                    f"{part.target.name} could not be fetched from {wanted.place}: {cut}.",
                    f"{size_in_words(got)} are kept: run the command again and it goes on there, or name another"
                    " place: --mirror URL.",
                ) from cut
            part.told(f"{part.target.name}: {cut}, trying again", got, part.notes.total)
            time.sleep(BACKOFF_S * 2 ** (failures - 1))


def _transfer(wanted: Wanted, part: _Part) -> None:
    """One request, and as much of the file as comes. _Cut when it was not all."""
    have = size_of(part.path)
    notes = part.notes
    of_this = notes.url == wanted.url and (notes.tag or wanted.sha256) and not 0 < notes.total < have
    if not of_this:
        have = 0
    if have and have == notes.total:
        return
    with _opened(wanted, part, have) as response:
        tag = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        begins, total = _extent(response, part)
        same = begins == have and tag == notes.tag and notes.total in (0, total)
        if begins and not same:
            part.restart()
            raise _Cut("the file has changed on the server")
        if not begins:
            part.restart()
        if 0 < wanted.size != total > 0:
            raise ProblemError(
                ErrorCode.BAD_INPUT,
                f"{part.target.name} at {wanted.place} has {total:,} bytes in place of {wanted.size:,}.",
                "It is another file, or a page in its place: name another place, --mirror URL.",
            )
        check_room(part.path.parent, max(total - begins, 0) + wanted.reserve, part.target.name)
        part.note(_Notes(wanted.url, tag, total))
        total = total or wanted.size
        part.write(response, total)
    if total and size_of(part.path) != total:
        raise _Cut("the connection was cut")


def _opened(wanted: Wanted, part: _Part, have: int) -> Any:
    """The server's answer to a request for the file from byte ``have`` on."""
    request = urllib.request.Request(wanted.url, headers={"User-Agent": f"wholeform/{__version__}"})
    request.add_header("Accept-Encoding", "identity")
    if have:
        request.add_header("Range", f"bytes={have}-")
        if part.notes.tag and not part.notes.tag.startswith("W/"):
            request.add_header("If-Range", part.notes.tag)
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.restart()
            raise _Cut("the file has changed on the server") from error
        if error.code in _PASSING or error.code >= 500:
            raise _Cut(f"the server answered {error.code} ({error.reason})") from error
        raise _refused(wanted, part.target.name, f"{error.code} ({error.reason})") from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, _NOT_THERE):
            raise _refused(wanted, part.target.name, "that there is no such file") from error
        raise _Cut(_reason(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _Cut(_reason(error)) from error


def _refused(wanted: Wanted, name: str, answer: str) -> ProblemError:
    return ProblemError(
        ErrorCode.UNREACHABLE,
        f"{name} is not to be had: {wanted.place} answered {answer}.",
        f"Name another place with --mirror URL; or fetch {wanted.url} in a browser, signed in where its authors ask for"
        " that, and give the file to: wholeform models import.",
    )


def _extent(response: Any, part: _Part) -> tuple[int, int]:
    """The byte that the answer begins with, and the bytes of the whole file (0: unknown)."""
    if getattr(response, "status", None) == http.client.PARTIAL_CONTENT:
        match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if match is None:
            part.restart()
            raise _Cut("the server answered with an unknown part of the file")
        return int(match[1]), int(match[2])
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else 0


def _reason(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "the server fell silent"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.rstrip(".") or type(error).__name__
