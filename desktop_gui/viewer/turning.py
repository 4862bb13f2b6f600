"""How mouse and arrow keys turn an object, the same in every view."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent

from ..state.orbit import Orbit

RADIANS_PER_PIXEL = 0.009
STEP = 0.1  # radians, of an arrow key


def dragged(orbit: Orbit, delta: QPointF) -> Orbit:
    """``orbit`` after the pointer moved by ``delta`` logical pixels: the object follows it."""
    return orbit.turned(-delta.x() * RADIANS_PER_PIXEL, delta.y() * RADIANS_PER_PIXEL)


def stepped(orbit: Orbit, event: QKeyEvent) -> Orbit | None:
    """``orbit`` after an arrow key; None for other keys."""
    steps = {
        Qt.Key.Key_Left: (-STEP, 0.0),
        Qt.Key.Key_Right: (STEP, 0.0),
        Qt.Key.Key_Up: (0.0, STEP),
        Qt.Key.Key_Down: (0.0, -STEP),
    }
    step = steps.get(Qt.Key(event.key()))
    return orbit.turned(*step) if step is not None else None
