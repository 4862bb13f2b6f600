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
    if options.place == "PICTURE" and can_place(record, ready, scene):
        view, picture, seen = view_of(record, scene), record.picture, ready.placement
        assert view is not None
        assert picture is not None
        assert seen is not None
        eye, backwards = view.matrix[:3, 3], view.matrix[:3, 2]
        distance = max(0.1, float((eye - list(cursor)) @ backwards))
        return as_seen(
            ready.vertices, options.height, options.origin, view, picture.size, seen["centre"], seen["side"], distance
        )
    return at_point(ready.vertices, options.height, options.origin, cursor)


def can_place(record: JobRecord, ready: ReadyMesh, scene: Any) -> bool:
    """Whether "as in the picture" is possible."""
    known = ready.placement is not None and record.picture is not None and record.picture.size[0] > 0
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


def _materials(record: JobRecord, ready: ReadyMesh, options: ImportOptions) -> list[Any]:
    """One for the whole mesh, or for each of its parts one of the part's name, which solid viewports show in the
    palette's colour."""
    texture = bpy.data.images.get(record.completed_name) if ready.cut_out else None
    if ready.texture is not None and options.colours == "TEXTURE":
        texture = images.from_png(f"{record.label} texture", ready.texture)
    if ready.parts:
        return [materials.make(part.name, texture, ready.colours, plain=part.colour) for part in ready.parts]
    if texture is None and ready.colours is None:
        return []
    return [materials.make(f"{record.label} material", texture, ready.colours, see_through=ready.cut_out)]


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
    """The completed image, its mask and the mesh of ``record`` into the scene, or the image's cut-out where there is no
    mesh; returns the object, or None where there is neither.

    Makes no undo step: an operator does that by itself, the pump calls `undo_step`.
    """
    result = record.result
    if result is None:
        return None
    scene, layer = places.scene_and_layer(record.scene)
    show_completed(record)
    record.imported = True
    ready = record.meshes.get(record.chosen)
    if ready is None:
        return None
    if options.place == "PICTURE" and not can_place(record, ready, scene):
        record.note = "No camera to place it with: it is at the 3D cursor"
    standing = standing_for(record, ready, options, scene)
    mesh = _dressed_mesh(record, ready, standing, options)
    thing = bpy.data.objects.new(mesh.name, mesh)
    thing.matrix_world = Matrix([list(map(float, row)) for row in standing.matrix])
    _collection(scene, layer).objects.link(thing)
    _describe(thing, record)
    _select_alone(thing, layer)
    record.target, record.options = thing.name, options
    return thing


def _mesh_name(record: JobRecord, ready: ReadyMesh) -> str:
    return f"{record.label} {'cut-out' if ready.cut_out else 'mesh'}"


def _dressed_mesh(record: JobRecord, ready: ReadyMesh, standing: Standing, options: ImportOptions) -> Any:
    mesh = build_mesh(_mesh_name(record, ready), ready, standing)
    for material in _materials(record, ready, options):
        mesh.materials.append(material)
    if ready.face_parts is not None:
        mesh.polygons.foreach_set("material_index", ready.face_parts)
    return mesh


def object_of(record: JobRecord) -> Any | None:
    """The object made from ``record``, also after it was renamed; None when it is gone."""
    name = f"{PROPERTIES}job"
    named = bpy.data.objects.get(record.target)
    if named is not None and named.get(name) == record.job.id:
        return named
    return next((thing for thing in bpy.data.objects if thing.get(name) == record.job.id), None)


def replace_mesh(record: JobRecord) -> Any | None:
    """Give the object of ``record`` the mesh of its chosen sample; where the object is gone, make it again."""
    thing = object_of(record)
    ready = record.meshes.get(record.chosen)
    if thing is None or thing.type != "MESH" or ready is None:
        return bring_in(record, record.options)
    scene, _ = places.scene_and_layer(record.scene)
    standing = standing_for(record, ready, record.options, scene)
    old, old_name = thing.data, thing.data.name
    show_completed(record)
    mesh = _dressed_mesh(record, ready, standing, record.options)
    thing.data = mesh  # the object keeps the place the person gave it
    _describe(thing, record)
    _remove_unused(old)
    mesh.name = _mesh_name(record, ready)  # which was the old one's until now
    if thing.name == old_name:
        thing.name = mesh.name  # a cut-out that has become a mesh
    record.target = thing.name
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


def show_completed(record: JobRecord) -> None:
    """The chosen sample's completed picture and amodal mask as images of their own, replacing the record's earlier
    ones."""
    first = record.result.first if record.result is not None else None
    sample = record.samples[record.chosen] if record.chosen < len(record.samples) else first
    if sample is None:
        return
    image = images.from_png(f"{record.label} whole", sample.completed, bpy.data.images.get(record.completed_name))
    _describe(image, record)
    record.completed_name = image.name
    if sample.mask is not None:
        mask = images.from_png(f"{record.label} amodal mask", sample.mask, bpy.data.images.get(record.mask_name))
        mask.colorspace_settings.name = "Non-Color"
        _describe(mask, record)
        record.mask_name = mask.name


def undo_step(message: str) -> None:
    """One step in Blender's undo history for what was just done outside an operator."""
    with places.in_window():
        bpy.ops.ed.undo_push(message=message)
