# pyright: reportMissingImports=false
"""Importing a known mesh, without any server."""

from __future__ import annotations

import json
from types import SimpleNamespace

import addon
import bpy
import numpy as np
import pytest
import shapes

addon.install()
importing, placement, session = (addon.module(name) for name in ("importing", "placement", "session"))
protocol = addon.module("protocol")


@pytest.fixture(autouse=True)
def _fresh_file():
    addon.fresh_file()


def bring_in(**options):
    record = shapes.result_record(addon.module, shapes.wedge(protocol), models={"mesh": "inflate"})
    thing = importing.bring_in(record, session.ImportOptions(**options))
    bpy.context.view_layer.update()
    return record, thing


def world(thing) -> np.ndarray:
    local = np.empty(len(thing.data.vertices) * 3, np.float32)
    thing.data.vertices.foreach_get("co", local)
    matrix = np.array(thing.matrix_world)
    return local.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]


def test_stands_upright_at_the_cursor_in_the_wanted_size():
    bpy.context.scene.cursor.location = (1, 2, 3)
    _, thing = bring_in(height=2.0)
    points = world(thing)
    assert np.allclose(points.min(axis=0), [1 - 0.75, 2 - 0.5, 3], atol=1e-5)
    assert np.allclose(points.max(axis=0), [1 + 0.75, 2 + 0.5, 5], atol=1e-5)
    assert tuple(thing.scale) == (1, 1, 1)


def test_origin_in_the_centre():
    _, thing = bring_in(height=2.0, origin="CENTRE")
    assert np.allclose(world(thing).min(axis=0), [-0.75, -0.5, -1.0], atol=1e-5)


def test_front_looks_towards_minus_y_and_faces_point_outwards():
    _, thing = bring_in()
    mesh = thing.data
    front = [vertex.index for vertex in mesh.vertices if vertex.co.y < 0]
    assert front == [0, 1, 2, 3]
    centre = sum((vertex.co for vertex in mesh.vertices), start=type(mesh.vertices[0].co)()) / 8
    assert all((face.center - centre).dot(face.normal) > 0 for face in mesh.polygons)
    assert all(face.use_smooth for face in mesh.polygons)
    assert mesh.validate(verbose=True) is False


def test_colours_are_the_bytes_that_came():
    _, thing = bring_in()
    attribute = thing.data.attributes["Color"]
    assert (attribute.data_type, attribute.domain) == ("BYTE_COLOR", "POINT")
    colours = np.empty(8 * 4, np.float32)
    attribute.data.foreach_get("color_srgb", colours)
    got = np.round(colours.reshape(8, 4) * 255).astype(int)
    assert got[0].tolist() == [200, 30, 10, 255]
    assert got[7].tolist() == [10, 30, 200, 255]


def test_material_shows_the_texture_in_srgb():
    _, thing = bring_in()
    (material,) = thing.data.materials
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    (link,) = shader.inputs["Base Color"].links
    image = link.from_node.image
    assert link.from_node.type == "TEX_IMAGE"
    assert image.packed_file is not None
    assert image.colorspace_settings.name == "sRGB"
    pixels = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(pixels)
    rows = np.round(pixels.reshape(image.size[1], image.size[0], 4) * 255).astype(int)[::-1]
    assert rows[0, 0].tolist() == [188, 54, 12, 255]
    assert rows[-1, -1].tolist() == [250, 240, 5, 255]
    assert [layer.name for layer in thing.data.uv_layers] == ["UVMap"]
    assert tuple(thing.data.uv_layers[0].data[2].uv) == (1.0, 1.0)


