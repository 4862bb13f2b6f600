"""The command-line form of a task, made from its entry in the catalogue: arguments for what it needs, options for the
rest."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from protocol.client import Client, Inputs
from protocol.messages import ParameterInfo, PortInfo, TaskInfo
from protocol.problems import ErrorCode, ProblemError

from .prompts import parse_box, parse_points

_PICTURES = ("image", "mask", "label_map")
_TYPES = {"integer": int, "number": float, "boolean": bool, "points": list[str]}


def command_name(task: TaskInfo) -> str:
    """ "whole_object" -> "whole-object"."""
    return task.name.replace("_", "-")


def signature(task: TaskInfo) -> list[inspect.Parameter]:
    """One parameter for each input and each parameter of ``task``, as typer reads them: None means not given."""
    ports = sorted(task.inputs, key=lambda port: not port.required)
    arguments = _arguments(task)
    return [_of_port(port, port.name in arguments) for port in ports] + [
        _of_parameter(parameter) for parameter in task.parameters
    ]


def _arguments(task: TaskInfo) -> set[str]:
    """The inputs that are typed without a name: those that ``task`` needs, or where it needs this or that, the first of
    them where it is a picture."""
    needed = {port.name for port in task.inputs if port.required}
    first = task.inputs[0] if task.inputs else None
    return needed or ({first.name} if first is not None and first.kind in _PICTURES else set())


def inputs_of(task: TaskInfo, given: dict[str, Any]) -> dict[str, Any]:
    """The inputs that were given, read from their files; label maps as LabelPicture. ProblemError (BAD_INPUT) for one
    that cannot be read."""
    from .loading import load_value

    inputs: dict[str, Any] = {}
    for port in task.inputs:
        texts = given[port.name]
        if port.many and texts:
            inputs[port.name] = [load_value(port.kind, text) for text in texts]
        elif not port.many and texts is not None:
            inputs[port.name] = load_value(port.kind, texts)
    return inputs


def understood(client: Client, task: TaskInfo, inputs: dict[str, Any], parameters: dict[str, Any]) -> Inputs:
    """``inputs`` with label maps in place of pictures of them, by the palettes of the server's models. ProblemError
    (BAD_INPUT) for a picture that is none."""
    pictures = [port.name for port in task.inputs if port.kind == "label_map" and port.name in inputs]
    if not pictures:
        return inputs
    from .label_pictures import palettes_for

    palettes = palettes_for(client.catalogue(), task, parameters)
    return inputs | {name: inputs[name].label_map(palettes) for name in pictures}


def parameters_of(task: TaskInfo, given: dict[str, Any], more: list[str]) -> dict[str, Any]:
    """The parameters that were given, and ``more`` as NAME=VALUE. The server checks them and knows the defaults.
    ProblemError (BAD_PARAMETER) for a text that cannot be read."""
    parameters: dict[str, Any] = {}
    for parameter in task.parameters:
        value = given[parameter.name]
        if parameter.kind == "points":
            value = parse_points(value) if value else None
        elif parameter.kind == "box":
            value = parse_box(value)
        if value is not None:
            parameters[parameter.name] = value
    return parameters | dict(_assignment(text) for text in more)


def _of_port(port: PortInfo, argument: bool) -> inspect.Parameter:
    what = f"{port.help} {_FILES.get(port.kind, '')}{' Repeatable.' if port.many else ''}".strip()
    if argument and port.required:
        kind = Annotated[str, typer.Argument(help=what, show_default=False)]
        return inspect.Parameter(port.name, inspect.Parameter.KEYWORD_ONLY, annotation=kind)
    if argument:
        kind = Annotated[str | None, typer.Argument(help=what, show_default=False)]
        return inspect.Parameter(port.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
    base = list[str] if port.many else str
    return _option(port.name, base, what, _flag(port.name))


_FILES = {
    "image": "A picture file.",
    "mask": "A picture file: white, or opaque, is inside.",
    "label_map": "A picture file of the ids or, without soft edges, of the labels' colours.",
    "mesh": "A .glb, .ply or .obj file.",
    "camera": "A .npz file with cam2world and intrinsics.",
    "handle": "HOLDS:ID, as an earlier run printed it.",
}


def _of_parameter(parameter: ParameterInfo) -> inspect.Parameter:
    match parameter.kind:
        case "points":
            what, flag = "X,Y on the object (X,Y,0: not on it), in pixels; repeatable.", "--point"
        case "box":
            what, flag = "X0,Y0,X1,Y1 around the object, in pixels.", "--box"
        case "boolean":
            what, flag = parameter.help, f"{_flag(parameter.name)}/--no-{parameter.name.replace('_', '-')}"
        case _:
            what, flag = f"{parameter.help} {_allowed(parameter)}".strip(), _flag(parameter.name)
    return _option(parameter.name, _TYPES.get(parameter.kind, str), what, flag)


def _allowed(parameter: ParameterInfo) -> str:
    """What may be given and what holds otherwise, e.g. "500 to 200,000 triangles; 20,000 otherwise."."""
    parts = []
    if parameter.choices:
        parts.append(", ".join(parameter.choices))
    elif parameter.minimum is not None and parameter.maximum is not None:
        unit = f" {parameter.unit}" if parameter.unit else ""
        parts.append(f"{parameter.minimum:,.10g} to {parameter.maximum:,.10g}{unit}")
    if parameter.default not in (None, ""):
        default = parameter.default
        parts.append(f"{default if isinstance(default, str) else format(default, ',')} otherwise")
    return "; ".join(parts) + "." if parts else ""


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _option(name: str, base: Any, what: str, flag: str) -> inspect.Parameter:
    annotation = Annotated[base | None, typer.Option(flag, help=what, show_default=False)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ProblemError(ErrorCode.BAD_PARAMETER, f"“{text}” is not understood.", "Write it like --set NAME=VALUE.")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value


def default_folder(task: TaskInfo, given: dict[str, Any]) -> Path:
    """Where results go when nobody says: beside the person, named after the first input and the task."""
    arguments = _arguments(task)
    first = next((given[port.name] for port in task.inputs if port.name in arguments), "")
    stem = Path(first).stem if first and Path(first).suffix else ""
    return Path("-".join(filter(None, (stem, command_name(task)))))
