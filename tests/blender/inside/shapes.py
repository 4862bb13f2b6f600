"""Small things to import: a mesh whose front, top and colours are known."""

from __future__ import annotations

from typing import Any

import numpy as np


def wedge(protocol: Any, texture: bool = True) -> Any:
    """A protocol Mesh in glTF axes: a box 0.6 wide, 0.8 high and 0.4 deep. Front vertices are red, back ones blue; the
    texture is a grid of known sRGB colours."""
    x, y, z = 0.3, 0.4, 0.2
    vertices = np.array(
        [[sx * x, sy * y, sz * z] for sz in (1, -1) for sy in (-1, 1) for sx in (-1, 1)], np.float32
    )  # 0..3 front, 4..7 back
    faces = np.array(
        [
            [0, 1, 3], [0, 3, 2],  # front +Z
            [5, 4, 6], [5, 6, 7],  # back -Z
            [4, 0, 2], [4, 2, 6],  # left
            [1, 5, 7], [1, 7, 3],  # right
            [2, 3, 7], [2, 7, 6],  # top
            [4, 5, 1], [4, 1, 0],  # bottom
        ],
        np.int32,
    )  # fmt: skip
    colours = np.array([[200, 30, 10, 255]] * 4 + [[10, 30, 200, 255]] * 4, np.uint8)
    uvs = np.array([[(i % 2), (i // 2) % 2] for i in range(8)], np.float32)
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:16, :32], pixels[:16, 32:], pixels[16:, :32], pixels[16:, 32:] = (
        (188, 54, 12), (20, 160, 77), (90, 90, 90), (250, 240, 5),
    )  # fmt: skip
    return protocol.Mesh(vertices, faces, colours, uvs, pixels if texture else None)


def result_record(modules: Any, mesh: Any = None, **info: Any) -> Any:
    """A finished `whole_object` job with ``mesh``, or a `complete` job without one, as the pump would hold it."""
    protocol, prepare, session = modules("protocol"), modules("prepare"), modules("session")
    task = "complete" if mesh is None else "whole_object"
    job = protocol.Job("job-0001-synthetic", task, None, {"seed": 7}, "interactive", "mug", True, print)
    completed = np.zeros((40, 60, 4), np.uint8)
    completed[10:30, 20:40] = (120, 60, 30, 255)
    mask = protocol.Mask(np.where(completed[..., 3] > 0, np.uint8(255), np.uint8(0)))
    outputs = {"completed": [protocol.Image(completed)], "amodal_masks": [mask]}
    if mesh is not None:
        outputs["mesh"] = mesh
    job._advance(protocol.JobState.DONE, outputs=protocol.Outputs(outputs), info=info)
    result, samples = prepare.Preparer().result(job)
    picture = session.Picture("mug.png", size=(60, 40))
    record = session.JobRecord(job, "mug", picture, thumbnails=result.thumbnails, result=result)
    record.meshes, record.samples, record.flat = dict(result.meshes), samples.samples, mesh is None
    return record
