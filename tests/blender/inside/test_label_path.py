# pyright: reportMissingImports=false
"""Painting labels against a real server process with the model that comes along: paint, make, turn, edit, import."""

from __future__ import annotations

import addon
import bpy
import numpy as np
import pytest
import serverside
from clock import WATCHED

addon.install()
pytestmark = pytest.mark.usefixtures("local_server")
label_images, label_jobs, ghost = (addon.module(name) for name in ("label_images", "label_jobs", "ghost"))
PATIENCE_S = 240.0


@pytest.fixture
def car():
    """A label map with the side of a car on it: body, window and two wheels."""
    addon.fresh_file()
    models = addon.module("label_views").painting_models(serverside.session().catalogue)
    ready = [model for model in models if model.ready and {"body", "window", "wheel"} <= {x.name for x in model.labels}]
    if not ready:
        pytest.skip("no model that paints vehicles is ready")
    assert bpy.ops.wholeform.new_label_map(name="car", model=ready[0].name) == {"FINISHED"}
    image = bpy.data.images["car"]
    names = [label.name for label in ready[0].labels]
    rows, columns = np.mgrid[:512, :512]
    ids = np.zeros((512, 512), np.uint16)
    ids[(abs(rows - 270) < 50) & (abs(columns - 256) < 190)] = names.index("body")
    ids[(abs(rows - 190) < 40) & (abs(columns - 256) < 110)] = names.index("window")
    for middle in (150, 362):
        ids[np.hypot(rows - 320, columns - middle) < 42] = names.index("wheel")
    painted = addon.module("protocol.labels").painted(ids, ready[0].labels)
    pixels = np.dstack([painted, np.full_like(ids, 255)])[::-1].astype(np.float32) / 255
    image.pixels.foreach_set(pixels.ravel())
    image.update()
    return image


def test_from_strokes_to_a_mesh_with_a_material_for_each_part(watch, car):
    WATCHED.append(True)
    painting = label_jobs.painting_of(car)
    assert bpy.ops.wholeform.make_object(parameters='{"seed": 1}') == {"FINISHED"}
    serverside.until(lambda: painting.made is not None and not painting.is_busy, PATIENCE_S)
    assert not painting.note
    assert label_jobs.ghost_name(painting) in ghost._ghosts
    first = painting.made.id

    assert bpy.ops.wholeform.edit_from_view(azimuth=-60.0, elevation=25.0) == {"FINISHED"}
    serverside.until(lambda: not painting.is_busy, PATIENCE_S)
    assert not painting.note
    seen_from = label_images.camera(car)
    assert seen_from is not None
    shown = label_images.read(car, label_images.floats(car), 64)
    assert len(np.unique(shown.ids)) > 1

    assert bpy.ops.wholeform.make_object() == {"FINISHED"}
    serverside.until(lambda: not painting.is_busy and painting.made.id != first, PATIENCE_S)
    assert not painting.note
    assert np.allclose(painting.camera.cam2world, seen_from.cam2world, atol=1e-5)

    assert bpy.ops.wholeform.import_object(faces=3000) == {"FINISHED"}
    (record,) = serverside.records()
    serverside.until(lambda: record.imported, PATIENCE_S)
    WATCHED.clear()
    watch.check(bpy.app.version_string)
    assert serverside.has_one_thread()
    thing = bpy.data.objects["car mesh"]
    names = [slot.material.name for slot in thing.material_slots]
    assert set(names) <= {label.name for label in label_images.labels(car)}
    assert "body" in names
    used = np.empty(len(thing.data.polygons), np.int32)
    thing.data.polygons.foreach_get("material_index", used)
    assert set(used.tolist()) == set(range(len(names)))
    assert label_jobs.ghost_name(painting) not in ghost._ghosts


def test_scripts_can_wait_and_are_told_what_is_wrong(car):
    assert bpy.ops.wholeform.make_object(wait=True) == {"FINISHED"}
    assert label_jobs.painting_of(car).made is not None
    empty = np.ones(512 * 512 * 4, np.float32)
    car.pixels.foreach_set(empty)
    with pytest.raises(RuntimeError, match="background"):
        bpy.ops.wholeform.make_object(wait=True)
