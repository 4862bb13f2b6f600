"""Slow work off the Qt thread, its outcome on it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

from protocol import ErrorCode, Problem, ProblemError

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Background(QObject):
    """A few threads for reading, writing and number work. Make it on the Qt thread."""

    _ended = Signal(object, object)

    def __init__(self, parent: QObject | None = None, threads: int = 2) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="wholeform-work")
        self._ended.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._closed = False

    def run(
        self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[Problem], None] | None = None
    ) -> None:
        """Call ``work`` on another thread, then ``done`` with its result or ``failed`` with its problem on this one."""
        if self._closed:
            return
        future = self._pool.submit(work)
        future.add_done_callback(lambda ended: None if self._closed else self._ended.emit(ended, (done, failed)))

    def close(self) -> None:
        """Take no more work; what runs is left to end, its outcome is dropped."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    @Slot(object, object)
    def _deliver(self, future: Future[Any], callbacks: tuple[Callable[[Any], None], Any]) -> None:
        if self._closed or future.cancelled():
            return
        done, failed = callbacks
        error = future.exception()
        if error is None:
            done(future.result())
        elif failed is not None:
            failed(_problem_of(error))
        else:
            _log.error("background work failed", exc_info=error)


def _problem_of(error: BaseException) -> Problem:
    if isinstance(error, ProblemError):
        return error.problem
    _log.error("background work failed", exc_info=error)
    what = f"{type(error).__name__}: {error}"
    return Problem(
        ErrorCode.INTERNAL, f"Something went wrong here ({what:.200}).", "Try again; the log has the details."
    )
