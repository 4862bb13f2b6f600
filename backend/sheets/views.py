"""A contact sheet of views."""

from __future__ import annotations

import numpy as np

PAPER = np.array([240, 240, 240], np.float32)  # sRGB behind transparent pictures


def on_paper(rgba: np.ndarray) -> np.ndarray:
    """uint8 H x W x 3: a picture (uint8 H x W x 3 or 4, straight alpha) laid on the sheet's paper."""
    if rgba.shape[2] == 3:
        return rgba
    alpha = rgba[..., 3:].astype(np.float32) / 255
    return np.rint(rgba[..., :3] * alpha + PAPER * (1 - alpha)).astype(np.uint8)


def views_sheet(views: list[np.ndarray], columns: int = 4) -> np.ndarray:
    """uint8 H x W x 3: the views (uint8 H x W x 4, all of one size) in rows of ``columns``, first on the upper left."""
    rows = -(-len(views) // columns)
    height, width = views[0].shape[:2]
    sheet = np.empty((rows * height, min(columns, len(views)) * width, 3), np.uint8)
    sheet[:] = PAPER
    for k, view in enumerate(views):
        top, left = k // columns * height, k % columns * width
        sheet[top : top + height, left : left + width] = on_paper(view)
    return sheet
