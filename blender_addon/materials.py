"""The material of an imported mesh: its colours show in Material Preview and in renders without further work."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from .colour import to_linear
from .compat import enable_nodes, show_transparency

COLOUR_ATTRIBUTE = "Color"


def _principled(material: Any) -> Any:
    nodes = material.node_tree.nodes
    # By type: a translated Blender names its nodes otherwise.
    found = next((node for node in nodes if node.type == "BSDF_PRINCIPLED"), None)
    if found is not None:
        return found
    shader = nodes.new("ShaderNodeBsdfPrincipled")
    output = next((node for node in nodes if node.type == "OUTPUT_MATERIAL"), None)
    output = output or nodes.new("ShaderNodeOutputMaterial")
    material.node_tree.links.new(shader.outputs[0], output.inputs[0])
    return shader


def make(
    name: str,
    texture: Any | None,
    colours: np.ndarray | None,
    see_through: bool = False,
    plain: tuple[int, int, int] | None = None,
) -> Any:
    """A material whose base colour is ``texture`` (an image), else the vertex colours (float32 V x 4, sRGB). What is
    not in use has its node too, ready to be linked. Solid viewports, which show neither, get the mean colour, or
    ``plain`` (sRGB), which is also the base colour where there is no other. With ``see_through`` the material is
    transparent where the texture is."""
    material = bpy.data.materials.new(name)
    shown = np.median(colours[:, :3], axis=0) if colours is not None else None
    if plain is not None:
        shown = np.array(plain) / 255
    if shown is not None:
        material.diffuse_color = (*to_linear(shown), 1.0)
    enable_nodes(material)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = _principled(material)
    base = shader.inputs["Base Color"]
    shader.inputs["Roughness"].default_value = 0.7
    if plain is not None:
        base.default_value = material.diffuse_color
    sources = []
    if texture is not None:
        node = nodes.new("ShaderNodeTexImage")
        node.image = texture
        sources.append(node)
    if colours is not None:
        node = nodes.new("ShaderNodeVertexColor")
        node.layer_name = COLOUR_ATTRIBUTE
        sources.append(node)
    for row, node in enumerate(sources):
        node.location = (shader.location.x - 320, shader.location.y - 280 * row)
    if sources:
        links.new(sources[0].outputs["Color"], base)
    if see_through and texture is not None:
        links.new(sources[0].outputs["Alpha"], shader.inputs["Alpha"])
        show_transparency(material)
    return material
