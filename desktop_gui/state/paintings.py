"""Label maps that were painted, kept over restarts: what is written of each beside its picture."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from protocol import Camera
from protocol.messages import LabelInfo

from ..files import Replacing
from ..label_files import save_colours
from .drawing import Drawing, LabelDocument

KEPT = 12  # the newest


class Painting(msgspec.Struct, omit_defaults=True):
    """A label map on the disk, painted for ``model`` with its ``labels`` (their names)."""

    id: str
    name: str
    model: str
    labels: list[str]
    changed: float  # seconds since 1970, UTC
    seed: int = 0
    cam2world: list[float] = []  # 16, row by row; none where the model chooses the side
    intrinsics: list[float] = []  # 9

    @property
    def camera(self) -> Camera | None:
        if len(self.cam2world) != 16 or len(self.intrinsics) != 9:
            return None
        numbers = [np.array(each, np.float32) for each in (self.cam2world, self.intrinsics)]
        return Camera(numbers[0].reshape(4, 4), numbers[1].reshape(3, 3))

    def suits(self, palette: list[LabelInfo]) -> bool:
        """Whether a model with ``palette`` knows what is painted."""
        return [label.name for label in palette] == self.labels


def painting_of(document: LabelDocument, drawing: Drawing, now: float) -> Painting:
    """What is to be kept of ``drawing``, a step of ``document``, beside its labels."""
    camera = drawing.camera
    return Painting(
        document.id,
        document.name,
        document.model,
        [label.name for label in document.palette],
        now,
        drawing.seed,
        [] if camera is None else camera.cam2world.ravel().tolist(),
        [] if camera is None else camera.intrinsics.ravel().tolist(),
    )


def picture_path(folder: Path, painting: Painting) -> Path:
    """Its labels, as any other program can read them too."""
    return folder / f"{painting.id}.png"


def write(folder: Path, painting: Painting, ids: np.ndarray, palette: tuple[LabelInfo, ...]) -> None:
    """Keep ``painting`` with its ``ids`` (uint16 H x W) in ``folder``. ProblemError (INTERNAL) where that cannot be
    written to."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    save_colours(picture_path(folder, painting), ids, palette)
    with Replacing(folder / f"{painting.id}.json") as temporary:
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(painting), indent=1))


def kept(folder: Path) -> list[Painting]:
    """Those in ``folder``, newest first; the oldest above KEPT are dropped. What cannot be read is left where it
    is."""
    found = []
    for path in folder.glob("*.json"):
        try:
            painting = msgspec.json.decode(path.read_bytes(), type=Painting)
        except (OSError, msgspec.MsgspecError):
            continue
        if painting.id == path.stem and picture_path(folder, painting).is_file():
            found.append(painting)
    found.sort(key=lambda painting: painting.changed, reverse=True)
    for old in found[KEPT:]:
        for path in (folder / f"{old.id}.json", picture_path(folder, old)):
            path.unlink(missing_ok=True)
    return found[:KEPT]
