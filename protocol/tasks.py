"""The catalogue of tasks: what each takes, its parameters and what it gives.

A server sends this catalogue, with its models, to clients that ask to `describe`; front ends build their forms from
what they receive, never from this file, so a newer server's tasks appear without an update.
"""

from __future__ import annotations

from .messages import ParameterInfo, PortInfo, TaskInfo
from .problems import ErrorCode, ProblemError

_POINTS = ParameterInfo(
    "points",
    "points",
    default=[],
    title="Points",
    help="Clicks as [x, y, label] in pixels: label 1 is on the object, 0 is not.",
)
_BOX = ParameterInfo("box", "box", title="Box", help="A box around the object: [x0, y0, x1, y1] in pixels.")
_SEED = ParameterInfo(
    "seed",
    "integer",
    default=0,
    minimum=0,
    maximum=2**31 - 1,
    title="Seed",
    help="The same seed gives the same bytes.",
)
_SAMPLES = ParameterInfo(
    "samples",
    "integer",
    default=3,
    minimum=1,
    maximum=8,
    title="Samples",
    help="How many completions to choose from.",
    basic=True,
)
_QUALITY = ParameterInfo(
    "quality",
    "choice",
    default="standard",
    choices=["draft", "standard", "best"],
    title="Quality",
    help="Draft is quickest; best takes longest.",
    basic=True,
)
_COMPLETION_QUALITY = ParameterInfo(
    "quality",
    "choice",
    default="standard",
    choices=["draft", "standard", "best", "reference"],
    title="Quality",
    help="Draft is quickest; reference is the model exactly as published, often far slower.",
    basic=True,
)
_FACES = ParameterInfo(
    "faces",
    "integer",
    default=20_000,
    minimum=500,
    maximum=200_000,
    title="Faces",
    unit="triangles",
    help="About how many triangles the mesh may have.",
    basic=True,
)
_TEXTURE = ParameterInfo(
    "texture_size",
    "integer",
    default=1024,
    minimum=0,
    maximum=4096,
    unit="pixels",
    title="Texture size",
    help="Side of the texture; 0 gives vertex colours alone.",
)


def _model(task: str, default: str, name: str = "model", title: str = "Model") -> ParameterInfo:
    return ParameterInfo(
        name,
        "model",
        default=default,
        title=title,
        help=f"Which model does it ({task}).",
        model_task=task,
    )


_IMAGE = PortInfo("image", "image", help="The picture.")
_MASK = PortInfo("mask", "mask", help="The visible part of the object (modal mask), same size as the picture.")
_OCCLUDERS = PortInfo("occluders", "mask", required=False, help="What stands before the object, where known.")

SEGMENT = TaskInfo(
    "segment",
    "Point at an object",
    help="The visible mask of the object at the points or in the box; with neither, of what stands out most.",
    inputs=[_IMAGE],
    parameters=[_POINTS, _BOX, _model("segment", "prompted-u2netp")],
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
        _COMPLETION_QUALITY,
        _SAMPLES,
        _POINTS,
        _BOX,
        _model("segment", "prompted-u2netp", "segment_model", "Pointing model"),
        _model("complete", "symmetry-inpaint"),
        _SEED,
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
    parameters=[_model("reconstruct", "inflate"), _QUALITY],
    outputs=[PortInfo("field", "handle", help="The field.")],
    stages=["reconstruct"],
)

MESH = TaskInfo(
    "mesh",
    "Make a mesh",
    help="A watertight, coloured, textured mesh of a field.",
    inputs=[PortInfo("field", "handle", help="A field from reconstruct.")],
    parameters=[_FACES, _TEXTURE],
    outputs=[
        PortInfo("mesh", "mesh", help="The mesh in glTF axes, in a cube of side 1."),
        PortInfo("mesh_handle", "handle", help="The same mesh on the server, for rendering."),
    ],
    stages=["mesh"],
)

RENDER = TaskInfo(
    "render",
    "Render novel views",
    help="Pictures of a mesh or field from cameras given, or from a ring of views around it.",
    inputs=[
        PortInfo("object", "handle", required=False, help="A mesh or field on the server."),
        PortInfo("mesh", "mesh", required=False, help="Or a mesh sent along."),
        PortInfo("cameras", "camera", many=True, required=False, help="Where to look from; replaces the ring."),
    ],
    parameters=[
        ParameterInfo(
            "views", "integer", default=8, minimum=1, maximum=120, title="Views", help="Views in the ring.", basic=True
        ),
        ParameterInfo(
            "size",
            "integer",
            default=512,
            minimum=16,
            maximum=2048,
            unit="pixels",
            title="Size",
            help="Side of each picture.",
            basic=True,
        ),
        ParameterInfo(
            "elevation",
            "number",
            default=15.0,
            minimum=-89.0,
            maximum=89.0,
            unit="degrees",
            title="Elevation",
            help="Height of the ring.",
        ),
        ParameterInfo(
            "fov",
            "number",
            default=35.0,
            minimum=5.0,
            maximum=120.0,
            unit="degrees",
            title="Field of view",
            help="Vertical field of view.",
        ),
        ParameterInfo(
            "transparent",
            "boolean",
            default=True,
            title="Transparent",
            help="Alpha 0 around the object instead of grey.",
        ),
    ],
    outputs=[PortInfo("views", "image", many=True, help="RGBA pictures, one a camera.")],
    stages=["render"],
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
        _QUALITY,
        _SAMPLES,
        _FACES,
        _POINTS,
        _BOX,
        _SEED,
        _TEXTURE,
        _model("segment", "prompted-u2netp", "segment_model", "Pointing model"),
        _model("complete", "symmetry-inpaint", "complete_model", "Completion model"),
        _model("reconstruct", "inflate", "reconstruct_model", "3D model"),
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
        _model("recognize", "clip-vit-base-patch32"),
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
    task.name: task for task in (SEGMENT, COMPLETE, RECONSTRUCT, MESH, RENDER, WHOLE_OBJECT, RECOGNIZE, ECHO)
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
