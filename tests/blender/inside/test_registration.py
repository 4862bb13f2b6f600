# pyright: reportMissingImports=false
"""What registering brings, that it waits for nothing, and that unregistering leaves nothing behind."""

from __future__ import annotations

import threading
import time

import addon
import bpy
import layout
import pytest

addon.install()


def footprint() -> dict[str, set[str]]:
    """Everything of ours that Blender holds."""
    handlers = bpy.app.handlers
    return {
        "classes": {name for name in dir(bpy.types) if "wholeform" in name.lower()},
        "operators": set(dir(bpy.ops.wholeform)),
        "properties": {
            f"{kind.__name__}.{name}"
            for kind in (bpy.types.Scene, bpy.types.Image)
            for name in dir(kind)
            if name.startswith("wholeform")
        },
        "handlers": {
            f"{name} {function.__module__}"
            for name in dir(handlers)
            if isinstance(getattr(handlers, name), list)
            for function in getattr(handlers, name)
            if "wholeform" in getattr(function, "__module__", "")
        },
        "threads": {thread.name for thread in threading.enumerate() if "wholeform" in thread.name},
        "status bar": {
            function.__module__
            for function in getattr(bpy.types.STATUSBAR_HT_header.draw, "_draw_funcs", [])
            if "wholeform" in function.__module__
        },
    }


def test_unregister_leaves_nothing():
    assert all(footprint()[part] for part in ("classes", "operators", "properties", "handlers", "status bar"))
    timer = addon.module("timer")
    timer.ensure()
    bpy.ops.preferences.addon_disable(module=addon.MODULE)
    assert footprint() == {part: set() for part in footprint()}
    assert not bpy.app.timers.is_registered(timer._tick)
    bpy.ops.preferences.addon_enable(module=addon.MODULE)
    assert addon.MODULE in bpy.context.preferences.addons


def test_register_is_quick_and_connects_to_nothing():
    bpy.ops.preferences.addon_disable(module=addon.MODULE)
    began = time.perf_counter()
    bpy.ops.preferences.addon_enable(module=addon.MODULE)
    took = time.perf_counter() - began
    print(f"FIGURE {bpy.app.version_string}: enabling the add-on takes {took * 1e3:.0f} ms")
    assert took < 0.25
    assert not [thread for thread in threading.enumerate() if "wholeform" in thread.name]


def test_every_panel_draws_with_properties_and_operators_that_exist():
    panels, preferences = addon.module("panels"), addon.module("preferences")
    addon.fresh_file()
    said = layout.all_drawn(panels)
    for text in ("Offline", "Start Local Server", "Point at Object", "Make Whole", "No jobs yet"):
        assert text in said
    shown = layout.Layout()
    preferences.draw_server(shown, addon.preferences())
    preferences.draw_local(shown, addon.preferences())
    preferences.draw_own_key(shown)
    assert "Test Connection" in shown.said
    categories = {cls.bl_category for cls in panels.CLASSES}
    assert categories == {"Wholeform"}
    assert {cls.bl_space_type for cls in panels.CLASSES} == {"VIEW_3D", "IMAGE_EDITOR"}


def test_every_operator_says_what_it_does():
    for name in dir(bpy.ops.wholeform):
        kind = getattr(bpy.ops.wholeform, name).get_rna_type()
        assert kind.name
        assert kind.description, f"{name} has no tooltip"
        assert not kind.description.endswith("."), f"Blender adds the full stop of {name}"


