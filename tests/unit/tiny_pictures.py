"""Labelled pictures as zips in the authors' layout: squares and discs, from two sides."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from backend.fields.cameras import orbit, to_opencv

NAMES = ("background", "left", "right")


def write_zips(folder: Path, count: int = 6, side: int = 32, wide: int = 0) -> tuple[Path, Path, Path]:
    """images.zip, labels.zip (ids 0 to 2) and edges.zip in ``folder``; pictures are ``wide`` where that is not 0."""
    random = np.random.default_rng(0)
    paths = folder / "images.zip", folder / "labels.zip", folder / "edges.zip"
    images, labels, edges = (zipfile.ZipFile(path, "w") for path in paths)
    cameras = []
    for number in range(count):
        ids = np.zeros((side, wide or side), np.uint8)
        ids[4:-4, 4 : side // 2] = 1
        ids[6:-6, side // 2 : -4 - number] = 2
        colours = random.integers(0, 255, (3, 3), np.uint8)
        ink = np.full(ids.shape, 255, np.uint8)
        ink[:, 1:][ids[:, 1:] != ids[:, :-1]] = 0
        name = f"img{number:04d}.png"
        for archive, pixels in ((images, colours[ids]), (labels, ids), (edges, ink)):
            archive.writestr(name, _png(pixels))
        pose, lens = to_opencv(orbit(30 * number, 10, 31.9))
        cameras.append([name, [*pose.ravel().tolist(), *lens.ravel().tolist()]])
    images.writestr("dataset.json", json.dumps({"labels": cameras}))
    for archive in (images, labels, edges):
        archive.close()
    return paths


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
