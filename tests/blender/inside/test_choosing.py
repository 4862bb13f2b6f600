# pyright: reportMissingImports=false
"""Samples against a real server process: choosing with undo, accepting, agreement, and pictures without a mesh."""

from __future__ import annotations

import addon
import bpy
import layout
import numpy as np
import pytest
import serverside
from clock import WATCHED

addon.install()
pytestmark = pytest.mark.usefixtures("local_server")
panels = addon.module("panels")
BOX = (85, 40, 215, 200)


@pytest.fixture
def mug(watch):
    addon.fresh_file()
    image = serverside.picture("mug.png", serverside.painted_mug())
    bpy.context.scene.wholeform.image = image
    bpy.ops.wholeform.set_box(box=BOX)
    bpy.ops.ed.undo_push(message="picture")
    return image


def make(what: str, parameters: str = '{"samples": 3}'):
    bpy.context.scene.wholeform.make = what
    assert bpy.ops.wholeform.make_whole(wait=True, parameters=parameters) == {"FINISHED"}
    (record,) = serverside.records()
    serverside.until(lambda: len(record.samples) == 3)
    return record


def pixels_of(name: str) -> np.ndarray:
    """float, top row first, as the image's own file has it and as Blender shows it."""
    image = bpy.data.images[name]
    shown = np.empty(image.size[0] * image.size[1] * image.channels, np.float32)
    image.pixels.foreach_get(shown)
    return shown.reshape(image.size[1], image.size[0], -1)[::-1]


def wanted_pixels(record, index: int) -> np.ndarray:
    return record.job.outputs["completed"][index].pixels.astype(np.float32) / 255


def test_both_forms_come_from_the_catalogue_and_share_what_was_set(mug):
    scene = bpy.context.scene
    scene.wholeform_parameters.samples = 5
    scene.wholeform_parameters.quality = "draft"
    scene.wholeform.make = "PICTURE"
    said = layout.all_drawn(panels)
    assert "Samples" in said
    assert "Faces" not in said
    parameters = addon.module("parameters")
    assert parameters.values(scene) == {"samples": 5, "quality": "draft"}
    scene.wholeform_picture_parameters.quality = "reference"  # which a mesh has not
    scene.wholeform_picture_parameters.samples = 2
    scene.wholeform.make = "MESH"
    assert "Faces" in layout.all_drawn(panels)
    assert parameters.values(scene) == {"samples": 2, "quality": "draft"}
    scene.wholeform_parameters.samples, scene.wholeform_parameters.quality = 3, "standard"


