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
    cases: list[dict[str, Any]] = []
    for name, scene, instance in partly_hidden(scenes):
        box = box_of(instance.modal)
        cases.append(
            {
                "id": name,
                "box": [box.x0, box.y0, box.x1, box.y1],
                "point": list(middle(instance.modal)),
                "occlusion_rate": instance.occlusion_rate,
            }
        )
        for suffix, content in (
            ("", png_bytes(scene.image)),
            ("_modal", mask_bytes(instance.modal)),
            ("_amodal", mask_bytes(instance.amodal)),
            ("_front", mask_bytes(_front(scene, instance))),
            ("_whole", png_bytes(instance.whole)),
        ):
            write_bytes(folder / f"{name}{suffix}.png", content)
    something(len(cases), "partly hidden object")
    write_bytes(folder / "cases.json", json_bytes(cases))


def _front(scene: Scene, instance: Instance) -> np.ndarray:
    """bool H x W: the visible part of every object that lies over the instance."""
    hidden = instance.amodal & ~instance.modal
    over = [other.modal for other in scene.instances if (other.modal & hidden).any()]
    return np.any(over, axis=0) if over else np.zeros(scene.size, bool)
