"""Bringing a result into the scene: the completed image, the mesh with its material, and one undo step."""

from __future__ import annotations

import json
from typing import Any

import bpy
from mathutils import Matrix

from . import compat, images, materials, places
from .placement import Standing, View, as_seen, at_point
from .prepare import ReadyMesh
from .session import ImportOptions, JobRecord

PROPERTIES = "wholeform_"


def build_mesh(name: str, ready: ReadyMesh, standing: Standing) -> Any:
    """A mesh datablock, smooth, with the attribute "Color" (sRGB bytes) and the UV map "UVMap" where given."""
    mesh = bpy.data.meshes.new(name)
    compat.write_topology(mesh, standing.apply(ready.vertices), ready.faces)
    mesh.update(calc_edges=True)
    if ready.corner_uvs is not None:
        mesh.uv_layers.new(name="UVMap", do_init=False)
        mesh.uv_layers["UVMap"].data.foreach_set("uv", ready.corner_uvs.ravel())
    if ready.colours is not None:
        mesh.attributes.new(materials.COLOUR_ATTRIBUTE, "BYTE_COLOR", "POINT")
        mesh.attributes[materials.COLOUR_ATTRIBUTE].data.foreach_set("color_srgb", ready.colours.ravel())
        mesh.color_attributes.active_color_index = 0
        mesh.color_attributes.render_color_index = 0
    compat.smooth(mesh)
    return mesh


def standing_for(record: JobRecord, ready: ReadyMesh, options: ImportOptions, scene: Any) -> Standing:
    """Where the mesh goes: "as in the picture" if a camera and the object's place in the picture are known, else
    upright at the 3D cursor."""
    cursor = scene.cursor.location
    seen = record.job.info.get("placement")
    if options.place == "PICTURE" and can_place(record, scene):
        view, picture = view_of(record, scene), record.picture
        assert view is not None
        assert picture is not None
        eye, backwards = view.matrix[:3, 3], view.matrix[:3, 2]
        distance = max(0.1, float((eye - list(cursor)) @ backwards))
        return as_seen(
            ready.vertices, options.height, options.origin, view, picture.size, seen["centre"], seen["side"], distance
        )
    return at_point(ready.vertices, options.height, options.origin, cursor)


def can_place(record: JobRecord, scene: Any) -> bool:
    """Whether "as in the picture" is possible."""
    known = record.job.info.get("placement") is not None and record.picture is not None and record.picture.size[0] > 0
    return known and view_of(record, scene) is not None


def view_of(record: JobRecord, scene: Any) -> View | None:
    """The camera that took the record's picture, else the scene's active one."""
    if record.picture is not None and record.picture.view:
        return View.of(record.picture.view)
    return camera_view(scene.camera, scene) if scene.camera is not None else None


def camera_view(camera: Any, scene: Any) -> View:
    """The view of a camera object, for pictures of the scene's render size."""
    corners = camera.data.view_frame(scene=scene)
    xs, ys = [corner.x for corner in corners], [corner.y for corner in corners]
    perspective = camera.data.type != "ORTHO"
    depth = -corners[0].z if perspective else 1.0
    place, turn, _ = camera.matrix_world.decompose()
    matrix = turn.to_matrix().to_4x4()
    matrix.translation = place
    borders = [value / depth for value in (min(xs), max(xs), min(ys), max(ys))]
    return View.of([number for row in matrix for number in row] + [*borders, float(perspective)])


def _collection(scene: Any, layer: Any) -> Any:
    active = layer.active_layer_collection
    return active.collection if active is not None and not active.exclude else scene.collection


def _material(record: JobRecord, ready: ReadyMesh, options: ImportOptions) -> Any | None:
    texture = None
    if ready.texture is not None and options.colours == "TEXTURE":
        texture = images.from_png(f"{record.label} texture", ready.texture)
    if texture is None and ready.colours is None:
        return None
    return materials.make(f"{record.label} material", texture, ready.colours)


