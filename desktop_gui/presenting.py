"""Brings what the studio knows onto the canvas, the samples strip and the 3D view."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from protocol import Image, JobState, Mask, Mesh

from .canvas.canvas import Show
from .canvas.overlay import HOVER_TINT, Overlay, build
from .panels.samples_panel import SIDE, SamplesPanel
from .panels.wording import agreement_text
from .panels.workspace import Workspace
from .qimages import qimage_of, scaled
from .state.pictures import cut_out
from .state.results import Result
from .studio import Studio
from .viewer import geometry
from .viewer.geometry import Geometry
from .viewer.view_panel import ViewPanel


class Presenting(QObject):
    """All that takes time is built in the background; what comes back too late is dropped."""

    def __init__(self, studio: Studio, workspace: Workspace, samples: SamplesPanel, view: ViewPanel) -> None:
        super().__init__(workspace)
        self._studio = studio
        self._workspace = workspace
        self._samples = samples
        self._view = view
        self._overlay_number = self._hover_number = self._samples_number = self._mesh_number = 0
        self._samples_of = ""
        self._mesh_shown: Mesh | None = None
        self._turned: set[str] = set()
        self._agreed = (0, 1.0)  # how many samples there are, and how far they agree
        canvas, pointing = workspace.canvas, studio.pointing
        workspace.show_changed.connect(self._write_hint)
        canvas.clicked.connect(pointing.click)
        canvas.boxed.connect(pointing.drag)
        canvas.cleared.connect(pointing.clear)
        canvas.hovered.connect(pointing.hover)
        canvas.left.connect(pointing.leave)
        pointing.prompts_changed.connect(self._on_prompts)
        pointing.mask_changed.connect(self._draw_overlay)
        pointing.hover_changed.connect(self._draw_hover)
        pointing.busy_changed.connect(lambda _: self._write_hint())
        studio.document_changed.connect(self._on_document)
        studio.result_changed.connect(self._on_result)
        studio.mesh_changed.connect(self._on_mesh)
        studio.active_changed.connect(self._on_active)
        studio.connection.state_changed.connect(lambda *_: self._on_active())
        studio.making.entry_changed.connect(self._on_entry)
        studio.making.preview_arrived.connect(self._on_preview)

    # --- the canvas ---

    def _on_document(self) -> None:
        self._workspace.canvas.set_picture(self._studio.levels)
        self._workspace.set_show(Show.OUTLINE)
        self._workspace.offer_choice(outline=False, whole=False)
        self._mesh_number += 1
        self._mesh_shown = None
        self._view.show_geometry(None)
        self._write_hint()

    def _on_prompts(self) -> None:
        document = self._studio.document
        if document is not None:
            self._workspace.canvas.set_prompts(document.prompts.current)
            self._workspace.set_show(Show.OUTLINE)
            self._write_hint()

    def _draw_overlay(self) -> None:
        document = self._studio.document
        if document is None:
            return
        result = document.result if document.result_answers else None
        sample = result.sample if result is not None else None
        mask, size = document.mask, document.picture.size
        amodal = sample.amodal if sample is not None else None
        completed = sample.completed if sample is not None else None
        amodals = [sample.amodal for sample in result.samples] if result is not None else []
        self._build_overlay(size, mask, amodal, completed, amodals if len(amodals) > 1 else [])

    def _build_overlay(
        self,
        size: tuple[int, int],
        mask: Mask | None,
        amodal: Mask | None,
        completed: Image | None,
        amodals: Sequence[Mask] = (),
    ) -> None:
        self._overlay_number += 1
        number = self._overlay_number

        def show(overlay: Overlay) -> None:
            if number == self._overlay_number:
                self._workspace.canvas.set_overlay(overlay)
                self._agreed = (len(amodals), overlay.agreed)
                self._workspace.offer_choice(mask is not None, completed is not None, bool(amodals))
                self._write_hint()

        self._studio.background.run(lambda: build(size, mask, amodal, completed, amodals=amodals), show)

    def _draw_hover(self, mask: Mask | None) -> None:
        self._hover_number += 1
        number = self._hover_number
        document = self._studio.document
        if mask is None or document is None:
            self._workspace.canvas.set_hover(Overlay())
            return
        size = document.picture.size

        def show(overlay: Overlay) -> None:
            if number == self._hover_number:
                self._workspace.canvas.set_hover(overlay)

        self._studio.background.run(lambda: build(size, mask, strength=HOVER_TINT), show)

    def _write_hint(self) -> None:
        document = self._studio.document
        text = ""
        if document is not None and self._workspace.show_choice.value() == Show.AGREEMENT.value:
            text = agreement_text(*self._agreed)
        elif document is not None and self._studio.running is None:
            if self._studio.pointing.busy:
                text = self.tr("Looking for the object")
            elif document.prompts.current.empty and document.result is None:
                text = self.tr("Click the object, or drag a box around it")
            elif document.result is None:
                text = self.tr("Shift-click adds · Ctrl-click takes away · Esc clears")
        self._workspace.canvas.set_hint(text)

    # --- samples and mesh ---

    def _on_result(self) -> None:
        self._draw_overlay()
        document = self._studio.document
        result = document.result if document is not None else None
        if result is None:
            self._samples_of = ""
            self._samples.show_samples([], -1)
            return
        if self._samples_of == result.job_id:
            self._samples.mark(result.chosen, self._studio.accepted, result.flat)
            return
        if document is not None and document.result_answers:
            self._workspace.set_show(Show.WHOLE)
        self._samples_of = result.job_id
        pictures = [sample.completed.pixels for sample in result.samples]
        entry = self._studio.making.jobs.get(result.job_id)
        self._show_samples(pictures, entry.note if entry is not None else "", result)

    def _show_samples(self, pictures: list, note: str, result: Result | None = None) -> None:
        """``result`` is None for previews, which cannot be chosen from."""
        self._samples_number += 1
        number = self._samples_number

        def work() -> list[QImage]:
            return [scaled(qimage_of(cut_out(picture) if result else picture), 2 * SIDE) for picture in pictures]

        def show(images: list[QImage]) -> None:
            if number == self._samples_number:
                self._samples.show_samples(images, -1, note, live=result is not None)
                if result is not None:
                    self._samples.mark(result.chosen, self._studio.accepted, result.flat)

        self._studio.background.run(work, show)

    def _on_mesh(self) -> None:
        document = self._studio.document
        result = document.result if document is not None else None
        if result is None:
            return
        mesh = result.sample.mesh
        if result.flat:
            self._mesh_number += 1
            self._mesh_shown = None
            self._view.show_geometry(None)
            self._view.set_note(self.tr("A picture alone; Make mesh, below, gives it a shape"))
            return
        if mesh is None:
            self._view.set_note(self.tr("Making the mesh of sample {0}").format(result.chosen + 1))
            return
        self._view.set_note(self.tr("Sample {0}").format(result.chosen + 1) if len(result.samples) > 1 else "")
        first = result.job_id not in self._turned
        self._turned.add(result.job_id)
        self._show_mesh(mesh, keep_view=True, turn=first)

    def _show_mesh(self, mesh: Mesh, keep_view: bool, turn: bool) -> None:
        if mesh is self._mesh_shown:
            return
        self._mesh_shown = mesh
        self._mesh_number += 1
        number = self._mesh_number

        def show(built: Geometry) -> None:
            if number == self._mesh_number:
                self._view.show_geometry(built, keep_view)
                if turn:
                    self._view.viewer.turn_once()

        self._studio.background.run(lambda: geometry.build(mesh), show)

    # --- the job ---

    def _on_active(self) -> None:
        connected = self._studio.making.connected
        self._workspace.bar.show_job(self._studio.active, connected)
        active = self._studio.active
        if active is not None and active.ended and active.state is not JobState.DONE:
            self._view.set_note("")
            self._draw_overlay()  # takes the previews away again
        self._write_hint()

    def _on_entry(self, job_id: str) -> None:
        document = self._studio.document
        if document is not None and document.job_id == job_id:
            self._workspace.bar.show_job(self._studio.active, self._studio.making.connected)

    def _on_preview(self, job_id: str) -> None:
        document = self._studio.document
        entry = self._studio.active
        if document is None or entry is None or entry.id != job_id or entry.parent:
            return
        values: dict = {}
        for stage in self._studio.making.previews[job_id].values():
            values.update(stage)
        mask = values.get("mask") if document.mask is None else document.mask
        completed, amodal = values.get("completed"), values.get("amodal_masks")
        pictures = [value for value in (completed if isinstance(completed, list) else [completed]) if value is not None]
        first = amodal[0] if isinstance(amodal, list) and amodal else amodal
        if pictures:
            self._build_overlay(document.picture.size, mask, first if isinstance(first, Mask) else None, pictures[0])
            self._workspace.set_show(Show.WHOLE)
            self._samples_of = ""
            self._show_samples([picture.pixels for picture in pictures], self.tr("First look"))
        elif isinstance(mask, Mask):
            self._build_overlay(document.picture.size, mask, None, None)
        mesh = values.get("mesh")
        if isinstance(mesh, Mesh):
            self._view.set_note(self.tr("First look"))
            self._show_mesh(mesh, keep_view=True, turn=False)
