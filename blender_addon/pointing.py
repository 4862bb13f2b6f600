"""The modal tool in the Image Editor: click, Shift-click, Ctrl-click, drag a box; the mask follows each."""

from typing import Any

import bpy

from . import connecting, images, overlay, places, prompts
from .protocol import ProblemError
from .session import current

DRAG_PX = 6  # a press that moves less than this is a click
HINT = (
    "Click: the object    Shift-click: add    Ctrl-click: take away    Drag: box    "
    "Backspace: undo    Enter: make whole    Esc: leave"
)
# What the tool does not use goes on to Blender, so that zooming, panning and the panels work meanwhile.
_PASS = {"PASS_THROUGH"}
_STAY = {"RUNNING_MODAL"}


class WHOLEFORM_OT_point(bpy.types.Operator):
    """Click on the object in the Image Editor: Shift adds, Ctrl takes away, dragging makes a box, Enter runs"""

    bl_idname = "wholeform.point"
    bl_label = "Point at Object"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return prompts.picture(context) is not None

    def invoke(self, context: Any, event: Any) -> set[str]:
        image = prompts.picture(context)
        session = current()
        if session.tool is not None:
            return {"CANCELLED"}
        if places.show_image(image) is None:
            self.report({"ERROR"}, "No room to show the picture. Open an Image Editor.")
            return {"CANCELLED"}
        context.scene.wholeform.image = image
        session.tool = images.picture_of(image)
        self._press: tuple[float, float, float, float] | None = None
        context.workspace.status_text_set(HINT)
        context.window.cursor_modal_set("CROSSHAIR")
        context.window_manager.modal_handler_add(self)
        self._connect()
        places.redraw("IMAGE_EDITOR")
        return _STAY

    def modal(self, context: Any, event: Any) -> set[str]:
        image = images.find(current().tool)
        if image is None:
            return self._leave(context)
        if event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            return self._leave(context)
        if event.type in {"RET", "NUMPAD_ENTER"} and event.value == "PRESS":
            self._leave(context)
            bpy.ops.wholeform.make_whole("INVOKE_DEFAULT")
            return {"FINISHED"}
        region = _region_under(event, image)
        if event.type == "LEFTMOUSE" and event.value == "PRESS" and region is not None:
            x, y = event.mouse_x - region.x, event.mouse_y - region.y
            self._press = (x, y, *overlay.to_image(region, image, x, y))
            return _STAY
        if self._press is not None and event.type == "MOUSEMOVE":
            return self._drag(image, event)
        if self._press is not None and event.type == "LEFTMOUSE" and event.value == "RELEASE":
            return self._release(context, image, event)
        if event.type == "BACK_SPACE" and event.value == "PRESS" and region is not None:
            self._take_back(context, image)
            return _STAY
        return _PASS

    def cancel(self, context: Any) -> None:
        """Blender ends the tool itself, for instance when a file is loaded."""
        self._leave(context)

    def _drag(self, image: Any, event: Any) -> set[str]:
        region = _region_of(image)
        if region is None or self._press is None:
            return _STAY
        x, y, from_x, from_y = self._press
        to_x, to_y = event.mouse_x - region.x, event.mouse_y - region.y
        if max(abs(to_x - x), abs(to_y - y)) >= DRAG_PX:
            overlay.drag[:] = [from_x, from_y, *overlay.to_image(region, image, to_x, to_y)]
            region.tag_redraw()
        return _STAY

    def _release(self, context: Any, image: Any, event: Any) -> set[str]:
        assert self._press is not None
        _, _, x, y = self._press
        self._press = None
        if overlay.drag:
            prompts.set_box(image, *overlay.drag)
            overlay.drag.clear()
        else:
            if not event.shift and not event.ctrl:
                prompts.clear(image)
            prompts.add_point(image, x, y, on_object=not event.ctrl)
        self._ask(context, image)
        return _STAY

    def _take_back(self, context: Any, image: Any) -> None:
        points = image.wholeform.points
        if len(points):
            points.remove(len(points) - 1)
        else:
            image.wholeform.has_box = False
        current().forget_mask(image.name)
        if len(points) or image.wholeform.has_box:
            self._ask(context, image)
        else:
            prompts.stop_asking(image.name)
            places.redraw("IMAGE_EDITOR")

    def _connect(self) -> None:
        try:
            connecting.ensure()
        except ProblemError as error:
            current().note = str(error)

    def _ask(self, context: Any, image: Any) -> None:
        try:
            prompts.ask_mask(context, image)
        except ProblemError as error:
            current().note = str(error)
        places.redraw("IMAGE_EDITOR")

    def _leave(self, context: Any) -> set[str]:
        stop()
        context.workspace.status_text_set(None)
        if context.window is not None:
            context.window.cursor_modal_restore()
        places.redraw("IMAGE_EDITOR")
        return {"FINISHED"}


def is_pointing() -> bool:
    """Whether the tool runs."""
    return current().tool is not None


def stop() -> None:
    """Have the tool end with the next event it gets."""
    current().tool = None
    overlay.drag.clear()


def _region_of(image: Any) -> Any | None:
    """The region of the Image Editor that shows ``image``."""
    for area in places.areas("IMAGE_EDITOR"):
        if area.spaces.active.image == image:
            return places.region_of(area)
    return None


def _region_under(event: Any, image: Any) -> Any | None:
    """The Image Editor's picture under the mouse; None over its panels, which lie on top of the picture."""
    for area in places.areas("IMAGE_EDITOR"):
        if area.spaces.active.image != image:
            continue
        under = [
            region
            for region in area.regions
            if region.x <= event.mouse_x < region.x + region.width
            and region.y <= event.mouse_y < region.y + region.height
            and region.width > 1
        ]
        if under and all(region.type == "WINDOW" for region in under):
            return under[0]
    return None


CLASSES = (WHOLEFORM_OT_point,)
