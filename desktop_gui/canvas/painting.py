"""How the canvas draws: the picture, overlays, prompts. Functions of a painter, no state."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QTransform

from .. import theme
from ..state.prompts import Box, Prompts
from ..state.view import View
from .overlay import Overlay

MARKER = 9.0


def draw_levels(
    painter: QPainter, levels: list[QImage], size: tuple[int, int], view: View, room: QRectF, ratio: float
) -> None:
    """The part of a picture of ``size`` (width, height) that lies in ``room``, from the level nearest in size."""
    if not levels:
        return
    left, top = view.to_picture(room.left(), room.top())
    right, bottom = view.to_picture(room.right(), room.bottom())
    seen = QRectF(QPointF(math.floor(left), math.floor(top)), QPointF(math.ceil(right), math.ceil(bottom)))
    seen = seen.intersected(QRectF(0, 0, *size))
    if seen.isEmpty():
        return
    pixel = view.scale * ratio
    wanted = int(math.log2(1 / pixel)) if pixel < 1 else 0
    level = levels[min(wanted, len(levels) - 1)]
    fx, fy = level.width() / size[0], level.height() / size[1]
    source = QRectF(seen.x() * fx, seen.y() * fy, seen.width() * fx, seen.height() * fy)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, pixel < 4)
    painter.drawImage(_mapped(seen, view), level, source)


def draw_overlay(
    painter: QPainter, overlay: Overlay, size: tuple[int, int], view: View, seen: bool, agreement: bool = False
) -> None:
    """The outline of the hidden part dashed; with ``seen`` also that of the visible part, and both tinted, or with
    ``agreement`` what the samples agree on."""
    place = _mapped(QRectF(0, 0, *size), view)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    tints = (overlay.agreement,) if agreement else (overlay.tint, overlay.hidden_tint)
    for tint in tints if seen else ():
        if tint is not None:
            painter.drawImage(place, tint)
    to_widget = QTransform(view.scale, 0, 0, view.scale, view.x, view.y)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if seen:
        _stroke(painter, to_widget.map(overlay.outline), theme.VISIBLE, dashed=False)
    _stroke(painter, to_widget.map(overlay.hidden), theme.HIDDEN, dashed=True)


def _stroke(painter: QPainter, path: QPainterPath, colour: str, dashed: bool) -> None:
    # A dark line beneath keeps the outline readable on every picture.
    shade = QPen(QColor(0, 0, 0, 130), 4.5)
    line = QPen(QColor(colour).lighter(125), 2.2)
    for pen in (shade, line):
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    if dashed:
        line.setDashPattern([4.0, 2.6])
    for pen in (shade, line):
        painter.strokePath(path, pen)


def draw_dimmed(painter: QPainter, size: tuple[int, int], view: View, colour: QColor) -> None:
    """Take the picture back behind what is drawn next."""
    veil = QColor(colour)
    veil.setAlphaF(0.78)
    painter.fillRect(_mapped(QRectF(0, 0, *size), view), veil)


def draw_prompts(painter: QPainter, prompts: Prompts, view: View) -> None:
    """Points as discs with + or -, the box as a frame."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if prompts.box is not None:
        draw_box(painter, prompts.box, view)
    for point in prompts.points:
        middle = QPointF(*view.to_widget(point.x, point.y))
        painter.setPen(QPen(QColor(0, 0, 0, 120), 1))
        painter.setBrush(QColor("#ffffff"))
        painter.drawEllipse(middle, MARKER, MARKER)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.VISIBLE if point.positive else theme.NEGATIVE))
        painter.drawEllipse(middle, MARKER - 2, MARKER - 2)
        painter.setPen(QPen(QColor("#ffffff"), 2))
        painter.drawLine(middle + QPointF(-3.5, 0), middle + QPointF(3.5, 0))
        if point.positive:
            painter.drawLine(middle + QPointF(0, -3.5), middle + QPointF(0, 3.5))


def draw_box(painter: QPainter, box: Box, view: View) -> None:
    """A frame, also while it is being dragged."""
    frame = _mapped(QRectF(QPointF(box.x0, box.y0), QPointF(box.x1, box.y1)), view)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, width in ((QColor(0, 0, 0, 130), 4.0), (QColor("#ffffff"), 1.8)):
        painter.setPen(QPen(colour, width))
        painter.drawRoundedRect(frame, 3, 3)


def draw_pill(painter: QPainter, text: str, room: QRectF) -> None:
    """A short text at the foot of ``room``, readable over any picture."""
    metrics = QFontMetricsF(painter.font())
    width = min(metrics.horizontalAdvance(text) + 32, room.width() - 16)
    height = metrics.height() + 14
    pill = QRectF(room.center().x() - width / 2, room.bottom() - height - 14, width, height)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(14, 16, 20, 215))
    painter.drawRoundedRect(pill, height / 2, height / 2)
    painter.setPen(QColor("#f2f4f8"))
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, width - 24)
    painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, shown)


def _mapped(rect: QRectF, view: View) -> QRectF:
    x, y = view.to_widget(rect.x(), rect.y())
    return QRectF(x, y, rect.width() * view.scale, rect.height() * view.scale)
