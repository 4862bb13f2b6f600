"""The main window: what is where, the commands, opening and leaving."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QGuiApplication, QImage, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QLabel,
    QMainWindow,
    QMenu,
    QVBoxLayout,
    QWidget,
)

from protocol import ConnectionState
from protocol.messages import Catalogue

from . import theme
from .actions import Actions
from .canvas.canvas import Show
from .commands import commands, fill_menus, fill_rail
from .docks import Docks
from .label_commands import enable_label_commands, label_commands
from .labelling import Labelling
from .pages import Pages
from .painting import Painting
from .panels.command_palette import CommandPalette
from .panels.connection_badge import ConnectionBadge
from .panels.connection_dialog import ConnectionDialog
from .panels.history_panel import HistoryPanel
from .panels.jobs_panel import JobsPanel
from .panels.label_page import LabelPage
from .panels.message_bar import MessageBar
from .panels.palette_panel import PalettePanel
from .panels.samples_panel import SamplesPanel
from .panels.start_page import StartPage
from .panels.workspace import Workspace
from .pointing import Pointing
from .presenting import Presenting
from .qimages import PATTERNS
from .reporting import Reporting
from .saving import Saving
from .settings import Settings
from .state.jobs import MESH
from .state.servers import ServerSettings
from .studio import Studio
from .viewer.object_panel import ObjectPanel
from .viewer.view_panel import ViewPanel

EXAMPLE = Path(__file__).parent / "examples" / "coffee.jpg"
LABEL_EXAMPLE = Path(__file__).parent / "examples" / "labels.png"


class MainWindow(QMainWindow):
    """Makes the studio and the panels and joins them; ``start`` connects to the server."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Wholeform")
        self.setMinimumSize(880, 540)
        self.resize(1280, 720)
        self.settings = Settings()
        self.studio = Studio(self)
        self.theme = theme.DARK
        self.start_page = StartPage(QImage(str(EXAMPLE)), QImage(str(LABEL_EXAMPLE)))
        self.workspace = Workspace()
        self.label_page = LabelPage()
        self.labels = PalettePanel()
        self.view = ViewPanel()
        self.object_panel = ObjectPanel(self.view)
        self.samples = SamplesPanel()
        self.jobs = JobsPanel()
        self.history = HistoryPanel()
        self.messages = MessageBar()
        self.badge = ConnectionBadge()
        self.zoom_label = QLabel()
        self.zoom_label.setObjectName("caption")
        self.saving = Saving(self, self.settings, self.studio.background)
        self.actions_by_name = Actions()
        self._dialog: ConnectionDialog | None = None
        self.painting = Painting(self.studio, self.label_page, self.labels, self.object_panel)
        self._lay_out()
        self.docks = Docks(
            self,
            [
                ("view", self.tr("3D view"), self.object_panel),
                ("samples", self.tr("Samples"), self.samples),
                ("labels", self.tr("Labels"), self.labels),
                ("jobs", self.tr("Jobs"), self.jobs),
                ("history", self.tr("History"), self.history),
            ],
            own="samples labels",
        )
        self.actions_by_name.add(self, [*commands(self), *label_commands(self)])
        for action in self.actions_by_name.by_name.values():
            self.addAction(action)  # so that its keys work wherever the focus is
        self.recent_menu = QMenu(self.tr("Open recent"), self)
        fill_menus(self)
        self.actions_by_name["point"].setChecked(True)
        self._presenting = Presenting(self.studio, self.workspace, self.samples, self.view)
        self._reporting = Reporting(
            self.studio, self.badge, self.messages, self.history, self.jobs, self.start_page, self.choose_server
        )
        self._connect()
        self._restore()

    # --- what is where ---

    def _lay_out(self) -> None:
        self.pages = Pages(self, self.settings, self.start_page, self.workspace, self.label_page)
        room = QVBoxLayout()
        room.setContentsMargins(6, 0, 6, 0)
        room.addWidget(self.messages)
        middle = QWidget()
        layout = QVBoxLayout(middle)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(room)
        layout.addWidget(self.pages, 1)
        self.setCentralWidget(middle)
        bar = self.statusBar()
        bar.setSizeGripEnabled(False)
        bar.addPermanentWidget(self.zoom_label)
        bar.addPermanentWidget(self.badge)

    @property
    def in_workspace(self) -> bool:
        return self.pages.in_workspace

    @property
    def edited(self) -> Labelling | Pointing:
        """What undo and redo are about."""
        return self.studio.labelling if self.pages.in_labels else self.studio.pointing

    def enter_labels(self) -> None:
        """Paint on, or begin to."""
        if self.studio.labelling.document is None:
            self.painting.open_blank()
        else:
            self._on_labels()

    def enter_picture(self) -> None:
        """Back to the picture that is open."""
        if self.studio.document is not None:
            self._on_document()

    # --- joining ---

    def _connect(self) -> None:
        studio, page, bar = self.studio, self.start_page, self.workspace.bar
        page.example.connect(self.open_example)
        page.open_dialog.connect(self.ask_for_picture)
        page.opened.connect(self.open_picture)
        self.pages.turned.connect(lambda: fill_rail(self))
        self.pages.turned.connect(self._show_zoom)
        self.pages.turned.connect(self._enable_actions)
        page.job_shown.connect(studio.show_job)
        page.label_example.connect(self.painting.open_example)
        page.blank.connect(self.painting.open_blank)
        page.labels_opened.connect(self.painting.open_file)
        page.painting_shown.connect(self.painting.open_kept)
        self.painting.opened.connect(self._on_labels)
        self.painting.changed.connect(self._enable_actions)
        self.painting.changed.connect(lambda: page.allow_painting(self.painting.why_not))
        self.workspace.canvas.dropped.connect(self.open_picture)
        for canvas in (self.workspace.canvas, self.label_page.canvas):
            canvas.scale_changed.connect(lambda _: self._show_zoom())
            tab = QShortcut(QKeySequence(Qt.Key.Key_Tab), canvas, self.docks.toggle)
            tab.setContext(Qt.ShortcutContext.WidgetShortcut)
        bar.run.connect(self.make_whole)
        bar.cancel.connect(studio.cancel)
        studio.pointing.choose_model = self._pointing_model
        self.samples.chosen.connect(self.choose_sample)
        self.samples.accepted.connect(lambda: studio.accept())
        self.samples.choose_again.connect(lambda: studio.accept(False))
        self.samples.mesh_wanted.connect(self.make_mesh)
        self.samples.dragged.connect(lambda index: self.saving.drag_sample(self.studio.document, index))
        self.jobs.shown.connect(studio.show_job)
        self.jobs.cancelled.connect(studio.making.cancel)
        self.jobs.removed.connect(studio.making.remove)
        self.jobs.run_again.connect(studio.run_again)
        self.jobs.settings_wanted.connect(self._use_settings_of)
        self.badge.clicked.connect(self.choose_server)
        save_view, mesh_view = self.saving.save_view, self.object_panel.mesh_view
        self.view.screenshot_wanted.connect(lambda: save_view(studio.name, self.view.viewer.picture()))
        mesh_view.screenshot_wanted.connect(lambda: save_view(studio.labelling.name, mesh_view.viewer.picture()))
        self.saving.saved.connect(self._reporting.saved)
        self.saving.failed.connect(lambda problem: studio.problem_raised.emit(problem, ""))
        studio.document_changed.connect(self._on_document)
        studio.connection.catalogue_changed.connect(self._on_catalogue)
        for signal in (studio.result_changed, studio.mesh_changed, studio.active_changed, studio.pointing.mask_changed):
            signal.connect(self._enable_actions)
        studio.pointing.prompts_changed.connect(self._enable_actions)
        QGuiApplication.styleHints().colorSchemeChanged.connect(lambda _: self._follow_system())

    def _restore(self) -> None:
        geometry, _ = self.settings.layout
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)
        self.set_theme(self.settings.theme)
        self.studio.pointing.hover_wanted = self.settings.hover
        self.actions_by_name["hover"].setChecked(self.settings.hover)
        if self.settings.catalogue is not None:
            self.workspace.bar.parameters.set_catalogue(self.settings.catalogue)
            self.painting.set_catalogue(self.settings.catalogue)
        self.start_page.show_recent(self.settings.recent)
        self._fill_recent_menu()
        self.pages.enter_start(self.docks)

    def start(self, servers: ServerSettings | None = None) -> None:
        """Read the jobs and paintings of the last run and connect: to ``servers``, for this run alone, or as chosen
        before."""
        self.studio.making.load()
        self.studio.keeping.load()
        servers = servers or self.settings.servers
        self.studio.connection.use(servers.current(), servers.start_local)

    # --- pictures ---

    def open_example(self) -> None:
        """The picture that comes with the program."""
        self.open_picture(EXAMPLE)

    def ask_for_picture(self) -> None:
        """A file dialog that stops nothing."""
        dialog = QFileDialog(self, self.tr("Open a picture"), self.settings.folder)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters([self.tr("Pictures ({0})").format(PATTERNS), self.tr("All files (*)")])
        dialog.fileSelected.connect(lambda name: self.open_picture(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def open_picture(self, path: Path) -> None:
        self.studio.open_file(path)

    def paste(self) -> None:
        """Open the picture, or the picture file, that the clipboard holds."""
        mime = QApplication.clipboard().mimeData()
        if mime is None:
            return
        files = [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
        image = QApplication.clipboard().image()
        if files:
            self.open_picture(files[0])
        elif not image.isNull():
            self.studio.open_image(image, self.tr("pasted"))

    def _on_document(self) -> None:
        document = self.studio.document
        if document is None:
            return
        self.pages.enter(self.workspace, self.docks, self.object_panel)
        self.setWindowTitle(f"{document.picture.name} — Wholeform")
        self.messages.dismiss("problem")
        if document.picture.path is not None and document.picture.path != EXAMPLE:
            self.settings.add_recent(document.picture.path)
            self.start_page.show_recent(self.settings.recent)
            self._fill_recent_menu()
        self._enable_actions()

    def _on_labels(self) -> None:
        self.pages.enter(self.label_page, self.docks, self.object_panel)
        self.setWindowTitle(self.tr("Labels — Wholeform"))

    def _fill_recent_menu(self) -> None:
        self.recent_menu.clear()
        for path in self.settings.recent:
            self.recent_menu.addAction(path.name, lambda path=path: self.open_picture(path)).setToolTip(str(path))
        self.recent_menu.setEnabled(not self.recent_menu.isEmpty())

    # --- making whole ---

    def make_whole(self) -> None:
        """What the big button does."""
        if self.studio.document is not None and self.studio.running is None:
            self.messages.dismiss()
            bar = self.workspace.bar
            self.studio.make_whole(bar.make.value(), bar.parameters.values())

    def choose_sample(self, index: int) -> None:
        self.studio.choose(index, self.workspace.bar.parameters.values_of(MESH))

    def make_mesh(self) -> None:
        """A mesh of the sample shown, of which there is only the picture."""
        self.studio.make_mesh(self.workspace.bar.parameters.values_of(MESH))

    def step_sample(self, step: int) -> None:
        """The next or previous sample."""
        result = self.studio.document.result if self.studio.document is not None else None
        if result is not None:
            self.choose_sample((result.chosen + step) % len(result.samples))

    def _use_settings_of(self, job_id: str) -> None:
        entry = self.studio.making.jobs.get(job_id)
        if entry is not None:
            self.workspace.bar.set_make(entry.task)
            self.workspace.bar.parameters.set_values(entry.parameters)

    def _pointing_model(self) -> str:
        field = self.workspace.bar.parameters.field("segment_model")
        return field.value() if field is not None else ""

    def _on_catalogue(self, catalogue: Catalogue) -> None:
        self.settings.catalogue = catalogue
        self.workspace.bar.parameters.set_catalogue(catalogue)
        self.painting.set_catalogue(catalogue)

    def _enable_actions(self) -> None:
        document, actions = self.studio.document if self.in_workspace else None, self.actions_by_name
        result = document.result if document is not None else None
        mesh = result.sample.mesh if result is not None else None
        running = self.studio.running if self.in_workspace else None
        actions.enable("fit actual zoom_in zoom_out point pan", document is not None)
        actions.enable("make", document is not None and running is None)
        actions.enable("stop", running is not None)
        actions.enable("undo", document is not None and document.prompts.can_undo)
        actions.enable("redo", document is not None and document.prompts.can_redo)
        actions.enable("clear", document is not None and not document.prompts.current.empty)
        actions.enable("docks layout", not self.pages.at_start)
        actions.enable("enter_picture", self.studio.document is not None and not self.in_workspace)
        actions.enable("show_picture show_outline show_whole show_agreement", document is not None)
        actions.enable("save_masks", document is not None and document.mask is not None)
        actions.enable("save save_picture save_all next_sample previous_sample", result is not None)
        actions.enable("accept", result is not None and len(result.samples) > 1 and not self.studio.accepted)
        actions.enable("make_mesh", result is not None and result.flat)
        actions.enable("save_mesh", mesh is not None)
        self.workspace.bar.set_ready(document is not None)
        self.workspace.bar.save.setEnabled(document is not None and document.mask is not None)
        enable_label_commands(self)

    def show_as(self, show: Show) -> None:
        if self.workspace.show_choice.isVisible() and self.workspace.show_choice.button(show.value).isEnabled():
            self.workspace.set_show(show)

    def _show_zoom(self) -> None:
        self.zoom_label.setText("" if self.pages.at_start else f"{self.pages.canvas.view.scale * 100:.0f} %")

    # --- server, theme, commands ---

    def choose_server(self) -> None:
        """The servers dialog; one at a time."""
        if self._dialog is None:
            self._dialog = ConnectionDialog(self.settings.servers, self.studio.background, self)
            self._dialog.applied.connect(self.use_servers)
            self._dialog.finished.connect(self._forget_dialog)
            self._dialog.show()
        self._dialog.raise_()

    def _forget_dialog(self) -> None:
        self._dialog = None

    def use_servers(self, servers: ServerSettings) -> None:
        """Remember ``servers`` and connect to the chosen one."""
        self.settings.servers = servers
        self.studio.connection.use(servers.current(), servers.start_local)

    def free_memory(self) -> None:
        if self.studio.connection.state is ConnectionState.CONNECTED:
            self.studio.connection.free_memory()
            self.history.note(self.tr("Asked the server to free memory"))

    def set_theme(self, name: str) -> None:
        """ "system", "dark" or "light", now and at the next start."""
        self.settings.theme = name
        scheme = {"dark": Qt.ColorScheme.Dark, "light": Qt.ColorScheme.Light}.get(name, Qt.ColorScheme.Unknown)
        QGuiApplication.styleHints().setColorScheme(scheme)
        self.actions_by_name[f"theme_{name}"].setChecked(True)
        self._follow_system()

    def _follow_system(self) -> None:
        chosen = {"dark": theme.DARK, "light": theme.LIGHT}.get(self.settings.theme)
        self.theme = chosen or theme.theme_for(QGuiApplication.styleHints().colorScheme())
        application = QApplication.instance()
        if isinstance(application, QApplication):
            theme.apply(application, self.theme)
        panels = (self.start_page, self.view, self.object_panel, self.samples, self.labels)
        for panel in (*panels, self.jobs, self.messages, self.badge):
            panel.set_theme(self.theme)
        self.actions_by_name.set_theme(self.theme)
        for canvas in (self.workspace.canvas, self.label_page.canvas):
            canvas.set_background(self.theme.canvas)

    def find_command(self) -> None:
        """Ctrl-K."""
        palette = CommandPalette(list(self.actions_by_name.by_name.values()), self)
        palette.show()

    # --- leaving ---

    def closeEvent(self, event: QCloseEvent) -> None:
        self.pages.remember(self.docks)
        for view in (self.view, self.object_panel.mesh_view):
            view.viewer.release()
        self.hide()
        self.studio.close(self.settings.servers.stop_local_at_exit)
        super().closeEvent(event)
