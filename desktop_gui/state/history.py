"""Steps that can be undone and redone."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class History(Generic[T]):
    """The current one of a row of steps. Of more than ``limit`` the oldest are forgotten."""

    def __init__(self, first: T, limit: int = 1000) -> None:
        self._steps: list[T] = [first]
        self._at = 0
        self._limit = limit

    @property
    def current(self) -> T:
        return self._steps[self._at]

    @property
    def steps(self) -> list[T]:
        """All that undo and redo can still reach, oldest first."""
        return list(self._steps)

    @property
    def can_undo(self) -> bool:
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        return self._at + 1 < len(self._steps)

    def put(self, step: T) -> bool:
        """Make ``step`` the current one; False when it already is."""
        if step == self.current:
            return False
        del self._steps[self._at + 1 :]
        self._steps.append(step)
        del self._steps[: -self._limit]
        self._at = len(self._steps) - 1
        return True

    def undo(self) -> bool:
        if self.can_undo:
            self._at -= 1
            return True
        return False

    def redo(self) -> bool:
        if self.can_redo:
            self._at += 1
            return True
        return False
