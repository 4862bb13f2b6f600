"""The label map in work: ids, from where it is seen, what it is an edit of, and all that can be undone."""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from protocol import Camera, Handle, LabelMap
from protocol.labels import resized
from protocol.messages import LabelInfo

from .history import History
from .strokes import Rect, fill, paint_line

KEPT_BYTES = 64 * 2**20  # of undo steps
BACKGROUND = 0


@dataclass(frozen=True, eq=False)
class Drawing:
    """One state of the label map: ``ids`` uint16 H x W, never changed.

    ``camera`` is where it is seen from; None leaves that to the model. ``base`` is the field that it edits; None makes
    a new object. The style comes from ``base`` unless ``seed`` is another than that of the base, ``base_seed``.
    """

    ids: np.ndarray
    seed: int = 0
    camera: Camera | None = None
    base: Handle | None = None
    base_seed: int = 0

    @property
    def keeps_style(self) -> bool:
        return self.seed == self.base_seed

    @property
    def empty(self) -> bool:
        """Whether there is background alone."""
        return not self.ids.any()

    @property
    def label_map(self) -> LabelMap:
        return LabelMap(self.ids)


class LabelDocument:
    """``name`` is what exports are called after, ``model`` the one whose ``palette`` it is painted with. ``id`` is what
    it is kept under."""

    def __init__(
        self,
        name: str,
        model: str,
        palette: Sequence[LabelInfo],
        ids: np.ndarray,
        seed: int = 0,
        camera: Camera | None = None,
        id: str = "",
    ) -> None:
        self.name = name
        self.model = model
        self.palette = tuple(palette)
        self.id = id or secrets.token_hex(8)
        first = Drawing(ids.astype(np.uint16), seed, camera)
        self._history = History(first, max(8, KEPT_BYTES // max(ids.size * 2, 1)))
        self._stroke: np.ndarray | None = None
        self._last = (0.0, 0.0)

    @classmethod
    def blank(cls, name: str, model: str, palette: Sequence[LabelInfo], size: int) -> LabelDocument:
        """Background alone, ``size`` x ``size``."""
        return cls(name, model, palette, np.full((size, size), BACKGROUND, np.uint16))

    @property
    def current(self) -> Drawing:
        """The drawing as it was after the last finished change."""
        return self._history.current

    @property
    def ids(self) -> np.ndarray:
        """uint16 H x W as it looks now, also in the middle of a stroke."""
        return self.current.ids if self._stroke is None else self._stroke

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        height, width = self.ids.shape
        return width, height

    @property
    def painting(self) -> bool:
        """Whether a stroke has begun and not ended."""
        return self._stroke is not None

    # --- strokes ---

    def begin(self, x: float, y: float, size: int, label: int) -> Rect:
        """Put the brush, ``size`` pixels wide, down at (x, y) in pixels; returns what changed, as all of them do."""
        self._stroke = self.current.ids.copy()
        self._last = (x, y)
        return self.move(x, y, size, label)

    def move(self, x: float, y: float, size: int, label: int) -> Rect:
        """Draw on to (x, y)."""
        if self._stroke is None:
            return Rect(0, 0, 0, 0)
        changed = paint_line(self._stroke, self._last, (x, y), size, label)
        self._last = (x, y)
        return changed

    def end(self) -> bool:
        """Lift the brush: one step to undo; False when nothing is other than before."""
        stroke, self._stroke = self._stroke, None
        if stroke is None or np.array_equal(stroke, self.current.ids):
            return False
        return self._history.put(replace(self.current, ids=stroke))

    def give_up(self) -> None:
        """Forget the stroke that has begun."""
        self._stroke = None

    def fill(self, x: float, y: float, label: int) -> bool:
        """Fill the area around (x, y); False when nothing changes."""
        ids = self.current.ids.copy()
        return fill(ids, math.floor(x), math.floor(y), label) and self._history.put(replace(self.current, ids=ids))

    def clear(self) -> bool:
        """Begin anew with background alone and as a new object; False when it is so already."""
        now = self.current
        if now.empty and now.base is None:
            return False
        return self._history.put(Drawing(np.full_like(now.ids, BACKGROUND), now.seed))

    # --- other steps ---

    def restyle(self, seed: int) -> None:
        """Another style for what is painted."""
        self.end()
        self._history.put(replace(self.current, seed=seed))

    def edit_from(self, ids: np.ndarray, camera: Camera, base: Handle, seed: int) -> None:
        """Go on with ``ids``, the label map of the field ``base`` (whose style has ``seed``) as ``camera`` sees it."""
        self.end()
        self._history.put(Drawing(ids.astype(np.uint16), seed, camera, base, seed))

    @property
    def can_undo(self) -> bool:
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        return self._history.can_redo

    def undo(self) -> bool:
        self.end()
        return self._history.undo()

    def redo(self) -> bool:
        self.end()
        return self._history.redo()

    @property
    def bases(self) -> dict[str, Handle]:
        """The fields that some step to undo or redo edits, by id: those that must stay on the server."""
        return {step.base.id: step.base for step in self._history.steps if step.base is not None}


def fitted(label_map: LabelMap, size: int) -> np.ndarray:
    """``label_map`` as uint16 ``size`` x ``size``: its longer side fills it, with background around; each pixel has the
    nearest one's id."""
    height, width = label_map.ids.shape
    longer = max(height, width)
    high, wide = max(1, round(size * height / longer)), max(1, round(size * width / longer))
    made = np.full((size, size), BACKGROUND, np.uint16)
    top, left = (size - high) // 2, (size - wide) // 2
    made[top : top + high, left : left + wide] = resized(label_map, high, wide).ids
    return made
