"""The path in a real Blender window, with a real mouse and keyboard, and the pictures in docs/screens.

The pictures go to a temporary folder; with WHOLEFORM_SCREENS=FOLDER they are kept there, as docs/screens is made:
``WHOLEFORM_SCREENS=docs/screens python -m pytest tests/blender/test_window.py``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from ..small_png import write_small
from .conftest import end_servers
from .window import SIZE, BlenderWindow, usable

# Where the panel's buttons are in Debian's Blender 3.4, in pixels from the panel's left and upper edge.
TAB = (215, 178)
START_SERVER = (112, 119)
TRY_EXAMPLE = (112, 114)
POINT = (100, 119)
MAKE_WHOLE = (112, 269)
CANCEL_JOB = (184, 369)
THIRD_SAMPLE = (160, 385)
JOBS_FOLD = (60, 332)
LABELS_FOLD = (77, 425)
NEW_LABEL_MAP = (112, 455)
PICK = {"window": (113, 591), "wheel": (113, 654)}
FOLLOW = (113, 718)
LARGEST = 300_000  # bytes
POINT_COLOURS = [(38, 217, 89), (242, 64, 51), (255, 217, 38)]

INSIDE = """
import os
from wholeform import overlay, places, thumbnails
from wholeform.label_jobs import painting_of
from wholeform.prompts import is_asking
from wholeform.session import current

command = [os.environ["WHOLEFORM_TEST_PYTHON"], "-m", "backend.cli", "serve", "--bind", "tcp://127.0.0.1:0"]
bpy.context.preferences.addons["wholeform"].preferences.command = " ".join(command)
os.environ["PYTHONPATH"] = os.environ["WHOLEFORM_ROOT"]  # for the server, whose Python is another one
view = next(places.areas("VIEW_3D"))
view.spaces.active.show_region_ui = True

def edge(kind):
    "Left and upper edge of the panel in that editor"
    region = places.region_of(next(places.areas(kind)), "UI")
    return region.x, region.y + region.height

def shown_at(image, x, y):
    "Where a pixel of an image is in the window"
    region = places.region_of(next(places.areas("IMAGE_EDITOR")))
    u, v = overlay.to_region(region, image, x, y)
    return region.x + u, region.y + v

def pixel(x, y):
    return shown_at(bpy.context.scene.wholeform.image, x, y)

def on_map(x, y):
    return shown_at(bpy.context.scene.wholeform.labels, x, y)

def painting():
    return painting_of(bpy.context.scene.wholeform.labels)

def newest():
    return list(current().records.values())[-1]

def stand(name):
    return bpy.data.objects.get(name)
