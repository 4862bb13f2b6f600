"""Points and a box with which a person points at an object, and their undo history."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .history import History


@dataclass(frozen=True)
class Point:
    """A click in picture pixels, y downwards; ``positive`` means on the object."""

    x: float
    y: float
    positive: bool = True


@dataclass(frozen=True)
class Box:
    """A box in picture pixels with x0 < x1 and y0 < y1."""

    x0: float
    y0: float
    x1: float
    y1: float

    @classmethod
    def spanning(cls, ax: float, ay: float, bx: float, by: float, width: int, height: int) -> Box | None:
        """The box between two corners, cut to a ``width`` x ``height`` picture; None when less than 2 pixels remain."""
        x0, x1 = (min(max(v, 0.0), float(width)) for v in sorted((ax, bx)))
        y0, y1 = (min(max(v, 0.0), float(height)) for v in sorted((ay, by)))
        return cls(x0, y0, x1, y1) if x1 - x0 >= 2 and y1 - y0 >= 2 else None


@dataclass(frozen=True)
class Prompts:
    """All that points at one object."""

    points: tuple[Point, ...] = ()
    box: Box | None = None

    @property
    def empty(self) -> bool:
        return not self.points and self.box is None

    def with_point(self, point: Point, add: bool) -> Prompts:
        """``add`` keeps what is there; without it the click points at a new object."""
        return replace(self, points=(*self.points, point)) if add else Prompts((point,))

    def with_box(self, box: Box, add: bool) -> Prompts:
        return replace(self, box=box) if add else Prompts((), box)

    def parameters(self) -> dict[str, list]:
        """As the parameters ``points`` and ``box`` of a task; what is not there is left out."""
        given: dict[str, list] = {}
        if self.points:
            given["points"] = [[p.x, p.y, 1.0 if p.positive else 0.0] for p in self.points]
        if self.box is not None:
            given["box"] = [self.box.x0, self.box.y0, self.box.x1, self.box.y1]
        return given

    @classmethod
    def from_parameters(cls, parameters: dict) -> Prompts:
        """The inverse of `parameters`; ignores what else is there."""
        points = tuple(Point(x, y, label > 0) for x, y, label in parameters.get("points") or ())
        box = parameters.get("box")
        return cls(points, Box(*box) if box else None)


class PromptHistory(History[Prompts]):
    """The current prompts with undo and redo."""

    def __init__(self) -> None:
        super().__init__(Prompts())
