"""Photos that come with Wholeform, each with a prompt to begin with. Origins and licences: README.md beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Example:
    """A photo: ``points`` are (x, y, label), ``box`` (x0, y0, x1, y1), in its pixels."""

    name: str
    file: str
    title: str
    points: tuple[tuple[float, float, float], ...] = ()
    box: tuple[float, float, float, float] | None = None

    @property
    def path(self) -> Path:
        return _FOLDER / self.file


DEFAULT = "coffee"
EXAMPLES: dict[str, Example] = {
    example.name: example
    for example in (
        Example("coffee", "coffee.png", "A cup that hides its saucer", box=(80, 40, 540, 380)),
        Example("cat", "cat.png", "A cat"),
        Example("astronaut", "astronaut.png", "An astronaut"),
        Example("rocket", "rocket.jpg", "A rocket at night"),
    )
}
