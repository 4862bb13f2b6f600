"""Labelled meshes as files: one object with one material, named after its label, for each part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from protocol import Mesh
from protocol.messages import LabelInfo
from protocol.parts import part_mesh, parts_of

from .viewer.geometry import normals

if TYPE_CHECKING:
    import trimesh

_COLOURS = "_COLOR_0"  # as trimesh lets through what it has no name for; glTF's own name comes at the end


def part_scene(mesh: Mesh, labels: Sequence[LabelInfo], simple: bool = False) -> trimesh.Scene:
    """The parts of ``mesh``, whose ``face_labels`` are ids of ``labels``. Materials are in the labels' colours where
    they are ``simple``, as OBJ wants them, or the mesh has no vertex colours; else those colour a white one."""
    import trimesh
    from trimesh.visual import TextureVisuals
    from trimesh.visual.material import PBRMaterial, SimpleMaterial

    # Of the whole, so that no seam shows between parts.
    smooth = normals(mesh.vertices, mesh.faces)
    scene = trimesh.Scene()
    for part in parts_of(mesh, labels):
        own = part_mesh(mesh, part)
        if simple:
            material: Any = SimpleMaterial(diffuse=[*part.colour, 255])
            material.name = "_".join(part.name.split())
        else:
            colour = np.rint(255 * _linear(np.array(part.colour))) if own.colours is None else np.full(3, 255)
            factor = [*colour.astype(int).tolist(), 255]
            material = PBRMaterial(part.name, baseColorFactor=factor, metallicFactor=0.0, roughnessFactor=0.9)
        made = trimesh.Trimesh(own.vertices, own.faces, process=False)
        made.visual = TextureVisuals(material=material)
        made.vertex_normals = smooth[part.vertices]
        if own.colours is not None and not simple:
            linear = np.concatenate([_linear(own.colours[:, :3]), own.colours[:, 3:] / 255], axis=1)
            made.vertex_attributes[_COLOURS] = np.rint(65535 * linear).astype(np.uint16)
        scene.add_geometry(made, node_name=part.name, geom_name=part.name)
    return scene


def part_glb(mesh: Mesh, labels: Sequence[LabelInfo]) -> bytes:
    """The file's bytes."""

    def name_colours(tree: dict[str, Any]) -> None:
        for primitive in (each for shape in tree["meshes"] for each in shape["primitives"]):
            colours = primitive["attributes"].pop(_COLOURS, None)
            if colours is not None:
                primitive["attributes"]["COLOR_0"] = colours
                tree["accessors"][colours]["normalized"] = True

    content = part_scene(mesh, labels).export(file_type="glb", include_normals=True, tree_postprocessor=name_colours)
    assert isinstance(content, bytes)
    return content


def _linear(srgb: np.ndarray) -> np.ndarray:
    """sRGB of 0 to 255 as linear light of 0 to 1."""
    share = srgb / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
