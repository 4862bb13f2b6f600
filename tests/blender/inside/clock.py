# pyright: reportMissingImports=false
"""How long the add-on keeps Blender's main thread: every one of its functions that Blender calls is timed."""

from __future__ import annotations

import functools
import inspect
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import addon

# Blender looks at how many arguments its callbacks name, so a stand-in must name as many.
METHODS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(
        ("execute", "cancel", "draw", "poll", "poll_drop"),
        lambda timed: lambda self, context: timed(self, context),
    ),
    **dict.fromkeys(("invoke", "modal"), lambda timed: lambda self, context, event: timed(self, context, event)),
}
WATCHED: list[bool] = []  # whether the `watch` of conftest.py times calls now
IMPORTS = ("bring_in", "replace_mesh", "undo_step")
LIMIT_S = 0.016  # a picture of a screen that shows 60 a second
HICCUP_S = 0.1


@dataclass
class Clock:
    """Times calls while ``running()``; the import of a mesh is left out, as it may take longer."""

    running: Callable[[], bool]
    calls: list[tuple[str, float]] = field(default_factory=list)
    disturbed: list[tuple[str, float]] = field(default_factory=list)  # the machine took the processor away meanwhile
    _importing_s: float = 0.0
    _depth: int = 0

    def install(self) -> None:
        for owner, name in _called_by_blender():
            setattr(owner, name, self._timed(owner, name))
        importing = addon.module("importing")
        for name in IMPORTS:
            setattr(importing, name, self._left_out(getattr(importing, name)))

    def _timed(self, owner: Any, name: str) -> Any:
        raw = inspect.getattr_static(owner, name)
        function = raw.__func__ if isinstance(raw, classmethod) else raw
        label = f"{getattr(owner, '__name__', owner)}.{name}".rpartition("wholeform.")[2]

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            counted = self._depth == 0 and self.running()
            self._depth += 1
            self._importing_s = 0.0
            switches = resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw
            began = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                took = time.perf_counter() - began - self._importing_s
                self._depth -= 1
                waited = resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw > switches
                if counted:
                    (self.disturbed if waited else self.calls).append((label, took))

        shaped = METHODS[name](timed) if name in METHODS else timed
        return classmethod(shaped) if isinstance(raw, classmethod) else shaped

    def _left_out(self, function: Any) -> Any:
        @functools.wraps(function)
        def importing(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self._importing_s += time.perf_counter() - began

        return importing

    def check(self, version: str) -> None:
        """No call may take over `LIMIT_S`. One is forgiven below `HICCUP_S`: a virtual machine may be held up from
        outside, which nothing here tells from the add-on's own work but that it hardly ever comes twice."""
        print(self._report(version))
        slow = [call for call in self.calls if call[1] > LIMIT_S]
        assert len(slow) <= 1, slow
        assert all(seconds < HICCUP_S for _, seconds in slow), slow

    def _report(self, version: str) -> str:
        name, seconds = max(self.calls, key=lambda call: call[1], default=("", 0.0))
        over = sum(seconds > LIMIT_S for _, seconds in self.disturbed)
        return (
            f"FIGURE {version}: {len(self.calls)} add-on calls on the main thread while jobs ran, "
            f"longest {seconds * 1e3:.1f} ms ({name}); {len(self.disturbed)} more were interrupted by other processes, "
            f"{over} of them over 16 ms"
        )


def _called_by_blender() -> list[tuple[Any, str]]:
    registration, timer = addon.module("registration"), addon.module("timer")
    found: list[tuple[Any, str]] = [(timer, "_tick"), (addon.module("pump"), "pump")]
    found += [(addon.module("statusbar"), "_draw")]
    for cls in registration._CLASSES:
        for base in cls.__mro__:
            if base.__module__.startswith(addon.MODULE):
                found += [(base, name) for name in METHODS if name in vars(base)]
    return list(dict.fromkeys(found))
