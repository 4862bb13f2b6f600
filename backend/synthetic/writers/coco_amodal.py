"""KINS, D2SA and COCOA-cls: COCO's instance JSON with whole and visible masks, and the pictures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from backend.datasets.coco_amodal import flavour_named
from backend.datasets.regions import encode, outline
from backend.synthetic.scene import Instance, Scene

from .output import categories_of, category_id, jpeg_bytes, json_bytes, png_bytes, something, write_bytes, xywh


def write(scenes: Iterable[Scene], folder: Path, flavour: str, split: str = "val") -> None:
    """The files of ``flavour`` (kins, d2sa, cocoa) in ``folder``, where `backend.datasets.coco_amodal` looks for them.

    Whole masks are run lengths in KINS and D2SA, polygons in COCOA-cls. Instances of which nothing is visible are left
    out. ``split`` is train or val.
    """
    layout = flavour_named(flavour)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    names: set[str] = set()
    for number, scene in enumerate(scenes, 1):
        # KITTI's pictures are PNG, COCO's and D2S's JPEG.
        file = f"{number - 1:06d}.png" if flavour == "kins" else f"{number:012d}.jpg"
        if flavour == "cocoa":
            file = f"COCO_{split}2014_{file}"
        content = png_bytes(scene.image) if flavour == "kins" else jpeg_bytes(scene.image)
        write_bytes(folder / layout.images[split] / file, content)
        images.append({"id": number, "file_name": file, "height": scene.size[0], "width": scene.size[1]})
        for instance in sorted(scene.instances, key=lambda one: one.id):
            if instance.modal.any():
                names.add(instance.category)
                head = {"id": len(annotations) + 1, "image_id": number, "iscrowd": 0}
                annotations.append({**head, **_whole(instance, flavour), **_visible(instance, flavour)})
    something(len(images), "scene")
    categories = [{"id": each, "name": name, "supercategory": "object"} for each, name in categories_of(names)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    write_bytes(folder / layout.annotations[split], json_bytes(content))


def _whole(instance: Instance, flavour: str) -> dict[str, Any]:
    return {
        "category_id": category_id(instance.category),
        "bbox": xywh(instance.amodal),
        "area": int(instance.amodal.sum()),
        "segmentation": outline(instance.amodal) if flavour == "cocoa" else _runs(instance.amodal),
    }


def _visible(instance: Instance, flavour: str) -> dict[str, Any]:
    if flavour == "kins":
        return {"inmodal_seg": _runs(instance.modal), "inmodal_bbox": xywh(instance.modal)}
    return {
        "visible_mask": _runs(instance.modal),
        "invisible_mask": _runs(instance.amodal & ~instance.modal),
        "occlude_rate": instance.occlusion_rate,
    }


def _runs(mask: np.ndarray) -> dict[str, Any]:
    return msgspec.to_builtins(encode(mask))
