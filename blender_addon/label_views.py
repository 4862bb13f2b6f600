"""Label maps and the cameras they are seen by, without Blender: models that paint, turning, thinning."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import numpy as np

from .protocol import Camera, ErrorCode, ProblemError
from .protocol.labels import at_centres
from .protocol.messages import Catalogue, LabelInfo, ModelInfo

STEEPEST = 89.0  # degrees: straight above, no camera can tell which way is up


def painting_models(catalogue: Catalogue | None) -> list[ModelInfo]:
    """The models that make objects from painted label maps, those that are ready first."""
    models = catalogue.models if catalogue is not None else []
    able = [model for model in models if "synthesize" in model.tasks and model.labels]
    return sorted(able, key=lambda model: not model.ready)


def painting_model(catalogue: Catalogue | None, name: str) -> ModelInfo:
    """The model called ``name``, or without a name the first, of those that take label maps. ProblemError
    (UNKNOWN_MODEL) where there is none, or no catalogue yet."""
    models = painting_models(catalogue)
    found = next((model for model in models if not name or model.name == name), None)
    if found is None:
        which = f"model “{name}” that" if name else "model that"
        known = f"This server has no {which} makes objects from labels." if catalogue is not None else "No server yet."
        others = ", ".join(model.name for model in models)
        hint = f"It has: {others}." if others else "Connect to one that has: the palette comes with it."
        raise ProblemError(ErrorCode.UNKNOWN_MODEL, known, hint)
    return found


def labels_text(labels: Sequence[LabelInfo]) -> str:
    """A palette as it is stored with an image."""
    return json.dumps([[label.name, *label.colour] for label in labels])


def labels_of(text: str) -> list[LabelInfo]:
    """The palette that `labels_text` gave; none of anything else."""
    try:
        return [LabelInfo(name, (red, green, blue)) for name, red, green, blue in json.loads(text)]
    except (ValueError, TypeError):
        return []


def direction_angles(x: float, y: float, z: float) -> tuple[float, float]:
    """Azimuth and elevation in degrees of the direction (Blender's axes) from an object to whoever looks at it: 0, 0 in
    front (-Y); azimuth 90 at the object's left (+X)."""
    length = math.sqrt(x * x + y * y + z * z) or 1.0
    elevation = math.degrees(math.asin(max(-1.0, min(1.0, z / length))))
    return math.degrees(math.atan2(x, -y)), max(-STEEPEST, min(STEEPEST, elevation))


def turned(own: Camera, azimuth: float, elevation: float) -> Camera:
    """``own``, the camera of a label map, moved round the object to ``azimuth`` and ``elevation`` (degrees), at its own
    distance and with its own lens."""
    turn, rise = math.radians(azimuth), math.radians(max(-STEEPEST, min(STEEPEST, elevation)))
    back = np.array([math.sin(turn) * math.cos(rise), math.sin(rise), math.cos(turn) * math.cos(rise)])
    right = np.array([math.cos(turn), 0.0, -math.sin(turn)])
    pose = np.eye(4, dtype=np.float32)
    pose[:3, 0], pose[:3, 1], pose[:3, 2] = right, np.cross(back, right), back
    pose[:3, 3] = back * float(np.linalg.norm(own.cam2world[:3, 3]))
    return Camera(pose, own.intrinsics)


def camera_numbers(camera: Camera) -> list[float]:
    """25 numbers that `camera_of` reads: stored on the image."""
    return [float(n) for n in (*camera.cam2world.ravel(), *camera.intrinsics.ravel())]


def camera_of(numbers: Sequence[float]) -> Camera | None:
    """The camera that `camera_numbers` gave; None of anything else."""
    if len(numbers) != 25:
        return None
    values = np.array(numbers, np.float32)
    return Camera(values[:16].reshape(4, 4), values[16:].reshape(3, 3))


def thinned(pixels: np.ndarray, side: int) -> np.ndarray:
    """The pixels of ``pixels`` (H x W x C) at the centres of a coarser grid whose longer side is ``side``; all of them
    where there are no more."""
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    return at_centres(pixels, max(1, round(height * scale)), max(1, round(width * scale)))
