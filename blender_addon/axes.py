"""The one place where glTF axes (+Y up, front +Z) become Blender's (Z up, front -Y)."""

from __future__ import annotations

import numpy as np


def to_blender(points: np.ndarray) -> np.ndarray:
    """``points`` N x 3 in glTF axes -> a new float32 N x 3 in Blender's: x, y, z becomes x, -z, y."""
    turned = np.empty(points.shape, np.float32)
    turned[:, 0] = points[:, 0]
    np.negative(points[:, 2], out=turned[:, 1])
    turned[:, 2] = points[:, 1]
    return turned


def rotation() -> np.ndarray:
    """The same as a float32 3 x 3 matrix that turns column vectors. A camera's own axes are glTF's, so its inverse
    takes a mesh in Blender's axes to a camera that sees the mesh's front."""
    return np.ascontiguousarray(to_blender(np.eye(3, dtype=np.float32)).T)
