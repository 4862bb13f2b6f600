"""Cases to score: an object in a picture, what is visible of it and the whole of it; from a folder or made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar, overload

import msgspec
import numpy as np
from PIL import ImageOps

from backend.datasets.files import check_size, fault, picture, read_json, read_mask
from backend.imaging.boxes import box_of
from backend.imaging.clicks import middle
from backend.imaging.prompts import read_prompt
from backend.synthetic.scene import Scene
from protocol.problems import ErrorCode, ProblemError

if TYPE_CHECKING:
    from backend.synthetic.worlds import Objects

Judged = TypeVar("Judged")

LIST = "cases.json"
SMALLEST = 0.01  # visible share of a synthetic picture
RATES = (0.2, 0.6)  # occlusion rates of synthetic cases
_PICTURES = (".jpg", ".png", ".jpeg")
_MASKS = ("modal", "amodal")
SYNTHETIC_COUNT = 300
_TRIES = 100  # scenes for one case, before it is clear that none will come


@dataclass(frozen=True, eq=False)
class Case:
    """``image`` uint8 H x W x 3; ``modal`` and ``amodal`` bool H x W; ``box`` (x0, y0, x1, y1) and ``point`` (x, y) in
    pixels, of what is visible; ``front`` bool H x W is what hides it, ``whole`` uint8 H x W x 4 the object alone;
    ``name`` says what it is, where the data does."""

    id: str
    image: np.ndarray
    modal: np.ndarray
    amodal: np.ndarray
    box: tuple[float, float, float, float]
    point: tuple[float, float]
    occlusion_rate: float
    front: np.ndarray | None = None
    whole: np.ndarray | None = None
    name: str = ""


class Entry(msgspec.Struct):
    """One case in cases.json; ``occlusion_rate`` is counted from the masks where it is not given; ``name`` is what the
    object is called."""

    id: str
    box: tuple[float, float, float, float]
    point: tuple[float, float]
    occlusion_rate: float | None = None
    name: str = ""


class CaseFolder(Sequence[Case]):
    """The cases of a folder: cases.json, a list of `Entry`, and beside it for each ID.jpg or ID.png, ID_modal.png,
    ID_amodal.png and, if they are there, ID_front.png and ID_whole.png. Pictures are read when a case is asked for.

    ProblemError (BAD_INPUT) naming the file and what was expected of it: at once when the list is wrong or a file is
    missing, when the case is asked for when a file is wrong.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / LIST
        self._entries = read_json(self._path, list[Entry], "a list of {id, box, point, occlusion_rate}")
        if not self._entries:
            raise fault(self._path, "holds an empty list", "a case at least")
        twice = [name for name, times in Counter(entry.id for entry in self._entries).items() if times > 1]
        if twice:
            raise fault(self._path, f"has the id “{twice[0]}” more than once", "an id of its own for each case")
        for entry in self._entries:
            if not entry.id or Path(entry.id).name != entry.id:
                raise fault(self._path, f"has the id “{entry.id}”", "an id that can begin the name of a file")
            self._picture(entry)
            for kind in _MASKS:
                path = self._beside(entry, kind)
                if not path.is_file():
                    raise fault(path, "is missing", f"a mask for the case “{entry.id}” of {LIST}")

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def names(self) -> tuple[str, ...]:
        """What the objects are called, each name once."""
        return tuple(sorted({entry.name for entry in self._entries} - {""}))

    @overload
    def __getitem__(self, index: int) -> Case: ...
    @overload
    def __getitem__(self, index: slice) -> list[Case]: ...
    def __getitem__(self, index: int | slice) -> Case | list[Case]:
        if isinstance(index, slice):
            return [self._read(entry) for entry in self._entries[index]]
        return self._read(self._entries[index])

    def _beside(self, entry: Entry, kind: str) -> Path:
        return self._folder / f"{entry.id}_{kind}.png"

    def _picture(self, entry: Entry) -> Path:
        for ending in _PICTURES:
            path = self._folder / f"{entry.id}{ending}"
            if path.is_file():
                return path
        raise fault(
            self._folder / f"{entry.id}.jpg", "is missing", f"the picture of the case “{entry.id}”, JPEG or PNG"
        )

    def _read(self, entry: Entry) -> Case:
        image = np.array(ImageOps.exif_transpose(picture(self._picture(entry))).convert("RGB"))
        size = image.shape[0], image.shape[1]
        modal, amodal = (read_mask(self._beside(entry, kind), size) for kind in _MASKS)
        for mask, kind in ((modal, "modal"), (amodal, "amodal")):
            if not mask.any():
                raise fault(self._beside(entry, kind), "is empty", "something of the object inside")
        try:
            read_prompt([[*entry.point, 1]], list(entry.box), size)
        except ProblemError as error:
            message = error.problem.message.rstrip(".")
            raise fault(self._path, f"has a wrong prompt for “{entry.id}”: {message}", error.problem.hint) from None
        front, whole = self._beside(entry, "front"), self._beside(entry, "whole")
        rate = entry.occlusion_rate
        return Case(
            id=entry.id,
            image=image,
            modal=modal,
            amodal=amodal,
            box=entry.box,
            point=entry.point,
            occlusion_rate=1 - float((modal & amodal).sum() / amodal.sum()) if rate is None else rate,
            front=read_mask(front, size) if front.is_file() else None,
            whole=_read_whole(whole, size) if whole.is_file() else None,
            name=entry.name,
        )


