"""Labelled meshes as Wavefront OBJ: one group and one material a part, all on shared vertices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from protocol.parts import Part
from protocol.values import Mesh

from .normals import vertex_normals


def labelled_obj(mesh: Mesh, parts: Sequence[Part], stem: str) -> tuple[str, str]:
    """The texts of the .obj and the .mtl named ``stem``. Vertices carry their colours, as most programs read them;
    uvs and texture (``stem``.png) where the mesh has them."""
    colours = np.zeros((len(mesh.vertices), 0)) if mesh.colours is None else mesh.colours[:, :3] / 255
    normals = vertex_normals(mesh.vertices, mesh.faces)
    textured = mesh.uvs is not None and mesh.texture is not None
    lines = [f"mtllib {stem}.mtl", f"o {stem}"]
    lines += _lines("v", np.concatenate([mesh.vertices, colours], axis=1))
    lines += _lines("vn", normals)
    lines += _lines("vt", mesh.uvs) if textured and mesh.uvs is not None else []
    corner = "{0}/{0}/{0}" if textured else "{0}//{0}"
    for part in parts:
        name = material_name(part)
        lines += [f"g {name}", f"usemtl {name}"]
        lines += ["f " + " ".join(corner.format(n) for n in face) for face in (mesh.faces[part.faces] + 1).tolist()]
    materials = []
    for part, colour in zip(parts, _part_colours(mesh, parts), strict=True):
        shade = (1.0, 1.0, 1.0) if textured else tuple(channel / 255 for channel in colour)
        materials += [f"newmtl {material_name(part)}", *_lines("Kd", np.array([shade])), "d 1"]
        materials += [f"map_Kd {stem}.png"] if textured else []
    return "\n".join(lines) + "\n", "\n".join(materials) + "\n"


def material_name(part: Part) -> str:
    """A part's name as one word, which is what the format can say."""
    return "_".join(part.name.split())


def _part_colours(mesh: Mesh, parts: Sequence[Part]) -> list[tuple[int, int, int]]:
    """sRGB of a material for each part: the mean of its vertices' colours, or without them that of the palette."""
    if mesh.colours is None:
        return [part.colour for part in parts]
    means = [np.rint(mesh.colours[part.vertices, :3].mean(axis=0)).astype(int).tolist() for part in parts]
    return [(red, green, blue) for red, green, blue in means]


def _lines(keyword: str, rows: np.ndarray) -> list[str]:
    return [f"{keyword} " + " ".join(f"{number:.8g}" for number in row) for row in rows.tolist()]
