# pyright: reportMissingImports=false
"""The whole path against a real server process: point, make whole, look at what arrives, choose, undo."""

from __future__ import annotations

import json

import addon
import bpy
import clock
import layout
import numpy as np
import pytest
import serverside

addon.install()
pytestmark = pytest.mark.usefixtures("local_server")
panels = addon.module("panels")


@pytest.fixture(scope="module")
def watch():
    timed = clock.Clock(lambda: bool(serverside.session().active or serverside.session().pointing))
    timed.install()
    return timed


@pytest.fixture
def mug():
    addon.fresh_file()
    image = serverside.picture("mug.png", serverside.painted_mug())
    bpy.context.scene.wholeform.image = image
    bpy.context.scene.cursor.location = (2.0, 1.0, 0.5)
    bpy.context.scene.wholeform.height = 1.2
    bpy.ops.ed.undo_push(message="picture")
    return image


def vertices_of(thing) -> np.ndarray:
    local = np.empty(len(thing.data.vertices) * 3, np.float32)
    thing.data.vertices.foreach_get("co", local)
    matrix = np.array(thing.matrix_world)
    return local.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]


def test_connection_line_and_report():
    bpy.ops.wholeform.test_connection()
    serverside.until(lambda: not serverside.session().testing and serverside.session().round_trip_s)
    assert layout.drawn(panels.CLASSES[0])[0] == "Connected"
    report = layout.Layout()
    addon.module("preferences").draw_report(report)
    said = "\n".join(report.said)
    for wanted in ("Connected", "version", "protocol 1.1", "Device: ", "Memory on ", "Models: ", "Round trip: "):
        assert wanted in said
    print(f"FIGURE {bpy.app.version_string}: round trip {serverside.session().round_trip_s * 1e3:.2f} ms")


def test_form_comes_from_the_catalogue():
    said = layout.all_drawn(panels)
    for title in ("Quality", "Samples", "Faces", "Seed", "3D model"):
        assert title in said
    group = bpy.context.scene.wholeform_parameters
    assert group.bl_rna.properties["faces"].hard_min == 500
    group.quality = "draft"
    assert addon.module("parameters").values(bpy.context.scene) == {"quality": "draft"}
    group.quality = "standard"


def test_pointing_tints_the_mask(mug):
    bpy.ops.wholeform.add_point(x=130, y=100, wait=True)
    mask = serverside.session().masks["mug.png"].inside
    assert mask.shape == (240, 320)
    assert mask[100, 130]
    assert not mask[20, 300]
    assert "mug.png" in serverside.session().tints
    assert "Pointed at: 1 on" in layout.all_drawn(panels)
    bpy.ops.wholeform.clear_prompts()
    assert not mug.wholeform.points
    assert "mug.png" not in serverside.session().tints


def test_make_whole_arrives_without_ever_holding_up_the_interface(mug, watch):
    bpy.ops.wholeform.set_box(box=(85, 40, 215, 200))
    assert bpy.ops.wholeform.make_whole() == {"FINISHED"}
    lines: list[str] = []

    def look() -> None:
        said = layout.all_drawn(panels)
        record = serverside.records()[0]
        if record.is_active:
            lines.append(addon.module("statusbar").text())
            assert "Wholeform" not in said or lines
        bpy.ops.wholeform.add_point.poll()

    serverside.until(lambda: serverside.records() and serverside.records()[0].imported, each=look)
    watch.check(bpy.app.version_string)
    assert serverside.has_one_thread()
    assert len(watch.calls) > 50
    assert any("Point at an object" in line or "Complete" in line for line in lines), lines[:5]

    thing = bpy.data.objects["mug mesh"]
    points = vertices_of(thing)
    low, high = points.min(axis=0), points.max(axis=0)
    assert np.isclose(high[2] - low[2], 1.2, atol=1e-3)
    assert np.isclose(low[2], 0.5, atol=1e-3)
    assert np.allclose((low[:2] + high[:2]) / 2, [2.0, 1.0], atol=1e-3)
    assert 0.5 < (high[0] - low[0]) / 1.2 < 1.1  # the box was 120 wide and 150 high
    assert 100 < len(thing.data.polygons) <= 60_000
    assert thing.data.validate(verbose=False) is False
    said = layout.all_drawn(panels)
    assert any(text.startswith("done, by ") for text in said), said


