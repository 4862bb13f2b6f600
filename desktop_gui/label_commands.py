"""The commands of painting labels, and when there is something for them to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from .actions import Command
from .label_files import save_colours, save_ids
from .panels.palette_panel import KEYS
from .qimages import PATTERNS
from .state.brush import Tool
from .viewer.object_panel import COLOUR, LABELS

if TYPE_CHECKING:
    from .window import MainWindow

OPEN_LABELS = "enter_labels open_labels label_example"
SAVE_LABELS = "save_colours save_ids save_view save_label_mesh"
BRUSH = "brush eraser fill hand - smaller larger label_clear"
PNG = "PNG picture (*.png)"


def label_commands(window: MainWindow) -> list[Command]:
    """All of them; their keys are those of other commands too, which are switched off while labels are painted."""
    tr, painting, labelling = window.tr, window.painting, window.studio.labelling
    canvas = window.label_page.canvas
    tools = (
        ("brush", tr("Brush"), Tool.BRUSH, "B", tr("Brush: paint the chosen label, the right button erases")),
        ("eraser", tr("Eraser"), Tool.ERASER, "E", tr("Eraser: back to the background")),
        ("fill", tr("Fill"), Tool.FILL, "G", tr("Fill: a whole area at once")),
    )
    choose = tr("Paint with label {0}")
    return [
        Command("enter_labels", tr("Paint labels"), window.enter_labels),
        Command("open_labels", tr("Open a label map…"), lambda: _ask_for_labels(window), "Ctrl+Shift+O", "open"),
        Command("label_example", tr("Open the example label map"), painting.open_example),
        *(
            Command(name, text, lambda tool=tool: painting.set_tool(tool), keys, name, "brush", tip=tip)
            for name, text, tool, keys, tip in tools
        ),
        Command(
            "hand",
            tr("Move the label map"),
            lambda: canvas.set_pan_tool(True),
            "H",
            "pan",
            "brush",
            tip=tr("Move the label map; or hold Space and drag"),
        ),
        Command("smaller", tr("Smaller brush"), lambda: painting.step_size(-1), "["),
        Command("larger", tr("Larger brush"), lambda: painting.step_size(1), "]"),
        *(
            Command(f"label_{n}", choose.format(n), lambda n=n: painting.choose_label(n), str(n))
            for n in range(1, KEYS + 1)
        ),
        Command("label_clear", tr("Begin a new label map"), labelling.clear, "", "clear"),
        Command("new_style", tr("New style"), labelling.new_style, "N"),
        Command("edit_here", tr("Edit from here"), window.studio.orbiting.edit_from_here, "Ctrl+E"),
        Command("look_labels", tr("Show the object's labels"), lambda: _toggle_look(window), "L"),
        Command("label_mesh", tr("Make a mesh of the labels"), painting.make_mesh, "Ctrl+Return|Ctrl+Enter"),
        Command("label_stop", tr("Stop what the labels make"), labelling.cancel, "Ctrl+."),
        Command("save_colours", tr("Save the label map…"), lambda: _save_labels(window), tip=tr("In its colours")),
        Command("save_ids", tr("Save the label map as ids…"), lambda: _save_labels(window, ids=True)),
        Command("save_view", tr("Save the picture of the object…"), lambda: _save_view(window)),
        Command("save_label_mesh", tr("Save the mesh…"), lambda: _save_mesh(window)),
        Command("save_labels", tr("Save…"), lambda: _save(window), "Ctrl+S"),
    ]


def enable_label_commands(window: MainWindow) -> None:
    """Switch them as there is something to do, and with them the buttons for the same."""
    actions, labelling = window.actions_by_name, window.studio.labelling
    document = labelling.document if window.pages.in_labels else None
    painting, made = document is not None, labelling.made if window.pages.in_labels else None
    drawn = document is not None and not document.current.empty
    settled = made is not None and not labelling.busy
    actions.enable(f"{BRUSH} save_colours save_ids save_labels".replace("-", ""), painting)
    for number in range(1, KEYS + 1):
        actions.enable(f"label_{number}", document is not None and number < len(document.palette))
    actions.enable("new_style", drawn)
    actions.enable("edit_here look_labels save_view", made is not None)
    actions.enable("label_mesh", settled and not labelling.meshing)
    actions.enable("label_stop", painting and (labelling.busy or labelling.meshing))
    actions.enable("save_label_mesh", painting and labelling.mesh is not None)
    if document is not None:
        actions.enable("fit actual zoom_in zoom_out", True)
        actions.enable("undo", document.can_undo)
        actions.enable("redo", document.can_redo)
    tool = "hand" if window.label_page.canvas.pan_tool else window.label_page.brush.tool.value
    actions[tool].setChecked(True)
    bar, panel = window.label_page.bar, window.object_panel
    bar.style_button.setEnabled(drawn)
    bar.make_mesh.setEnabled(actions["label_mesh"].isEnabled())
    bar.save.setEnabled(painting)
    panel.edit.setEnabled(made is not None and not window.studio.orbiting.fetching_labels)
    panel.look.setEnabled(made is not None)


def _ask_for_labels(window: MainWindow) -> None:
    dialog = QFileDialog(window, window.tr("Open a label map"), window.settings.folder)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.setNameFilters([window.tr("Label maps ({0})").format(PATTERNS), window.tr("All files (*)")])
    dialog.fileSelected.connect(lambda name: window.painting.open_file(Path(name)))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()


def _toggle_look(window: MainWindow) -> None:
    panel = window.object_panel
    panel.look.set_value(COLOUR if panel.labels_shown else LABELS)
    panel.look_changed.emit()


def _save(window: MainWindow) -> None:
    if window.studio.labelling.mesh is not None:
        _save_mesh(window)
    else:
        _save_labels(window)


def _save_labels(window: MainWindow, ids: bool = False) -> None:
    document = window.studio.labelling.document
    if document is None:
        return
    now, palette = document.current.ids, document.palette
    if ids:
        window.saving.ask(f"{document.name}-ids.png", window.tr(PNG), lambda path: save_ids(path, now))
    else:
        name = f"{document.name}-labels.png"
        window.saving.ask(name, window.tr(PNG), lambda path: save_colours(path, now, palette))


def _save_view(window: MainWindow) -> None:
    document, image = window.studio.labelling.document, window.object_panel.field.image
    if document is not None and image is not None:
        window.saving.save_view(document.name, image)


def _save_mesh(window: MainWindow) -> None:
    labelling = window.studio.labelling
    if labelling.document is not None and labelling.mesh is not None:
        window.saving.save_mesh_as(labelling.document.name, labelling.mesh, labelling.document.palette)