def _read_whole(path: Path, size: tuple[int, int]) -> np.ndarray:
    pixels = np.array(picture(path).convert("RGBA"))
    check_size(path, pixels, size)
    return pixels


def cases_of_scene(scene: Scene, rates: tuple[float, float] = RATES) -> list[Case]:
    """A case for each object of the scene whose occlusion rate lies within ``rates`` and that is not tiny."""
    cases = []
    for instance in scene.instances:
        if not (rates[0] <= instance.occlusion_rate <= rates[1] and instance.modal.mean() >= SMALLEST):
            continue
        box, point = box_of(instance.modal), middle(instance.modal)
        cases.append(
            Case(
                id=f"{scene.seed}-{instance.id}",
                image=scene.image,
                modal=instance.modal,
                amodal=instance.amodal,
                box=(float(box.x0), float(box.y0), float(box.x1), float(box.y1)),
                point=(float(point[0]), float(point[1])),
                occlusion_rate=instance.occlusion_rate,
                front=_hiding(scene, instance.amodal & ~instance.modal),
                whole=instance.whole,
                name=instance.category,
            )
        )
    return cases


def _hiding(scene: Scene, hidden: np.ndarray) -> np.ndarray:
    """All that is visible of the objects that cover ``hidden``."""
    ids = np.unique(scene.panoptic[hidden])
    return np.isin(scene.panoptic, ids[ids > 0])


def synthetic_cases(
    split: str, seed: int, count: int, size: int = 256, rates: tuple[float, float] = RATES, objects: Objects = "mixed"
) -> Iterator[Case]:
    """``count`` cases of scenes of ``split``, run ``seed``: at most one of a scene, so that they differ.

    ProblemError: BAD_PARAMETER for an unknown split or unknown objects, NOT_FOUND when these are not installed,
    MODEL_FAILED when the scenes hold none that is so much hidden.
    """
    from backend.synthetic.splits import seed_of
    from backend.synthetic.worlds import make_scene

    made, index, since = 0, 0, 0
    while made < count:
        if since == _TRIES:
            wanted = f"{rates[0]:.0%} to {rates[1]:.0%} hidden"
            raise ProblemError(
                ErrorCode.MODEL_FAILED,
                f"{_TRIES} scenes after case {made} hold no object that is {wanted}.",
                "Ask for fewer cases, or for a wider range.",
            )
        # A scene in ten: neighbours share their objects.
        scene = make_scene(seed_of(split, seed, 10 * index), size, objects)
        usable = cases_of_scene(scene, rates)
        index, since = index + 1, since + 1
        if usable:
            made, since = made + 1, 0
            yield usable[scene.seed % len(usable)]


@dataclass(frozen=True)
class Source(Generic[Judged]):
    """``count`` cases, and what they are called: a folder, or "synthetic:" and the objects; ``names`` is everything
    that an object of the data can be, where it says so."""

    name: str
    count: int
    cases: Iterator[Judged]
    names: tuple[str, ...] = ()


def find_cases(data: str, split: str, seed: int, count: int | None) -> Source[Case]:
    """The cases that ``data`` names: a folder of cases or a published data set (all of it, or its first ``count``) or
    what `synthetic_objects` takes (300 unless ``count`` says otherwise). ProblemError (BAD_INPUT, BAD_PARAMETER) naming
    what is allowed."""
    if data.partition(":")[0] == "synthetic":
        return _synthetic(synthetic_objects(data), split, seed, SYNTHETIC_COUNT if count is None else count)
    folder = Path(data)
    if (folder / LIST).is_file():
        cases = CaseFolder(folder)
        wanted = len(cases) if count is None else min(count, len(cases))
        return Source(data, wanted, (cases[index] for index in range(wanted)), cases.names)
    # pycocotools, which reads their masks, is of the extra "training" alone.
    from backend.evaluation.published import KNOWN, published_cases

    found = published_cases(folder, split, count)
    if found is None:
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"{data} holds no cases." if folder.is_dir() else f"“{data}” is no folder.",
            f"Allowed: synthetic, synthetic:procedural, synthetic:furniture, a folder with {LIST}, or one of {KNOWN}.",
        )
    return found


def _synthetic(objects: Objects, split: str, seed: int, count: int) -> Source[Case]:
    from backend.synthetic.families import FAMILIES

    # Furniture has the names of rooms.
    names = tuple(FAMILIES) if objects == "procedural" else ()
    return Source(f"synthetic:{objects}", count, synthetic_cases(split, seed, count, objects=objects), names)


def synthetic_objects(data: str) -> Objects:
    """The objects of ``data``: "synthetic", or that with ":" and one of procedural, furniture and mixed. Without the
    last, mixed where furniture is installed, else procedural. ProblemError (BAD_PARAMETER) naming what is allowed."""
    from backend.synthetic.worlds import OBJECTS

    kind, _, objects = data.partition(":")
    chosen = objects or _installed()
    if kind != "synthetic" or chosen not in OBJECTS:
        raise ProblemError(
            ErrorCode.BAD_PARAMETER,
            f"There are no objects “{objects or data}”.",
            f"Allowed: synthetic, or synthetic: with one of {', '.join(OBJECTS)}.",
        )
    return chosen


def _installed() -> Objects:
    from backend.synthetic.furniture import catalogue

    try:
        catalogue()
    except ProblemError:
        return "procedural"
    return "mixed"
