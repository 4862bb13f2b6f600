"""The name of an uploaded blob: SHA-256 over the SHA-256 of each of its pieces, so that both sides can hash several
pieces at once and as they come."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence

from .messages import PIECE_BYTES

_THREADS = min(4, os.cpu_count() or 1)

Buffer = bytes | bytearray | memoryview


def piece_digest(piece: Buffer) -> bytes:
    """The 32 bytes of a piece's SHA-256."""
    return hashlib.sha256(piece).digest()


def name_of(pieces: Sequence[bytes]) -> str:
    """The name of the blob whose pieces have these digests, in order: 64 hexadecimal digits."""
    return hashlib.sha256(b"".join(pieces)).hexdigest()


def blob_name(data: Buffer) -> str:
    """The name of the blob ``data``."""
    view = memoryview(data).cast("B")
    offsets = range(0, len(view), PIECE_BYTES)
    digests = [b""] * len(offsets)

    def hash_every(first: int) -> None:
        for index in range(first, len(offsets), _THREADS):
            digests[index] = piece_digest(view[offsets[index] : offsets[index] + PIECE_BYTES])

    # hashlib lets go of the interpreter while it works on a piece.
    helpers = [threading.Thread(target=hash_every, args=(n,)) for n in range(1, min(_THREADS, len(offsets)))]
    for helper in helpers:
        helper.start()
    hash_every(0)
    for helper in helpers:
        helper.join()
    return name_of(digests)
