"""Pointing from scripts and from the modal tool: points and boxes on an image, and the visible mask they give."""

from typing import Any

import bpy
from bpy.props import BoolProperty, FloatProperty, FloatVectorProperty

from . import connecting, forms, images, parameters, pump
from .properties import box_of, points_of
from .protocol import ErrorCode, ProblemError
from .session import current


def picture(context: Any) -> Any | None:
    """The image that is worked on: the panel's, else the one in the Image Editor at hand."""
    chosen = context.scene.wholeform.image
    return chosen if chosen is not None else getattr(context.space_data, "image", None)


def add_point(image: Any, x: float, y: float, on_object: bool) -> None:
    """One more click, in pixels of the image, y downwards; a click outside lands on the border."""
    point = image.wholeform.points.add()
    point.x = min(max(x, 0.0), image.size[0] - 1.0)
    point.y = min(max(y, 0.0), image.size[1] - 1.0)
    point.on_object = on_object
    current().forget_mask(image.name)


def set_box(image: Any, x0: float, y0: float, x1: float, y1: float) -> None:
    """Point with a box, in pixels; the corners in any order."""
    width, height = image.size
    xs, ys = sorted((x0, x1)), sorted((y0, y1))
    low_x, high_x = max(0.0, xs[0]), min(float(width), xs[1])
    low_y, high_y = max(0.0, ys[0]), min(float(height), ys[1])
    if high_x - low_x >= 1 and high_y - low_y >= 1:
        image.wholeform.box = (low_x, low_y, high_x, high_y)
        image.wholeform.has_box = True
        current().forget_mask(image.name)


def clear(image: Any) -> None:
    """Take all prompts of the image away."""
    image.wholeform.points.clear()
    image.wholeform.has_box = False
    current().forget_mask(image.name)


def ask_mask(context: Any, image: Any) -> None:
    """Ask the server for the visible mask at the image's prompts; what was asked for it before is called off. Raises
    ProblemError."""
    session = current()
    session.note = ""
    stop_asking(image.name)
    said: dict[str, Any] = {"points": points_of(image)}
    if (box := box_of(image)) is not None:
        said["box"] = box
    whole = parameters.values(context.scene)
    pixels, asked, label = images.read(image), images.picture_of(image), images.label_of(image)

    def submit() -> None:
        task = forms.find_task(session.catalogue, "segment") if session.catalogue is not None else None
        model = forms.segment_parameters(task, whole) if task is not None else {}
        job = session.network.submit("segment", {"image": pixels}, said | model, label, keep=False)
        session.pointing[job.id] = asked

    connecting.when_ready(submit)


def is_asking(image_name: str) -> bool:
    """Whether a mask of that image is awaited."""
    session = current()
    return bool(session.waiting) or any(asked.name == image_name for asked in session.pointing.values())


def stop_asking(image_name: str) -> None:
    """Call off the masks asked for that image."""
    session = current()
    for job_id, asked in list(session.pointing.items()):
        if asked.name == image_name:
            del session.pointing[job_id]
            client = session.network.client
            if client is not None and job_id in client.jobs:
                client.jobs[job_id].cancel()


class _PromptOperator:
    """Common to the scripted prompts: an image is needed; ``wait`` asks for the mask and waits for it."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return picture(context) is not None

    def _finish(self, context: Any, image: Any) -> set[str]:
        if self.wait:
            try:
                ask_mask(context, image)
                pump.wait(lambda: not is_asking(image.name), 60.0)
                if image.name not in current().masks:
                    raise ProblemError(ErrorCode.MODEL_FAILED, current().note or "No mask came. Point elsewhere.")
            except ProblemError as error:
                self.report({"ERROR"}, str(error))
                return {"CANCELLED"}
        return {"FINISHED"}


class WHOLEFORM_OT_add_point(_PromptOperator, bpy.types.Operator):
    """Point at the object in the picture, in pixels, y downwards"""

    bl_idname = "wholeform.add_point"
    bl_label = "Add Point"

    x: FloatProperty(name="X")
    y: FloatProperty(name="Y")
    on_object: BoolProperty(name="On the object", default=True)
    wait: BoolProperty(name="Wait for the mask", default=False, options={"SKIP_SAVE"})

    def execute(self, context: Any) -> set[str]:
        image = picture(context)
        add_point(image, self.x, self.y, self.on_object)
        return self._finish(context, image)


class WHOLEFORM_OT_set_box(_PromptOperator, bpy.types.Operator):
    """Point at the object with a box around it, in pixels, y downwards"""

    bl_idname = "wholeform.set_box"
    bl_label = "Set Box"

    box: FloatVectorProperty(name="Box", size=4, description="x0, y0, x1, y1")
    wait: BoolProperty(name="Wait for the mask", default=False, options={"SKIP_SAVE"})

    def execute(self, context: Any) -> set[str]:
        image = picture(context)
        set_box(image, *self.box)
        return self._finish(context, image)


class WHOLEFORM_OT_clear_prompts(bpy.types.Operator):
    """Take all points and the box of this picture away"""

    bl_idname = "wholeform.clear_prompts"
    bl_label = "Clear"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return picture(context) is not None

    def execute(self, context: Any) -> set[str]:
        image: Any = picture(context)
        stop_asking(image.name)
        clear(image)
        return {"FINISHED"}


CLASSES = (WHOLEFORM_OT_add_point, WHOLEFORM_OT_set_box, WHOLEFORM_OT_clear_prompts)
