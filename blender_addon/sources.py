"""Where pictures come from: a file, the camera's render, the viewport, the example, a drop on an editor."""

import os
import tempfile
from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from . import compat, images, importing, places
from .placement import View

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".exr", ".tga")
EXAMPLE = Path(__file__).parent / "examples" / "coffee.png"


def use(context: Any, image: Any) -> None:
    """Make ``image`` the picture that is worked on and show it."""
    context.scene.wholeform.image = image
    places.show_image(image)
    places.redraw()


class _FileSource:
    """Load a picture from ``filepath`` and use it."""

    bl_options = {"REGISTER", "UNDO"}

    def _load(self, context: Any, path: str) -> set[str]:
        try:
            image = bpy.data.images.load(bpy.path.abspath(path), check_existing=True)
        except RuntimeError:
            self.report({"ERROR"}, f"“{path}” is not a picture that Blender can read.")
            return {"CANCELLED"}
        if image.size[0] == 0:
            bpy.data.images.remove(image)
            self.report({"ERROR"}, f"“{path}” is not a picture that Blender can read.")
            return {"CANCELLED"}
        use(context, image)
        return {"FINISHED"}


class WHOLEFORM_OT_open_image(_FileSource, bpy.types.Operator):
    """Choose a picture from a file"""

    bl_idname = "wholeform.open_image"
    bl_label = "Open Picture"

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=";".join(f"*{suffix}" for suffix in SUFFIXES), options={"HIDDEN"})

    def invoke(self, context: Any, event: Any) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        return self._load(context, self.filepath)


class WHOLEFORM_OT_drop_image(_FileSource, bpy.types.Operator):
    """Use the dropped picture as what is to be made whole"""

    bl_idname = "wholeform.drop_image"
    bl_label = "Wholeform: Use as Picture"

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})

    def execute(self, context: Any) -> set[str]:
        return self._load(context, self.filepath)


class WHOLEFORM_OT_use_example(_FileSource, bpy.types.Operator):
    """A picture to try it with: a cup and a spoon that hide their saucer"""

    bl_idname = "wholeform.use_example"
    bl_label = "Example"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return EXAMPLE.exists()

    def execute(self, context: Any) -> set[str]:
        return self._load(context, str(EXAMPLE))


class WHOLEFORM_OT_use_render(bpy.types.Operator):
    """Render the scene's camera and use the picture"""

    bl_idname = "wholeform.use_render"
    bl_label = "Render"
    bl_options = {"REGISTER"}

    _waiting: list[str] = []  # the scene whose render is awaited

    @classmethod
    def poll(cls, context: Any) -> bool:
        return context.scene.camera is not None

    def invoke(self, context: Any, event: Any) -> set[str]:
        self._waiting[:] = [context.scene.name]
        _listen()
        bpy.ops.render.render("INVOKE_DEFAULT")
        return {"FINISHED"}

    def execute(self, context: Any) -> set[str]:
        bpy.ops.render.render()
        take_render(context.scene)
        return {"FINISHED"}


def take_render(scene: Any) -> Any | None:
    """The last render as an image of its own, with the camera that took it. None when there is none."""
    result = next((image for image in bpy.data.images if image.type == "RENDER_RESULT"), None)
    if result is None or scene.camera is None:
        return None
    settings = scene.render.image_settings
    wanted = {"media_type": "IMAGE", "file_format": "PNG", "color_mode": "RGBA", "color_depth": "8"}
    if not hasattr(settings, "media_type"):  # before 5.0
        del wanted["media_type"]
    before = {name: getattr(settings, name) for name in wanted}
    handle, path = tempfile.mkstemp(suffix=".png", dir=bpy.app.tempdir)
    os.close(handle)
    try:
        for name, value in wanted.items():
            setattr(settings, name, value)
        result.save_render(path, scene=scene)  # with the view transform: what the person sees
        image = images.from_png(f"{scene.camera.name} render", Path(path).read_bytes())
    finally:
        for name, value in before.items():
            setattr(settings, name, value)
        os.unlink(path)
    images.remember_view(image, importing.camera_view(scene.camera, scene))
    use(bpy.context, image)
    return image