def _describe(thing: Any, record: JobRecord) -> None:
    """Store on ``thing`` what it was made with."""
    info = record.job.info
    thing[f"{PROPERTIES}job"] = record.job.id
    thing[f"{PROPERTIES}picture"] = record.picture.name if record.picture else ""
    thing[f"{PROPERTIES}sample"] = record.chosen
    thing[f"{PROPERTIES}parameters"] = json.dumps(info.get("parameters") or record.job.parameters)
    thing[f"{PROPERTIES}models"] = json.dumps(info.get("models", {}))
    thing[f"{PROPERTIES}seconds"] = json.dumps(info.get("seconds", {}))


def _select_alone(thing: Any, layer: Any) -> None:
    if bpy.context.mode != "OBJECT":
        return
    for other in layer.objects.selected:
        other.select_set(False, view_layer=layer)
    thing.select_set(True, view_layer=layer)
    layer.objects.active = thing


def bring_in(record: JobRecord, options: ImportOptions) -> Any | None:
    """The completed image and the mesh of ``record`` into the scene; returns the object, or None without a mesh.

    Makes no undo step: an operator does that by itself, the pump calls `undo_step`.
    """
    result = record.result
    if result is None:
        return None
    scene, layer = places.scene_and_layer(record.scene)
    if result.completed is not None:
        show_completed(record, record.samples[record.chosen] if record.samples else result.completed)
    record.imported = True
    ready = record.meshes.get(record.chosen)
    if ready is None:
        return None
    if options.place == "PICTURE" and not can_place(record, scene):
        record.note = "No camera to place it with: it is at the 3D cursor"
    standing = standing_for(record, ready, options, scene)
    mesh = build_mesh(f"{record.label} mesh", ready, standing)
    material = _material(record, ready, options)
    if material is not None:
        mesh.materials.append(material)
    thing = bpy.data.objects.new(mesh.name, mesh)
    thing.matrix_world = Matrix([list(map(float, row)) for row in standing.matrix])
    _collection(scene, layer).objects.link(thing)
    _describe(thing, record)
    _select_alone(thing, layer)
    record.target, record.options = thing.name, options
    return thing


def replace_mesh(record: JobRecord) -> Any | None:
    """Give the object of ``record`` the mesh of its chosen sample; where the object is gone, make it again."""
    thing = bpy.data.objects.get(record.target)
    ready = record.meshes.get(record.chosen)
    if thing is None or thing.type != "MESH" or ready is None:
        return bring_in(record, record.options)
    scene, _ = places.scene_and_layer(record.scene)
    standing = standing_for(record, ready, record.options, scene)
    old = thing.data
    mesh = build_mesh(f"{record.label} mesh", ready, standing)
    material = _material(record, ready, record.options)
    if material is not None:
        mesh.materials.append(material)
    thing.data = mesh  # the object keeps the place the person gave it
    _describe(thing, record)
    _remove_unused(old)
    show_completed(record, record.samples[record.chosen] if record.samples else None)
    return thing


def _remove_unused(mesh: Any) -> None:
    """Remove a mesh that nothing uses any more, with the material and texture that were made for it."""
    if mesh.users:
        return
    materials_of = [material for material in mesh.materials if material is not None]
    bpy.data.meshes.remove(mesh)
    for material in materials_of:
        textures = [node.image for node in material.node_tree.nodes if node.type == "TEX_IMAGE" and node.image]
        if material.users == 0:
            bpy.data.materials.remove(material)
            for texture in textures:
                if texture.users == 0:
                    bpy.data.images.remove(texture)


def show_completed(record: JobRecord, data: bytes | None) -> Any | None:
    """The completed picture as an image datablock of its own, replacing the record's earlier one."""
    if data is None:
        return None
    image = images.from_png(f"{record.label} whole", data, bpy.data.images.get(record.completed_name))
    _describe(image, record)
    record.completed_name = image.name
    return image


def undo_step(message: str) -> None:
    """One step in Blender's undo history for what was just done outside an operator."""
    with places.in_window():
        bpy.ops.ed.undo_push(message=message)
