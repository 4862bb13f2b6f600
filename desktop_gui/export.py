"""Write results to files: pictures and masks as PNG, meshes as GLB, PLY or OBJ."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from protocol import ErrorCode, Image, Mask, Mesh, ProblemError
from protocol.messages import LabelInfo

from .files import Replacing
from .part_export import part_glb, part_scene

if TYPE_CHECKING:
    import trimesh
    from trimesh.visual.material import Material

MESH_FORMATS = ("glb", "ply", "obj")


def save_picture(path: Path, value: Image | Mask) -> list[Path]:
    """Write ``value`` as PNG. ProblemError (INTERNAL) when the place cannot be written to."""
    import PIL.Image

    with Replacing(path) as temporary:
        PIL.Image.fromarray(value.pixels).save(temporary, format="PNG")
    return [path]


def save_mesh(path: Path, mesh: Mesh, labels: Sequence[LabelInfo] = ()) -> list[Path]:
    """Write ``mesh`` in the format that the suffix of ``path`` names (.glb, .ply, .obj); returns all files written.

    GLB and OBJ carry the texture where the mesh has one, else the vertex colours; PLY carries vertex colours. OBJ
    writes its material and texture beside, named after it. In GLB and OBJ a mesh with face labels is one object with
    one material for each of its ``labels``. ProblemError: BAD_PARAMETER for another suffix, INTERNAL
    when the place cannot be written to.
    """
    suffix = path.suffix.lower().lstrip(".")
    if suffix not in MESH_FORMATS:
        raise ProblemError(
            ErrorCode.BAD_PARAMETER, f"“{path.name}” has no mesh format.", f"End it in .{', .'.join(MESH_FORMATS)}."
        )
    if suffix == "obj":
        return _save_obj(path, mesh, labels)
    with Replacing(path) as temporary:
        if suffix == "glb" and mesh.face_labels is not None:
            temporary.write_bytes(part_glb(mesh, labels))
            return [path]
        material = _glb_material(mesh) if suffix == "glb" else None
        temporary.write_bytes(_bytes_of(_trimesh(mesh, material).export(file_type=suffix)))
    return [path]


def _glb_material(mesh: Mesh) -> Material | None:
    import PIL.Image
    from trimesh.visual.material import PBRMaterial

    if mesh.texture is None:
        return None
    picture = PIL.Image.fromarray(mesh.texture)
    return PBRMaterial("Wholeform", baseColorTexture=picture, metallicFactor=0.0, roughnessFactor=0.9)


def _save_obj(path: Path, mesh: Mesh, labels: Sequence[LabelInfo]) -> list[Path]:
    import PIL.Image
    from trimesh.exchange.obj import export_obj
    from trimesh.visual.material import SimpleMaterial

    # trimesh calls the texture after the material, and blanks in names inside a .mtl confuse readers.
    stem = "_".join(path.stem.split())
    material = None
    if mesh.texture is not None:
        black = [0, 0, 0, 255]
        material = SimpleMaterial(PIL.Image.fromarray(mesh.texture), diffuse=[255] * 4, ambient=black, specular=black)
        material.name = stem
    shape = _trimesh(mesh, material) if mesh.face_labels is None else part_scene(mesh, labels, simple=True)
    text, extra = export_obj(shape, return_texture=True, mtl_name=f"{stem}.mtl")
    written: list[Path] = []
    for name, content in {path.name: text, **extra}.items():
        with Replacing(path.with_name(name)) as temporary:
            temporary.write_bytes(_bytes_of(content))
        written.append(path.with_name(name))
    return written


def _bytes_of(content: object) -> bytes:
    return content if isinstance(content, bytes) else str(content).encode()


def _trimesh(mesh: Mesh, material: Material | None) -> trimesh.Trimesh:
    """With ``material`` the texture is used, without one the vertex colours (sampled from the texture if need be)."""
    import trimesh
    from trimesh.visual import ColorVisuals, TextureVisuals

    made = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    if material is not None:
        made.visual = TextureVisuals(uv=mesh.uvs, material=material)
    elif mesh.colours is not None:
        made.visual = ColorVisuals(made, vertex_colors=mesh.colours)
    elif mesh.texture is not None and mesh.uvs is not None:
        made.visual = ColorVisuals(made, vertex_colors=_sampled(mesh.texture, mesh.uvs))
    return made


def _sampled(texture: np.ndarray, uvs: np.ndarray) -> np.ndarray:
    height, width = texture.shape[:2]
    columns = np.clip((uvs[:, 0] * width).astype(int), 0, width - 1)
    rows = np.clip(((1 - uvs[:, 1]) * height).astype(int), 0, height - 1)
    return texture[rows, columns]
