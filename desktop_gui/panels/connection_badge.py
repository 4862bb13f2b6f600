"""One dot with one word: how it stands with the server."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from protocol import ConnectionState
from protocol.messages import ServerState, Welcome

from ..theme import DARK, Theme
from .wording import connection_word

DOT = 9


class ConnectionBadge(QAbstractButton):
    """A button that opens the servers dialog."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = DARK
        self._state = ConnectionState.OFFLINE
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.show_state(ConnectionState.OFFLINE, "", "")

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def show_state(self, state: ConnectionState, name: str, details: str) -> None:
        """``name`` of the server for the tip, ``details`` below it."""
        self._state = state
        self.setText(connection_word(state))
        self.setToolTip("\n".join(part for part in (name, details, self.tr("Click to choose a server")) if part))
        self.setAccessibleName(self.tr("Server: {0}").format(self.text()))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.text()) + DOT + 26, metrics.height() + 10)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if self.underMouse() or self.hasFocus():
            painter.setBrush(QColor(self._theme.raised))
            painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        painter.setBrush(QColor(self._colour()))
        painter.drawEllipse(QRectF(9, (self.height() - DOT) / 2, DOT, DOT))
        painter.setPen(QColor(self._theme.text))
        room = QRectF(self.rect()).adjusted(DOT + 16, 0, -4, 0)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())

    def _colour(self) -> str:
        if self._state is ConnectionState.CONNECTED:
            return self._theme.good
        if self._state is ConnectionState.CONNECTING:
            return self._theme.warn
        return self._theme.muted if self._state is ConnectionState.OFFLINE else self._theme.bad


def server_details(welcome: Welcome | None, state: ServerState | None, round_trip_s: float) -> str:
    """What is worth knowing of a server, one line each."""
    if welcome is None:
        return ""
    lines = [f"{welcome.name} · {welcome.version} · {welcome.device}".strip(" ·")]
    if round_trip_s > 0:
        lines.append(f"{round_trip_s * 1000:.1f} ms")
    if state is not None:
        models = sorted({model for worker in state.workers for model in worker.models})
        memory = sum(worker.memory_bytes for worker in state.workers) / 2**20
        lines.append(f"{state.running} running, {state.queued} queued" + (f", {memory:,.0f} MB" if memory else ""))
        if models:
            lines.append(", ".join(models))
    return "\n".join(lines)
