"""Photos that come with Wholeform, each with a prompt to begin with. Origins and licences: README.md beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Example:
    """A photo with ``points`` (x, y, label) and ``box`` (x0, y0, x1, y1) in its pixels, and ``parameters`` of
    whole_object."""

    name: str
    file: str
    title: str
    points: tuple[tuple[float, float, float], ...] = ()
    box: tuple[float, float, float, float] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return _FOLDER / self.file


# The saucer's hidden part is what this version completes best; its colours tell it from the cup, so GrabCut finds it.
_SAUCER = (
    *((x, y, 1.0) for x, y in ((110, 220), (160, 330), (300, 370), (440, 300), (460, 220))),
    *((x, y, 0.0) for x, y in ((290, 130), (290, 40), (200, 60), (380, 80), (365, 285), (380, 250))),
)

# One clear thing that fills the picture, which saliency knows best.
_CLEAR = {"segment_model": "u2netp"}

DEFAULT = "coffee"
EXAMPLES: dict[str, Example] = {
    example.name: example
    for example in (
        Example("coffee", "coffee.png", "A cup on its saucer", box=(65, 12, 490, 392), parameters=_CLEAR),
        Example(
            "saucer",
            "coffee.png",
            "The saucer that cup and spoon hide",
            _SAUCER,
            (68, 80, 485, 392),
            {"segment_model": "grabcut"},
        ),
        Example("rocket", "rocket.jpg", "A rocket at night", box=(280, 20, 370, 400)),
        Example("astronaut", "astronaut.png", "An astronaut's head", points=((220, 100, 1.0),)),
        Example("cat", "cat.png", "A cat", points=((230, 150, 1.0),), parameters=_CLEAR),
    )
}
