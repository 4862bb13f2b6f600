"""Small pictures for the panel: the samples of each job as icons."""

from __future__ import annotations

from typing import Any

import bpy.utils.previews

from .prepare import THUMBNAIL
from .session import JobRecord

_collections: list[Any] = []


def put(record: JobRecord) -> None:
    """Make or refresh the icons of the record's thumbnails."""
    if not _collections:
        _collections.append(bpy.utils.previews.new())
    collection = _collections[0]
    for index, pixels in enumerate(record.thumbnails):
        name = f"{record.job.id} {index}"
        preview = collection[name] if name in collection else collection.new(name)
        preview.image_size = (THUMBNAIL, THUMBNAIL)
        preview.image_pixels_float.foreach_set(pixels)


def icon(job_id: str, index: int) -> int:
    """The icon of one sample, 0 when there is none."""
    name = f"{job_id} {index}"
    if not _collections or name not in _collections[0]:
        return 0
    return _collections[0][name].icon_id


def clear() -> None:
    """Free all icons."""
    while _collections:
        bpy.utils.previews.remove(_collections.pop())
