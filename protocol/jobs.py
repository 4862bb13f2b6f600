"""A job as a client sees it: its state, progress, previews and results. Safe to read from any thread."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .messages import Accepted, Priority, Progress
from .problems import ErrorCode, Problem, ProblemError
from .states import JobState
from .values import Value


class JobCancelled(Exception):
    """The job was cancelled, so it has no result."""


class Outputs:
    """The outputs of a job by name: ``outputs.mesh`` or ``outputs["mesh"]``; a list where the task gives several."""

    def __init__(self, values: Mapping[str, Value | list[Value]]) -> None:
        self._values = values

    @property
    def names(self) -> list[str]:
        return list(self._values)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._values:
            return self._values[name]
        raise AttributeError(f"this job gave {', '.join(self._values) or 'nothing'}, not “{name}”")


class Job:
    """One job. Made by Client.submit or Client.attach."""

    def __init__(
        self,
        job_id: str,
        task: str,
        inputs: dict[str, Value | Sequence[Value]] | None,
        parameters: dict[str, Any],
        priority: Priority,
        label: str,
        keep: bool,
        control: Callable[[Job, str], None],
    ) -> None:
        self.id = job_id
        self.task = task
        self.label = label
        self.parameters = parameters
        self.priority: Priority = priority
        self.keep = keep
        self.inputs = inputs  # None for a job attached to, whose inputs only the server has
        self.state = JobState.UPLOADING
        self.progress: Progress | None = None
        self.previews: dict[str, dict[str, Value | list[Value]]] = {}
        self.outputs: Outputs | None = None
        self.info: dict[str, Any] = {}
        self.problem: Problem | None = None
        self.cancelling = False
        self.uploaded: tuple[int, int] = (0, 0)  # bytes that arrived, bytes in all
        self._control = control
        self._changed = threading.Condition()
        self._updates: deque[Progress] = deque(maxlen=256)

    def __repr__(self) -> str:
        return f"Job({self.id!r}, {self.task!r}, {self.state.value})"

    def cancel(self) -> None:
        """Ask the server to stop it; the state says CANCELLED once it has."""
        self._control(self, "cancel")

    def acknowledge(self) -> None:
        """Let the server remove the result; done by itself unless the job was made with ``keep``."""
        self._control(self, "acknowledge")

    def result(self, timeout: float | None = None) -> Outputs:
        """Wait for the outputs. Raises JobCancelled, or ProblemError: the job's own, or TIMEOUT after ``timeout``
        seconds (the job goes on)."""
        self._wait_until(lambda: self.state.is_final, timeout)
        if self.state is JobState.CANCELLED:
            raise JobCancelled(f"{self.task} was cancelled")
        if self.problem is not None:
            raise ProblemError.of(self.problem)
        assert self.outputs is not None
        return self.outputs

    def wait_accepted(self, timeout: float | None = None) -> None:
        """Wait until the job is on the server's disk. Raises ProblemError as `result` does."""
        self._wait_until(lambda: self.state is not JobState.UPLOADING, timeout)
        if self.problem is not None:
            raise ProblemError.of(self.problem)

    def __iter__(self) -> Iterator[Progress]:
        """The progress as it comes, until the job has ended."""
        while True:
            with self._changed:
                while not self._updates and not self.state.is_final:
                    self._changed.wait()
                if not self._updates:
                    return
                update = self._updates.popleft()
            yield update

    def _wait_until(self, met: Callable[[], bool], timeout: float | None) -> None:
        with self._changed:
            if not self._changed.wait_for(met, timeout):
                raise ProblemError(
                    ErrorCode.TIMEOUT,
                    f"{self.task} has not ended after {timeout:g} s.",
                    "It goes on; wait or cancel it.",
                )

    # --- called by the client on the network thread ---

    def _advance(self, state: JobState, **changes: Any) -> None:
        with self._changed:
            for name, value in changes.items():
                setattr(self, name, value)
            self.state = state
            if state.is_final:
                self.inputs = None
            self._changed.notify_all()

    def _on_accepted(self, message: Accepted) -> None:
        if self.state is JobState.UPLOADING:
            self._on_progress(Progress(self.id, JobState.QUEUED, position=message.position))

    def _on_progress(self, message: Progress) -> None:
        if self.state.is_final:
            return
        with self._changed:
            self._updates.append(message)
        self._advance(message.state, progress=message)


def new_job_id() -> str:
    """An id that no other client makes and that sorts by time."""
    return f"{int(time.time() * 1000):012x}-{secrets.token_hex(8)}"
