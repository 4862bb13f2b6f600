"""The list of the window's commands, and which menu holds which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

from .actions import Command
from .canvas.canvas import Show
from .label_commands import BRUSH, OPEN_LABELS, SAVE_LABELS

if TYPE_CHECKING:
    from .window import MainWindow

SAVE = "save_mesh save_picture save_masks save_all"


def commands(window: MainWindow) -> list[Command]:
    """All commands; keys separated by "|" are alternatives."""
    tr, studio, saving = window.tr, window.studio, window.saving
    canvas, pointing = window.workspace.canvas, window.studio.pointing
    return [
        Command("start_page", tr("Start page"), lambda: window.pages.enter_start(window.docks)),
        Command("enter_picture", tr("Back to the picture"), window.enter_picture),
        Command("open", tr("Open a picture…"), window.ask_for_picture, "Ctrl+O", "open"),
        Command("paste", tr("Paste a picture"), window.paste, "Ctrl+V"),
        Command("example", tr("Open the example"), window.open_example),
        Command(
            "save", tr("Save…"), lambda: _with(window, saving.save), "Ctrl+S", tip=tr("Save the mesh, or the picture")
        ),
        Command("save_mesh", tr("Save the mesh…"), lambda: _with(window, saving.save_mesh)),
        Command("save_picture", tr("Save the completed picture…"), lambda: _with(window, saving.save_completed)),
        Command("save_masks", tr("Save the masks…"), lambda: _with(window, saving.save_masks)),
        Command("save_all", tr("Save everything in a folder…"), lambda: _with(window, saving.save_all), "Ctrl+Shift+S"),
        Command("quit", tr("Quit"), window.close, "Ctrl+Q"),
        Command("undo", tr("Undo"), lambda: window.edited.undo(), "Ctrl+Z", "undo"),
        Command("redo", tr("Redo"), lambda: window.edited.redo(), "Ctrl+Shift+Z|Ctrl+Y", "redo"),
        Command("clear", tr("Clear points and box"), pointing.clear, "", "clear", tip=tr("Clear points and box (Esc)")),
        Command(
            "point",
            tr("Point at an object"),
            lambda: canvas.set_pan_tool(False),
            "S",
            "point",
            "tool",
            tip=tr("Point at an object: click, Shift adds, Ctrl takes away, drag a box"),
        ),
        Command(
            "pan",
            tr("Move the picture"),
            lambda: canvas.set_pan_tool(True),
            "H",
            "pan",
            "tool",
            tip=tr("Move the picture; or hold Space and drag"),
        ),
        Command("make", tr("Make whole"), window.make_whole, "Ctrl+Return|Ctrl+Enter"),
        Command("stop", tr("Cancel the running job"), studio.cancel, "Ctrl+."),
        Command("accept", tr("Accept the sample shown"), studio.accept, "Ctrl+Shift+Return|Ctrl+Shift+Enter"),
        Command("make_mesh", tr("Make a mesh of the sample shown"), window.make_mesh),
        Command("next_sample", tr("Next sample"), lambda: window.step_sample(1), "Ctrl+Right"),
        Command("previous_sample", tr("Previous sample"), lambda: window.step_sample(-1), "Ctrl+Left"),
        Command("fit", tr("Fit the picture"), lambda: window.pages.canvas.fit(), "F", "fit"),
        Command("actual", tr("Actual size"), lambda: window.pages.canvas.zoom_to(1.0), "Ctrl+1"),
        Command("zoom_in", tr("Zoom in"), lambda: window.pages.canvas.zoom(1.25), "Ctrl++|Ctrl+="),
        Command("zoom_out", tr("Zoom out"), lambda: window.pages.canvas.zoom(0.8), "Ctrl+-"),
        Command("show_picture", tr("Show the picture alone"), lambda: window.show_as(Show.PICTURE), "1"),
        Command("show_outline", tr("Show the outline"), lambda: window.show_as(Show.OUTLINE), "2"),
        Command("show_whole", tr("Show the whole object"), lambda: window.show_as(Show.WHOLE), "3"),
        Command("show_agreement", tr("Show where the samples agree"), lambda: window.show_as(Show.AGREEMENT), "4"),
        Command("hover", tr("Show what a click would take"), lambda: _toggle_hover(window), checkable=True),
        Command("docks", tr("Hide or show the docks"), window.docks.toggle, tip=tr("Hide or show the docks (Tab)")),
        Command("layout", tr("Reset the layout"), window.docks.reset),
        Command("theme_system", tr("As the system"), lambda: window.set_theme("system"), group="theme"),
        Command("theme_dark", tr("Dark"), lambda: window.set_theme("dark"), group="theme"),
        Command("theme_light", tr("Light"), lambda: window.set_theme("light"), group="theme"),
        Command("servers", tr("Servers…"), window.choose_server),
        Command("reconnect", tr("Connect again"), studio.connection.start_again),
        Command("free", tr("Free the server's memory"), window.free_memory),
        Command("find", tr("Find a command"), window.find_command, "Ctrl+K"),
    ]


def fill_menus(window: MainWindow) -> None:
    """The menu bar."""
    tr, actions, bar = window.tr, window.actions_by_name, window.menuBar()
    file = actions.menu(bar, tr("&File"), "open")
    file.addMenu(window.recent_menu)
    actions.fill_menu(file, f"paste example - {OPEN_LABELS} - save {SAVE} - {SAVE_LABELS} - start_page quit")
    save = QMenu(window.workspace.bar.save)
    actions.fill_menu(save, SAVE)
    window.workspace.bar.save.setMenu(save)
    save_labels = QMenu(window.label_page.bar.save)
    actions.fill_menu(save_labels, SAVE_LABELS)
    window.label_page.bar.save.setMenu(save_labels)
    actions.menu(bar, tr("&Edit"), "undo redo clear")
    actions.menu(bar, tr("&Object"), "point pan - make stop - previous_sample next_sample accept make_mesh")
    actions.menu(bar, tr("&Labels"), f"{BRUSH} - new_style edit_here look_labels label_mesh label_stop - enter_picture")
    view = actions.menu(
        bar, tr("&View"), "fit actual zoom_in zoom_out - show_picture show_outline show_whole show_agreement - hover -"
    )
    for dock in window.docks:
        view.addAction(dock.toggleViewAction())
    actions.fill_menu(view, "docks layout -")
    actions.menu(view, tr("Theme"), "theme_system theme_dark theme_light")
    actions.menu(bar, tr("&Server"), "servers reconnect free")
    actions.menu(bar, tr("&Help"), "find")


def fill_rail(window: MainWindow) -> None:
    """The tools on the left edge, for pictures or for label maps."""
    window.pages.rail.clear()
    tools = "open_labels - brush eraser fill hand" if window.pages.in_labels else "open - point pan"
    clear = "label_clear" if window.pages.in_labels else "clear"
    window.actions_by_name.fill_bar(window.pages.rail, f"{tools} fit - undo redo {clear}")


def _with(window: MainWindow, save) -> None:
    if window.studio.document is not None:
        save(window.studio.document)


def _toggle_hover(window: MainWindow) -> None:
    wanted = window.actions_by_name["hover"].isChecked()
    window.settings.hover = window.studio.pointing.hover_wanted = wanted
