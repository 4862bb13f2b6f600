"""The samples of a finished job: looking at one, accepting one, having its mesh made."""

from typing import Any

import bpy
from bpy.app.handlers import persistent
from bpy.props import IntProperty, StringProperty

from . import importing, joblist, parameters, places, running
from .protocol import ErrorCode, Image, ProblemError, Value
from .session import JobRecord, current


def meshes_under_way(record: JobRecord) -> list[JobRecord]:
    """The jobs that make meshes of the samples of ``record``."""
    return [each for each in current().records.values() if each.parent == record.job.id]


def submit_sample(record: JobRecord, index: int, scene: Any) -> JobRecord:
    """Make the mesh of a completion of ``record``. Returns its new job. Raises ProblemError."""
    session = current()
    if record.image is None or record.mask is None or record.job.outputs is None:
        raise ProblemError(
            ErrorCode.NOT_FOUND,
            "The picture of this job is no longer at hand.",
            "Make it whole again to choose among its samples.",
        )
    task, completed = "whole_object", record.job.outputs["completed"]
    said = record.job.parameters if record.job.task == task else parameters.values(scene, "MESH")
    chosen: Image = completed[index]
    inputs: dict[str, Value] = {"image": record.image, "mask": record.mask, "completed": chosen}
    job = session.network.submit(task, inputs, said, record.label, keep=True)
    session.records[job.id] = JobRecord(
        job,
        record.label,
        record.picture,
        session.file,
        record.scene,
        record.options,
        chosen=index,
        parent=record.job.id,
    )
    return session.records[job.id]


def choose(record: JobRecord, index: int, scene: Any) -> JobRecord | None:
    """Have the scene show sample ``index``: at once, as one undo step, or when its mesh, whose job is returned, is
    made. Raises ProblemError."""
    thing = importing.object_of(record)
    shown = thing is not None and thing.get(f"{importing.PROPERTIES}sample") == index
    if index == record.chosen and shown and index in record.meshes:
        return None
    record.chosen, record.note = index, ""
    current().reveal(record)
    places.redraw("IMAGE_EDITOR")
    if index in record.meshes:
        importing.replace_mesh(record)
        importing.undo_step(f"Wholeform: sample {index + 1}")
        return None
    importing.show_completed(record)
    under_way = (each for each in meshes_under_way(record) if each.chosen == index and each.is_active)
    return next(under_way, None) or submit_sample(record, index, scene)


def accept(record: JobRecord) -> None:
    """The chosen sample is the one: it is in the scene, the others are put away, and nothing is made of them."""
    for child in meshes_under_way(record):
        if child.chosen != record.chosen:
            joblist.cancel(child)
            joblist.remove(child)
    record.accepted, record.wanted = True, False
    if importing.object_of(record) is None and not meshes_under_way(record):
        importing.bring_in(record, record.options)
        importing.undo_step(f"Wholeform: {record.label}")


@persistent
def follow_undo(*_: Any) -> None:
    """Undo and redo change which sample the scene shows: the strip and the picture say the same."""
    for record in current().records.values():
        thing = importing.object_of(record) if record.imported and not meshes_under_way(record) else None
        sample = thing.get(f"{importing.PROPERTIES}sample", 0) if thing is not None else record.chosen
        if sample != record.chosen and 0 <= sample < len(record.samples):
            record.chosen = sample
            places.redraw("IMAGE_EDITOR")


class _SampleOperator:
    """Common to what is done with the samples of one job."""

    bl_options = {"REGISTER"}  # each makes its own undo step once the scene has changed: one for picture and mesh
    job: StringProperty(name="Job", description="The job's id; empty for the one shown")

    def execute(self, context: Any) -> set[str]:
        session = current()
        record = session.records.get(self.job or session.shown)
        if record is None or not record.samples:
            self.report({"ERROR"}, "There is no such job, or it has no samples.")
            return {"CANCELLED"}
        try:
            done = self._do(context, record)
        except ProblemError as error:
            record.note = str(error)
            self.report({"ERROR"}, str(error))
            done = {"CANCELLED"}
        places.redraw("VIEW_3D", "IMAGE_EDITOR")
        return done


class WHOLEFORM_OT_choose_sample(_SampleOperator, running.WaitingOperator, bpy.types.Operator):
    """Take this completion: its picture at once, its mesh as soon as it is made"""

    bl_idname = "wholeform.choose_sample"
    bl_label = "Choose Sample"

    index: IntProperty(name="Sample", min=0)

    def _do(self, context: Any, record: JobRecord) -> set[str]:
        if self.index >= len(record.samples):
            self.report({"ERROR"}, "There is no such sample.")
            return {"CANCELLED"}
        child = choose(record, self.index, context.scene)
        return {"FINISHED"} if child is None else self._outcome(child)


class WHOLEFORM_OT_accept_sample(_SampleOperator, bpy.types.Operator):
    """Keep the chosen completion and put the others away; they stay with the job until it is removed"""

    bl_idname = "wholeform.accept_sample"
    bl_label = "Accept"

    def _do(self, context: Any, record: JobRecord) -> set[str]:
        accept(record)
        return {"FINISHED"}


class WHOLEFORM_OT_choose_again(_SampleOperator, bpy.types.Operator):
    """Show this job's completions to choose from"""

    bl_idname = "wholeform.choose_again"
    bl_label = "Choose Again"

    def _do(self, context: Any, record: JobRecord) -> set[str]:
        record.accepted = False
        current().shown = record.job.id
        current().reveal(record)
        return {"FINISHED"}


class WHOLEFORM_OT_make_mesh(_SampleOperator, running.WaitingOperator, bpy.types.Operator):
    """Make a mesh of the chosen completion; it takes the place of its cut-out"""

    bl_idname = "wholeform.make_mesh"
    bl_label = "Make Mesh"

    def _do(self, context: Any, record: JobRecord) -> set[str]:
        child = submit_sample(record, record.chosen, context.scene)
        if record.flat:  # from now on choosing makes meshes
            record.flat, record.meshes = False, {}
        return self._outcome(child)


CLASSES = (
    WHOLEFORM_OT_choose_sample,
    WHOLEFORM_OT_accept_sample,
    WHOLEFORM_OT_choose_again,
    WHOLEFORM_OT_make_mesh,
)


def register() -> None:
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
        handlers.append(follow_undo)


def unregister() -> None:
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
        handlers.remove(follow_undo)
