"""Save dialogs and the writing behind them; files are named after the picture."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QMimeData, QObject, Qt, QUrl, Signal
from PySide6.QtGui import QDrag, QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from protocol import Image, Mesh
from protocol.messages import LabelInfo

from .export import MESH_FORMATS, save_mesh, save_picture
from .net.background import Background
from .qimages import pixels_of
from .settings import Settings
from .state.document import Document


class Saving(QObject):
    """Nothing here waits: dialogs are not modal to the program's work, files are written by another thread."""

    saved = Signal(object)  # list[Path]
    failed = Signal(object)  # Problem

    def __init__(self, window: QWidget, settings: Settings, background: Background) -> None:
        super().__init__(window)
        self._window = window
        self._settings = settings
        self._background = background

    def save(self, document: Document) -> None:
        """Save what was made of the shown sample: its mesh, else its picture."""
        if document.result is not None and document.result.sample.mesh is not None:
            self.save_mesh(document)
        else:
            self.save_completed(document)

    def save_completed(self, document: Document) -> None:
        """Ask where and write the shown sample's picture."""
        if document.result is not None:
            completed = document.result.sample.completed
            self.ask(
                f"{document.picture.name}-whole.png",
                self.tr("PNG picture (*.png)"),
                lambda p: save_picture(p, completed),
            )

    def save_masks(self, document: Document) -> None:
        """Ask where and write the visible mask, and the whole one beside it where there is a result."""
        result, mask = document.result, document.mask
        if mask is None and result is not None:
            mask = result.mask
        if mask is None:
            return
        seen = mask

        def write(path: Path) -> list[Path]:
            written = save_picture(path, seen)
            if result is not None:
                stem = path.stem.removesuffix("-modal-mask")
                written += save_picture(path.with_name(f"{stem}-amodal-mask.png"), result.sample.amodal)
            return written

        self.ask(f"{document.picture.name}-modal-mask.png", self.tr("PNG picture (*.png)"), write)

    def save_mesh(self, document: Document) -> None:
        """Ask where and in which format, and write the shown sample's mesh."""
        mesh = document.result.sample.mesh if document.result is not None else None
        if mesh is not None:
            self.save_mesh_as(document.picture.name, mesh)

    def save_mesh_as(self, name: str, mesh: Mesh, labels: Sequence[LabelInfo] = ()) -> None:
        """Ask where and in which format, and write ``mesh``, of whose faces ``labels`` are; ``name`` is the file's that
        is proposed."""
        kinds = {
            "glb": self.tr("glTF binary, with texture (*.glb)"),
            "ply": self.tr("PLY, with vertex colours (*.ply)"),
            "obj": self.tr("Wavefront OBJ, with texture (*.obj)"),
        }
        self.ask(f"{name}.glb", ";;".join(kinds.values()), lambda path: save_mesh(path, mesh, labels))

    def save_all(self, document: Document) -> None:
        """Ask for a folder and write everything there is, the mesh in every format."""
        result = document.result
        if result is None:
            return
        name, mesh = document.picture.name, result.sample.mesh

        def write(folder: Path) -> list[Path]:
            written = save_picture(folder / f"{name}-whole.png", result.sample.completed)
            written += save_picture(folder / f"{name}-modal-mask.png", result.mask)
            written += save_picture(folder / f"{name}-amodal-mask.png", result.sample.amodal)
            return written + _all_formats(folder / name, mesh)

        dialog = QFileDialog(self._window, self.tr("Save everything in"), self._settings.folder)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        self._open(dialog, write, is_folder=True)

    def save_view(self, name: str, picture: QImage) -> None:
        """Ask where and write ``picture``, a view of the object called ``name``."""
        self.ask(f"{name}-view.png", self.tr("PNG picture (*.png)"), lambda path: _write_image(path, picture))

    def drag_sample(self, document: Document | None, index: int) -> None:
        """Let the person drag a sample's picture to another program, as a file named after the picture."""
        if document is None or document.result is None:
            return
        completed = document.result.samples[index].completed
        folder = Path(tempfile.mkdtemp(prefix="wholeform-"))
        path = folder / f"{document.picture.name}-whole-{index + 1}.png"

        def drag(written: list[Path]) -> None:
            mime = QMimeData()
            mime.setUrls([QUrl.fromLocalFile(str(path)) for path in written])
            gesture = QDrag(self._window)
            gesture.setMimeData(mime)
            gesture.exec(Qt.DropAction.CopyAction)

        self._background.run(lambda: save_picture(path, completed), drag, self.failed.emit)

    def ask(self, name: str, kinds: str, write: Callable[[Path], list[Path]]) -> None:
        """Ask for a file, ``name`` proposed, of one of ``kinds`` (as QFileDialog wants them); ``write`` it on another
        thread."""
        dialog = QFileDialog(self._window, self.tr("Save"), self._settings.folder, kinds)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.selectFile(name)
        dialog.setDefaultSuffix(Path(name).suffix.lstrip("."))

        def follow(kind: str) -> None:
            suffix = kind.rpartition("*.")[2].rstrip(")")
            dialog.setDefaultSuffix(suffix)
            chosen = dialog.selectedFiles()
            if chosen:
                dialog.selectFile(Path(chosen[0]).with_suffix(f".{suffix}").name)

        dialog.filterSelected.connect(follow)
        self._open(dialog, write, is_folder=False)

    def _open(self, dialog: QFileDialog, write: Callable[[Path], list[Path]], is_folder: bool) -> None:
        def chosen() -> None:
            files = dialog.selectedFiles()
            if files:
                path = Path(files[0])
                self._settings.folder = str(path if is_folder else path.parent)
                self._background.run(lambda: write(path), self.saved.emit, self.failed.emit)

        dialog.accepted.connect(chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


def _write_image(path: Path, picture: QImage) -> list[Path]:
    pixels = pixels_of(picture)
    return save_picture(path, Image(pixels if picture.hasAlphaChannel() else np.ascontiguousarray(pixels[..., :3])))


def _all_formats(stem: Path, mesh: Mesh | None) -> list[Path]:
    if mesh is None:
        return []
    return [path for kind in MESH_FORMATS for path in save_mesh(stem.with_name(f"{stem.name}.{kind}"), mesh)]