def test_prompts_are_kept_with_the_image_and_undone():
    addon.fresh_file()
    image = bpy.data.images.new("mug.png", 100, 50)
    bpy.context.scene.wholeform.image = image
    bpy.ops.ed.undo_push(message="picture")
    bpy.ops.wholeform.add_point("EXEC_DEFAULT", True, x=10, y=20)
    bpy.ops.wholeform.add_point("EXEC_DEFAULT", True, x=500, y=-3, on_object=False)
    bpy.ops.wholeform.set_box("EXEC_DEFAULT", True, box=(60, 40, 20, 5))
    properties = addon.module("properties")
    image = bpy.data.images["mug.png"]
    assert properties.points_of(image) == [[10, 20, 1], [99, 0, 0]]
    assert properties.box_of(image) == [20, 5, 60, 40]
    bpy.ops.ed.undo()
    image = bpy.data.images["mug.png"]
    assert properties.box_of(image) is None
    assert len(image.wholeform.points) == 2
    bpy.ops.wholeform.clear_prompts()
    assert properties.points_of(image) == []


@pytest.mark.parametrize(
    ("address", "needed"),
    [("", False), ("localhost", False), ("127.0.0.1:6000", False), ("::1", False), ("gpu:5555", True), ("???", True)],
)
def test_online_access_is_asked_for_unless_it_is_this_computer(address: str, needed: bool):
    servers = addon.module("servers")
    assert servers.Server("x", address).needs_online_access is needed


def test_without_online_access_nothing_leaves_this_computer():
    session, preferences = addon.module("session").current(), addon.preferences()
    assert not bpy.app.online_access
    preferences.servers[0].address = "gpu.example:5555"
    with pytest.raises(RuntimeError, match="online access is off"):
        bpy.ops.wholeform.test_connection()
    assert session.network.client is None
    assert not [thread for thread in threading.enumerate() if "wholeform" in thread.name]
    preferences.servers[0].address = ""


def test_pictures_come_from_files_and_the_camera(tmp_path):
    addon.fresh_file()
    image = bpy.data.images.new("made", 8, 4)
    image.filepath_raw, image.file_format = str(tmp_path / "made.png"), "PNG"
    image.save()
    bpy.data.images.remove(image)
    assert bpy.ops.wholeform.drop_image(filepath=str(tmp_path / "made.png")) == {"FINISHED"}
    assert bpy.context.scene.wholeform.image.name == "made.png"
    (tmp_path / "no.png").write_bytes(b"this is no picture")
    with pytest.raises(RuntimeError, match="not a picture"):
        bpy.ops.wholeform.open_image(filepath=str(tmp_path / "no.png"))
    assert [each.name for each in bpy.data.images] == ["made.png"]
    handler = bpy.types.WHOLEFORM_FH_picture
    assert handler.bl_import_operator == "wholeform.drop_image"
    assert ".png" in handler.bl_file_extensions

    scene = bpy.context.scene
    camera = bpy.data.objects.new("eye", bpy.data.cameras.new("eye"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.engine, scene.cycles.samples = "CYCLES", 1
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 32, 24, 100
    assert bpy.ops.wholeform.use_render() == {"FINISHED"}
    picture = scene.wholeform.image
    assert tuple(picture.size) == (32, 24)
    seen = addon.module("images").picture_of(picture)
    assert len(seen.view) == 21
    value = addon.module("images").read(picture)
    assert value.pixels.shape[:2] == (24, 32)


def test_reading_a_picture_gives_its_bytes_with_the_top_row_first():
    import numpy as np

    images, png = addon.module("images"), addon.module("png")
    pixels = np.random.default_rng(1).integers(0, 256, (37, 53, 4), np.uint8)
    read = images.read(images.from_png("noise", png.encode(pixels)))
    assert np.array_equal(read.pixels, pixels)
    big = np.full((2160, 3840, 3), 77, np.uint8)
    image = images.from_png("4K", png.encode(big))
    image.pixels[0]  # decoding the file is Blender's, not ours

    def read_s() -> float:
        began = time.perf_counter()
        assert images.read(image).pixels.shape == big.shape
        return time.perf_counter() - began

    first = read_s()
    again = min(read_s() for _ in range(3))
    assert np.array_equal(images.read(image).pixels, big)
    print(f"FIGURE {bpy.app.version_string}: reading a 4K picture {first * 1e3:.0f} ms, again {again * 1e3:.2f} ms")
    assert again < 0.016
