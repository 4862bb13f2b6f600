"""From brush strokes to the object: every change of the label map asks the server, and the newest answer counts."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from protocol import Camera, ConnectionState, ErrorCode, Image, Job, LabelMap, Mesh, Problem
from protocol.client import Inputs
from protocol.messages import Catalogue, ModelInfo

from .net.connection import Connection, Request
from .net.latest import Latest
from .state.drawing import Drawing, LabelDocument, fitted
from .state.jobs import JobEntry
from .state.labelled import SYNTHESIZE, Made
from .state.paintings import Painting
from .state.results import note_of

REST_MS = 250


class Labelling(QObject):
    """The label map in work and what was made of it. Positions are in pixels of the label map."""

    models_changed = Signal()
    document_changed = Signal()  # another document
    ids_changed = Signal(object)  # Rect that looks different, None for all of it
    drawing_changed = Signal()  # one more step, or one undone
    preview_arrived = Signal(object, object)  # Image, Camera | None: a first look at what the drawing will be
    made_changed = Signal()
    mesh_changed = Signal()
    entry_changed = Signal()  # how far the job is
    failed = Signal(object, str)  # Problem, job id
    noted = Signal(str)

    def __init__(self, connection: Connection, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._connection = connection
        self.models: list[ModelInfo] = []
        self.how_to_get_one = ""  # a model, where none is ready
        self.document: LabelDocument | None = None
        self.made: Made | None = None
        self.mesh: Mesh | None = None
        self.quality = ""  # as the server has it unless told
        self.entry: JobEntry | None = None  # where the newest job stands
        self._lost: set[str] = set()  # fields that the server has no more
        self._renewing = False
        self._mesh_wanted: dict[str, Any] | None = None
        self._making = Latest(connection, self)
        self._meshing = Latest(connection, self)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._ask)
        for jobs in (self._making, self._meshing):
            jobs.busy_changed.connect(self.entry_changed)
        connection.state_changed.connect(self._on_connection)
        self._making.progressed.connect(self._on_progress)
        self._making.answered.connect(self._on_made)
        self._meshing.progressed.connect(lambda job, _: self._follow(job))
        self._meshing.answered.connect(self._on_mesh)

    # --- models ---

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """The models that paint are those that make objects from labels; the server's own choice comes first."""
        parameters = [info for task in catalogue.tasks if task.name == SYNTHESIZE for info in task.parameters]
        usual = next((info.default for info in parameters if info.kind == "model"), "")
        paint = [model for model in catalogue.models if SYNTHESIZE in model.tasks and model.labels]
        paint.sort(key=lambda model: model.name != usual)
        self.models = [model for model in paint if model.ready]
        self.how_to_get_one = paint[0].missing if paint else ""
        self.models_changed.emit()

    @property
    def model(self) -> ModelInfo | None:
        """The one that the document is painted for, else the first."""
        name = self.document.model if self.document is not None else ""
        return next((model for model in self.models if model.name == name), next(iter(self.models), None))

    @property
    def name(self) -> str:
        """What the document is called; empty without one."""
        return self.document.name if self.document is not None else ""

    @property
    def busy(self) -> bool:
        """Whether the object does not show the drawing yet."""
        return self._rest.isActive() or self._making.busy

    @property
    def meshing(self) -> bool:
        return self._meshing.busy or self._mesh_wanted is not None

    # --- documents ---

    def open(self, name: str, model: ModelInfo, label_map: LabelMap | None = None) -> None:
        """A new document to be painted for ``model``: blank, or ``label_map`` fitted to the size that it knows."""
        if label_map is None:
            self._put(LabelDocument.blank(name, model.name, model.labels, model.label_size))
        else:
            self._put(LabelDocument(name, model.name, model.labels, fitted(label_map, model.label_size)))

    def open_kept(self, painting: Painting, model: ModelInfo, label_map: LabelMap) -> None:
        """Go on with ``painting``, whose labels are ``label_map``."""
        ids = fitted(label_map, model.label_size)
        self._put(
            LabelDocument(painting.name, model.name, model.labels, ids, painting.seed, painting.camera, painting.id)
        )

    def _put(self, document: LabelDocument) -> None:
        self._forget()
        self.document = document
        self.document_changed.emit()
        self._changed()

    def _forget(self) -> None:
        self._rest.stop()
        self._making.stop()
        self._drop_mesh()
        document, self.document = self.document, None
        for base in document.bases.values() if document is not None else ():
            self._connection.release(base)
        self._show(None)
        self._lost.clear()

    # --- what the person does ---

    def press(self, x: float, y: float, size: int, label: int) -> None:
        """Put the brush down."""
        if self.document is not None:
            self._rest.stop()
            self.ids_changed.emit(self.document.begin(x, y, size, label))

    def drag(self, x: float, y: float, size: int, label: int) -> None:
        """Draw on."""
        if self.document is not None and self.document.painting:
            self.ids_changed.emit(self.document.move(x, y, size, label))

    def lift(self) -> None:
        """Lift the brush: the stroke is a step."""
        if self.document is not None and self.document.painting and self.document.end():
            self._changed()
        elif self.document is not None and self.document.current is not self._asked:
            self._rest.start()

    def give_up(self) -> None:
        """Forget the stroke that is being painted."""
        if self.document is not None and self.document.painting:
            self.document.give_up()
            self.ids_changed.emit(None)
            self.lift()

    def fill(self, x: float, y: float, label: int) -> None:
        if self.document is not None and self.document.fill(x, y, label):
            self._changed()

    def clear(self) -> None:
        """Begin anew."""
        if self.document is not None and self.document.clear():
            self._changed()

    def undo(self) -> None:
        if self.document is not None and self.document.undo():
            self._changed()

    def redo(self) -> None:
        if self.document is not None and self.document.redo():
            self._changed()

    def new_style(self) -> None:
        """The same labels with the next seed."""
        if self.document is not None:
            self.document.restyle(self.document.current.seed + 1)
            self.noted.emit(self.tr("New style, seed {0}").format(self.document.current.seed))
            self._changed()

    def set_quality(self, quality: str) -> None:
        if quality != self.quality:
            self.quality = quality
            self._changed()

    def edit_from(self, made: Made, labels: LabelMap, camera: Camera) -> None:
        """Go on painting on ``labels``, which is ``made`` seen by ``camera``."""
        if self.document is not None:
            self.document.edit_from(fitted(labels, self.document.size[0]), camera, made.field, made.drawing.seed)
            self.noted.emit(self.tr("Editing the labels from another side"))
            self._changed()

    def make_mesh(self, parameters: dict[str, Any]) -> None:
        """Have a mesh made of what is shown."""
        if self.made is not None:
            request = Request("mesh", {"field": self.made.field}, parameters, label=self.name)
            self._begin(request)
            self._meshing.ask(request, (self.made, parameters))

    def cancel(self) -> None:
        """Stop what is being made; the labels stay as they are."""
        self._rest.stop()
        self._making.stop()
        self._stop_mesh()
        self.entry = None
        self.entry_changed.emit()

    # --- asking ---

    @property
    def _asked(self) -> Drawing | None:
        """The drawing that is being made, or that was."""
        running = self._making.running if self._making.busy else None
        if isinstance(running, Drawing):
            return running
        return self.made.drawing if self.made is not None else None

    def _changed(self) -> None:
        self._drop_mesh()
        self.ids_changed.emit(None)
        self.drawing_changed.emit()
        if self.document is not None and self.document.current.empty:
            self._rest.stop()
            self._ask()  # at once: nothing is made of it
        else:
            self._rest.start()
        self.entry_changed.emit()

    def _ask(self) -> None:
        if self.document is None:
            return
        drawing = self.document.current
        if drawing.empty:
            self._making.stop()
            self.entry = None
            self._show(None)
            self.entry_changed.emit()
            return
        request = self._request(self.document, drawing)
        self._begin(request)
        self._making.ask(request, drawing)

    def _request(self, document: LabelDocument, drawing: Drawing) -> Request:
        inputs: Inputs = {"label_map": drawing.label_map}
        parameters: dict[str, Any] = {"seed": drawing.seed}
        if self.quality:
            parameters["quality"] = self.quality
        if drawing.camera is not None:
            inputs["camera"] = drawing.camera
        if drawing.base is not None and self._edits(drawing):
            inputs["field"] = drawing.base
            parameters["keep_style"] = drawing.keeps_style
            return Request("edit", inputs, parameters, label=document.name)
        # Also where the field to edit is gone: the same labels, camera and seed make it again.
        parameters["model"] = document.model
        return Request(SYNTHESIZE, inputs, parameters, label=document.name)

    def _edits(self, drawing: Drawing) -> bool:
        """Whether ``drawing`` changes a field that the server still has, as far as is known."""
        return drawing.base is not None and drawing.base.id not in self._lost

    def renew(self, made: Made) -> bool:
        """The server has lost the field of ``made``: have it made again. False when that did not help just before."""
        if self._renewing:
            return False
        self._lost.add(made.field.id)
        if self.made is made:
            self._renewing = True
            self._ask()
        return True

    def works(self) -> None:
        """The server has the field: should it be lost again, making it again may help."""
        self._renewing = False

    # --- answers ---

    def _on_connection(self, state: ConnectionState, problem: Problem | None) -> None:
        """What another server was making is made by the one that is there now."""
        begun = self.entry is not None and not self.entry.ended
        if state is ConnectionState.CONNECTED and begun and not self.busy and not self.meshing:
            self.again()

    def _begin(self, request: Request) -> None:
        self.entry = JobEntry(request.job_id, request.label, task=request.task)
        self.entry_changed.emit()

    def _follow(self, job: Job) -> None:
        if self.entry is not None and self.entry.id == job.id:
            self.entry.follow(job)
            self.entry_changed.emit()

    def _note(self, job: Job) -> None:
        if self.entry is not None and self.entry.id == job.id:
            self.entry.note = note_of(job.info, {model.name: model.level for model in self.models})
            self.entry_changed.emit()

    def again(self) -> None:
        """Have the drawing made once more, e.g. after it failed."""
        self._rest.start()
        self.entry_changed.emit()

    def _on_progress(self, job: Job, drawing: Drawing) -> None:
        self._follow(job)
        for values in job.previews.values():
            image = values.get("image")
            if isinstance(image, Image):
                self.preview_arrived.emit(image, drawing.camera)

    def _on_made(self, job: Job, drawing: Drawing) -> None:
        self._follow(job)
        if job.outputs is not None:
            self._note(job)
            self._show(Made.of(drawing, job.outputs))
            wanted, self._mesh_wanted = self._mesh_wanted, None
            if wanted is not None:
                self.make_mesh(wanted)
        elif job.problem is not None and self._is_lost(job.problem) and self._edits(drawing):
            assert drawing.base is not None
            self._lost.add(drawing.base.id)
            self._ask()
        elif job.problem is not None:
            self._mesh_wanted = None
            self.failed.emit(job.problem, job.id)

    def _on_mesh(self, job: Job, about: tuple[Made, dict[str, Any]]) -> None:
        made, parameters = about
        self._follow(job)
        if job.outputs is not None:
            mesh = job.outputs["mesh"]
            if isinstance(mesh, Mesh) and made is self.made:
                self._note(job)
                self.mesh = mesh
                self.noted.emit(self.tr("{0} is a mesh").format(self.name))
                self.mesh_changed.emit()
        elif job.problem is not None and self._is_lost(job.problem) and self.renew(made):
            self._mesh_wanted = parameters
        elif job.problem is not None:
            self.failed.emit(job.problem, job.id)

    @staticmethod
    def _is_lost(problem: Problem) -> bool:
        return problem.code is ErrorCode.NOT_FOUND

    def _show(self, made: Made | None) -> None:
        before, self.made = self.made, made
        bases = self.document.bases if self.document is not None else {}
        if before is not None and before.field.id not in bases:
            self._connection.release(before.field)
        if before is not made:
            self.made_changed.emit()

    def _stop_mesh(self) -> None:
        self._mesh_wanted = None
        self._meshing.stop()

    def _drop_mesh(self) -> None:
        self._stop_mesh()
        if self.mesh is not None:
            self.mesh = None
            self.mesh_changed.emit()
