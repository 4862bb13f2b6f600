"""One job as the gateway keeps it in memory."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from protocol.frames import wire_items
from protocol.messages import Progress, Submit
from protocol.states import JobState

from .pool import Slot


@dataclass
class Job:
    """A job; `submit` and `arrays` are what its client sent."""

    id: str
    owner: str
    submit: Submit
    arrays: list[bytes]
    created: float
    state: JobState = JobState.UPLOADING
    attempts: int = 0
    missing: set[str] = field(default_factory=set)
    uploaders: set[bytes] = field(default_factory=set)  # connections that send what is missing
    progress: Progress | None = None
    slot: Slot | None = None
    moved: float = field(default_factory=time.monotonic)  # when it last showed life
    started: float = 0.0
    told: tuple[int, float] = (0, 0.0)  # the queue place last told, and when
    stopping: float = 0.0  # when a cancel was sent to the worker

    @property
    def priority(self) -> str:
        return self.submit.priority

    @property
    def wanted_slot(self) -> int | None:
        """The worker that holds the handles among the inputs."""
        for _, item in wire_items(self.submit.inputs):
            handle = str(item.plain.get("id", "")) if item.kind == "handle" else ""
            slot = handle.partition(".")[0]
            if slot.isdigit():
                return int(slot)
        return None
