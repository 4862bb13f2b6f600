"""Meshes as files: GLB, PLY and OBJ, written and read with trimesh."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from PIL import Image as Picture
from trimesh.exchange.obj import export_obj
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial, SimpleMaterial

from protocol.messages import LabelInfo
from protocol.parts import part_mesh, parts_of
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Mesh

from .colour import to_linear, to_srgb
from .normals import vertex_normals
from .parts import joined
from .wavefront import labelled_obj

FORMATS = (".glb", ".ply", ".obj")
_ROUGHNESS = 0.8
_KEPT_COLOURS = "_COLOR_SRGB"
_LABEL = "label"  # what an id is called in files
_WHITE = (255, 255, 255)


def save_mesh(mesh: Mesh, path: Path | str, name: str = "", labels: Sequence[LabelInfo] = ()) -> list[Path]:
    """Write ``mesh`` to ``path`` by its suffix (.glb, .ply, .obj) and return the files written, the mesh's first.

    GLB holds the texture (sRGB base colour, metallic 0) and smooth normals; without a texture, vertex colours. PLY
    holds vertex colours. OBJ gets a .mtl and a .png of the same name beside it. ``name`` is the object's, else the
    file's. A mesh with face labels has in GLB a mesh and in OBJ a group for each part, with a material named after it
    in ``labels`` (by id); in PLY its faces have a property `label`. Raises ProblemError (BAD_INPUT) for another suffix
    or a folder that cannot be written.
    """
    path = Path(path)
    name = name or path.stem
    suffix = path.suffix.lower()
    if suffix == ".glb":
        files = {path: _glb(mesh, name, labels)}
    elif suffix == ".ply":
        files = {path: _ply(mesh)}
    elif suffix == ".obj":
        files = _obj(mesh, path, labels)
    else:
        raise _wrong_suffix(path)
    try:
        for file, content in files.items():
            file.write_bytes(content)
    except OSError as problem:
        raise ProblemError(
            ErrorCode.BAD_INPUT, f"{path.name} could not be written: {problem.strerror}.", "Choose another folder."
        ) from problem
    return list(files)


def load_mesh(path: Path | str) -> Mesh:
    """The mesh in a .glb, .ply or .obj file, all its parts as one, with texture or vertex colours where it has them,
    and the labels that `save_mesh` wrote into GLB and PLY.

    Vertices are as in the file. Raises ProblemError (BAD_INPUT) when the file is missing or holds no triangles.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise _wrong_suffix(path)
    try:
        mesh = _read(trimesh.load_scene(path, process=False))
    except Exception as problem:  # readers of foreign files fail in many ways
        raise ProblemError(
            ErrorCode.BAD_INPUT, f"{path.name} could not be read as a mesh.", "Try another file."
        ) from problem
    if mesh is None:
        raise ProblemError(ErrorCode.BAD_INPUT, f"{path.name} holds no triangles.", "Give a file with a mesh in it.")
    return mesh


def to_trimesh(mesh: Mesh) -> trimesh.Trimesh:
    """``mesh`` in trimesh, vertex for vertex, with its vertex colours; its texture is left out."""
    return trimesh.Trimesh(mesh.vertices, mesh.faces, vertex_colors=mesh.colours, process=False)


def from_trimesh(loaded: trimesh.Trimesh) -> Mesh:
    """A trimesh with its vertex colours, and its uvs and base colour texture where it has both."""
    vertices = np.asarray(loaded.vertices, np.float32)
    faces = np.asarray(loaded.faces, np.int32)
    visual: Any = loaded.visual
    if visual.kind != "texture":
        return Mesh(vertices, faces, np.asarray(visual.vertex_colors, np.uint8) if visual.kind == "vertex" else None)
    material = visual.material if isinstance(visual.material, SimpleMaterial) else visual.material.to_simple()
    if material.image is not None and visual.uv is not None:
        kept = loaded.vertex_attributes.get(_KEPT_COLOURS)
        colours = None if kept is None else np.asarray(kept, np.uint8)
        return Mesh(
            vertices,
            faces,
            colours,
            np.asarray(visual.uv, np.float32)[:, :2],
            np.asarray(material.image.convert("RGB")),
        )
    return Mesh(vertices, faces, _from_gltf(visual.vertex_attributes.get("color")))


def _from_gltf(colours: np.ndarray | None) -> np.ndarray | None:
    """glTF's COLOR_0 (linear, 8 or 16 bits, 3 or 4 channels) as uint8 sRGB V x 4."""
    if colours is None:
        return None
    scale = np.iinfo(colours.dtype).max if colours.dtype.kind in "ui" else 1
    linear = colours.astype(np.float64) / scale
    alpha = 255 * linear[:, 3:] if linear.shape[1] == 4 else np.full((len(linear), 1), 255.0)
    return np.rint(np.concatenate([to_srgb(linear[:, :3]), alpha], axis=1)).astype(np.uint8)


def _read(scene: trimesh.Scene) -> Mesh | None:
    """All of a scene as one mesh; None without triangles. Parts are joined by us where none has a texture, since
    trimesh would lose their colours."""
    meshes, labels = [], []
    for node in scene.graph.nodes_geometry:
        transform, name = scene.graph[node]
        shape = scene.geometry[name]
        if isinstance(shape, trimesh.Trimesh) and len(shape.faces):
            mesh = from_trimesh(shape)
            placed = trimesh.transform_points(mesh.vertices, transform).astype(np.float32)
            meshes.append(dataclasses.replace(mesh, vertices=placed))
            labels.append(_part_label(shape))
    if len(meshes) > 1 and any(mesh.texture is not None for mesh in meshes):
        return from_trimesh(scene.to_mesh())
    if len(meshes) == 1:
        return dataclasses.replace(meshes[0], face_labels=labels[0])
    return joined(meshes, labels) if meshes else None


