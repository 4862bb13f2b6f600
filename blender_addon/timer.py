"""The timer that calls the pump on Blender's main thread."""

from __future__ import annotations

import logging

import bpy

from .session import current

logger = logging.getLogger("wholeform.blender")

BUSY_S = 0.05
IDLE_S = 0.5


def _tick() -> float | None:
    """Pump; returns the seconds until the next time, None when there is nothing to wait for."""
    from .pump import pump

    try:
        if pump():
            return BUSY_S
        return IDLE_S if current().network.server is not None else None
    except Exception:
        # A fault must not end the timer: the panel would stand still for ever.
        logger.exception("the pump failed")
        return IDLE_S


def ensure() -> None:
    """Have the timer run."""
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=BUSY_S, persistent=True)


def stop() -> None:
    """End the timer."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
