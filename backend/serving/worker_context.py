"""The Context that tasks see inside a worker: what they report goes to the gateway, what they load is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from backend.pipelines.context import Cancelled, Context, check_holds, gone
from protocol.frames import pack_values
from protocol.messages import INLINE_BYTES, Progress
from protocol.states import JobState
from protocol.values import Handle, Image, Mask, Value

from .memory import HandleStore, ModelCache
from .worker_messages import Shown

PREVIEW_SIDE = 256
PREVIEW_BYTES = 16 * INLINE_BYTES


class WorkerContext(Context):
    """One job's view of its worker. Everything but `latest` and `stop` is used on the job's thread."""

    def __init__(
        self,
        job: str,
        device: str,
        models: ModelCache,
        handles: HandleStore,
        send: Callable[..., None],
        vram_budget: int = 0,
    ) -> None:
        super().__init__(device, vram_budget)
        self.job = job
        self._model_cache = models
        self._handle_store = handles
        self._send = send
        self._stop = threading.Event()
        self._began = time.monotonic()
        self._stage = ""
        self._steps = 1
        self._share = (0.0, 1.0)
        self.latest = Progress(job, JobState.RUNNING)

    def stop(self) -> None:
        """Ask the task to end at its next step."""
        self._stop.set()

    def check(self) -> None:
        if self._stop.is_set():
            raise Cancelled

    def stage(self, name: str, steps: int = 1, message: str = "", share: tuple[float, float] = (0.0, 1.0)) -> None:
        self._stage, self._steps, self._share = name, max(1, steps), share
        self.step(0, message)

    def step(self, done: int, message: str = "") -> None:
        low, high = self._share
        # Never backwards, whatever a task says: people read the bar as a promise.
        fraction = min(1.0, max(self.latest.fraction, low + (high - low) * done / self._steps))
        elapsed = time.monotonic() - self._began
        eta = elapsed * (1 - fraction) / fraction if fraction > 0.02 else -1.0
        self.latest = Progress(
            self.job, JobState.RUNNING, self._stage, done, self._steps, fraction, eta, 0, message or self.latest.message
        )
        self.check()

    def preview(self, stage: str, **values: Value | list[Value]) -> None:
        small: dict[str, Value | list[Value]] = {
            name: [_thumbnail(item) for item in value] if isinstance(value, list) else _thumbnail(value)
            for name, value in values.items()
        }
        for name in list(small):
            if pack_values({name: small[name]}, inline_limit=PREVIEW_BYTES).blobs:
                del small[name]
        packed = pack_values(small, inline_limit=PREVIEW_BYTES)
        if small:
            self._send(Shown(self.job, stage, packed.wire), packed.frames)
        self.check()

    def model(self, name: str) -> Any:
        if name not in self._model_cache:
            before = self.latest
            text = f"Loading the model {name}"
            self.latest = Progress(self.job, JobState.LOADING, before.stage, fraction=before.fraction, message=text)
            try:
                return self._model_cache.get(name)
            finally:
                self.latest = before
        return self._model_cache.get(name)

    def keep(self, holds: str, thing: Any, nbytes: int) -> Handle:
        return self._handle_store.keep(holds, thing, nbytes)

    def handle(self, handle: Handle, holds: str | tuple[str, ...]) -> Any:
        found = self._handle_store.find(handle.id)
        if found is None:
            raise gone(handle)
        check_holds(found[0], holds)
        return found[1]


def _thumbnail(value: Value) -> Value:
    """Pictures and masks with no side over PREVIEW_SIDE; other values as they are."""
    if not isinstance(value, Image | Mask) or max(value.pixels.shape[:2]) <= PREVIEW_SIDE:
        return value
    import cv2

    height, width = value.pixels.shape[:2]
    scale = PREVIEW_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if isinstance(value, Image) else cv2.INTER_NEAREST
    return type(value)(np.ascontiguousarray(cv2.resize(value.pixels, size, interpolation=way)))