"""


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlenderWindow]:
    reason = usable()
    if reason:
        pytest.skip(reason)
    with BlenderWindow(tmp_path_factory.mktemp("window")) as window:
        if window.run("result = bpy.app.version[:2]") != [3, 4]:
            pytest.skip("laid out for Debian's Blender 3.4")
        window.key("Escape")  # the splash screen
        window.run(INSIDE)
        window.until("places.region_of(view, 'UI').width > 1", 10)
        press(window, TAB)
        yield window
        end_servers(window.folder)


def press(window: BlenderWindow, button: tuple[int, int]) -> None:
    """Click on a button of the panel in the 3D viewport."""
    left, top = window.run("result = edge('VIEW_3D')")
    x, y = left + button[0], top - button[1]
    # A button that has just been drawn anew takes a click only once it has seen the mouse.
    window.move(x - 1, y)
    time.sleep(0.3)
    window.click(x, y)


def click_picture(window: BlenderWindow, x: float, y: float, key: str = "") -> None:
    window.click(*window.run(f"result = pixel({x}, {y})"), key=key)


def keep(window: BlenderWindow, name: str, tmp_path: Path) -> np.ndarray:
    """Keep the window as blender-NAME.png; returns its pixels."""
    folder = Path(os.environ.get("WHOLEFORM_SCREENS") or tmp_path)
    full = tmp_path / "full.png"
    window.screenshot(full)
    picture = PIL.Image.open(full).convert("RGB")
    assert picture.size == SIZE
    path = folder / f"blender-{name}.png"
    write_small(picture, POINT_COLOURS, path)
    assert path.stat().st_size < LARGEST
    return np.asarray(picture).astype(int)


def shown(window: BlenderWindow, pixels: np.ndarray, x: float, y: float) -> np.ndarray:
    """The colour in a screenshot at a pixel of the picture."""
    column, row = window.run(f"result = pixel({x}, {y})")
    return pixels[SIZE[1] - 1 - round(row), round(column)]


def seen_blue(window: BlenderWindow, tmp_path: Path) -> None:
    """Wait until the window shows the mask on the cup, which is brown without it."""
    deadline = time.monotonic() + 30
    while True:
        red, _, blue = shown(window, keep(window, "pointing", tmp_path), 240, 100)
        if blue > red:
            return
        assert time.monotonic() < deadline, "the cup is brown; the mask that lies on it is not blue"
        time.sleep(0.5)


def test_from_the_example_to_an_object(window: BlenderWindow, tmp_path: Path) -> None:
    keep(window, "start", tmp_path)
    press(window, START_SERVER)
    window.until("current().connected and current().catalogue is not None", 60)
    window.run("places.redraw()")
    press(window, TRY_EXAMPLE)
    window.until("bpy.context.scene.wholeform.image is not None and next(places.areas('IMAGE_EDITOR'), None)", 10)

    # The default cube goes, as it does in every first minute with Blender.
    window.move(*window.run("result = (view.x + 200, view.y + 200)"))
    window.key("x")
    window.key("Return")
    window.until("stand('Cube') is None", 10)

    press(window, POINT)
    window.until("current().tool is not None", 10)
    click_picture(window, 280, 150)
    click_picture(window, 215, 270, key="shift")
    click_picture(window, 30, 380, key="ctrl")
    # Each click brings an answer of its own: the one that is looked at answers all three.
    window.until("current().masks.get('coffee.png') is not None and not is_asking('coffee.png')", 30)
    window.until("not current().masks['coffee.png'].inside[380, 30]", 30)
    points = window.run(
        "result = [list(p) for p in __import__('wholeform').properties.points_of(bpy.context.scene.wholeform.image)]"
    )
    assert [label > 0 for _, _, label in points] == [True, True, False]
    assert np.allclose([point[:2] for point in points], [(280, 150), (215, 270), (30, 380)], atol=1)
    window.until("current().masks['coffee.png'].inside[100, 240]", 30)
    seen_blue(window, tmp_path)

    window.key("Return")
    window.until("current().records", 10)
    window.until("newest().thumbnails", 60)
    keep(window, "running", tmp_path)
    window.until("newest().imported", 120)
    assert window.run("result = len(stand('coffee mesh').data.polygons)") > 5000

    # Closer, in colour, from the front and a little from the left, beside the panel.
    window.run("view.spaces.active.shading.type = 'MATERIAL'")
    window.move(*window.run("result = (view.x + 200, view.y + 200)"))
    for key in ("KP_1", "KP_Decimal", "KP_4", "KP_8", "KP_Subtract", *["ctrl+KP_6"] * 3):
        window.key(key)
    window.until("current().overlay('coffee.png') is not None", 10)
    pixels = keep(window, "finished", tmp_path)
    assert shown(window, pixels, 30, 380).sum() < 200, "around the whole object the picture is dimmed"

    press(window, THIRD_SAMPLE)
    window.until("newest().chosen == 2 and stand('coffee mesh')['wholeform_sample'] == 2", 60)
    keep(window, "samples", tmp_path)


def test_undo_takes_the_object_back(window: BlenderWindow) -> None:
    window.move(*window.run("result = (view.x + 200, view.y + 200)"))
    window.run("places.redraw()")
    window.key("ctrl+z")
    window.until("stand('coffee mesh')['wholeform_sample'] == 0", 10)
    window.key("ctrl+z")
    window.until("stand('coffee mesh') is None", 10)
    assert window.run("result = 'coffee.png' in bpy.data.images")
    window.key("ctrl+shift+z")
    window.until("stand('coffee mesh') is not None", 10)


def test_a_waiting_job_is_cancelled_with_the_mouse(window: BlenderWindow, tmp_path: Path) -> None:
    window.run("current().records.clear()")
    window.run("other = current().network.submit('echo', {}, {'seconds': 60.0, 'steps': 600}, 'other', False)")
    window.until("other.state.value == 'running'", 20)
    press(window, MAKE_WHOLE)
    window.until("current().records and newest().job.state.value == 'queued'", 20)
    keep(window, "queued", tmp_path)
    press(window, CANCEL_JOB)
    window.until("newest().job.state.value == 'cancelled'", 20)
    window.run("other.cancel()")
    keep(window, "cancelled", tmp_path)


def test_blender_survives_drawing_while_much_arrives(window: BlenderWindow) -> None:
    """With a thread of Python beside its own, Blender 3.4 dies of this within seconds."""
    window.run(
        """
        drawn = [0]
        def draw():
            for _ in range(30):
                current().network.client.request_ping()
            with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
                bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=1)
            drawn[0] += 1
            return 0.01 if drawn[0] < 30 else None
        bpy.app.timers.register(draw)
        """
    )
    window.until("drawn[0] == 30", 60)


def scroll(window: BlenderWindow, button: int) -> None:
    """The panel in the 3D viewport to its lower (mouse button 5) or upper end (4)."""
    left, top = window.run("result = edge('VIEW_3D')")
    window.move(left + FOLLOW[0], top - 400)
    window.wheel(button, 30)


def test_an_object_follows_the_brush(window: BlenderWindow, tmp_path: Path) -> None:
    window.run("current().records.clear()\nbpy.context.scene.wholeform.image = None")
    window.run("stand('coffee mesh').hide_set(True)\nplaces.redraw()")
    press(window, LABELS_FOLD)
    press(window, NEW_LABEL_MAP)
    window.until("bpy.context.scene.wholeform.labels is not None", 10)
    press(window, FOLLOW)
    window.until("bpy.context.scene.wholeform.follow", 10)

    def stroke(*ends: tuple[int, int]) -> None:
        places = [window.run(f"result = on_map{end}") for end in ends]
        window.drag(*places[0], *places[-1])

    for y in (230, 280):
        stroke((90, y), (420, y))
    press(window, PICK["window"])
    stroke((190, 180), (265, 180))
    stroke((255, 180), (330, 180))
    press(window, PICK["wheel"])
    for x in (150, 362):
        stroke((x, 330), (x, 330))
    window.until("painting().made is not None and not painting().is_busy", 120)
    assert window.run("result = painting().note") == ""
    window.until("painting().pictures > 0 and thumbnails.icon(painting().icon, 0) != 0", 10)
    press(window, JOBS_FOLD)
    window.run("view.spaces.active.region_3d.view_distance = 5")
    scroll(window, 5)
    keep(window, "labels", tmp_path)
    scroll(window, 4)


def test_a_server_that_dies_leaves_no_stuck_panel(window: BlenderWindow, tmp_path: Path) -> None:
    window.run("current().network.submit('echo', {}, {'seconds': 60.0, 'steps': 600}, 'other', False)")
    window.run(
        "import json, signal\n"
        "from pathlib import Path\n"
        "found = next(Path(os.environ['WHOLEFORM_RUNTIME_DIR']).rglob('connection.json'))\n"
        "os.kill(json.loads(found.read_text())['pid'], signal.SIGKILL)"
    )
    window.until("not current().connected", 30)
    keep(window, "offline", tmp_path)
