"""Joins canvas, palette, object and bar: what the person paints goes to the labelling, what comes is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from protocol import ConnectionState, ErrorCode, JobState, LabelMap, Problem
from protocol.messages import Catalogue, ModelInfo

from .label_files import example_for, load_label_map
from .panels.label_page import LabelPage
from .panels.palette_panel import PalettePanel
from .panels.wording import progress_text
from .qimages import qimage_of
from .state.brush import Tool
from .state.document import safe_name
from .state.labelled import face_coloured
from .state.paintings import Painting as Kept
from .state.strokes import Rect
from .studio import Studio
from .viewer import geometry
from .viewer.geometry import Geometry
from .viewer.object_panel import ObjectPanel

T = TypeVar("T")
Opening = Callable[[ModelInfo], None]


class Painting(QObject):
    """``opened`` says that there is a label map to paint on, ``changed`` that there is more or less to do."""

    opened = Signal()
    changed = Signal()

    def __init__(self, studio: Studio, page: LabelPage, palette: PalettePanel, panel: ObjectPanel) -> None:
        super().__init__(page)
        self._studio = studio
        self._labelling, self._orbiting = studio.labelling, studio.orbiting
        self._page = page
        self._palette = palette
        self._panel = panel
        self._mesh_view = panel.mesh_view
        self._opening: Opening | None = None  # what is to be opened once the models are known
        self._loading = 0
        self._mesh_number = 0
        self._connect()
        self._show_brush()
        self._on_entry()

    def _connect(self) -> None:
        labelling, orbiting, canvas, bar = self._labelling, self._orbiting, self._page.canvas, self._page.bar
        canvas.pressed.connect(lambda x, y, ink: labelling.press(x, y, self._page.brush.size, ink))
        canvas.dragged.connect(lambda x, y, ink: labelling.drag(x, y, self._page.brush.size, ink))
        canvas.lifted.connect(labelling.lift)
        canvas.given_up.connect(labelling.give_up)
        canvas.filled.connect(labelling.fill)
        canvas.dropped.connect(self.open_file)
        self._palette.chosen.connect(self.choose_label)
        self._palette.size_changed.connect(self.set_size)
        self._palette.model_chosen.connect(self.choose_model)
        bar.new_style.connect(labelling.new_style)
        bar.mesh_wanted.connect(self.make_mesh)
        bar.cancelled.connect(labelling.cancel)
        bar.changed.connect(lambda: labelling.set_quality(bar.value("quality", "")))
        self._panel.field.moved.connect(orbiting.move)
        self._panel.field.reset.connect(orbiting.reset)
        self._panel.edit_wanted.connect(orbiting.edit_from_here)
        self._panel.look_changed.connect(self._on_look)
        labelling.models_changed.connect(self._on_models)
        labelling.document_changed.connect(self._on_document)
        labelling.ids_changed.connect(self._on_ids)
        labelling.drawing_changed.connect(self._on_entry)
        labelling.entry_changed.connect(self._on_entry)
        labelling.made_changed.connect(self._on_entry)
        labelling.mesh_changed.connect(self._on_mesh)
        orbiting.shown_changed.connect(self._show_view)
        orbiting.busy_changed.connect(self._on_entry)
        self._studio.connection.state_changed.connect(lambda *_: self._on_entry())

    # --- opening ---

    def open_blank(self) -> None:
        """A white sheet for the first model that paints, or the one in use."""
        self._open(self._open_blank)

    def _open_blank(self, model: ModelInfo) -> None:
        self._labelling.open(self.tr("object"), model)

    def open_example(self) -> None:
        """The example for the model in use; a white sheet where there is none."""

        def opening(model: ModelInfo) -> None:
            self._load(lambda: self._example(model), self.tr("example"), model)

        self._open(opening)

    def open_file(self, path: Path) -> None:
        """A label map from a file; a problem with it is raised as a signal."""
        name = safe_name(path.stem)
        self._open(lambda model: self._load(lambda: load_label_map(path, model.labels), name, model))

    def open_kept(self, painting_id: str) -> None:
        """Go on with a label map that was painted before."""
        painting, document = self._studio.keeping.get(painting_id), self._labelling.document
        if document is not None and document.id == painting_id:
            self.opened.emit()
        elif painting is not None:
            self._open(lambda first: self._open_kept(painting, first))

    def _open_kept(self, painting: Kept, first: ModelInfo) -> None:
        model = next((known for known in self._labelling.models if known.name == painting.model), None)
        path = self._studio.keeping.picture(painting)
        if model is None or not painting.suits(model.labels):
            what = self.tr("“{0}” was painted for the model {1}, which this server does not have with these labels.")
            hint = self.tr("Connect to a server that has it. The painting is kept: {0}")
            words = what.format(painting.name, painting.model), hint.format(path)
            self._studio.problem_raised.emit(Problem(ErrorCode.UNKNOWN_MODEL, *words), "")
            if self._labelling.document is None:
                self._open_blank(first)  # there must be something to paint on
            return
        self._read(
            lambda: load_label_map(path, model.labels),
            lambda label_map: self._labelling.open_kept(painting, model, label_map),
            model,
        )

    def choose_model(self, name: str) -> None:
        """Paint for another model: with other labels, so on a new sheet, unless it knows the same."""
        model = next((known for known in self._labelling.models if known.name == name), None)
        document = self._labelling.document
        if model is None or document is None or model.name == document.model:
            return
        same = tuple(model.labels) == document.palette
        self._labelling.open(document.name, model, document.current.label_map if same else None)

    @staticmethod
    def _example(model: ModelInfo) -> LabelMap | None:
        path = example_for(model.labels)
        return load_label_map(path, model.labels) if path is not None else None

    def _open(self, opening: Opening) -> None:
        self._loading += 1  # what is still being read comes too late
        self.opened.emit()
        model = self._labelling.model
        if model is None:
            self._opening = opening
            self._on_entry()
        else:
            self._opening = None
            opening(model)

    def _load(self, load: Callable[[], LabelMap | None], name: str, model: ModelInfo) -> None:
        self._read(load, lambda label_map: self._labelling.open(name, model, label_map), model)

    def _read(self, load: Callable[[], T], then: Callable[[T], None], model: ModelInfo) -> None:
        number = self._loading

        def done(label_map: T) -> None:
            if number == self._loading:
                then(label_map)

        def failed(problem: Problem) -> None:
            self._studio.problem_raised.emit(problem, "")
            if number == self._loading and self._labelling.document is None:
                self._open_blank(model)  # there must be something to paint on

        self._studio.background.run(load, done, failed)

    # --- models and documents ---

    def set_catalogue(self, catalogue: Catalogue) -> None:
        self._page.bar.set_catalogue(catalogue)
        self._labelling.set_catalogue(catalogue)

    def _on_models(self) -> None:
        model, opening = self._labelling.model, self._opening
        self._show_models()
        if model is not None and opening is not None:
            self._opening = None
            opening(model)
        self._on_entry()

    def _show_models(self) -> None:
        self._palette.show_models(self._labelling.models, self._labelling.model, self._why_empty())

    def _on_document(self) -> None:
        document = self._labelling.document
        if document is not None:
            self._page.canvas.set_map(document.ids, document.palette)
            self._palette.show_labels(document.palette)
            self._show_models()
            self.choose_label(min(self._page.brush.label or 1, len(document.palette) - 1))

    def _on_ids(self, rect: Rect | None) -> None:
        document = self._labelling.document
        if document is not None:
            self._page.canvas.change(document.ids, rect)

    # --- tools ---

    def set_tool(self, tool: Tool) -> None:
        self._page.brush.tool = tool
        self._page.canvas.set_pan_tool(False)
        self._show_brush()

    def choose_label(self, label: int) -> None:
        """Paint with entry ``label`` of the palette; eraser and hand are put away."""
        document = self._labelling.document
        if document is not None and 0 <= label < len(document.palette):
            brush = self._page.brush
            brush.label = label
            self.set_tool(Tool.BRUSH if brush.tool is Tool.ERASER else brush.tool)

    def set_size(self, size: int) -> None:
        self._page.brush.size = size
        self._show_brush()

    def step_size(self, direction: int) -> None:
        self._page.brush.step(direction)
        self._show_brush()

    def _show_brush(self) -> None:
        self._palette.show_brush(self._page.brush)
        self._page.canvas.brush_changed()
        self.changed.emit()

    def make_mesh(self) -> None:
        self._labelling.make_mesh({"faces": int(self._page.bar.value("faces", 20_000)), "texture_size": 0})

    # --- what arrives ---

    def _show_view(self) -> None:
        view, document = self._orbiting.shown, self._labelling.document
        image: QImage | None = None
        labels = False
        if view is not None and document is not None:
            coloured = view.coloured(document.palette) if self._panel.labels_shown else None
            labels = coloured is not None
            image = qimage_of(coloured if coloured is not None else view.image.pixels)
        self._panel.field.set_orbit(self._orbiting.orbit)
        self._panel.field.show_image(image, smooth=not labels)
        self._on_entry()

    def _on_look(self) -> None:
        self._show_view()
        self._show_mesh(keep_view=True)

    def _on_mesh(self) -> None:
        self._panel.offer_mesh(self._labelling.mesh is not None, shown=True)
        self._show_mesh(keep_view=False)
        self._on_entry()

    def _show_mesh(self, keep_view: bool) -> None:
        self._mesh_number += 1
        number, mesh, document = self._mesh_number, self._labelling.mesh, self._labelling.document
        if mesh is None or document is None:
            self._mesh_view.show_geometry(None)
            return
        palette, labels = document.palette, self._panel.labels_shown

        def show(built: Geometry) -> None:
            if number == self._mesh_number:
                self._mesh_view.set_note("")
                self._mesh_view.show_geometry(built, keep_view)
                if not keep_view:
                    self._mesh_view.viewer.turn_once()

        self._studio.background.run(
            lambda: geometry.build(face_coloured(mesh, palette) if labels else mesh),
            show,
        )

    # --- words ---

    @property
    def why_not(self) -> str:
        """Why nothing can be painted with this server; empty where something can, or may yet."""
        if self._labelling.models or self._studio.connection.catalogue is None:
            return ""
        return f"{self.tr('This server has no model that paints labels.')} {self._labelling.how_to_get_one}".strip()

    def _why_empty(self) -> str:
        if self._labelling.models:
            return ""
        return self.why_not or self.tr("The labels come from the server. Painting begins when it answers.")

    def _on_entry(self) -> None:
        labelling, document = self._labelling, self._labelling.document
        why = self._why_empty()
        drawing = document.current if document is not None else None
        entry = labelling.entry
        connected = self._studio.connection.state is ConnectionState.CONNECTED
        if drawing is None:
            text = why or self.tr("Opening the label map")
        elif entry is not None and not (drawing.empty and entry.ended):
            text = progress_text(entry, connected)
        else:
            text = self.tr("The object appears a moment after the brush rests, and follows every stroke.")
        bar = self._page.bar
        bar.show_job(entry if drawing is not None else None, text, labelling.busy or labelling.meshing)
        bar.set_seed(drawing.seed if drawing is not None else 0)
        self._page.canvas.set_hint(self._canvas_hint(why))
        self._panel.field.set_words(self._object_words(connected), self._object_hint())
        self.changed.emit()

    def _canvas_hint(self, why: str) -> str:
        document = self._labelling.document
        if document is None:
            return why
        if document.current.empty and not document.painting:
            return self.tr("Choose a label (1 to 9) and paint · the right button erases")
        return ""

    def _object_words(self, connected: bool) -> str:
        if self._labelling.busy:
            return self.tr("Making the object") if connected else self.tr("Waiting for the server")
        entry = self._labelling.entry
        if entry is not None and entry.state is JobState.FAILED:
            return self.tr("That could not be made")
        return self.tr("Paint, and the object appears here")

    def _object_hint(self) -> str:
        view = self._orbiting.shown
        if view is None:
            return ""
        if self._orbiting.fetching_labels:
            return self.tr("Getting the labels of this side")
        if self._labelling.busy:
            return self.tr("Following the labels")
        return self.tr("Drag to turn") if view.orbit.near(self._orbiting.home) else ""
