"""Choose a server: this computer or another one by address and key; try it before using it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from protocol import Problem, ProblemError
from protocol.connection import parse_address
from protocol.security import default_key_path, is_key, load_or_make_keys

from ..net.background import Background
from ..net.trial import Trial, try_server
from ..state.servers import LOCAL, ServerChoice, ServerSettings


class ConnectionDialog(QDialog):
    """Non-modal. ``applied`` carries the new settings."""

    applied = Signal(object)  # ServerSettings

    def __init__(self, settings: ServerSettings, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Servers"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._background = background
        self._others = list(settings.others)
        self._filling = False
        self.list = QListWidget()
        self.list.setFixedWidth(190)
        self.list.addItem(LOCAL)
        for other in self._others:
            self.list.addItem(other.name)
        self.pages = QStackedWidget()
        self.pages.addWidget(self._make_local(settings))
        self.pages.addWidget(self._make_other())
        self.outcome = QLabel()
        self.outcome.setWordWrap(True)
        self.outcome.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.outcome.setMinimumHeight(96)
        self.outcome.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._lay_out()
        self.list.currentRowChanged.connect(self._show)
        names = [LOCAL, *(other.name for other in self._others)]
        self.list.setCurrentRow(names.index(settings.chosen) if settings.chosen in names else 0)
        self.resize(720, 420)

    def _lay_out(self) -> None:
        add, self._remove = QPushButton(self.tr("Add")), QPushButton(self.tr("Remove"))
        add.clicked.connect(self.add)
        self._remove.clicked.connect(self._remove_current)
        buttons = QHBoxLayout()
        buttons.addWidget(add)
        buttons.addWidget(self._remove)
        left = QVBoxLayout()
        left.addWidget(self.list)
        left.addLayout(buttons)
        self.test = QPushButton(self.tr("Test connection"))
        self.test.clicked.connect(self._test)
        self.use = QPushButton(self.tr("Use this server"))
        self.use.setObjectName("primary")
        self.use.clicked.connect(self._apply)
        foot = QHBoxLayout()
        foot.addWidget(self.test)
        foot.addStretch(1)
        foot.addWidget(self.use)
        right = QVBoxLayout()
        right.addWidget(self.pages)
        right.addWidget(self.outcome, 1)
        right.addLayout(foot)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(18)
        layout.addLayout(left)
        layout.addLayout(right, 1)

    def _make_local(self, settings: ServerSettings) -> QWidget:
        page = QWidget()
        text = QLabel(self.tr("The server runs on this computer. Other programs on it, such as Blender, share it."))
        text.setObjectName("muted")
        text.setWordWrap(True)
        self.start_local = QCheckBox(self.tr("Start one when none runs"))
        self.start_local.setChecked(settings.start_local)
        self.stop_local = QCheckBox(self.tr("Stop it when this window closes, if this window started it"))
        self.stop_local.setChecked(settings.stop_local_at_exit)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (text, self.start_local, self.stop_local):
            layout.addWidget(widget)
        layout.addStretch(1)
        return page

    def _make_other(self) -> QWidget:
        page = QWidget()
        self.name, self.address, self.key = QLineEdit(), QLineEdit(), QLineEdit()
        self.address.setPlaceholderText("studio-gpu:5555")
        self.key.setPlaceholderText(self.tr("40 characters, from the server's owner"))
        self.understood = QLabel()
        self.understood.setObjectName("caption")
        self.understood.setWordWrap(True)
        self.own_key = QLineEdit()
        self.own_key.setReadOnly(True)
        copy = QPushButton(self.tr("Copy"))
        copy.clicked.connect(lambda: QApplication.clipboard().setText(self.own_key.text()))
        own = QHBoxLayout()
        own.addWidget(self.own_key, 1)
        own.addWidget(copy)
        form = QFormLayout(page)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(9)
        form.addRow(self.tr("Name"), self.name)
        form.addRow(self.tr("Address"), self.address)
        form.addRow("", self.understood)
        form.addRow(self.tr("Server's key"), self.key)
        form.addRow(self.tr("Your key"), own)
        for field in (self.name, self.address, self.key):
            field.textEdited.connect(self._edited)
        self._background.run(
            lambda: load_or_make_keys(default_key_path("client")).public,
            self.own_key.setText,
            lambda problem: self.own_key.setPlaceholderText(problem.message),
        )
        return page

    # --- editing ---

    def add(self) -> None:
        """A new server, empty."""
        number = len(self._others) + 1
        self._others.append(ServerChoice(self.tr("Server {0}").format(number), ""))
        self.list.addItem(self._others[-1].name)
        self.list.setCurrentRow(self.list.count() - 1)
        self.address.setFocus()

    def _remove_current(self) -> None:
        row = self.list.currentRow()
        if row > 0:
            del self._others[row - 1]
            self.list.takeItem(row)

    def _show(self, row: int) -> None:
        self.pages.setCurrentIndex(0 if row <= 0 else 1)
        self._remove.setEnabled(row > 0)
        self.outcome.clear()
        if row > 0:
            other = self._others[row - 1]
            self.name.setText(other.name)
            self.address.setText(other.address)
            self.key.setText(other.server_key)
        self._check()

    def _edited(self) -> None:
        row = self.list.currentRow()
        if row > 0:
            name = self.name.text().strip() or self.address.text().strip()
            self._others[row - 1] = ServerChoice(name, self.address.text().strip(), self.key.text().strip())
            item = self.list.item(row)
            if item is not None:
                item.setText(name)
        self._check()

    def _check(self) -> None:
        """Say what was understood; only what makes sense can be tried or used."""
        good = True
        if self.list.currentRow() > 0:
            try:
                text = self.tr("Understood as {0}").format(parse_address(self.address.text()))
                key = self.key.text().strip()
                if key and not is_key(key):
                    good, text = (
                        False,
                        self.tr("The key is not one: a key has 40 characters, this has {0}.").format(len(key)),
                    )
            except ProblemError as error:
                good, text = False, str(error) if self.address.text().strip() else ""
            self.understood.setText(text)
        self.test.setEnabled(good)
        self.use.setEnabled(good)

    def choice(self) -> ServerChoice:
        """The server that is selected, its address as understood."""
        row = self.list.currentRow()
        if row <= 0:
            return ServerChoice()
        other = self._others[row - 1]
        return ServerChoice(other.name, parse_address(other.address), other.server_key)

    # --- trying and using ---

    def _test(self) -> None:
        choice = self.choice()
        self.test.setEnabled(False)
        self.outcome.setText(self.tr("Asking {0} …").format(choice.address or LOCAL))
        self._background.run(lambda: try_server(choice), self._show_trial, self._show_problem)

    def _show_trial(self, trial: Trial) -> None:
        self.test.setEnabled(True)
        lines = [
            self.tr("{0} answers: Wholeform {1}, protocol {2}").format(trial.name, trial.version, trial.protocol),
            self.tr("Device: {0}").format(trial.device),
            self.tr("Round trip: {0:.1f} ms").format(trial.round_trip_s * 1000),
            self.tr("Models: {0}").format(", ".join(trial.models) or "–"),
        ]
        if trial.memory:
            lines.insert(2, self.tr("Memory: {0}").format(trial.memory))
        self.outcome.setText("\n".join(lines))

    def _show_problem(self, problem: Problem) -> None:
        self.test.setEnabled(True)
        self.outcome.setText(f"{problem.message}\n{problem.hint}".strip())

    def _apply(self) -> None:
        chosen = self.choice()
        others = []
        for other in self._others:
            try:
                others.append(ServerChoice(other.name, parse_address(other.address), other.server_key))
            except ProblemError:
                continue  # one that was begun and left empty
        self.applied.emit(
            ServerSettings(others, chosen.name, self.start_local.isChecked(), self.stop_local.isChecked())
        )
        self.accept()
