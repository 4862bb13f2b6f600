"""The job list's buttons: cancel, import, remove, run again."""

from typing import Any

import bpy
from bpy.props import EnumProperty, FloatProperty, StringProperty

from . import ghost, importing, places, running
from .properties import options_of
from .protocol import ProblemError
from .session import ImportOptions, JobRecord, current


def cancel(record: JobRecord) -> None:
    """Stop the job. Where the server is away the line ends at once; the server is told when it is back."""
    session = current()
    record.job.cancel()
    record.wanted, record.stopping = False, True
    if not session.connected:
        session.discarded.add(record.job.id)
        record.abandoned, record.note = True, "cancelled; the server will be told"
    ghost.hide(record.job.id)


def remove(record: JobRecord) -> None:
    """Take a job that has ended off the list, here and on the server. What it made stays."""
    session = current()
    if session.connected:
        record.job.acknowledge()
    else:
        session.discarded.add(record.job.id)
    session.records.pop(record.job.id, None)
    session.revealed = {name: shown for name, shown in session.revealed.items() if shown is not record}
    if session.shown == record.job.id:
        session.shown = ""
    client = session.network.client
    if client is not None:
        client.forget(record.job.id)


class _JobOperator:
    """Common to the buttons of one job."""

    bl_options = {"REGISTER"}
    job: StringProperty(name="Job", description="The job's id; empty for the newest")

    def _record(self) -> JobRecord | None:
        records = current().records
        return records.get(self.job) if self.job else next(reversed(records.values()), None)

    def _missing(self) -> set[str]:
        self.report({"WARNING"}, "There is no such job.")
        return {"CANCELLED"}


class WHOLEFORM_OT_cancel(_JobOperator, bpy.types.Operator):
    """Stop this job"""

    bl_idname = "wholeform.cancel"
    bl_label = "Cancel Job"

    def execute(self, context: Any) -> set[str]:
        record = self._record()
        if record is None:
            return self._missing()
        cancel(record)
        places.redraw()
        return {"FINISHED"}


class WHOLEFORM_OT_cancel_all(bpy.types.Operator):
    """Stop all of your jobs that have not ended"""

    bl_idname = "wholeform.cancel_all"
    bl_label = "Cancel All"
    bl_options = {"REGISTER"}

    def execute(self, context: Any) -> set[str]:
        for record in current().active:
            cancel(record)
        places.redraw()
        return {"FINISHED"}


class WHOLEFORM_OT_remove_job(_JobOperator, bpy.types.Operator):
    """Take this job off the list, here and on the server; what was imported stays"""

    bl_idname = "wholeform.remove_job"
    bl_label = "Remove Job"

    def execute(self, context: Any) -> set[str]:
        record = self._record()
        if record is None:
            return self._missing()
        if record.is_active:
            cancel(record)
        remove(record)
        places.redraw()
        return {"FINISHED"}


class WHOLEFORM_OT_run_again(_JobOperator, bpy.types.Operator):
    """Run this job once more with the same picture, prompts, seed and parameters"""

    bl_idname = "wholeform.run_again"
    bl_label = "Run Again"

    def execute(self, context: Any) -> set[str]:
        record = self._record()
        if record is None:
            return self._missing()
        try:
            running.submit_again(record)
        except ProblemError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        places.redraw()
        return {"FINISHED"}


class WHOLEFORM_OT_import_result(_JobOperator, bpy.types.Operator):
    """Bring this job's result into the scene"""

    bl_idname = "wholeform.import_result"
    bl_label = "Import Result"
    bl_options = {"REGISTER", "UNDO"}

    height: FloatProperty(name="Height", default=1.0, min=0.0001, soft_max=100.0, unit="LENGTH")
    origin: EnumProperty(name="Origin", items=[("BASE", "Base", ""), ("CENTRE", "Centre", "")])
    place: EnumProperty(name="Place", items=[("CURSOR", "3D Cursor", ""), ("PICTURE", "As in Picture", "")])
    colours: EnumProperty(name="Colours", items=[("TEXTURE", "Texture", ""), ("VERTEX", "Vertex Colours", "")])

    def invoke(self, context: Any, event: Any) -> set[str]:
        for name, value in vars(options_of(context.scene.wholeform)).items():
            setattr(self, name, value)
        return self.execute(context)

    def execute(self, context: Any) -> set[str]:
        record = self._record()
        if record is None or record.result is None:
            return self._missing()
        record.scene, record.note = context.scene.name, ""
        options = ImportOptions(self.height, self.origin, self.place, self.colours)
        if importing.bring_in(record, options) is None:
            self.report({"WARNING"}, "The mesh of this sample is not made yet.")
        places.redraw("VIEW_3D", "IMAGE_EDITOR")
        return {"FINISHED"}


CLASSES = (
    WHOLEFORM_OT_cancel,
    WHOLEFORM_OT_cancel_all,
    WHOLEFORM_OT_remove_job,
    WHOLEFORM_OT_run_again,
    WHOLEFORM_OT_import_result,
)
