"""pix2gestalt's occlusion set: four folders of PNG that belong together by their order."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from backend.datasets.pix2gestalt import FOLDERS
from backend.imaging.paper import on_white
from backend.synthetic.scene import Scene

from .output import mask_bytes, partly_hidden, png_bytes, something, write_bytes


def write(scenes: Iterable[Scene], folder: Path) -> None:
    """One case for every partly hidden instance: `occlusion/`, `whole/`, `whole_mask/`, `visible_object_mask/`."""
    count = 0
    for name, scene, instance in partly_hidden(scenes):
        contents = (
            png_bytes(scene.image),
            png_bytes(on_white(instance.whole)),
            mask_bytes(instance.amodal),
            mask_bytes(instance.modal),
        )
        for place, content in zip(FOLDERS, contents, strict=True):
            write_bytes(folder / place / f"{name}.png", content)
        count += 1
    something(count, "partly hidden object")
