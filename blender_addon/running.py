"""Making whole: from the picture and its prompts to a job."""

import json
from typing import Any

import bpy
from bpy.props import BoolProperty, FloatProperty, StringProperty

from . import connecting, images, parameters, prompts, pump
from .properties import box_of, options_of, points_of
from .protocol import ErrorCode, JobState, ProblemError, Value
from .session import JobRecord, current


def submit_picture(context: Any, image: Any, extra: dict[str, Any]) -> list[str]:
    """Start what the panel says on ``image`` with its prompts, the form's parameters and ``extra``. Returns a list
    that holds the job's id, once there is one. Raises ProblemError."""
    session = current()
    session.note = ""
    prompts.stop_asking(image.name)
    given: dict[str, Any] = {"points": points_of(image)}
    if (box := box_of(image)) is not None:
        given["box"] = box
    said, task = parameters.values(context.scene) | extra | given, parameters.task(context.scene)
    pixels, picture, label = images.read(image), images.picture_of(image), images.label_of(image)
    inputs: dict[str, Value] = {"image": pixels}
    mask = session.masks.get(image.name)
    if mask is not None:
        inputs["mask"] = mask  # what the person saw tinted is what gets made whole
    file, scene, options = session.file, context.scene.name, options_of(context.scene.wholeform)
    made: list[str] = []

    def submit() -> None:
        job = session.network.submit(task, inputs, said, label, keep=True)
        session.records[job.id] = JobRecord(job, label, picture, file, scene, options, pixels, mask)
        session.shown = job.id
        made.append(job.id)

    connecting.when_ready(submit)
    return made


def submit_again(record: JobRecord) -> str:
    """Run the job once more with what it was given. Returns the new job's id. Raises ProblemError."""
    session = current()
    if record.image is None:
        raise ProblemError(
            ErrorCode.NOT_FOUND, "The picture of this job is no longer at hand.", "Choose the picture and run it anew."
        )
    inputs: dict[str, Value] = {"image": record.image}
    if record.mask is not None:
        inputs["mask"] = record.mask
    job = session.network.submit(record.job.task, inputs, record.job.parameters, record.label, keep=True)
    session.records[job.id] = JobRecord(
        job, record.label, record.picture, session.file, record.scene, record.options, record.image, record.mask
    )
    session.shown = job.id
    return job.id


def _finished(record: JobRecord) -> bool:
    """Whether nothing more will happen to the job by itself."""
    if record.job.state is not JobState.DONE:
        return not record.is_active
    return record.imported or not record.wanted or bool(record.note)


class WaitingOperator:
    """Common to what starts jobs; ``wait`` comes back when it is done."""

    wait: BoolProperty(
        name="Wait", description="For scripts: come back when it is done", default=False, options={"SKIP_SAVE"}
    )
    timeout: FloatProperty(name="Timeout", description="Seconds to wait", default=600.0, options={"SKIP_SAVE"})

    def _outcome(self, record: JobRecord) -> set[str]:
        """What to return once the job of ``record`` has begun: for scripts that wait, how it ended, with a report if it
        failed. Raises ProblemError where there is no end in time, or no server."""
        if not self.wait:
            return {"FINISHED"}
        pump.wait(lambda: _finished(record), self.timeout)
        if record.job.problem is not None:
            self.report({"ERROR"}, str(record.job.problem))
            return {"CANCELLED"}
        if record.job.state is not JobState.DONE or not record.imported:
            self.report({"ERROR"}, record.note or f"{record.label}: {record.job.state.value}")
            return {"CANCELLED"}
        return {"FINISHED"}


class WHOLEFORM_OT_make_whole(WaitingOperator, bpy.types.Operator):
    """Make the object in the picture whole: its mask, the completed picture and, if wanted, a mesh"""

    bl_idname = "wholeform.make_whole"
    bl_label = "Make Whole"
    bl_options = {"REGISTER"}

    image: StringProperty(name="Image", description="Name of the image; empty for the panel's", options={"SKIP_SAVE"})
    parameters: StringProperty(
        name="Parameters", description="JSON that overrides the panel's parameters", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: Any) -> bool:
        return len(bpy.data.images) > 0

    def execute(self, context: Any) -> set[str]:
        image = bpy.data.images.get(self.image) if self.image else prompts.picture(context)
        if image is None:
            self.report({"ERROR"}, "Choose a picture first.")
            return {"CANCELLED"}
        try:
            made = submit_picture(context, image, json_object(self.parameters))
            if not self.wait:
                return {"FINISHED"}
            pump.wait(lambda: bool(made), self.timeout)
            return self._outcome(current().records[made[0]])
        except ProblemError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}


def json_object(text: str) -> dict[str, Any]:
    """What a script says of parameters. ProblemError (BAD_PARAMETER) for what is no JSON object."""
    if not text.strip():
        return {}
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise ProblemError(
            ErrorCode.BAD_PARAMETER,
            "The parameters are not a JSON object.",
            'Write, for instance, {"quality": "draft"}.',
        )
    return given


CLASSES = (WHOLEFORM_OT_make_whole,)
