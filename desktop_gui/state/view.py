"""How a picture lies in a widget: zoom and offset."""

from __future__ import annotations

from dataclasses import dataclass

MIN_SCALE = 0.02
MAX_SCALE = 32.0
MARGIN = 24.0
FIT_SCALE = 4.0


@dataclass(frozen=True)
class View:
    """Widget position = picture position * ``scale`` + (``x``, ``y``); logical pixels."""

    scale: float = 1.0
    x: float = 0.0
    y: float = 0.0

    @classmethod
    def fitting(
        cls, picture: tuple[int, int], widget: tuple[int, int], margin: float = MARGIN, most: float = FIT_SCALE
    ) -> View:
        """The view that shows a whole (width, height) picture centred in a (width, height) widget, at most at
        ``most``:1."""
        room = [max(side - 2 * margin, 16.0) for side in widget]
        scale = min(room[0] / picture[0], room[1] / picture[1], most)
        return cls(scale, (widget[0] - picture[0] * scale) / 2, (widget[1] - picture[1] * scale) / 2)

    def to_picture(self, x: float, y: float) -> tuple[float, float]:
        return (x - self.x) / self.scale, (y - self.y) / self.scale

    def to_widget(self, x: float, y: float) -> tuple[float, float]:
        return x * self.scale + self.x, y * self.scale + self.y

    def zoomed(self, factor: float, x: float, y: float) -> View:
        """Zoom by ``factor`` so that what lies under the widget position (x, y) stays there."""
        scale = min(max(self.scale * factor, MIN_SCALE), MAX_SCALE)
        px, py = self.to_picture(x, y)
        return View(scale, x - px * scale, y - py * scale)

    def moved(self, dx: float, dy: float) -> View:
        return View(self.scale, self.x + dx, self.y + dy)
