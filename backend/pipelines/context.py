"""What a running task knows of the world around it: progress, cancelling, previews, models and handles.

This base works without a server, for tests and scripts; the worker's own context overrides what must reach the
gateway (progress, previews) and what must be shared and bounded (models, handles).
"""

from __future__ import annotations

import secrets
from typing import Any

from backend.hub import registry as hub
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Handle, Value


class Cancelled(Exception):
    """The person asked to stop; raised inside a task, never shown as an error."""


class Context:
    """Runs a task in this process: progress and previews go nowhere, models and handles live as long as it does.

    ``vram_budget``: bytes that models may take of a GPU, 0 for all of it. Set ``cancelled`` to True (from any thread)
    to end the task at its next step.
    """

    def __init__(self, device: str = "cpu", vram_budget: int = 0) -> None:
        self.device = device
        self.vram_budget = vram_budget
        self.cancelled = False
        self._models: dict[str, Any] = {}
        self._handles: dict[str, tuple[Handle, Any]] = {}

    def stage(self, name: str, steps: int = 1, message: str = "", share: tuple[float, float] = (0.0, 1.0)) -> None:
        """Begin stage ``name`` of ``steps`` steps, which covers ``share`` of the whole job; raises Cancelled."""
        self.check()

    def step(self, done: int, message: str = "") -> None:
        """``done`` steps of the stage are finished; raises Cancelled."""
        self.check()

    def check(self) -> None:
        """Raises Cancelled when asked to stop."""
        if self.cancelled:
            raise Cancelled

    def preview(self, stage: str, **values: Value | list[Value]) -> None:
        """Show values before the end."""

    def model(self, name: str) -> Any:
        """The loaded model ``name``; ProblemError (UNKNOWN_MODEL, MODEL_FAILED) when there is none."""
        if name not in self._models:
            self._models[name] = hub.load(name, self.device)
        return self._models[name]

    def keep(self, holds: str, thing: Any, nbytes: int) -> Handle:
        """Keep ``thing`` (about ``nbytes`` bytes) on the server under a new handle saying that it ``holds``."""
        handle = Handle(secrets.token_urlsafe(16), holds, nbytes)
        self._handles[handle.id] = (handle, thing)
        return handle

    def handle(self, handle: Handle, holds: str | tuple[str, ...]) -> Any:
        """The thing that ``handle`` names. ProblemError: NOT_FOUND when it is gone, BAD_INPUT when it holds another
        kind of thing than ``holds``."""
        kept = self._handles.get(handle.id)
        if kept is None:
            raise gone(handle)
        check_holds(kept[0], holds)
        return kept[1]


def gone(handle: Handle) -> ProblemError:
    """The problem of a handle that the server no longer knows."""
    return ProblemError(
        ErrorCode.NOT_FOUND,
        f"The {handle.holds} is no longer on the server.",
        "Run the step that made it again: the server frees old results when memory is short or it restarts.",
    )


def check_holds(handle: Handle, holds: str | tuple[str, ...]) -> None:
    """ProblemError (BAD_INPUT) unless ``handle`` holds one of the kinds ``holds``."""
    wanted = (holds,) if isinstance(holds, str) else holds
    if handle.holds not in wanted:
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"The handle given holds a {handle.holds}.",
            f"Give a handle that holds a {' or '.join(wanted)}.",
        )
