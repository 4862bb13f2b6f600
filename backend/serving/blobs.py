"""Content-addressed input files, and the opaque files of results. No path ever comes from a client's text."""

from __future__ import annotations

import hashlib
import mmap
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from protocol.frames import Buffer
from protocol.problems import ErrorCode, ProblemError


@dataclass
class _Part:
    path: Path
    file: int
    total: int
    received: int = 0
    hash: hashlib._Hash = field(default_factory=hashlib.sha256)


class BlobStore:
    """Blobs under ``folder``. A blob appears under its name only when it is whole and its SHA-256 is right."""

    def __init__(self, folder: Path, disk_reserve: int) -> None:
        self._blobs = folder / "blobs"
        self._uploads = folder / "uploads"
        self._results = folder / "results"
        self._disk_reserve = disk_reserve
        self._parts: dict[str, _Part] = {}
        self._open: dict[tuple[str, str], mmap.mmap] = {}
        shutil.rmtree(self._uploads, ignore_errors=True)  # what was half uploaded is sent anew
        for path in (self._blobs, self._uploads, self._results):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)

    # --- inputs ---

    def path(self, digest: str) -> Path:
        return self._blobs / digest[:2] / digest

    def has(self, digest: str) -> bool:
        return self.path(digest).exists()

    def check_room(self, nbytes: int) -> None:
        """ProblemError (TOO_LARGE) when the disk has no room for ``nbytes`` more."""
        free = shutil.disk_usage(self._blobs).free
        if free - nbytes < self._disk_reserve:
            raise ProblemError(
                ErrorCode.TOO_LARGE,
                f"The server's disk has {free / 2**20:,.0f} MiB left.",
                "Ask its owner to make room, or send something smaller.",
            )

    def add_piece(self, digest: str, offset: int, total: int, data: Buffer) -> int:
        """Store a piece; returns the bytes received so far, ``total`` when the blob is whole and right.

        ProblemError (BAD_INPUT) when pieces are out of order or the content is not what its name says.
        """
        if self.has(digest):
            return total
        part = self._parts.get(digest)
        if part is None:
            path = self._uploads / digest
            part = _Part(path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), total)
            self._parts[digest] = part
        if offset < part.received:
            return part.received  # another connection sends the same blob
        if offset != part.received or total != part.total or offset + len(data) > total:
            self.drop_part(digest)
            raise ProblemError(
                ErrorCode.BAD_INPUT, f"A piece at {offset:,} of {total:,} bytes came out of order.", "Submit again."
            )
        os.write(part.file, data)
        part.hash.update(data)
        part.received += len(data)
        if part.received < total:
            return part.received
        return self._complete(digest, part)

    def _complete(self, digest: str, part: _Part) -> int:
        os.close(part.file)
        del self._parts[digest]
        if part.hash.hexdigest() != digest:
            part.path.unlink()
            raise ProblemError(
                ErrorCode.BAD_INPUT,
                "An array's bytes do not match its SHA-256.",
                "It changed while it was sent: submit again.",
            )
        path = self.path(digest)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        os.replace(part.path, path)
        return part.total

    def drop_part(self, digest: str) -> None:
        """Forget a half-uploaded blob."""
        part = self._parts.pop(digest, None)
        if part is not None:
            os.close(part.file)
            part.path.unlink(missing_ok=True)

    def use(self, digest: str) -> bool:
        """Whether the blob is here; notes that it was wanted, for `trim`."""
        try:
            os.utime(self.path(digest))
        except OSError:
            return False
        return True

    def trim(self, used: set[str], budget: int) -> None:
        """Keep the blobs in ``used`` and, of the others, the ``budget`` bytes that were wanted last: the next click
        on the same picture uploads nothing."""
        idle = [(path.stat().st_mtime, path) for path in self._blobs.glob("*/*") if path.name not in used]
        for _, path in sorted(idle, reverse=True):
            budget -= path.stat().st_size
            if budget < 0:
                path.unlink(missing_ok=True)

    # --- results ---

    def result_folder(self, job: str) -> Path:
        return self._results / job

    def read_result(self, job: str, digest: str, offset: int, size: int) -> tuple[memoryview, int]:
        """``size`` bytes from ``offset`` and the whole length. The view is of the mapped file: nothing is copied.

        ProblemError (NOT_FOUND) when there is no such file, BAD_INPUT when ``offset`` is past its end.
        """
        mapped = self._open.get((job, digest))
        if mapped is None:
            try:
                with (self._results / job / digest).open("rb") as file:
                    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError):
                raise ProblemError(
                    ErrorCode.NOT_FOUND, "The server no longer has this result.", "Run the job again."
                ) from None
            self._open[job, digest] = mapped
        if offset >= len(mapped):
            raise ProblemError(
                ErrorCode.BAD_INPUT, f"Offset {offset:,} is past the end.", f"It has {len(mapped):,} bytes."
            )
        return memoryview(mapped)[offset : offset + size], len(mapped)

    def remove_result(self, job: str) -> None:
        """Remove a job's result files. Maps still being sent stay valid until they are."""
        for key in [key for key in self._open if key[0] == job]:
            del self._open[key]
        shutil.rmtree(self.result_folder(job), ignore_errors=True)

    def keep_only_results(self, jobs: set[str]) -> None:
        for path in self._results.iterdir():
            if path.name not in jobs:
                shutil.rmtree(path, ignore_errors=True)
