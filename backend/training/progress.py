"""Telling people how far a run is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Protocol, TextIO


class Reporter(Protocol):
    """Who is told. Steps are counted from 1; ``numbers`` are the step's, "loss" among them."""

    def message(self, text: str) -> None:
        """A sentence, or a few, for people."""
        ...

    def step(self, step: int, steps: int, numbers: dict[str, float]) -> None:
        """Step ``step`` of ``steps`` is done."""
        ...


class Silent:
    """A reporter that says nothing: for all processes but the first."""

    def message(self, text: str) -> None: ...

    def step(self, step: int, steps: int, numbers: dict[str, float]) -> None: ...


class PlainLines:
    """A reporter that writes a line at most every ``every`` seconds: for files and pipes."""

    def __init__(
        self, stream: TextIO | None = None, every: float = 15.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream or sys.stderr
        self._every = every
        self._clock = clock
        self._told = -every
        self._pace: Pace | None = None

    def message(self, text: str) -> None:
        """Write ``text``."""
        print(text, file=self._stream, flush=True)

    def step(self, step: int, steps: int, numbers: dict[str, float]) -> None:
        """Write how far it is, if the last line is old enough or it is the last step."""
        now = self._clock()
        self._pace = self._pace or Pace(step, now)
        if now - self._told < self._every and step < steps:
            return
        self._told = now
        self.message(f"step {step} of {steps}: {shown(numbers)}{self._pace.told(step, steps, now)}")


class Pace:
    """Steps a second since ``step``, which was done at ``now`` (seconds of any clock)."""

    def __init__(self, step: int, now: float) -> None:
        self._step, self._now = step, now

    def told(self, step: int, steps: int, now: float) -> str:
        """ ", 3.1 steps/s, 12 min left", or an empty text as long as that is unknown."""
        if step <= self._step or now <= self._now:
            return ""
        rate = (step - self._step) / (now - self._now)
        return f", {rate:.3g} steps/s, {duration((steps - step) / rate)} left"


def shown(numbers: dict[str, float]) -> str:
    """ "loss 0.0123, …" """
    return ", ".join(f"{name} {number:.4g}" for name, number in numbers.items())


def duration(seconds: float) -> str:
    """ "48 s", "12 min" or "3 h 05 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"
