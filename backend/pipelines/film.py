"""Task `film`: a film of a mesh or field as the camera moves around it."""

from __future__ import annotations

from typing import Any

import numpy as np

from backend.fields.paths import path_angles
from backend.meshes.lighting import on_backdrop
from backend.pipelines.context import Context
from backend.pipelines.labelled import told
from backend.pipelines.subject import subject_of
from protocol.labels import painted
from protocol.problems import ErrorCode, ProblemError
from protocol.values import MAX_FRAMES, Frames

_MAX_BYTES = 1 << 30  # of a film: what a server sends and a client holds without thinking about it


def run(context: Context, inputs: dict[str, Any], parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Gives the film, of a labelled field also one of its parts; info: the renderer, how many frames, and the labels.

    Raises ProblemError: BAD_INPUT when there is nothing to draw, BAD_PARAMETER when the film would be too large.
    """
    size, fps = parameters["size"], parameters["fps"]
    count = max(1, round(parameters["seconds"] * fps))
    most = min(MAX_FRAMES, _MAX_BYTES // (3 * size * size))
    if count > most:
        raise ProblemError(
            ErrorCode.BAD_PARAMETER,
            f"The film would have {count:,} frames of {size} pixels.",
            f"Allowed at this size: {most:,}. Make it shorter, smaller or with fewer frames a second.",
        )
    subject = subject_of(context, inputs)
    cameras = subject.cameras(path_angles(parameters["path"], count, parameters["elevation"]), parameters["fov"])
    context.stage("film", count, "Drawing the film")
    frames = np.empty((count, size, size, 3), np.uint8)
    parts = np.empty_like(frames) if subject.labels else None
    for number, view in enumerate(subject.draw(cameras, size)):
        frames[number] = on_backdrop(view.image)[..., :3]
        if parts is not None and view.labels is not None:
            parts[number] = painted(view.labels, subject.labels)
        context.step(number + 1)
    info = {"renderer": subject.renderer, "frames": count}
    if parts is None:
        return {"frames": Frames(frames, fps)}, info
    films = {"frames": Frames(frames, fps), "label_frames": Frames(parts, fps)}
    return films, info | {"labels": told(subject.labels)}
