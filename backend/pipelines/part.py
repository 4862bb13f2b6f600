"""Parts of a job's context: what a task sees of it when it runs as one stage of a larger one, and what a model sees
whose progress the task itself tells of."""

from __future__ import annotations

from typing import Any

from backend.pipelines.context import Context
from protocol.values import Handle, Value


class Part(Context):
    """Passes everything on to ``whole``, with the task's progress squeezed into ``share`` (from, to) of the job."""

    def __init__(self, whole: Context, share: tuple[float, float]) -> None:
        super().__init__(whole.device, whole.vram_budget)
        self._whole = whole
        self._share = share

    def stage(self, name: str, steps: int = 1, message: str = "", share: tuple[float, float] = (0.0, 1.0)) -> None:
        start, end = self._share
        inner = (start + (end - start) * share[0], start + (end - start) * share[1])
        self._whole.stage(name, steps, message, inner)

    def step(self, done: int, message: str = "") -> None:
        self._whole.step(done, message)

    def check(self) -> None:
        self._whole.check()

    def preview(self, stage: str, **values: Value | list[Value]) -> None:
        self._whole.preview(stage, **values)

    def model(self, name: str) -> Any:
        return self._whole.model(name)

    def keep(self, holds: str, thing: Any, nbytes: int) -> Handle:
        return self._whole.keep(holds, thing, nbytes)

    def handle(self, handle: Handle, holds: str | tuple[str, ...]) -> Any:
        return self._whole.handle(handle, holds)


class Quiet(Part):
    """Passes everything on to ``whole`` but progress."""

    def __init__(self, whole: Context) -> None:
        super().__init__(whole, (0.0, 1.0))

    def stage(self, name: str, steps: int = 1, message: str = "", share: tuple[float, float] = (0.0, 1.0)) -> None:
        self.check()

    def step(self, done: int, message: str = "") -> None:
        self.check()
