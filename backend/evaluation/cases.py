"""Cases to score: an object in a picture, what is visible of it and the whole of it; from a folder or made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Picture

from backend.imaging.boxes import box_of
from backend.imaging.clicks import middle
from backend.synthetic.scene import Scene
from protocol.problems import ErrorCode, ProblemError

LIST = "cases.json"
SMALLEST = 0.01  # visible share of a synthetic picture
_PICTURES = (".jpg", ".png", ".jpeg")


@dataclass(frozen=True, eq=False)
class Case:
    """``image`` uint8 H x W x 3; ``modal`` and ``amodal`` bool H x W; ``box`` (x0, y0, x1, y1) and ``point`` (x, y) in
    pixels, of what is visible; ``front`` bool H x W is what hides it, ``whole`` uint8 H x W x 4 the object alone."""

    id: str
    image: np.ndarray
    modal: np.ndarray
    amodal: np.ndarray
    box: tuple[float, float, float, float]
    point: tuple[float, float]
    occlusion_rate: float
    front: np.ndarray | None = None
    whole: np.ndarray | None = None


def read_cases(folder: Path) -> list[Case]:
    """The cases of a folder: cases.json, a list of {id, box, point, occlusion_rate}, and beside it for each ID.jpg or
    ID.png, ID_modal.png, ID_amodal.png and, if they are there, ID_front.png and ID_whole.png.

    ProblemError (BAD_INPUT) naming the file and what was expected of it.
    """
    path = folder / LIST
    try:
        listed = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise _bad(path, f"cannot be read: {error.strerror}", "Name a folder that holds cases.json.") from error
    except ValueError as error:
        raise _bad(path, f"is no JSON: {error}", "Mend the file.") from error
    if not isinstance(listed, list) or not listed:
        raise _bad(path, "holds no list of cases", "Expected: [{id, box, point, occlusion_rate}, …].")
    return [_read_case(folder, path, entry) for entry in listed]


def cases_of_scene(scene: Scene, rates: tuple[float, float]) -> list[Case]:
    """A case for each object of the scene whose occlusion rate lies within ``rates`` and that is not tiny."""
    cases = []
    for instance in scene.instances:
        if not (rates[0] <= instance.occlusion_rate <= rates[1] and instance.modal.mean() >= SMALLEST):
            continue
        box, point = box_of(instance.modal), middle(instance.modal)
        nearer = instance.amodal & ~instance.modal
        cases.append(
            Case(
                id=f"{scene.seed}-{instance.id}",
                image=scene.image,
                modal=instance.modal,
                amodal=instance.amodal,
                box=(float(box.x0), float(box.y0), float(box.x1), float(box.y1)),
                point=(float(point[0]), float(point[1])),
                occlusion_rate=instance.occlusion_rate,
                front=_hiding(scene, nearer),
                whole=instance.whole,
            )
        )
    return cases


def _hiding(scene: Scene, hidden: np.ndarray) -> np.ndarray:
    """All that is visible of the objects that cover ``hidden``."""
    ids = np.unique(scene.panoptic[hidden])
    return np.isin(scene.panoptic, ids[ids > 0])


def synthetic_cases(
    split: str, seed: int, count: int, size: int = 256, rates: tuple[float, float] = (0.2, 0.6), objects: Any = "mixed"
) -> Iterator[Case]:
    """``count`` cases of scenes of ``split``, run ``seed``: at most one of a scene, so that they differ."""
    from backend.synthetic.splits import seed_of
    from backend.synthetic.worlds import make_scene

    made, index = 0, 0
    while made < count:
        # A scene in ten: neighbours share their objects.
        scene = make_scene(seed_of(split, seed, 10 * index), size, objects)
        index += 1
        usable = cases_of_scene(scene, rates)
        if usable:
            made += 1
            yield usable[scene.seed % len(usable)]


def _read_case(folder: Path, path: Path, entry: Any) -> Case:
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str) or "/" in entry["id"]:
        raise _bad(path, f"has an entry without a usable id: {str(entry)[:80]}", "Expected: an id that is a file name.")
    name = entry["id"]
    box, point = _numbers(path, entry, "box", 4), _numbers(path, entry, "point", 2)
    picture = next((folder / f"{name}{end}" for end in _PICTURES if (folder / f"{name}{end}").exists()), None)
    if picture is None:
        raise _bad(folder / f"{name}.jpg", "is missing", "Each case needs its picture: ID.jpg or ID.png.")
    image = np.asarray(_opened(picture).convert("RGB"))
    size = image.shape[:2]
    modal, amodal = (_mask(folder / f"{name}_{kind}.png", size) for kind in ("modal", "amodal"))
    front, whole = folder / f"{name}_front.png", folder / f"{name}_whole.png"
    if not modal.any():
        raise _bad(folder / f"{name}_modal.png", "is empty", "Something of the object has to be visible.")
    rate = entry.get("occlusion_rate", 1 - modal.sum() / max(1, amodal.sum()))
    return Case(
        id=name,
        image=image,
        modal=modal,
        amodal=amodal,
        box=(box[0], box[1], box[2], box[3]),
        point=(point[0], point[1]),
        occlusion_rate=float(rate),
        front=_mask(front, size) if front.exists() else None,
        whole=np.asarray(_opened(whole).convert("RGBA")) if whole.exists() else None,
    )


def _numbers(path: Path, entry: dict[str, Any], field: str, count: int) -> list[float]:
    value = entry.get(field)
    if not isinstance(value, list) or len(value) != count or not all(isinstance(each, int | float) for each in value):
        raise _bad(
            path, f"has a wrong “{field}” for {entry['id']}: {value!r}", f"Expected: {count} numbers, in pixels."
        )
    return [float(each) for each in value]


def _mask(path: Path, size: tuple[int, ...]) -> np.ndarray:
    if not path.exists():
        raise _bad(path, "is missing", "Each case needs its masks: ID_modal.png and ID_amodal.png.")
    mask = np.asarray(_opened(path).convert("L")) >= 128
    if mask.shape != size:
        found, wanted = (f"{each[1]} x {each[0]}" for each in (mask.shape, size))
        raise _bad(path, f"is {found} pixels", f"Expected: the picture's {wanted}.")
    return mask


def _opened(path: Path) -> Picture.Image:
    try:
        picture = Picture.open(path)
        picture.load()
    except (OSError, Picture.DecompressionBombError) as error:
        raise _bad(path, f"cannot be read: {error}", "Expected: a PNG or JPEG picture.") from error
    return picture


def _bad(path: Path, what: str, hint: str) -> ProblemError:
    return ProblemError(ErrorCode.BAD_INPUT, f"{path} {what}.", hint)