def _part_label(shape: trimesh.Trimesh) -> np.ndarray | None:
    """uint16 F: the labels of the faces, as GLB has them for a part and PLY for each face; None without."""
    label = shape.metadata.get(_LABEL)
    if isinstance(label, int) and 0 <= label < 1 << 16:
        return np.full(len(shape.faces), label, np.uint16)
    faces = shape.metadata.get("_ply_raw", {}).get("face", {}).get("data")
    if faces is None or faces.dtype.names is None or _LABEL not in faces.dtype.names:
        return None
    return np.asarray(faces[_LABEL], np.uint16).reshape(-1)


def _wrong_suffix(path: Path) -> ProblemError:
    return ProblemError(
        ErrorCode.BAD_INPUT, f"“{path.name}” names no mesh format.", f"Use a name that ends in {', '.join(FORMATS)}."
    )


def _textured(mesh: Mesh, material: Any) -> trimesh.Trimesh:
    visual = TextureVisuals(uv=mesh.uvs, material=material)
    return trimesh.Trimesh(mesh.vertices, mesh.faces, visual=visual, process=False)


def _gltf_shape(mesh: Mesh, normals: np.ndarray, name: str, colour: tuple[int, int, int]) -> trimesh.Trimesh:
    """``mesh`` as GLB holds it, its material called ``name`` and of ``colour`` where it has none of its own."""
    picture = None if mesh.texture is None else Picture.fromarray(mesh.texture)
    plain = picture is None and mesh.colours is None
    base = np.rint(255 * to_linear(np.array(colour, np.uint8))) if plain else (255, 255, 255)
    material = PBRMaterial(
        name=name,
        baseColorFactor=[*(int(channel) for channel in base), 255],
        baseColorTexture=picture,
        metallicFactor=0.0,
        roughnessFactor=_ROUGHNESS,
    )
    made = _textured(mesh, material)
    made.vertex_normals = normals
    if mesh.colours is not None and picture is not None:
        # COLOR_0 multiplies the texture in glTF and would darken it; under a name of their own the colours are kept.
        made.vertex_attributes[_KEPT_COLOURS] = mesh.colours
    elif mesh.colours is not None:
        # glTF's COLOR_0 is linear; 16 bits keep the dark tones apart, which 8 would not.
        colours = np.concatenate([to_linear(mesh.colours[:, :3]), mesh.colours[:, 3:] / np.float32(255)], axis=1)
        made.vertex_attributes["_COLOR_0"] = np.rint(colours * 65535).astype(np.uint16)
    return made


def _glb(mesh: Mesh, name: str, labels: Sequence[LabelInfo]) -> bytes:
    normals = vertex_normals(mesh.vertices, mesh.faces)
    scene = trimesh.Scene()
    for part in parts_of(mesh, labels):
        # Normals of the whole, so that no seam shows between parts.
        shape = _gltf_shape(part_mesh(mesh, part), normals[part.vertices], part.name, part.colour)
        shape.metadata[_LABEL] = part.label
        scene.add_geometry(shape, node_name=part.name, geom_name=part.name)
    if mesh.face_labels is None:
        scene.add_geometry(_gltf_shape(mesh, normals, name, _WHITE), node_name=name, geom_name=name)

    def declare_colours(tree: dict[str, Any]) -> None:
        for attributes in (part["attributes"] for shape in tree["meshes"] for part in shape["primitives"]):
            if "_COLOR_0" in attributes:
                attributes["COLOR_0"] = attributes.pop("_COLOR_0")
            for attribute in attributes.keys() & {"COLOR_0", _KEPT_COLOURS}:
                tree["accessors"][attributes[attribute]]["normalized"] = True

    content = scene.export(file_type="glb", include_normals=True, tree_postprocessor=declare_colours)
    assert isinstance(content, bytes)
    return content


def _ply(mesh: Mesh) -> bytes:
    made = to_trimesh(mesh)
    if mesh.face_labels is not None:
        made.face_attributes[_LABEL] = mesh.face_labels
    content = made.export(file_type="ply", vertex_normal=True)
    assert isinstance(content, bytes)
    return content


def _obj(mesh: Mesh, path: Path, labels: Sequence[LabelInfo]) -> dict[Path, bytes]:
    if mesh.face_labels is not None:
        shape, materials = labelled_obj(mesh, parts_of(mesh, labels), path.stem)
        files = {path: shape.encode(), path.with_suffix(".mtl"): materials.encode()}
        if mesh.texture is not None:
            files[path.with_suffix(".png")] = _png(mesh.texture)
        return files
    if mesh.texture is None:
        return {path: export_obj(to_trimesh(mesh), include_texture=False).encode()}
    made = _textured(mesh, SimpleMaterial(image=Picture.fromarray(mesh.texture), diffuse=[255] * 4, name=path.stem))
    text, extra = export_obj(made, return_texture=True, write_texture=False, mtl_name=f"{path.stem}.mtl")
    return {path: text.encode(), **{path.with_name(file): content for file, content in extra.items()}}


def _png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Picture.fromarray(pixels).save(content, "PNG")
    return content.getvalue()
