"""A few threads that write and hash for the gateway, whose own thread must not wait for a disk."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import zmq

logger = logging.getLogger("wholeform.disk")

THREADS = 2
FULL_BYTES = 64 << 20  # with so much waiting to be written, the gateway stops reading from its clients


class Disk:
    """Runs work on its threads and gives the outcomes back on the gateway's thread."""

    def __init__(self, context: zmq.Context[Any]) -> None:
        self._work: queue.SimpleQueue[tuple[Callable[[], Any], Callable[[Any], None], int] | None] = queue.SimpleQueue()
        self._outcomes: deque[tuple[Callable[[Any], None], Any, int]] = deque()
        self._waiting = 0
        self.socket = context.socket(zmq.PULL)  # readable when `finish` has something to do
        self.socket.bind(f"inproc://disk-{id(self)}")
        self._threads = [threading.Thread(target=self._run, args=(context,), daemon=True) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()

    @property
    def is_full(self) -> bool:
        return self._waiting > FULL_BYTES

    def do(self, work: Callable[[], Any], then: Callable[[Any], None], nbytes: int) -> None:
        """Run ``work`` on a thread; `finish` calls ``then`` with what it returned, or with its OSError."""
        self._waiting += nbytes
        self._work.put((work, then, nbytes))

    def finish(self) -> None:
        """Hand out what has been done since the last call."""
        try:
            while True:
                self.socket.recv(zmq.NOBLOCK)
        except zmq.Again:
            pass
        while self._outcomes:
            then, outcome, nbytes = self._outcomes.popleft()
            self._waiting -= nbytes
            then(outcome)

    def close(self) -> None:
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join()
        self.socket.close(0)

    def _run(self, context: zmq.Context[Any]) -> None:
        wake = context.socket(zmq.PUSH)
        wake.linger = 0
        wake.connect(f"inproc://disk-{id(self)}")
        while (item := self._work.get()) is not None:
            work, then, nbytes = item
            try:
                outcome = work()
            except OSError as error:
                logger.error("a piece could not be stored: %s", error)
                outcome = error
            self._outcomes.append((then, outcome, nbytes))
            wake.send(b"")
            del item, work, then, outcome  # a waiting thread must not keep a piece alive
        wake.close()
