"""The ways a camera takes around an object in a film."""

from __future__ import annotations

import numpy as np

from .cameras import Angles, ring_angles

# How far the published films go to the sides (a turn in radians) and up and down (in the published parameter of
# height, in which equal steps pass equal areas of the sphere; its range is pi): of faces and cats, and of cars.
_SWINGS = {"swing": (0.35, 0.25), "tumble": (np.pi, np.pi / 2)}
_HIGHEST = 89.9  # degrees: above a pole a camera could not tell which way is up


def path_angles(path: str, frames: int, elevation: float) -> list[Angles]:
    """Azimuth and elevation in degrees of each of ``frames`` cameras on ``path``: "orbit" round the object at
    ``elevation``, or "swing" or "tumble" about the front at that elevation. A path ends where it begins."""
    if path == "orbit":
        return ring_angles(frames, elevation)
    aside, rise = _SWINGS[path]
    turn = 2 * np.pi * np.arange(frames) / frames
    height = np.sin(np.radians(elevation)) - 2 * rise / np.pi * np.cos(turn)
    limit = np.sin(np.radians(_HIGHEST))
    elevations = np.degrees(np.arcsin(np.clip(height, -limit, limit)))
    azimuths = np.degrees(aside * np.sin(turn))
    return list(zip(azimuths.tolist(), elevations.tolist(), strict=True))
