"""A picture of the window in every state, in dark and light.

The pictures go to a temporary folder; with WHOLEFORM_SCREENS=FOLDER they are kept there, as docs/screens is made:
``WHOLEFORM_SCREENS=docs/screens python -m pytest tests/desktop/test_screens.py``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PySide6.QtGui import QCursor

from backend.examples import EXAMPLES
from backend.serving.embedded import EmbeddedServer
from desktop_gui.qimages import pixels_of
from desktop_gui.state.jobs import PICTURE
from desktop_gui.theme import DARK, HIDDEN, LIGHT, NEGATIVE, SURE, UNSURE, VISIBLE
from desktop_gui.viewer.object_panel import LABELS
from desktop_gui.window import EXAMPLE
from protocol import ConnectionState, Mask

from ..small_png import write_small
from .driving import CONTROL, CUP, SHIFT, Driver
from .test_connection import free_port, keyed_server

Opener = Callable[..., Driver]
Keep = Callable[[str, Driver], None]
LARGEST = 250_000  # bytes
ON_PICTURES = [VISIBLE, HIDDEN, NEGATIVE, SURE, UNSURE]
THEME_COLOURS = [colour for theme in (DARK, LIGHT) for colour in astuple(theme)[1:]] + ON_PICTURES


@pytest.fixture(params=["dark", "light"])
def theme(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def keep(tmp_path: Path, theme: str) -> Keep:
    """Write the window as docs/screens/desktop-NAME-THEME.png and see that it is a whole window, and not too large."""
    folder = Path(os.environ.get("WHOLEFORM_SCREENS") or tmp_path)

    def keep(name: str, driver: Driver) -> None:
        path = folder / f"desktop-{name}-{theme}.png"
        shown = PIL.Image.fromarray(np.ascontiguousarray(pixels_of(driver.picture())[..., :3]))
        write_small(shown, THEME_COLOURS, path)
        picture = PIL.Image.open(path)
        assert picture.size == (1280, 720)
        assert path.stat().st_size < LARGEST
        bright = float(np.asarray(picture.convert("L"))[-8:, :200].mean())  # the status bar is empty there
        assert bright < 60 if theme == "dark" else bright > 200

    return keep


@pytest.fixture
def away() -> None:
    """The pointer where it highlights nothing."""
    QCursor.setPos(1500, 950)


def _point_at_the_saucer(driver: Driver) -> None:
    """What cup and spoon hide is the thing to look at."""
    saucer = EXAMPLES["saucer"]
    driver.window.workspace.bar.parameters.set_values(dict(saucer.parameters))
    assert saucer.box is not None
    x0, y0, x1, y1 = saucer.box
    driver.drag(driver.window.workspace.canvas, driver.place((x0, y0)), driver.place((x1, y1)))
    for x, y, label in saucer.points:
        driver.click((x, y), SHIFT if label else CONTROL)
    driver.pointed()


@pytest.mark.usefixtures("away")
def test_from_empty_to_finished(open_window: Opener, server: EmbeddedServer, theme: str, keep: Keep) -> None:
    driver = open_window(server.address, theme=theme).connected()
    keep("empty", driver)
    driver.open_example()
    keep("example", driver)
    _point_at_the_saucer(driver)
    keep("prompting", driver)
    with server.client() as other:
        # A long job of somebody else stands before ours, so that it waits in line.
        other.submit("echo", {}, {"seconds": 1.5, "steps": 30}).wait_accepted(10)
        driver.run()
        driver.wait(lambda: "Queued" in driver.stage, "the job waits in line")
        keep("queued", driver)
    driver.wait(lambda: driver.window.view.viewer.geometry_shown is not None, "the first look is here", 60)
    keep("running", driver)
    driver.finished()
    driver.wait(lambda: not driver.window.view.viewer.turning, "it has turned once", 20)
    keep("finished", driver)
    driver.press(driver.window.workspace.show_choice.button("outline"))
    keep("outline", driver)
    driver.press(driver.window.workspace.show_choice.button("agreement"))
    keep("agreement", driver)
    driver.press(driver.window.samples.cards[2])
    driver.wait(lambda: driver.result.sample.mesh is not None, "the mesh of the sample is here")
    driver.turn(0.3)
    keep("samples", driver)
    driver.press(driver.window.samples.accept)
    keep("accepted", driver)
    driver.window.docks["jobs"].raise_()
    driver.window.workspace.bar.more.click()
    keep("more", driver)


@pytest.mark.usefixtures("away")
def test_a_picture_alone(open_window: Opener, server: EmbeddedServer, theme: str, keep: Keep) -> None:
    driver = open_window(server.address, theme=theme).connected().open_example()
    _point_at_the_saucer(driver)
    driver.press(driver.window.workspace.bar.make.button(PICTURE))
    driver.run()
    driver.wait(lambda: driver.window.samples.accept.isVisible(), "the samples can be chosen from", 120)
    keep("picture", driver)


@pytest.mark.usefixtures("away")
def test_labels(open_window: Opener, server: EmbeddedServer, theme: str, keep: Keep, tmp_path: Path) -> None:
    driver = open_window(server.address, theme=theme).connected()
    studio, page = driver.window.studio, driver.window.start_page
    if not studio.labelling.models:
        pytest.skip("no model that paints is installed")
    driver.press(page.label_example_button)
    driver.wait(lambda: studio.labelling.made is not None and not studio.labelling.busy, "the object is made", 200)
    driver.turn(0.2)
    keep("labels", driver)
    studio.orbiting.move(replace(studio.orbiting.orbit, azimuth=studio.orbiting.orbit.azimuth - 1.2))
    driver.wait(lambda: not studio.orbiting.busy, "the other side is shown", 100)
    driver.press(driver.window.object_panel.look.button(LABELS))
    driver.press(driver.window.object_panel.edit)
    driver.wait(lambda: studio.labelling.document is not None and studio.labelling.document.can_undo, "its labels", 100)
    driver.wait(lambda: not studio.labelling.busy, "the object follows", 200)
    driver.turn(0.2)
    keep("labels-side", driver)
    driver.wait(lambda: studio.keeping.paintings, "the label map is kept")
    kitchen = tmp_path / f"kitchen{EXAMPLE.suffix}"
    kitchen.write_bytes(EXAMPLE.read_bytes())
    driver.window.open_picture(kitchen)
    driver.wait(lambda: studio.document is not None, "the picture is open")
    driver.window.actions_by_name["start_page"].trigger()
    driver.turn(0.2)
    keep("returning", driver)


@pytest.mark.usefixtures("away")
def test_cancelled_and_failed(open_window: Opener, server: EmbeddedServer, theme: str, keep: Keep) -> None:
    driver = open_window(server.address, theme=theme).connected().open_example()
    driver.window.docks["jobs"].raise_()
    driver.click(CUP)
    driver.pointed()
    driver.window.workspace.bar.parameters.set_values({"quality": "best", "samples": 8})
    driver.run()
    driver.wait(lambda: driver.stage, "the job is under way")
    driver.press(driver.window.workspace.bar.stop)
    driver.wait(lambda: driver.window.studio.running is None, "the job has ended", 20)
    keep("cancelled", driver)
    # An empty mask is something no model can make whole.
    driver.document.mask, driver.document.mask_stale = Mask(np.zeros((400, 600), np.uint8)), False
    driver.run()
    driver.wait(lambda: driver.window.messages.text, "the window says what went wrong")
    driver.turn(0.2)
    keep("failed", driver)


@pytest.mark.usefixtures("away")
def test_offline(open_window: Opener, theme: str, keep: Keep) -> None:
    driver = open_window(f"tcp://127.0.0.1:{free_port()}", theme=theme)
    driver.wait(lambda: driver.state is ConnectionState.OFFLINE, "offline")
    keep("offline", driver)


@pytest.mark.usefixtures("away")
def test_key_refused(open_window: Opener, tmp_path: Path, theme: str, keep: Keep) -> None:
    with keyed_server(tmp_path) as (server, server_key):
        driver = open_window(server.address, server_key=server_key, theme=theme).open_example()
        driver.wait(lambda: driver.state is ConnectionState.KEY_REFUSED, "key refused", 20)
        keep("key-refused", driver)