def test_a_picture_alone_comes_as_image_mask_and_cut_out(mug):
    bpy.context.scene.cursor.location = (2.0, 1.0, 0.5)
    bpy.context.scene.wholeform.height = 1.2
    record = make("PICTURE")
    assert record.job.task == "complete"
    whole, mask = bpy.data.images["mug whole"], bpy.data.images["mug amodal mask"]
    assert tuple(whole.size) == tuple(mask.size) == (320, 240)
    assert mask.colorspace_settings.name == "Non-Color"
    assert np.allclose(pixels_of("mug whole")[..., 3], wanted_pixels(record, 0)[..., 3], atol=1 / 255)
    amodal = record.job.outputs["amodal_masks"][0].inside
    assert np.array_equal(pixels_of("mug amodal mask")[..., 0] > 0.5, amodal)

    thing = bpy.data.objects["mug cut-out"]
    assert thing.select_get()
    local = np.array([vertex.co for vertex in thing.data.vertices]) + thing.matrix_world.translation
    assert np.allclose(local.min(axis=0)[1:], [1.0, 0.5], atol=1e-4)
    assert np.isclose(np.ptp(local[:, 2]), 1.2, atol=1e-4)
    shader = next(node for node in thing.data.materials[0].node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    assert shader.inputs["Alpha"].links[0].from_node.image == whole
    assert shader.inputs["Base Color"].links[0].from_node.image == whole
    # What the rectangle shows is the object's own part of the picture.
    rows, columns = np.nonzero(pixels_of("mug whole")[..., 3] > 0.05)
    uvs = np.array([corner.uv for corner in thing.data.uv_layers[0].data])
    assert np.allclose(uvs.min(axis=0) * [320, 240], [columns.min(), 239 - rows.max()], atol=1.01)

    # Another sample is at hand at once; its mesh is made only when it is asked for.
    assert "Make Mesh" in layout.all_drawn(panels)
    assert bpy.ops.wholeform.choose_sample(job=record.job.id, index=1) == {"FINISHED"}
    assert len(serverside.records()) == 1
    assert thing["wholeform_sample"] == 1
    assert bpy.ops.wholeform.make_mesh(wait=True) == {"FINISHED"}
    assert [each.name for each in bpy.data.objects] == ["mug mesh"]
    assert bpy.data.objects["mug mesh"] == thing
    assert len(thing.data.polygons) > 100
    assert not record.flat
    assert "Make Mesh" not in layout.all_drawn(panels)
    bpy.ops.ed.undo()
    assert len(bpy.data.objects["mug cut-out"].data.polygons) == 2


def test_choosing_is_one_undo_step_and_the_strip_follows(mug):
    record = make("PICTURE")
    first, second = wanted_pixels(record, 0), wanted_pixels(record, 1)
    assert not np.allclose(first, second, atol=0.1)
    bpy.ops.wholeform.choose_sample(job=record.job.id, index=1)
    assert np.allclose(pixels_of("mug whole")[..., 3], second[..., 3], atol=1 / 255)
    bpy.ops.wholeform.choose_sample(job=record.job.id, index=1)  # again: nothing changes, nothing to undo
    bpy.ops.ed.undo()
    assert bpy.data.objects["mug cut-out"]["wholeform_sample"] == 0
    assert record.chosen == 0
    assert np.allclose(pixels_of("mug whole")[..., 3], first[..., 3], atol=1 / 255)
    bpy.ops.ed.redo()
    assert record.chosen == 1
    assert np.allclose(pixels_of("mug whole")[..., 3], second[..., 3], atol=1 / 255)
    bpy.ops.ed.undo()
    bpy.ops.ed.undo()
    assert not bpy.data.objects
    assert [image.name for image in bpy.data.images] == ["mug.png"]


def test_a_renamed_object_is_still_the_one(mug):
    record = make("PICTURE")
    bpy.data.objects["mug cut-out"].name = "hero prop"
    bpy.ops.wholeform.choose_sample(job=record.job.id, index=2)
    assert [each.name for each in bpy.data.objects] == ["hero prop"]
    assert bpy.data.objects["hero prop"]["wholeform_sample"] == 2


def test_accepting_keeps_one_and_puts_the_others_away(mug):
    record = make("MESH", '{"samples": 3, "quality": "best", "faces": 20000}')
    said = layout.all_drawn(panels)
    assert "Accept" in said
    assert {"1", "2", "3"} <= set(said)
    bpy.ops.wholeform.choose_sample(job=record.job.id, index=1)
    bpy.ops.wholeform.choose_sample(job=record.job.id, index=2)
    assert len(serverside.records()) == 3
    assert bpy.ops.wholeform.accept_sample() == {"FINISHED"}
    assert [each.chosen for each in serverside.records() if each.parent] == [2], "nothing is made of the others"
    said = layout.all_drawn(panels)
    assert "Sample 3 accepted" in said
    assert "Accept" not in said
    assert not {"1", "2", "3"} & set(said)
    serverside.until(lambda: len(serverside.records()) == 1)
    assert bpy.data.objects["mug mesh"]["wholeform_sample"] == 2
    assert any("sample 3 accepted" in text for text in layout.all_drawn(panels))
    bpy.ops.ed.undo()
    assert bpy.data.objects["mug mesh"]["wholeform_sample"] == 0
    assert record.chosen == 0

    # Accepting brings back what was taken out of the scene meanwhile.
    bpy.ops.wholeform.choose_again(job=record.job.id)
    assert {"Accept", "1", "2", "3"} <= set(layout.all_drawn(panels))
    bpy.data.objects.remove(bpy.data.objects["mug mesh"])
    assert bpy.ops.wholeform.accept_sample(job=record.job.id) == {"FINISHED"}
    assert [thing["wholeform_job"] for thing in bpy.data.objects] == [record.job.id]


def test_what_is_drawn_over_the_picture(mug):
    record = make("MESH", '{"samples": 3, "faces": 2000}')
    session, settings = serverside.session(), bpy.context.scene.wholeform
    outputs = record.job.outputs
    seen, amodal = record.mask.inside, outputs["amodal_masks"][0].inside

    def drawn(show: str) -> np.ndarray:
        settings.show = show
        overlay = session.overlay("mug.png", show)
        return overlay[::-1] if overlay is not None else np.zeros((240, 320, 4), np.uint8)

    prepare = addon.module("prepare")
    outlined = drawn("OUTLINE")
    hidden = amodal & ~seen
    assert hidden.sum() > 100
    assert np.array_equal(outlined[..., 3] > 0, amodal | seen)
    assert (outlined[hidden][:, :3] == prepare.HIDDEN_COLOUR).all()
    assert (outlined[seen][:, :3] == prepare.TINT_COLOUR).all()
    assert not drawn("PICTURE").any()
    assert drawn("WHOLE")[0, 0].tolist() == [0, 0, 0, 150]
    agreed = drawn("AGREEMENT")
    wholes = np.array([mask.inside for mask in outputs["amodal_masks"]])
    assert (agreed[wholes.all(axis=0)][:, :3] == prepare.SURE_COLOUR).all()
    assert (agreed[wholes.any(axis=0) & ~wholes.all(axis=0)][:, :3] == prepare.UNSURE_COLOUR).all()
    assert not agreed[~wholes.any(axis=0)].any()
    share = wholes.all(axis=0).sum() / wholes.any(axis=0).sum()
    assert f"All 3 samples agree on {100 * share:.0f} %" in " ".join(layout.all_drawn(panels))
    bpy.ops.wholeform.remove_job(job=record.job.id)
    assert session.overlay("mug.png", "WHOLE") is session.tints.get("mug.png")
    settings.show = "WHOLE"


def test_a_picture_of_what_stands_out_most(mug):
    bpy.ops.wholeform.clear_prompts()
    record = make("PICTURE", '{"samples": 3, "quality": "draft"}')
    assert record.job.info["models"]["segment"] == "u2netp"


def test_no_call_holds_up_the_interface(mug, watch):
    record = make("MESH", '{"samples": 3, "faces": 20000}')
    settings = bpy.context.scene.wholeform
    WATCHED.append(True)
    bpy.ops.wholeform.choose_sample(job=record.job.id, index=1)
    serverside.until(lambda: 1 in record.meshes, each=lambda: layout.all_drawn(panels))
    bpy.ops.wholeform.choose_sample(job=record.job.id, index=0)
    for show in ("OUTLINE", "AGREEMENT", "PICTURE", "WHOLE"):
        settings.show = show
        layout.all_drawn(panels)
    settings.make = "PICTURE"
    layout.all_drawn(panels)
    bpy.ops.wholeform.accept_sample(job=record.job.id)
    layout.all_drawn(panels)
    bpy.ops.wholeform.choose_again(job=record.job.id)
    bpy.ops.ed.undo()
    WATCHED.clear()
    watch.check(bpy.app.version_string)
    assert len(watch.calls) > 20
