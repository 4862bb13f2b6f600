"""The catalogue of tasks: what each takes, its parameters and what it gives.

A server sends this catalogue, with its models, to clients that ask to `describe`; front ends build their forms from
what they receive, never from this file, so a newer server's tasks appear without an update.
"""

from __future__ import annotations

from .descriptions import ParameterInfo, PortInfo, TaskInfo
from .label_tasks import EDIT, MIX, SYNTHESIZE
from .parameters import (
    BOX,
    COMPLETION_QUALITY,
    FACES,
    POINTS,
    QUALITY,
    SAMPLES,
    SEED,
    TEXTURE,
    model_choice,
)
from .problems import ErrorCode, ProblemError
from .view_tasks import FILM, MESH, RENDER

_IMAGE = PortInfo("image", "image", help="The picture.")
_MASK = PortInfo("mask", "mask", help="The visible part of the object (modal mask), same size as the picture.")
_OCCLUDERS = PortInfo("occluders", "mask", required=False, help="What stands before the object, where known.")

SEGMENT = TaskInfo(
    "segment",
    "Point at an object",
    help="The visible mask of the object at the points or in the box; with neither, of what stands out most.",
    inputs=[_IMAGE],
    parameters=[POINTS, BOX, model_choice("segment", "prompted-u2netp")],
    outputs=[
        PortInfo("mask", "mask", help="The visible part of the object."),
        PortInfo("confidence", "array", help="float32 H x W, 0 to 1, before the threshold."),
    ],
    stages=["segment"],
)

COMPLETE = TaskInfo(
    "complete",
    "Complete the hidden part",
    help="The whole object from its visible part, or from a prompt: several hypotheses, the most plausible first.",
    inputs=[
        _IMAGE,
        PortInfo(
            "mask",
            "mask",
            required=False,
            help="The visible part; without it, that at the points or in the box, or of what stands out most.",
        ),
        _OCCLUDERS,
    ],
    parameters=[
        COMPLETION_QUALITY,
        SAMPLES,
        POINTS,
        BOX,
        model_choice("segment", "prompted-u2netp", "segment_model", "Pointing model"),
        model_choice("complete", "starter-and-symmetry"),
        SEED,
    ],
    outputs=[
        PortInfo("mask", "mask", help="The visible part of the object."),
        PortInfo(
            "completed",
            "image",
            many=True,
            help="RGBA pictures of the whole object, same size as the input.",
        ),
        PortInfo(
            "amodal_masks",
            "mask",
            many=True,
            help="The whole object's mask of each sample.",
        ),
        PortInfo(
            "agreement",
            "array",
            help="float32 H x W, 0 to 1: the share of the samples whose whole covers a pixel.",
        ),
    ],
    stages=["segment", "complete"],
)

RECONSTRUCT = TaskInfo(
    "reconstruct",
    "Reconstruct in 3D",
    help="A field (a shape with colours that lives on the server) from the picture, masks and completed picture.",
    inputs=[
        _IMAGE,
        _MASK,
        _OCCLUDERS,
        PortInfo("completed", "image", help="RGBA picture of the whole object."),
    ],
    parameters=[model_choice("reconstruct", "inflate"), QUALITY],
    outputs=[PortInfo("field", "handle", help="The field.")],
    stages=["reconstruct"],
)

WHOLE_OBJECT = TaskInfo(
    "whole_object",
    "Make whole",
    help="From a picture and a click to the whole object: mask, completed picture and mesh, with a preview after each.",
    inputs=[
        _IMAGE,
        PortInfo(
            "mask",
            "mask",
            required=False,
            help="The visible part, where known: skips pointing.",
        ),
        _OCCLUDERS,
        PortInfo(
            "completed",
            "image",
            required=False,
            help="RGBA of the whole object, where chosen: skips completing.",
        ),
    ],
    parameters=[
        QUALITY,
        SAMPLES,
        FACES,
        POINTS,
        BOX,
        SEED,
        TEXTURE,
        model_choice("segment", "prompted-u2netp", "segment_model", "Pointing model"),
        model_choice("complete", "starter-and-symmetry", "complete_model", "Completion model"),
        model_choice("reconstruct", "inflate", "reconstruct_model", "3D model"),
    ],
    outputs=[
        PortInfo("mask", "mask", help="The visible part of the object."),
        PortInfo(
            "completed",
            "image",
            many=True,
            help="RGBA pictures of the whole object, the most plausible first.",
        ),
        PortInfo(
            "amodal_masks",
            "mask",
            many=True,
            help="The whole object's mask of each sample.",
        ),
        PortInfo("mesh", "mesh", help="The mesh of the first sample."),
        PortInfo("mesh_handle", "handle", help="The same mesh on the server."),
        PortInfo("field", "handle", help="The field it was made from."),
    ],
    stages=["segment", "complete", "reconstruct", "mesh"],
)

RECOGNIZE = TaskInfo(
    "recognize",
    "Say what it is",
    help="Which of some words fits the object best, with probabilities.",
    inputs=[
        PortInfo("image", "image", help="The picture; of one with transparency, only what is opaque counts."),
        PortInfo("mask", "mask", required=False, help="Look at this part of the picture alone."),
        PortInfo("completed", "image", required=False, help="RGBA of the whole object: looked at instead."),
    ],
    parameters=[
        ParameterInfo(
            "labels",
            "text",
            default="",
            title="Labels",
            help="The words to choose from, with commas between them, e.g. cat, dog, coffee mug.",
            basic=True,
        ),
        model_choice("recognize", "clip-vit-base-patch32"),
    ],
    outputs=[
        PortInfo("probabilities", "array", help="float32, one a label, best first; the job's info names the labels.")
    ],
    stages=["recognize"],
)

ECHO = TaskInfo(
    "echo",
    "Echo",
    help="Gives back what it gets, after `seconds` in `steps` steps: for tests and measurements.",
    inputs=[PortInfo("value", "array", required=False, help="Anything.")],
    parameters=[
        ParameterInfo(
            "seconds", "number", default=0.0, minimum=0.0, maximum=3600.0, unit="s", help="How long to take."
        ),
        ParameterInfo("steps", "integer", default=1, minimum=1, maximum=10_000, help="In how many steps."),
        ParameterInfo("stubborn", "boolean", default=False, help="Do not look whether it was cancelled."),
        ParameterInfo("give_back", "boolean", default=True, help="Return the value."),
        ParameterInfo("fail", "text", default="", help="Fail with this message."),
    ],
    outputs=[PortInfo("value", "array", required=False, help="What came in.")],
    stages=["echo"],
    internal=True,
)

TASKS: dict[str, TaskInfo] = {
    task.name: task
    for task in (
        SEGMENT,
        COMPLETE,
        RECONSTRUCT,
        MESH,
        RENDER,
        WHOLE_OBJECT,
        RECOGNIZE,
        SYNTHESIZE,
        EDIT,
        MIX,
        FILM,
        ECHO,
    )
}


def find_task(tasks: dict[str, TaskInfo], name: str) -> TaskInfo:
    """The task called ``name``; a ProblemError (UNKNOWN_TASK) naming those that exist otherwise."""
    if name not in tasks:
        raise ProblemError(
            ErrorCode.UNKNOWN_TASK,
            f"There is no task “{name}”.",
            f"This server has: {', '.join(sorted(tasks))}.",
        )
    return tasks[name]
