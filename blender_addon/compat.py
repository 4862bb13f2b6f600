"""The few calls that differ between Blender versions, in one place.

The extension is for 4.2 and later; 3.4 is kept working because it is the newest Blender that Debian packages.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from .colour import to_linear, to_srgb

VERSION: tuple[int, int, int] = bpy.app.version
HAS_FILE_HANDLER = hasattr(bpy.types, "FileHandler")


def online_access() -> bool:
    """Whether the person lets Blender use the internet; versions without that switch have none to ask."""
    return bool(getattr(bpy.app, "online_access", True))


def session_uid(datablock: Any) -> int:
    """A number that names ``datablock`` for this run of Blender, or 0 where there is none (before 4.1)."""
    return int(getattr(datablock, "session_uid", 0))


def progress(layout: Any, factor: float) -> None:
    """A progress bar, or the per cent alone before 4.0."""
    text = f"{100 * factor:.0f} %"
    if hasattr(layout, "progress"):
        layout.progress(factor=factor, text=text)
    else:
        layout.label(text=text)


def redraw_status_bar() -> None:
    """Have Blender draw its status bar anew. It belongs to no area that scripts reach, but it listens for this."""
    bpy.msgbus.publish_rna(key=(bpy.types.ViewLayer, "name"))


def builtin_shader(name: str) -> Any:
    """A shader of Blender's by its name since 4.0 ("UNIFORM_COLOR", "SMOOTH_COLOR")."""
    import gpu

    dimension = "3D" if name == "SMOOTH_COLOR" else "2D"
    return gpu.shader.from_builtin(name if VERSION >= (4, 0, 0) else f"{dimension}_{name}")


_PICTURE_SOURCE = """
void main() {
  colour = texture(image, at);
  if (srgbTarget) {  // set by Blender: what is drawn on takes linear colours
    vec3 low = colour.rgb / 12.92;
    vec3 high = pow((colour.rgb + 0.055) / 1.055, vec3(2.4));
    colour.rgb = mix(high, low, vec3(lessThanEqual(colour.rgb, vec3(0.04045))));
  }
}
"""


def picture_shader() -> Any:
    """A shader that draws the texture "image" of sRGB colours as they are, at "pos" with "texCoord". Blender's own
    image shader takes colours for linear in the editors that matter here, and makes them pale."""
    import gpu

    between = gpu.types.GPUStageInterfaceInfo("wholeform_between")
    between.smooth("VEC2", "at")
    info = gpu.types.GPUShaderCreateInfo()
    info.push_constant("MAT4", "ModelViewProjectionMatrix")
    info.push_constant("BOOL", "srgbTarget")
    info.sampler(0, "FLOAT_2D", "image")
    info.vertex_in(0, "VEC2", "pos")
    info.vertex_in(1, "VEC2", "texCoord")
    info.vertex_out(between)
    info.fragment_out(0, "VEC4", "colour")
    info.vertex_source("void main() { at = texCoord; gl_Position = ModelViewProjectionMatrix * vec4(pos, 0, 1); }")
    info.fragment_source(_PICTURE_SOURCE)
    return gpu.shader.create_from_info(info)


def enable_nodes(material: Any) -> None:
    """Give the material its nodes; since 5.0 every material has them and saying so warns."""
    if VERSION < (5, 0, 0):
        material.use_nodes = True


def show_transparency(material: Any) -> None:
    """Have EEVEE respect the material's alpha; since 4.2 it does so by itself."""
    if VERSION < (4, 2, 0):
        material.blend_method = "HASHED"
        material.shadow_method = "HASHED"


def write_topology(mesh: Any, vertices: np.ndarray, faces: np.ndarray) -> None:
    """Fill an empty mesh: ``vertices`` float32 V x 3, ``faces`` int32 F x 3. Edges and normals come with update()."""
    corners = np.ascontiguousarray(faces, np.int32).ravel()
    starts = np.arange(0, len(corners), 3, dtype=np.int32)
    mesh.vertices.add(len(vertices))
    mesh.loops.add(len(corners))
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", starts)
    if VERSION >= (4, 0, 0):
        # Writing the attributes is 10 to 100 times faster than the collections' own foreach_set.
        mesh.attributes["position"].data.foreach_set("vector", np.ascontiguousarray(vertices, np.float32).ravel())
        mesh.attributes[".corner_vert"].data.foreach_set("value", corners)
    else:
        mesh.vertices.foreach_set("co", np.ascontiguousarray(vertices, np.float32).ravel())
        mesh.polygons.foreach_set("loop_total", np.full(len(faces), 3, np.int32))
        mesh.loops.foreach_set("vertex_index", corners)


def smooth(mesh: Any) -> None:
    """Shade smooth."""
    if hasattr(mesh, "shade_smooth"):
        mesh.shade_smooth()
    else:
        mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))


def set_colour(owner: Any, colour: tuple[int, int, int]) -> None:
    """Give a brush, its settings or a palette's entry the sRGB ``colour``; since 5.0 they hold linear colours."""
    srgb = np.array(colour, np.float64) / 255
    if owner.bl_rna.properties["color"].subtype == "COLOR":
        srgb = to_linear(srgb)
    owner.color = srgb.tolist()


def get_colour(owner: Any) -> tuple[int, int, int]:
    """The sRGB colour that `set_colour` gave."""
    colour = np.array(owner.color, np.float64)
    if owner.bl_rna.properties["color"].subtype == "COLOR":
        colour = to_srgb(colour)
    red, green, blue = (int(channel) for channel in np.rint(colour.clip(0, 1) * 255))
    return red, green, blue


def brush_settings(context: Any) -> Any:
    """What holds the colour that is painted with in the Image Editor: the brush, or the settings that all brushes
    share, which moved in 5.0."""
    tools = context.tool_settings
    shared = getattr(tools.image_paint, "unified_paint_settings", None) or tools.unified_paint_settings
    brush = tools.image_paint.brush
    return shared if shared.use_unified_color or brush is None else brush


def set_brush_colour(context: Any, colour: tuple[int, int, int]) -> None:
    """Paint with the sRGB ``colour`` from now on."""
    set_colour(brush_settings(context), colour)


_HARD = {"curve_preset": "CONSTANT", "curve_distance_falloff_preset": "CONSTANT", "use_paint_antialiasing": False}


def take_hard_brush(context: Any, name: str) -> None:
    """Paint with full colour up to the rim: with a brush of that name, or since 4.3, where brushes are assets that no
    script makes, with the brush at hand, which "Revert Asset" in its menu makes soft again."""
    paint = context.tool_settings.image_paint
    if VERSION < (4, 3, 0):
        paint.brush = bpy.data.brushes.get(name) or bpy.data.brushes.new(name, mode="TEXTURE_PAINT")
    if paint.brush is not None:
        for setting, value in _HARD.items():
            if setting in paint.brush.bl_rna.properties:
                setattr(paint.brush, setting, value)


def is_rendering() -> bool:
    """Whether a render runs now: the scene must then be left alone."""
    return bool(bpy.app.is_job_running("RENDER"))
