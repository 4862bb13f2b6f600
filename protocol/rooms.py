"""Memory for what arrives, used again once nobody holds it: memory that was never touched is slow, on a virtual machine
by ten times the copy into it."""

from __future__ import annotations

import mmap
import threading
import weakref

import numpy as np

KEEP_BYTES = 128 << 20  # kept at most for what arrives next
SMALLEST = 1 << 20  # below it the system's own allocator reuses memory well


class Rooms:
    """Rooms of at least SMALLEST bytes come back when the last view of them is gone."""

    def __init__(self, keep_bytes: int = KEEP_BYTES) -> None:
        self._keep_bytes = keep_bytes
        self._free: list[mmap.mmap] = []  # the one that came back last is the last
        self._lock = threading.RLock()  # a view may go wherever memory is collected, also in here

    def take(self, size: int) -> memoryview:
        """``size`` writable bytes of any content."""
        if size < SMALLEST:
            return memoryview(bytearray(size))
        with self._lock:
            fitting = [memory for memory in self._free if size <= len(memory) <= 2 * size]
            memory = fitting[-1] if fitting else None
            if memory is not None:
                self._free.remove(memory)
        # A bytearray would be filled with zeros first, and the huge pages of np.empty are slower still.
        memory = memory or mmap.mmap(-1, size)
        holder = np.frombuffer(memory, np.uint8, size)  # lives as long as any view of it
        weakref.finalize(holder, self._give_back, memory).atexit = False
        return holder.data

    @property
    def kept_bytes(self) -> int:
        with self._lock:
            return sum(map(len, self._free))

    def _give_back(self, memory: mmap.mmap) -> None:
        with self._lock:
            self._free.append(memory)
            while sum(map(len, self._free)) > self._keep_bytes:
                self._free.pop(0)
