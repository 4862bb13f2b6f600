"""What the writers share: files whose bytes depend on their content alone."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Picture

from backend.imaging.boxes import box_of
from backend.synthetic.scene import Instance, Scene
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Mesh

JPEG_QUALITY = 95


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file and the folders above it; ProblemError (BAD_INPUT) where that is not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise ProblemError(
            ErrorCode.BAD_INPUT, f"{path} cannot be written: {error.strerror}.", "Choose another folder."
        ) from None


def json_bytes(content: Any) -> bytes:
    """JSON with sorted keys."""
    return (json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n").encode("utf-8")


def png_bytes(pixels: np.ndarray, palette: bytes | None = None) -> bytes:
    """A PNG of uint8 H x W, H x W x 3 or 4; with a ``palette`` (RGB after RGB) the H x W are its indices."""
    made = Picture.fromarray(np.ascontiguousarray(pixels))
    if palette is not None:
        made.putpalette(palette)
    return _encoded(made, "PNG")


def jpeg_bytes(pixels: np.ndarray) -> bytes:
    """A JPEG of uint8 H x W x 3 without colour subsampling."""
    return _encoded(Picture.fromarray(np.ascontiguousarray(pixels)), "JPEG", quality=JPEG_QUALITY, subsampling=0)


def tiff_bytes(numbers: np.ndarray) -> bytes:
    """A TIFF of float32 H x W."""
    return _encoded(Picture.fromarray(np.ascontiguousarray(numbers, np.float32)), "TIFF")


def glb_bytes(mesh: Mesh) -> bytes:
    """A binary glTF with vertex colours."""
    import trimesh
    from trimesh.exchange.gltf import export_glb

    made = trimesh.Trimesh(mesh.vertices, mesh.faces, vertex_colors=mesh.colours, process=False)
    return bytes(export_glb(trimesh.Scene(made)))


def _encoded(picture: Picture.Image, kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def mask_bytes(mask: np.ndarray) -> bytes:
    """A PNG of 0 and 255."""
    return png_bytes(np.where(mask, np.uint8(255), np.uint8(0)))


def xywh(mask: np.ndarray) -> list[int]:
    """COCO's box x, y, width, height around a mask with something in it."""
    box = box_of(mask)
    return [box.x0, box.y0, box.width, box.height]


def category_id(name: str) -> int:
    """A number of a category's name alone, so that it is the same in every set that is ever written."""
    return 1 + zlib.crc32(name.encode("utf-8")) % (1 << 30)


def categories_of(names: Iterable[str]) -> list[tuple[int, str]]:
    """The ids and names of categories, sorted by name; ProblemError (BAD_INPUT) where two names share an id."""
    found = sorted({(category_id(name), name) for name in names}, key=lambda pair: pair[1])
    if len({number for number, _ in found}) != len(found):
        raise ProblemError(ErrorCode.BAD_INPUT, "Two categories' names have the same id.", "Rename one of them.")
    return found


def partly_hidden(scenes: Iterable[Scene]) -> Iterator[tuple[str, Scene, Instance]]:
    """Every instance of which a part, but not all, is hidden, with a name: the number of the scene and its own id."""
    for number, scene in enumerate(scenes):
        for instance in sorted(scene.instances, key=lambda instance: instance.id):
            if 0 < instance.occlusion_rate < 1:
                yield f"{number:06d}_{instance.id:03d}", scene, instance


def something(count: int, what: str) -> None:
    """ProblemError (BAD_INPUT) when nothing was written."""
    if count == 0:
        raise ProblemError(ErrorCode.BAD_INPUT, f"There was no {what} to write.", "Write more of them: --count.")
