"""Being asked to stop: SIGTERM and SIGINT (Ctrl-C) are noted, and the loop ends after its step with a checkpoint."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class Stopping:
    """A context in which ``asked`` becomes the signal's name once one came, empty before.

    With ``alone`` a second signal acts as it would without this. Among several processes it does not: a launcher sends
    on what the terminal has sent already. Outside the main thread nothing is noted.
    """

    def __init__(self, alone: bool) -> None:
        self.asked = ""
        self._alone = alone
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stopping:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _note(self, number: int, _: FrameType | None) -> None:
        self.asked = signal.Signals(number).name
        if self._alone:
            self._restore()

    def _restore(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())
