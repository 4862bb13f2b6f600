"""Blobs under way between a client and its server: in pieces, with a window, so that a cancel overtakes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .frames import Buffer
from .messages import PIECE_BYTES, WINDOW_PIECES, Fetch, Got, Piece, Upload
from .rooms import Rooms

Send = Callable[..., bool]


@dataclass
class _Sending:
    data: memoryview
    jobs: set[str]
    sent: int = 0
    received: int = 0


@dataclass
class Uploads:
    """What the server still needs. At most ``window`` pieces are under way over all blobs together."""

    send: Send
    window: int = WINDOW_PIECES
    _blobs: dict[str, _Sending] = field(default_factory=dict)

    def start(self, job: str, digest: str, data: Buffer) -> None:
        if digest in self._blobs:
            self._blobs[digest].jobs.add(job)
        else:
            self._blobs[digest] = _Sending(memoryview(data).cast("B"), {job})
        self.pump()

    def on_got(self, message: Got) -> set[str]:
        """Note what arrived and send on; returns the jobs whose upload moved."""
        blob = self._blobs.get(message.digest)
        if blob is None:
            return set()
        # The server may have more than we sent (another connection sends the same blob): skip ahead.
        blob.received = message.received
        blob.sent = max(blob.sent, message.received)
        if message.received >= len(blob.data):
            del self._blobs[message.digest]
        self.pump()
        return blob.jobs

    def stop(self, job: str) -> None:
        """Forget a job's uploads (it was cancelled, accepted or has ended), but not what other jobs need too."""
        for blob in self._blobs.values():
            blob.jobs.discard(job)
        self._blobs = {digest: blob for digest, blob in self._blobs.items() if blob.jobs}
        self.pump()

    def clear(self) -> None:
        self._blobs.clear()

    def waiting(self, job: str) -> tuple[int, int]:
        """Bytes that arrived and bytes in all of the job's blobs that are under way."""
        mine = [blob for blob in self._blobs.values() if job in blob.jobs]
        return sum(blob.received for blob in mine), sum(len(blob.data) for blob in mine)

    def pump(self) -> None:
        room = self.window * PIECE_BYTES - sum(blob.sent - blob.received for blob in self._blobs.values())
        for digest, blob in self._blobs.items():
            while room > 0 and blob.sent < len(blob.data):
                data = blob.data[blob.sent : blob.sent + PIECE_BYTES]
                if not self.send(Upload(digest, blob.sent, len(blob.data)), [data]):
                    return
                blob.sent += len(data)
                room -= len(data)


@dataclass
class _Download:
    size: int
    buffer: memoryview
    asked: int = 0
    received: int = 0


@dataclass
class Download:
    """The blobs of one job's result."""

    job: str
    message: Any
    arrays: list[Buffer]
    send: Send
    rooms: Rooms
    window: int = WINDOW_PIECES
    _blobs: dict[str, _Download] = field(default_factory=dict)

    def start(self, sizes: dict[str, int]) -> None:
        """Ask for the blobs with these sizes."""
        self._blobs = {digest: _Download(size, self.rooms.take(size)) for digest, size in sizes.items()}
        self.pump()

    def on_piece(self, message: Piece, data: Buffer) -> bool:
        """Store a piece; False when it is none of this download or does not fit."""
        blob = self._blobs.get(message.digest)
        if blob is None or message.offset + len(data) > blob.size or message.total != blob.size:
            return False
        blob.buffer[message.offset : message.offset + len(data)] = data
        blob.received += len(data)
        self.pump()
        return True

    @property
    def complete(self) -> bool:
        return all(blob.received >= blob.size for blob in self._blobs.values())

    def blob(self, digest: str) -> memoryview:
        return self._blobs[digest].buffer

    def pump(self) -> None:
        room = self.window * PIECE_BYTES - sum(blob.asked - blob.received for blob in self._blobs.values())
        for digest, blob in self._blobs.items():
            while room > 0 and blob.asked < blob.size:
                size = min(PIECE_BYTES, blob.size - blob.asked)
                if not self.send(Fetch(self.job, digest, blob.asked, size)):
                    return
                blob.asked += size
                room -= size
