"""COCO panoptic: pictures (JPEG), maps (PNG, id = R + 256 G + 65536 B) and the JSON about them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from backend.synthetic.scene import Scene

from .output import categories_of, category_id, jpeg_bytes, json_bytes, png_bytes, something, write_bytes, xywh


def write(scenes: Iterable[Scene], folder: Path, split: str = "val") -> None:
    """`{split}2017/`, `annotations/panoptic_{split}2017/`, its `.json` and `captions_{split}2017.json` in ``folder``.

    A segment's id is its instance's; what is no object is void. ``split`` is train or val.
    """
    name = f"panoptic_{split}2017"
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    captions: list[dict[str, Any]] = []
    names: set[str] = set()
    for number, scene in enumerate(scenes, 1):
        stem, (height, width) = f"{number:012d}", scene.size
        write_bytes(folder / f"{split}2017" / f"{stem}.jpg", jpeg_bytes(scene.image))
        low, high = (scene.panoptic & 255).astype(np.uint8), (scene.panoptic >> 8).astype(np.uint8)
        write_bytes(
            folder / "annotations" / name / f"{stem}.png", png_bytes(np.dstack([low, high, np.zeros_like(low)]))
        )
        seen = sorted((one for one in scene.instances if one.modal.any()), key=lambda one: one.id)
        names |= {instance.category for instance in seen}
        images.append({"id": number, "file_name": f"{stem}.jpg", "height": height, "width": width})
        segments = [
            {
                "id": instance.id,
                "category_id": category_id(instance.category),
                "area": int(instance.modal.sum()),
                "bbox": xywh(instance.modal),
                "iscrowd": 0,
            }
            for instance in seen
        ]
        annotations.append({"image_id": number, "file_name": f"{stem}.png", "segments_info": segments})
        caption = ", ".join(instance.category for instance in seen)
        captions.append({"id": number, "image_id": number, "caption": caption})
    something(len(images), "scene")
    categories = [
        {"id": each, "name": category, "supercategory": "object", "isthing": 1, "color": _colour(each)}
        for each, category in categories_of(names)
    ]
    content = {"images": images, "annotations": annotations, "categories": categories}
    write_bytes(folder / "annotations" / f"{name}.json", json_bytes(content))
    # Published loaders want captions to be there and do not use them.
    content = {"images": images, "annotations": captions}
    write_bytes(folder / "annotations" / f"captions_{split}2017.json", json_bytes(content))


def _colour(number: int) -> list[int]:
    return [number & 255, number >> 8 & 255, number >> 16 & 255]
