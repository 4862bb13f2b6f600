"""A plain folder of cases for scoring: pictures, masks and `cases.json` with a prompt for each."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from backend.imaging.boxes import box_of
from backend.imaging.clicks import middle
from backend.synthetic.scene import Instance, Scene

from .output import json_bytes, mask_bytes, partly_hidden, png_bytes, something, write_bytes


def write(scenes: Iterable[Scene], folder: Path) -> None:
    """One case for every partly hidden instance.

    `cases.json` is a list of {id, box [x0, y0, x1, y1] around the visible part with its ends as in a slice, point
    [x, y] well inside it, occlusion_rate}. Beside it lie `ID.png`, `ID_modal.png`, `ID_amodal.png`, `ID_front.png` (the
    visible part of what hides it) and `ID_whole.png` (RGBA).
    """
    written = (
        write_case(
            folder,
            name,
            scene.image,
            instance.occlusion_rate,
            modal=instance.modal,
            amodal=instance.amodal,
            front=_front(scene, instance),
            whole=instance.whole,
        )
        for name, scene, instance in partly_hidden(scenes)
    )
    write_list(folder, written, "partly hidden object")


def write_case(
    folder: Path,
    name: str,
    image: np.ndarray,
    occlusion_rate: float,
    *,
    modal: np.ndarray,
    amodal: np.ndarray,
    front: np.ndarray,
    whole: np.ndarray,
) -> dict[str, Any]:
    """Write the pictures of one case (image uint8 H x W x 3, masks bool H x W, whole uint8 H x W x 4); gives its entry
    of the list."""
    for suffix, content in (
        ("", png_bytes(image)),
        ("_modal", mask_bytes(modal)),
        ("_amodal", mask_bytes(amodal)),
        ("_front", mask_bytes(front)),
        ("_whole", png_bytes(whole)),
    ):
        write_bytes(folder / f"{name}{suffix}.png", content)
    box = box_of(modal)
    return {
        "id": name,
        "box": [box.x0, box.y0, box.x1, box.y1],
        "point": list(middle(modal)),
        "occlusion_rate": occlusion_rate,
    }


def write_list(folder: Path, entries: Iterable[dict[str, Any]], what: str) -> None:
    """Write cases.json, when all entries are there. ProblemError (BAD_INPUT) where there is not one of ``what``."""
    found = list(entries)
    something(len(found), what)
    write_bytes(folder / "cases.json", json_bytes(found))


def _front(scene: Scene, instance: Instance) -> np.ndarray:
    """bool H x W: the visible part of every object that lies over the instance."""
    hidden = instance.amodal & ~instance.modal
    over = [other.modal for other in scene.instances if (other.modal & hidden).any()]
    return np.any(over, axis=0) if over else np.zeros(scene.size, bool)
