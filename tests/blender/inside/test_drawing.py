# pyright: reportMissingImports=false
"""What is drawn over pictures and viewports, in Blenders that can draw without a window (5.2 and later)."""

from __future__ import annotations

from types import SimpleNamespace

import addon
import bpy
import gpu
import numpy as np
import pytest
import shapes
from mathutils import Matrix

addon.install()
pytestmark = pytest.mark.skipif(not hasattr(gpu, "init"), reason="this Blender draws in windows only")
WIDTH, HEIGHT = 160, 120


class Region:
    """An Image Editor's region that shows a picture of 80 x 60 at twice its size."""

    class view2d:
        @staticmethod
        def view_to_region(x: float, y: float, clip: bool) -> tuple[float, float]:
            return x * WIDTH, y * HEIGHT

        @staticmethod
        def region_to_view(x: float, y: float) -> tuple[float, float]:
            return x / WIDTH, y / HEIGHT


@pytest.fixture(scope="module", autouse=True)
def _gpu():
    gpu.init()


def drawn(draw, matrix: Matrix, projection: Matrix) -> np.ndarray:
    """What ``draw`` draws on black, uint8 with the top row first."""
    offscreen = gpu.types.GPUOffScreen(WIDTH, HEIGHT, format="RGBA8")
    with offscreen.bind():
        gpu.state.active_framebuffer_get().clear(color=(0, 0, 0, 1), depth=1.0)
        gpu.matrix.reset()
        gpu.matrix.load_matrix(matrix)
        gpu.matrix.load_projection_matrix(projection)
        draw()
        buffer = gpu.state.active_framebuffer_get().read_color(0, 0, WIDTH, HEIGHT, 4, 0, "UBYTE")
    buffer.dimensions = WIDTH * HEIGHT * 4
    offscreen.free()
    return np.array(buffer, np.uint8).reshape(HEIGHT, WIDTH, 4)[::-1]


PIXELS = Matrix([[2 / WIDTH, 0, 0, -1], [0, 2 / HEIGHT, 0, -1], [0, 0, -1, 0], [0, 0, 0, 1]])


def test_whole_object_is_drawn_in_its_place_in_its_own_colours(monkeypatch):
    overlay, session = addon.module("overlay"), addon.module("session").current()
    pictures = addon.module("pictures")
    image = bpy.data.images.new("cup", 80, 60)
    completed = np.zeros((60, 80, 4), np.uint8)
    completed[10:30, 20:50] = (180, 60, 20, 255)
    looks = [pictures.revealed(completed, 640)]
    record = session_record(looks)
    session.reveal(record)
    addon.module("prompts").add_point(image, 70, 50, on_object=True)
    session.reveal(record)
    monkeypatch.setattr(overlay.bpy, "context", context_of(image), raising=False)
    seen = drawn(overlay._draw, Matrix(), PIXELS)
    assert np.allclose(seen[40, 70, :3], (180, 60, 20), atol=2)  # row 20, column 35 of the picture
    assert seen[100, 20, :3].max() < 3
    assert seen[90:112, 130:152, 1].max() > 150  # the point's green disc


def context_of(image):
    return SimpleNamespace(
        scene=bpy.context.scene,
        space_data=SimpleNamespace(image=image, mode="VIEW"),
        region=Region,
        preferences=SimpleNamespace(system=SimpleNamespace(ui_scale=1.0)),
    )


def session_record(looks):
    record = shapes.result_record(addon.module, shapes.wedge(addon.module("protocol")))
    prepare, session = addon.module("prepare"), addon.module("session")
    record.picture = session.Picture("cup", size=(80, 60))
    record.result = prepare.ReadyResult(record.job.id, None, {}, None, [], None, prepare.Looks([], looks))
    return record


def test_mask_is_tinted_and_outlined_while_pointing(monkeypatch):
    overlay, session = addon.module("overlay"), addon.module("session").current()
    pictures = addon.module("pictures")
    image = bpy.data.images.new("bowl", 80, 60)
    mask = np.zeros((60, 80), np.uint8)
    mask[20:40, 20:60] = 255
    session.tints["bowl"] = pictures.tint(mask, 640, (25, 165, 255))
    monkeypatch.setattr(overlay.bpy, "context", context_of(image), raising=False)
    seen = drawn(overlay._draw, Matrix(), PIXELS)
    assert np.allclose(seen[60, 80, :3], np.array([25, 165, 255]) * 90 / 255, atol=3)
    assert seen[41, 80, 2] > 200  # the outline
    assert seen[20, 20, :3].max() == 0


def test_rough_mesh_is_drawn_where_it_will_stand():
    ghost, placement = addon.module("ghost"), addon.module("placement")
    prepare = addon.module("prepare")
    mesh = prepare.ready_mesh(shapes.wedge(addon.module("protocol"), texture=False))
    ghost.show("job", mesh, placement.at_point(mesh.vertices, 1.0, "CENTRE", (0, 0, 0)))
    # From the front: the camera looks along +Y, a unit high.
    looking = Matrix([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, -5], [0, 0, 0, 1]])
    flat = Matrix([[1.5, 0, 0, 0], [0, 1.5, 0, 0], [0, 0, -0.1, 0], [0, 0, 0, 1]])
    seen = drawn(ghost._draw, looking, flat)
    centre = seen[HEIGHT // 2, WIDTH // 2].astype(int)
    assert centre[0] > 60
    assert centre[0] > 2 * centre[2]  # the front is red, the back blue
    assert seen[2, 2, :3].max() == 0
    ghost.hide("job")
    assert drawn(ghost._draw, looking, flat)[..., :3].max() == 0