def _on_render_end(scene: Any, *_: Any) -> None:
    """A render that the button started has ended; its picture is taken outside the handler, where that is allowed."""
    waiting = WHOLEFORM_OT_use_render._waiting
    if scene.name in waiting:
        waiting.clear()
        _deafen()
        bpy.app.timers.register(lambda: take_render(bpy.data.scenes[scene.name]) and None, first_interval=0.0)


def _on_render_cancel(scene: Any, *_: Any) -> None:
    WHOLEFORM_OT_use_render._waiting.clear()
    _deafen()


def _listen() -> None:
    _deafen()
    bpy.app.handlers.render_complete.append(_on_render_end)
    bpy.app.handlers.render_cancel.append(_on_render_cancel)


def _deafen() -> None:
    for handlers, function in (
        (bpy.app.handlers.render_complete, _on_render_end),
        (bpy.app.handlers.render_cancel, _on_render_cancel),
    ):
        if function in handlers:
            handlers.remove(function)


class WHOLEFORM_OT_grab_viewport(bpy.types.Operator):
    """Use what the 3D viewport shows, without its overlays"""

    bl_idname = "wholeform.grab_viewport"
    bl_label = "Viewport"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return not bpy.app.background and next(places.areas("VIEW_3D"), None) is not None

    def execute(self, context: Any) -> set[str]:
        area = context.area if context.area.type == "VIEW_3D" else next(places.areas("VIEW_3D"))
        image = grab(context, area)
        use(context, image)
        return {"FINISHED"}


def grab(context: Any, area: Any) -> Any:
    """The viewport ``area`` as an image, with the camera it was seen from."""
    import gpu
    import numpy as np

    from .png import encode

    region: Any = places.region_of(area)
    space = area.spaces.active
    seen = space.region_3d
    width, height = region.width, region.height
    offscreen = gpu.types.GPUOffScreen(width, height)
    shown, space.overlay.show_overlays = space.overlay.show_overlays, False
    try:
        offscreen.draw_view3d(
            context.scene,
            context.view_layer,
            space,
            region,
            seen.view_matrix,
            seen.window_matrix,
            do_color_management=True,
        )
        with offscreen.bind():
            buffer = gpu.state.active_framebuffer_get().read_color(0, 0, width, height, 4, 0, "UBYTE")
    finally:
        space.overlay.show_overlays = shown
        offscreen.free()
    buffer.dimensions = width * height * 4
    pixels = np.array(buffer, np.uint8).reshape(height, width, 4)[::-1, :, :3]
    image = images.from_png("Viewport grab", encode(pixels))
    images.remember_view(image, viewport_view(seen.view_matrix, seen.window_matrix))
    return image


def viewport_view(view_matrix: Any, window_matrix: Any) -> View:
    """The camera of a viewport from its two matrices."""
    p = window_matrix
    perspective = p[3][3] == 0
    offset_x, offset_y = (p[0][2], p[1][2]) if perspective else (-p[0][3], -p[1][3])
    xs = [(side + offset_x) / p[0][0] for side in (-1, 1)]
    ys = [(side + offset_y) / p[1][1] for side in (-1, 1)]
    world = [number for row in view_matrix.inverted() for number in row]
    return View.of([*world, *xs, *ys, float(perspective)])


CLASSES: tuple[type, ...] = (
    WHOLEFORM_OT_open_image,
    WHOLEFORM_OT_drop_image,
    WHOLEFORM_OT_use_example,
    WHOLEFORM_OT_use_render,
    WHOLEFORM_OT_grab_viewport,
)

if compat.HAS_FILE_HANDLER:

    class WHOLEFORM_FH_picture(bpy.types.FileHandler):
        """A picture dropped on the viewport or the Image Editor."""

        bl_idname = "WHOLEFORM_FH_picture"
        bl_label = "Wholeform: Use as Picture"
        bl_import_operator = "wholeform.drop_image"
        bl_file_extensions = ";".join(SUFFIXES)

        @classmethod
        def poll_drop(cls, context: Any) -> bool:
            return context.area is not None and context.area.type in places.EDITORS

    CLASSES = (*CLASSES, WHOLEFORM_FH_picture)


def unregister() -> None:
    """Leave no handler behind."""
    WHOLEFORM_OT_use_render._waiting.clear()
    _deafen()
