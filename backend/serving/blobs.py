"""Content-addressed input files, and the opaque files of results. No path ever comes from a client's text."""

from __future__ import annotations

import mmap
import os
import secrets
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from protocol.digests import Buffer, name_of, piece_digest
from protocol.messages import PIECE_BYTES
from protocol.problems import ErrorCode, ProblemError

from .disk import Disk

MAX_OPEN = 32  # result files mapped at once: each takes a file descriptor

_writing = threading.Lock()


@dataclass
class _Part:
    """A blob that is being uploaded."""

    path: Path
    total: int
    taken: int = 0  # bytes that came, in order
    digests: list[bytes] = field(default_factory=list)  # of each piece; empty until it is on disk
    written: int = 0  # pieces on disk without a gap

    @property
    def received(self) -> int:
        """Bytes on disk without a gap."""
        return min(self.total, self.written * PIECE_BYTES)


class BlobStore:
    """Blobs under ``folder``. A blob appears under its name only when it is whole and its digest is right."""

    def __init__(self, folder: Path, disk_reserve: int, disk: Disk) -> None:
        self._disk = disk
        self._blobs = folder / "blobs"
        self._uploads = folder / "uploads"
        self._results = folder / "results"
        self._disk_reserve = disk_reserve
        self._parts: dict[str, _Part] = {}
        self._open: OrderedDict[tuple[str, str], mmap.mmap] = OrderedDict()
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
        if nbytes and free - nbytes < self._disk_reserve:
            raise ProblemError(
                ErrorCode.TOO_LARGE,
                f"The server's disk has {free / 2**20:,.0f} MiB left.",
                "Ask its owner to make room, or send something smaller.",
            )

    def received(self, digest: str) -> int:
        """Bytes of a half-uploaded blob that are on disk."""
        part = self._parts.get(digest)
        return part.received if part is not None else 0

    def add_piece(
        self, digest: str, offset: int, total: int, data: Buffer, then: Callable[[ProblemError | None], None]
    ) -> None:
        """Store a piece, on a thread of the disk; ``then`` is called when `received` has moved, the blob is whole and
        right (`has`), or with what went wrong.

        ProblemError (BAD_INPUT) when the piece is none of the blob or comes out of order.
        """
        part = self._parts.get(digest)
        if part is None:
            part = self._parts[digest] = _Part(self._uploads / f"{digest}.{secrets.token_hex(4)}", total)
            part.path.touch(0o600)
        if offset < part.taken:
            then(None)  # another connection sends the same blob
            return
        if offset != part.taken or total != part.total or len(data) != min(PIECE_BYTES, total - offset):
            raise ProblemError(
                ErrorCode.BAD_INPUT,
                f"A piece of {len(data):,} bytes at {offset:,} of {total:,} came where {part.taken:,} was due.",
                f"Pieces go in order and have {PIECE_BYTES:,} bytes, the last one what is left.",
            )
        index = len(part.digests)
        part.digests.append(b"")
        part.taken += len(data)
        self._disk.do(
            lambda: _store(part.path, offset, data),
            lambda outcome: self._on_stored(digest, part, index, outcome, then),
            len(data),
        )

    def _on_stored(
        self,
        digest: str,
        part: _Part,
        index: int,
        outcome: bytes | OSError,
        then: Callable[[ProblemError | None], None],
    ) -> None:
        if self._parts.get(digest) is not part:
            return  # dropped meanwhile
        if isinstance(outcome, OSError):
            self.drop_part(digest)
            then(
                ProblemError(
                    ErrorCode.TOO_LARGE, f"The server could not store an array: {outcome.strerror}.", "Ask its owner."
                )
            )
            return
        part.digests[index] = outcome
        while part.written < len(part.digests) and part.digests[part.written]:
            part.written += 1
        then(self._complete(digest, part) if part.received == part.total else None)

    def _complete(self, digest: str, part: _Part) -> ProblemError | None:
        if name_of(part.digests) != digest:
            self.drop_part(digest)
            return ProblemError(
                ErrorCode.BAD_INPUT,
                "An array's bytes do not match its digest.",
                "It changed while it was sent: submit again.",
            )
        del self._parts[digest]
        path = self.path(digest)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        os.replace(part.path, path)
        return None

    def drop_part(self, digest: str) -> None:
        """Forget a half-uploaded blob."""
        part = self._parts.pop(digest, None)
        if part is not None:
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
            if len(self._open) > MAX_OPEN:
                self._open.popitem(last=False)
        else:
            self._open.move_to_end((job, digest))
        if offset >= len(mapped):
            raise ProblemError(
                ErrorCode.BAD_INPUT, f"Offset {offset:,} is past the end.", f"It has {len(mapped):,} bytes."
            )
        return memoryview(mapped)[offset : offset + size], len(mapped)

    def remove_result(self, job: str) -> None:
        """Remove a job's result files. Maps still being sent stay valid until they are."""
        for key in [key for key in self._open if key[0] == job]:
            del self._open[key]
        folder = self.result_folder(job)
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)

    def keep_only_results(self, jobs: set[str]) -> None:
        for path in self._results.iterdir():
            if path.name not in jobs:
                shutil.rmtree(path, ignore_errors=True)


def _store(path: Path, offset: int, data: Buffer) -> bytes:
    """Write a piece and return its digest."""
    # One at a time: threads that write to one file spin on the kernel's lock, while the other could hash.
    with _writing, path.open("r+b", buffering=0) as file:
        file.seek(offset)
        left = memoryview(data)
        while left:
            left = left[file.write(left) :]
    return piece_digest(data)