def test_material_with_vertex_colours():
    _, thing = bring_in(colours="VERTEX")
    shader = next(node for node in thing.data.materials[0].node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    source = shader.inputs["Base Color"].links[0].from_node
    assert source.bl_idname == "ShaderNodeVertexColor"
    assert source.layer_name == "Color"


def test_names_parameters_and_the_completed_picture():
    record, thing = bring_in()
    assert thing.name == "mug mesh"
    assert thing["wholeform_job"] == record.job.id
    assert json.loads(thing["wholeform_parameters"]) == {"seed": 7}
    assert json.loads(thing["wholeform_models"]) == {"mesh": "inflate"}
    whole = bpy.data.images["mug whole"]
    assert tuple(whole.size) == (60, 40)
    assert whole.packed_file is not None
    assert bpy.context.view_layer.objects.active == thing
    assert thing.select_get()


def test_one_undo_step():
    current = session.current()
    record = shapes.result_record(addon.module, shapes.wedge(protocol))
    record.file = current.file
    current.records[record.job.id] = record
    addon.module("pump").bring_in_one(current)
    assert "mug mesh" in bpy.data.objects
    bpy.ops.ed.undo()
    assert not bpy.data.objects
    assert "mug whole" not in bpy.data.images
    bpy.ops.ed.redo()
    assert "mug mesh" in bpy.data.objects
    assert bpy.data.objects["mug mesh"].data.materials[0].node_tree.nodes
    assert record.imported


def test_another_sample_takes_the_place_of_the_mesh():
    record, thing = bring_in()
    thing.location = (5, 0, 0)
    smaller = shapes.wedge(protocol, texture=False)
    record.meshes[1] = addon.module("prepare").ready_mesh(smaller)
    green = np.zeros((40, 60, 4), np.uint8)
    green[:] = (0, 200, 0, 255)
    record.samples.append(addon.module("prepare").ReadySample(addon.module("png").encode(green), None))
    assert bpy.data.images["mug whole"].pixels[0] == 0  # loads the first sample's pixels
    record.chosen = 1
    again = importing.replace_mesh(record)
    assert again == thing
    assert tuple(thing.location) == (5, 0, 0)
    assert thing["wholeform_sample"] == 1
    assert len(bpy.data.meshes) == 1
    assert len(bpy.data.materials) == 1
    assert [image.name for image in bpy.data.images] == ["mug amodal mask", "mug whole"]
    whole = bpy.data.images["mug whole"]
    assert whole.name == "mug whole"
    assert np.allclose(whole.pixels[:4], [0, 200 / 255, 0, 1], atol=1e-6)


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO"])
def test_as_in_the_picture_lands_where_the_camera_saw_it(kind: str):
    data = bpy.data.cameras.new("eye")
    data.type, data.ortho_scale, data.shift_x = kind, 6.0, 0.1
    camera = bpy.data.objects.new("eye", data)
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    camera.location, camera.rotation_euler = (4, -6, 3), (1.1, 0.05, 0.6)
    bpy.context.view_layer.update()
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 600, 400
    record = shapes.result_record(
        addon.module, shapes.wedge(protocol), placement={"centre": [22.0, 17.0], "side": 12.5}
    )
    thing = importing.bring_in(record, session.ImportOptions(height=1.5, place="PICTURE", origin="BASE"))
    bpy.context.view_layer.update()
    from bpy_extras.object_utils import world_to_camera_view

    # The mesh's own coordinates say where each vertex was in the picture of 60 x 40.
    mesh = shapes.wedge(protocol).vertices
    for vertex, point in zip(mesh, world(thing), strict=True):
        if abs(vertex[2] - 0.2) > 1e-6 and kind == "PERSP":
            continue
        seen = world_to_camera_view(scene, camera, camera.location.__class__(point))
        expected = np.array([(22.0 + vertex[0] * 12.5) / 60, 1 - (17.0 - vertex[1] * 12.5) / 40])
        # A perspective camera sees the front a little larger than the middle plane that the place is given for.
        assert np.allclose([seen.x, seen.y], expected, atol=1e-4 if kind == "ORTHO" else 0.03)
    if kind == "PERSP":
        middle = world_to_camera_view(scene, camera, camera.location.__class__(world(thing).mean(axis=0)))
        assert np.allclose([middle.x, middle.y], [22 / 60, 1 - 17 / 40], atol=1e-4)
        extent = world(thing)[2] - world(thing)[0]
        assert np.isclose(np.linalg.norm(extent), 1.5, atol=1e-5)


def test_big_mesh_quickly():
    import time

    rows = 320
    grid = np.stack(np.meshgrid(np.linspace(-0.5, 0.5, rows), np.linspace(-0.5, 0.5, rows)), -1).reshape(-1, 2)
    vertices = np.concatenate([grid, 0.1 * np.sin(9 * grid[:, :1])], 1).astype(np.float32)
    corner = (np.arange(rows - 1)[:, None] * rows + np.arange(rows - 1)).ravel()
    faces = np.concatenate(
        [np.stack([corner, corner + 1, corner + rows], 1), np.stack([corner + 1, corner + rows + 1, corner + rows], 1)]
    ).astype(np.int32)
    colours = np.full((rows * rows, 4), 200, np.uint8)
    texture = np.random.default_rng(0).integers(0, 255, (1024, 1024, 3), np.uint8)
    mesh = protocol.Mesh(vertices, faces, colours, (grid + 0.5).astype(np.float32), texture)
    record = shapes.result_record(addon.module, mesh)
    began = time.perf_counter()
    importing.bring_in(record, session.ImportOptions())
    took = time.perf_counter() - began
    print(f"FIGURE import of {len(faces)} faces and a 1024 texture: {took * 1e3:.0f} ms")
    assert took < 3.0


def test_a_mask_comes_with_its_looks_whatever_is_heard_first():
    """The job may have ended by the time that older news of it is read."""
    now, pump, prepare = session.current(), addon.module("pump"), addon.module("prepare")
    picture, mask, tint = SimpleNamespace(name="cup.png"), object(), np.zeros((4, 4, 4), np.uint8)
    job = SimpleNamespace(id="pointed", state=protocol.JobState.DONE, outputs={"mask": mask}, problem=None)
    found = prepare.ReadyResult("pointed", mask, {}, None, [], tint, prepare.Looks([], []))
    now.pointing["pointed"] = picture
    assert pump._on_job(now, job) == ""
    assert now.overlay("cup.png") is None
    assert "cup.png" not in now.masks
    assert pump._on_result(now, found) == "IMAGE_EDITOR"
    assert now.masks["cup.png"] is mask
    assert now.overlay("cup.png") is tint
    assert not now.pointing
    now.forget_mask("cup.png")
    # An answer to prompts that are others by now changes nothing.
    pump._on_result(now, found)
    assert now.overlay("cup.png") is None
    assert "cup.png" not in now.masks


def test_pointing_ends_where_its_answer_cannot_be_shown():
    now, pump, prepare = session.current(), addon.module("pump"), addon.module("prepare")
    now.pointing["pointed"] = SimpleNamespace(name="cup.png")
    problem = protocol.Problem(protocol.ErrorCode.INTERNAL, "The result could not be read.", "Run it again.")
    assert pump._apply(now, prepare.NotReady("pointed", problem)) == "IMAGE_EDITOR"
    assert not now.pointing
    assert "could not be read" in now.note
    now.note = ""
