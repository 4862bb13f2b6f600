"""The catalogue of tasks: what each takes, its parameters and what it gives.

A server sends this catalogue, with its models, to clients that ask to `describe`; front ends build their forms from
what they receive, never from this file, so a newer server's tasks appear without an update.
"""

from __future__ import annotations

from typing import Any

from .messages import ParameterInfo, PortInfo, TaskInfo
from .problems import ErrorCode, ProblemError
from .values import Value

MAX_POINTS = 256

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
    parameters=[_POINTS, _BOX, _model("segment", "u2netp")],
    outputs=[
        PortInfo("mask", "mask", help="The visible part of the object."),
        PortInfo("confidence", "array", help="float32 H x W, 0 to 1, before the threshold."),
    ],
    stages=["segment"],
)

COMPLETE = TaskInfo(
    "complete",
    "Complete the hidden part",
    help="The whole object from its visible part: several hypotheses, the most plausible first.",
    inputs=[_IMAGE, _MASK, _OCCLUDERS],
    parameters=[_SAMPLES, _model("complete", "symmetry-inpaint"), _SEED],
    outputs=[
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
    ],
    stages=["complete"],
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
        _model("segment", "u2netp", "segment_model", "Pointing model"),
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


def _bad(message: str, hint: str) -> ProblemError:
    return ProblemError(ErrorCode.BAD_PARAMETER, message, hint)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


def _coordinates(parameter: ParameterInfo, value: Any, count: int, example: str) -> list[float]:
    if not isinstance(value, list | tuple) or len(value) != count or not all(_is_number(n) for n in value):
        raise _bad(f"Parameter “{parameter.name}” is {value!r:.80}.", f"Allowed: {example}.")
    return [float(n) for n in value]


def check_parameter(parameter: ParameterInfo, value: Any) -> Any:
    """``value`` in its canonical type, or a ProblemError (BAD_PARAMETER) naming the allowed range."""
    what = f"Parameter “{parameter.name}” is {value!r:.80}."
    match parameter.kind:
        case "boolean":
            if isinstance(value, bool):
                return value
            raise _bad(what, "Allowed: true or false.")
        case "integer" | "number":
            low, high = parameter.minimum, parameter.maximum
            span = f" from {low:g} to {high:g}" if low is not None and high is not None else ""
            good = _is_number(value)
            if good and parameter.kind == "integer":
                good = float(value).is_integer()
            if not good or (low is not None and value < low) or (high is not None and value > high):
                unit = f" {parameter.unit}" if parameter.unit else ""
                raise _bad(
                    what,
                    f"Allowed: {'a whole number' if parameter.kind == 'integer' else 'a number'}{span}{unit}.",
                )
            return int(value) if parameter.kind == "integer" else float(value)
        case "choice":
            if value in parameter.choices:
                return value
            raise _bad(what, f"Allowed: {', '.join(parameter.choices)}.")
        case "text" | "model":
            if isinstance(value, str) and len(value) <= 4096:
                return value
            raise _bad(what, "Allowed: a text.")
        case "points":
            if not isinstance(value, list | tuple) or len(value) > MAX_POINTS:
                raise _bad(
                    what,
                    f"Allowed: a list of at most {MAX_POINTS} points [x, y, label].",
                )
            points = [_coordinates(parameter, point, 3, "points [x, y, label], label 1 or 0") for point in value]
            if any(label not in (0, 1) for _, _, label in points):
                raise _bad(what, "A point's label is 1 (on the object) or 0 (not on it).")
            return points
        case "box":
            if value is None:
                return None
            x0, y0, x1, y1 = _coordinates(parameter, value, 4, "[x0, y0, x1, y1]")
            if x1 <= x0 or y1 <= y0:
                raise _bad(what, "A box is [x0, y0, x1, y1] with x0 < x1 and y0 < y1.")
            return [x0, y0, x1, y1]


def check_parameters(task: TaskInfo, given: dict[str, Any]) -> dict[str, Any]:
    """All parameters of ``task`` with defaults filled in; ProblemError (BAD_PARAMETER) for a wrong or unknown one."""
    known = {parameter.name: parameter for parameter in task.parameters}
    for name in given:
        if name not in known:
            raise _bad(
                f"Task “{task.name}” has no parameter “{name}”.",
                f"It has: {', '.join(known) or 'no parameters'}.",
            )
    return {
        name: check_parameter(parameter, given[name]) if name in given else parameter.default
        for name, parameter in known.items()
    }


def check_inputs(task: TaskInfo, kinds: dict[str, str | list[str]]) -> None:
    """ProblemError (BAD_INPUT) unless ``kinds`` (the kind of each input, or of each item) fits the task's ports."""
    known = {port.name: port for port in task.inputs}
    for name, kind in kinds.items():
        if name not in known:
            raise ProblemError(
                ErrorCode.BAD_INPUT,
                f"Task “{task.name}” has no input “{name}”.",
                f"It takes: {', '.join(known) or 'no inputs'}.",
            )
        port = known[name]
        wrong = [k for k in (kind if isinstance(kind, list) else [kind]) if k != port.kind]
        if wrong or isinstance(kind, list) != port.many:
            expected = f"a list of {port.kind} values" if port.many else f"a value of kind {port.kind}"
            got = f"a list of {len(kind)} values" if isinstance(kind, list) else kind
            raise ProblemError(
                ErrorCode.BAD_INPUT,
                f"Input “{name}” is {wrong[0] if wrong else got}.",
                f"It takes {expected}.",
            )
    for name, port in known.items():
        if port.required and name not in kinds:
            raise ProblemError(
                ErrorCode.BAD_INPUT,
                f"Task “{task.name}” needs the input “{name}”.",
                f"Give it: {port.help}",
            )


def kinds_of(inputs: dict[str, Any]) -> dict[str, str | list[str]]:
    """The kind of each value in ``inputs``, for check_inputs; ProblemError (BAD_INPUT) for what is no value."""

    def kind(name: str, value: Any) -> str:
        if isinstance(value, Value):
            return value.kind
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"Input “{name}” is a {type(value).__name__}.",
            "Wrap it, e.g. Image(pixels) or Mask(pixels).",
        )

    return {
        name: [kind(name, item) for item in value] if isinstance(value, list | tuple) else kind(name, value)
        for name, value in inputs.items()
    }
