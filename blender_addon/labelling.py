"""Painting labels: the operators behind the panel's "Paint Labels", usable from scripts."""

from typing import Any

import bpy
from bpy.props import FloatProperty, IntProperty, StringProperty

from . import compat, ghost, label_images, label_jobs, parameters, places, pump, running
from .label_views import direction_angles, painting_model
from .protocol import ErrorCode, ProblemError
from .session import Painting, current

SIDE = 512  # of a new label map, where its model's is not larger


def label_map(context: Any) -> Any | None:
    """The label map that is worked on: the panel's, else the one in the Image Editor at hand."""
    chosen = context.scene.wholeform.labels
    at_hand = chosen if chosen is not None else getattr(context.space_data, "image", None)
    return at_hand if label_images.labels(at_hand) else None


class WHOLEFORM_OT_new_label_map(bpy.types.Operator):
    """Make an empty label map to paint an object's parts on"""

    bl_idname = "wholeform.new_label_map"
    bl_label = "New Label Map"
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(name="Name", default="labels")
    size: IntProperty(
        name="Size", description="Side in pixels; 0 is the model's, 512 at least", default=0, min=0, max=4096
    )
    model: StringProperty(name="Model", description="Whose labels; empty for the panel's", options={"SKIP_SAVE"})

    def execute(self, context: Any) -> set[str]:
        name = self.model or parameters.shown(context.scene, "LABELS").get("model", "")
        try:
            model = painting_model(current().catalogue, name)
        except ProblemError as problem:
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        image = label_images.make(self.name, model, self.size or max(SIDE, model.label_size))
        context.scene.wholeform.labels = image
        label_images.take_up(context, image, min(1, len(model.labels) - 1))
        label_images.show(image)
        places.redraw("IMAGE_EDITOR")
        return {"FINISHED"}


class WHOLEFORM_OT_pick_label(bpy.types.Operator):
    """Paint with this part's colour"""

    bl_idname = "wholeform.pick_label"
    bl_label = "Pick Label"
    bl_options = {"REGISTER"}

    index: IntProperty(name="Label", min=0)

    @classmethod
    def poll(cls, context: Any) -> bool:
        return label_map(context) is not None

    def execute(self, context: Any) -> set[str]:
        image: Any = label_map(context)
        if self.index >= len(label_images.labels(image)):
            self.report({"ERROR"}, "There is no such label.")
            return {"CANCELLED"}
        label_images.take_up(context, image, self.index)
        label_images.show(image)
        places.redraw()
        return {"FINISHED"}


class _LabelOperator(running.WaitingOperator):
    """Common to what is done with a painted label map."""

    bl_options = {"REGISTER"}  # what changes the file makes its own undo step when it comes

    @classmethod
    def poll(cls, context: Any) -> bool:
        return label_map(context) is not None

    def execute(self, context: Any) -> set[str]:
        try:
            return self._do(context, label_map(context))
        except ProblemError as problem:
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        finally:
            places.redraw("IMAGE_EDITOR", "VIEW_3D")

    def _wait_for(self, painting: Painting) -> set[str]:
        session = current()
        if not self.wait:
            return {"FINISHED"}
        pump.wait(lambda: not (session.waiting or painting.is_busy), self.timeout)
        if painting.note or session.note:
            raise ProblemError(ErrorCode.MODEL_FAILED, painting.note or session.note)
        return {"FINISHED"}


class WHOLEFORM_OT_make_object(_LabelOperator, bpy.types.Operator):
    """Make an object from the label map; once the map shows another side, change the object by it"""

    bl_idname = "wholeform.make_object"
    bl_label = "Make Object"

    parameters: StringProperty(
        name="Parameters", description="JSON that overrides the panel's parameters", options={"SKIP_SAVE"}
    )

    def _do(self, context: Any, image: Any) -> set[str]:
        return self._wait_for(label_jobs.update(context.scene, image, running.json_object(self.parameters)))


class WHOLEFORM_OT_edit_from_view(_LabelOperator, bpy.types.Operator):
    """Fetch the object's labels as they are seen from the viewport's side, to paint on them"""

    bl_idname = "wholeform.edit_from_view"
    bl_label = "Edit from This View"

    azimuth: FloatProperty(name="Azimuth", description="Degrees from the front to the object's left", default=0.0)
    elevation: FloatProperty(name="Elevation", description="Degrees", default=0.0, min=-89.0, max=89.0)

    def invoke(self, context: Any, event: Any) -> set[str]:
        area = context.area if context.area.type == "VIEW_3D" else next(places.areas("VIEW_3D"), None)
        if area is not None:
            back = area.spaces.active.region_3d.view_matrix.inverted().col[2]
            self.azimuth, self.elevation = direction_angles(back.x, back.y, back.z)
        return self.execute(context)

    def _do(self, context: Any, image: Any) -> set[str]:
        return self._wait_for(label_jobs.fetch_view(image, self.azimuth, self.elevation))


class WHOLEFORM_OT_import_object(_LabelOperator, bpy.types.Operator):
    """Bring the object into the scene as a mesh, with a material for each part"""

    bl_idname = "wholeform.import_object"
    bl_label = "Import Mesh"

    faces: IntProperty(name="Faces", description="About how many", default=20_000, min=500, max=200_000)

    def _do(self, context: Any, image: Any) -> set[str]:
        return self._outcome(label_jobs.import_mesh(context.scene, image, self.faces))


class WHOLEFORM_OT_stop_making(_LabelOperator, bpy.types.Operator):
    """Call off what is being made of the label map, and take its preview out of the viewport"""

    bl_idname = "wholeform.stop_making"
    bl_label = "Cancel"

    def _do(self, context: Any, image: Any) -> set[str]:
        painting = label_jobs.painting_of(image)
        label_jobs.stop(painting)
        ghost.hide(label_jobs.ghost_name(painting))
        return {"FINISHED"}


def picked(context: Any) -> tuple[int, int, int]:
    """The sRGB colour that is painted with."""
    return compat.get_colour(compat.brush_settings(context))


CLASSES = (
    WHOLEFORM_OT_new_label_map,
    WHOLEFORM_OT_pick_label,
    WHOLEFORM_OT_make_object,
    WHOLEFORM_OT_edit_from_view,
    WHOLEFORM_OT_import_object,
    WHOLEFORM_OT_stop_making,
)
