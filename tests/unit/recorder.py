"""A job's context that notes what it is told."""

from __future__ import annotations

from typing import Any

from backend.pipelines.context import Context
from protocol.values import Value


class Recorder(Context):
    """Notes the fraction of the job after every step, the stages begun and the previews shown."""

    def __init__(self) -> None:
        super().__init__()
        self.fractions: list[float] = []
        self.stages: list[str] = []
        self.previews: list[tuple[str, dict[str, Any]]] = []
        self._now = (0.0, 1.0, 1)

    def stage(self, name: str, steps: int = 1, message: str = "", share: tuple[float, float] = (0.0, 1.0)) -> None:
        self.check()
        if not self.stages or self.stages[-1] != name:
            self.stages.append(name)
        self._now = (*share, steps)
        self.fractions.append(share[0])

    def step(self, done: int, message: str = "") -> None:
        self.check()
        start, end, steps = self._now
        self.fractions.append(start + (end - start) * min(1.0, done / steps))

    def preview(self, stage: str, **values: Value | list[Value]) -> None:
        self.previews.append((stage, values))
