"""Form fields from the server's catalogue: which Blender property shows a parameter, in plain Python."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .protocol.messages import Catalogue, ModelInfo, ParameterInfo, TaskInfo

_INT_MAX = 2**31 - 1
_LEVELS = {"classical": "classical method", "starter": "starter model", "released": "released model", "yours": "yours"}


@dataclass(frozen=True)
class FormField:
    """One form field: the ``property`` function of bpy.props to use and its arguments. Fields of two tasks that mean
    the same have the same ``key``: the task of a model, else the name."""

    name: str
    key: str
    property: str
    arguments: dict[str, Any]
    basic: bool


def find_task(catalogue: Catalogue, name: str) -> TaskInfo | None:
    """The task called ``name``, or None."""
    return next((task for task in catalogue.tasks if task.name == name), None)


def stage_titles(catalogue: Catalogue | None) -> dict[str, str]:
    """The stages' names for people: those of the tasks that they are."""
    return {task.name: task.title for task in catalogue.tasks} if catalogue is not None else {}


def _items(parameter: ParameterInfo, models: Iterable[ModelInfo]) -> list[tuple[str, str, str]]:
    """Items of an enum property: identifier, name, tooltip. The default is there even if the server lists it not."""
    if parameter.kind == "choice":
        return [(choice, choice.replace("_", " ").capitalize(), parameter.help) for choice in parameter.choices]
    items = []
    for model in models:
        if parameter.model_task in model.tasks:
            title = model.title if model.ready else f"{model.title} (not ready)"
            about = ". ".join(text for text in (_LEVELS.get(model.level, model.level), model.good_for) if text)
            items.append((model.name, title, about if model.ready else f"{about}. {model.missing}"))
    if parameter.default and parameter.default not in {name for name, _, _ in items}:
        items.insert(0, (parameter.default, parameter.default, parameter.help))
    return items


def form_field(parameter: ParameterInfo, models: Iterable[ModelInfo]) -> FormField | None:
    """The field that shows ``parameter``, or None for points and boxes (they are drawn in the Image Editor)."""
    title = parameter.title or parameter.name.replace("_", " ").capitalize()
    unit = f" ({parameter.unit})" if parameter.unit else ""
    arguments: dict[str, Any] = {"name": title, "description": f"{parameter.help.rstrip('.')}{unit}"}
    if parameter.default is not None:
        arguments["default"] = parameter.default
    kind = {
        "integer": "IntProperty",
        "number": "FloatProperty",
        "boolean": "BoolProperty",
        "text": "StringProperty",
        "choice": "EnumProperty",
        "model": "EnumProperty",
    }.get(parameter.kind)
    if kind is None:
        return None
    if kind in ("IntProperty", "FloatProperty"):
        limit = _INT_MAX if kind == "IntProperty" else 3.4e38
        number = int if kind == "IntProperty" else float
        if parameter.minimum is not None:
            arguments["min"] = number(max(-limit, parameter.minimum))
        if parameter.maximum is not None:
            arguments["max"] = number(min(limit, parameter.maximum))
    elif kind == "EnumProperty":
        arguments["items"] = _items(parameter, models)
        if not arguments["items"]:
            return None
    return FormField(parameter.name, parameter.model_task or parameter.name, kind, arguments, parameter.basic)


def form_fields(task: TaskInfo, models: Iterable[ModelInfo]) -> list[FormField]:
    """The form of ``task``, in the catalogue's order."""
    models = list(models)
    fields = (form_field(parameter, models) for parameter in task.parameters)
    return [field for field in fields if field is not None]


def segment_parameters(task: TaskInfo, whole: dict[str, Any]) -> dict[str, Any]:
    """What pointing alone takes over from the form of `whole_object`: the pointing model."""
    known = {parameter.name for parameter in task.parameters}
    model = whole.get("segment_model")
    return {"model": model} if model and "model" in known else {}
