"""What several readers give: objects seen whole in a picture, and through a video."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protocol.values import Camera


@dataclass(frozen=True, eq=False)
class AmodalInstance:
    """One object of a picture: ``modal`` and ``amodal`` bool H x W; ``box`` x0, y0, x1, y1 around the whole object,
    as the file gives it; ``occlusion_rate`` 0 to 1; ``crowd`` for many as one; ``stuff`` for grass and the like."""

    id: int
    category_id: int
    category: str
    modal: np.ndarray
    amodal: np.ndarray
    box: tuple[float, float, float, float]
    occlusion_rate: float
    crowd: bool = False
    stuff: bool = False


@dataclass(frozen=True, eq=False)
class AmodalImage:
    """A picture (uint8 H x W x 3) and its objects, in the file's order."""

    image_id: int
    file: str
    image: np.ndarray
    instances: tuple[AmodalInstance, ...]


@dataclass(frozen=True, eq=False)
class Track:
    """One object through T frames of a video of H x W pixels.

    ``frames`` are the numbers of its frames, ``images`` uint8 T x H x W x 3, ``modal`` and ``amodal`` bool T x H x W.
    ``annotated`` (bool T) tells where ``amodal`` is known, ``counted`` (bool T x H x W) which pixels a loss counts.
    ``boxes`` int32 T x 4 are [row_min, column_min, row_max, column_max] around the visible part as the network's
    preparation takes them; ``calibration`` float32 T x 3 x 3 the intrinsics as the published network takes them.
    ``cameras`` are the same in this project's conventions, empty where a data set knows no poses.
    """

    video: str
    object: int
    frames: tuple[int, ...]
    images: np.ndarray
    modal: np.ndarray
    amodal: np.ndarray
    annotated: np.ndarray
    counted: np.ndarray
    boxes: np.ndarray
    calibration: np.ndarray
    cameras: tuple[Camera, ...]