def test_front_colours_are_the_picture_s(mug):
    bpy.ops.wholeform.set_box(box=(85, 40, 215, 200))
    assert bpy.ops.wholeform.make_whole(wait=True, parameters='{"samples": 2, "faces": 8000}') == {"FINISHED"}
    (record,) = serverside.records()
    thing = bpy.data.objects["mug mesh"]
    mesh = thing.data
    count = len(mesh.vertices)
    colours, normals = np.empty(count * 4, np.float32), np.empty(count * 3, np.float32)
    mesh.attributes["Color"].data.foreach_get("color_srgb", colours)
    mesh.vertices.foreach_get("normal", normals)
    normals = normals.reshape(-1, 3)
    local = np.empty(count * 3, np.float32)
    mesh.vertices.foreach_get("co", local)
    local = local.reshape(-1, 3)

    # Back from the scene's size to the server's cube, and from there to pixels.
    cube = record.meshes[0].vertices
    scale = np.ptp(local[:, 2]) / np.ptp(cube[:, 2])
    assert np.allclose(np.ptp(local, axis=0), np.ptp(cube, axis=0) * scale, atol=1e-4)
    seen = record.job.info["placement"]
    columns = (cube[:, 0] * seen["side"] + seen["centre"][0]).astype(int).clip(0, 319)
    rows = (seen["centre"][1] - cube[:, 2] * seen["side"]).astype(int).clip(0, 239)
    picture, mask = serverside.painted_mug().astype(int), record.mask.inside
    front = (normals[:, 1] < -0.7) & mask[rows, columns]
    assert front.sum() > 100, "the front does not look towards -Y"
    difference = np.abs(colours.reshape(-1, 4)[front, :3] * 255 - picture[rows[front], columns[front]]).max(axis=1)
    print(f"FIGURE {bpy.app.version_string}: front colours, median difference {np.median(difference):.1f} of 255")
    assert np.median(difference) < 16
    # Red is left of yellow as in the picture, seen from -Y where +X is to the right.
    red = local[front][colours.reshape(-1, 4)[front, 1] < 0.4][:, 0].mean()
    yellow = local[front][colours.reshape(-1, 4)[front, 1] > 0.6][:, 0].mean()
    assert red < yellow

    assert json.loads(thing["wholeform_parameters"])["faces"] == 8000
    assert "inflate" in thing["wholeform_models"]
    whole = bpy.data.images["mug whole"]
    assert tuple(whole.size) == (320, 240)
    assert len(record.thumbnails) == 2

    # Another sample: its picture and its mesh take the place of the first ones.
    before = mesh.name
    assert bpy.ops.wholeform.choose_sample(job=record.job.id, index=1, wait=True) == {"FINISHED"}
    assert record.chosen == 1
    assert thing["wholeform_sample"] == 1
    assert bpy.data.objects["mug mesh"] == thing
    assert [item.job.id for item in serverside.records()] == [record.job.id]
    assert before not in bpy.data.meshes or len(bpy.data.meshes) == 1
    assert bpy.ops.wholeform.choose_sample(job=record.job.id, index=0) == {"FINISHED"}
    assert thing["wholeform_sample"] == 0


def test_one_undo_step_takes_all_of_it_back(mug):
    bpy.ops.wholeform.make_whole(wait=True, parameters='{"samples": 1, "faces": 4000}')
    assert "mug mesh" in bpy.data.objects
    bpy.ops.ed.undo()
    assert not bpy.data.objects
    assert [image.name for image in bpy.data.images] == ["mug.png"]
    bpy.ops.ed.redo()
    assert "mug mesh" in bpy.data.objects
    bpy.ops.ed.undo()
    # The result is still in the list and can be imported again, elsewhere and larger.
    assert bpy.ops.wholeform.import_result(height=3.0, origin="CENTRE") == {"FINISHED"}
    points = vertices_of(bpy.data.objects["mug mesh"])
    assert np.isclose(np.ptp(points[:, 2]), 3.0, atol=1e-3)


def test_result_for_another_file_waits_to_be_asked_for(mug):
    bpy.ops.wholeform.make_whole(parameters='{"samples": 1, "faces": 2000}')
    serverside.until(lambda: serverside.records())
    (record,) = serverside.records()
    bpy.ops.wm.read_homefile(use_empty=True)
    serverside.until(lambda: record.result is not None)
    for _ in range(5):
        addon.module("pump").pump()
    assert not bpy.data.objects
    assert "press Import" in record.note
    assert bpy.ops.wholeform.import_result(job=record.job.id) == {"FINISHED"}
    assert len(bpy.data.objects) == 1
