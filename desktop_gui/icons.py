"""The icons: line drawings in a 24 x 24 square, coloured as the theme wants them."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

_SHAPES = {
    "open": '<path d="M3 7a2 2 0 0 1 2-2h4l2 2.5h8a2 2 0 0 1 2 2V17a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2z"/>',
    "point": '<path d="M5 4l5.5 15 2.3-6.2L19 10.5z"/><path d="M13.5 13.5L19 19"/>',
    "pan": '<path d="M12 3v18M3 12h18M12 3l-2.5 2.5M12 3l2.5 2.5M12 21l-2.5-2.5M12 21l2.5-2.5M3 12l2.5-2.5'
    'M3 12l2.5 2.5M21 12l-2.5-2.5M21 12l-2.5 2.5"/>',
    "fit": '<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/><rect x="8.5" y="8.5" width="7" height="7" rx="1"/>',
    "undo": '<path d="M8 5L4 9l4 4"/><path d="M4 9h10a5.5 5.5 0 0 1 0 11h-3"/>',
    "redo": '<path d="M16 5l4 4-4 4"/><path d="M20 9H10a5.5 5.5 0 0 0 0 11h3"/>',
    "clear": '<path d="M6 6l12 12M18 6L6 18"/>',
    "brush": '<path d="M20 4l-9.5 9.5"/><path d="M10.5 13.5c-2.5-.8-5 .8-5 3.5 0 1.5-.8 2.5-2 3 3.5 1 8 .3 8-3.5'
    ' 0-1-.3-2.2-1-3z"/>',
    "eraser": '<path d="M4.5 15.5l9-9a1.5 1.5 0 0 1 2 0l4 4a1.5 1.5 0 0 1 0 2L12 20H8.5l-4-4z"/>'
    '<path d="M9 11l6 6M8.5 20H20"/>',
    "fill": '<path d="M10.5 4.5l7.5 7.5-6.5 6.5a1.5 1.5 0 0 1-2 0L4 13a1.5 1.5 0 0 1 0-2z"/>'
    '<path d="M3.7 12.5H17.5M8 2l3 3"/><path d="M20.5 15c1 1.5 1.5 2.3 1.5 3.2a1.6 1.6 0 0 1-3.2 0'
    'c0-.9.7-1.7 1.7-3.2z"/>',
    "reset": '<path d="M4 11l8-7 8 7"/><path d="M6 10v9h12v-9"/>',
    "turn": '<path d="M20 12a8 8 0 1 1-2.6-5.9"/><path d="M20.5 3v4.5H16"/>',
    "wire": '<path d="M12 3l8.5 5v8L12 21l-8.5-5V8z"/><path d="M3.5 8L12 12.5 20.5 8M12 12.5V21"/>',
    "clay": '<circle cx="12" cy="12" r="8.5"/><path d="M8 9.5a5 5 0 0 1 3.5-2.5"/>',
    "camera": '<path d="M4 8h3.5L9 5.5h6L16.5 8H20a1.5 1.5 0 0 1 1.5 1.5v8A1.5 1.5 0 0 1 20 19H4'
    'a1.5 1.5 0 0 1-1.5-1.5v-8A1.5 1.5 0 0 1 4 8z"/><circle cx="12" cy="13" r="3.5"/>',
    "problem": '<path d="M12 4l9 16H3z"/><path d="M12 10v4.5M12 17v.3"/>',
    "notice": '<circle cx="12" cy="12" r="8.5"/><path d="M8.5 12.5l2.5 2.5 4.5-5.5"/>',
    "waiting": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7.5V12l3 2"/>',
    "whole": '<circle cx="12" cy="12" r="8.5" stroke-dasharray="3 2.6"/><path d="M3.5 12a8.5 8.5 0 0 1 8.5-8.5"/>',
}

_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><g fill="none" stroke="{colour}" stroke-width="1.7"'
    ' stroke-linecap="round" stroke-linejoin="round">{shape}</g></svg>'
)


@lru_cache(maxsize=512)
def pixmap(name: str, colour: str, size: int, ratio: float = 1.0) -> QPixmap:
    """Icon ``name`` in ``colour`` (#rrggbb), ``size`` logical pixels wide."""
    renderer = QSvgRenderer(QByteArray(_SVG.format(colour=colour, shape=_SHAPES[name]).encode()))
    drawn = QPixmap(round(size * ratio), round(size * ratio))
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    renderer.render(painter, QRectF(0, 0, drawn.width(), drawn.height()))
    painter.end()
    drawn.setDevicePixelRatio(ratio)
    return drawn


def icon(name: str, colour: str, checked: str = "", disabled: str = "") -> QIcon:
    """``name`` for buttons, sharp up to 300 %; other colours for its checked and disabled look."""
    made = QIcon()
    for mode, state, chosen in (
        (QIcon.Mode.Normal, QIcon.State.Off, colour),
        (QIcon.Mode.Normal, QIcon.State.On, checked or colour),
        (QIcon.Mode.Disabled, QIcon.State.Off, disabled or colour),
    ):
        for ratio in (1.0, 2.0, 3.0):
            made.addPixmap(pixmap(name, chosen, 20, ratio), mode, state)
    return made
