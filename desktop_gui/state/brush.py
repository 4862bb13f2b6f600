"""What a press on a label map does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .drawing import BACKGROUND
from .strokes import MAX_SIZE


class Tool(Enum):
    BRUSH = "brush"
    ERASER = "eraser"
    FILL = "fill"


@dataclass
class Brush:
    """``label`` is the palette's entry to paint with, ``size`` the width in pixels of the label map."""

    tool: Tool = Tool.BRUSH
    label: int = 1
    size: int = 8

    @property
    def ink(self) -> int:
        """The id that a stroke leaves."""
        return BACKGROUND if self.tool is Tool.ERASER else self.label

    def step(self, direction: int) -> None:
        """The next larger (1) or smaller (-1) size, by about a quarter."""
        step = max(1, round(self.size * 0.25)) if direction > 0 else max(1, round(self.size * 0.2))
        self.size = min(max(self.size + direction * step, 1), MAX_SIZE)
