"""The forms of what can be made as property groups on the scene, built from the connected server's catalogue."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any

import bpy

from .forms import FormField, find_task, form_fields
from .protocol.messages import Catalogue


@dataclass
class _Form:
    """``property`` is the scene's property that holds the values."""

    task: str
    property: str
    fields: list[FormField] = field(default_factory=list)
    group: Any = None


# By what the panel's "Make" chooses.
_forms = {
    "MESH": _Form("whole_object", "wholeform_parameters"),
    "PICTURE": _Form("complete", "wholeform_picture_parameters"),
    "LABELS": _Form("synthesize", "wholeform_label_parameters"),  # of "Paint Labels"
}
_MAKES = ("MESH", "PICTURE")  # what "Make" offers

TASKS = tuple(_forms[make].task for make in _MAKES)


def task(scene: Any) -> str:
    """The task of what the panel says is to be made."""
    return _forms[scene.wholeform.make].task


def fields(scene: Any, make: str = "") -> list[FormField]:
    """The fields of the form shown, or of that of ``make``; empty before the first catalogue."""
    return _forms[make or scene.wholeform.make].fields


def group(scene: Any, make: str = "") -> Any | None:
    """The values of the form shown, or of that of ``make``; None before the first catalogue."""
    return getattr(scene, _forms[make or scene.wholeform.make].property, None)


def build(catalogue: Catalogue) -> None:
    """Make the forms of this catalogue, unless they are those there are. Values set before are kept by name."""
    for form in _forms.values():
        task = find_task(catalogue, form.task)
        wanted = form_fields(task, catalogue.models) if task is not None else []
        if wanted == form.fields:
            continue
        _remove(form)
        annotations = {field.name: getattr(bpy.props, field.property)(**field.arguments) for field in wanted}
        name = f"WHOLEFORM_PG_{form.task}"
        form.group = type(name, (bpy.types.PropertyGroup,), {"__annotations__": annotations})
        bpy.utils.register_class(form.group)
        setattr(bpy.types.Scene, form.property, bpy.props.PointerProperty(type=form.group))
        form.fields = wanted


def _remove(form: _Form) -> None:
    if form.group is not None:
        delattr(bpy.types.Scene, form.property)
        bpy.utils.unregister_class(form.group)
    form.fields, form.group = [], None


def remove() -> None:
    """Take the forms away."""
    for form in _forms.values():
        _remove(form)


def take_over(scene: Any) -> None:
    """Give the form shown what was set in the other one, where it has the same parameter or one for the same model."""
    shown = group(scene)
    if shown is None:
        return
    names = {wanted.key: wanted.name for wanted in fields(scene)}
    for form in (_forms[make] for make in _MAKES if make != scene.wholeform.make):
        for known in form.fields:
            if known.key in names:
                with contextlib.suppress(TypeError):  # a choice that this one does not offer
                    setattr(shown, names[known.key], getattr(getattr(scene, form.property), known.name))


def values(scene: Any, make: str = "") -> dict[str, Any]:
    """What the form shown says, or that of ``make``; only what differs from the server's defaults need travel, so the
    rest is left out."""
    said = shown(scene, make)
    return {
        field.name: said[field.name]
        for field in fields(scene, make)
        if field.name in said and said[field.name] != field.arguments.get("default")
    }


def shown(scene: Any, make: str = "") -> dict[str, Any]:
    """All that the form shown says, or that of ``make``; nothing before the first catalogue."""
    values = group(scene, make)
    return {field.name: getattr(values, field.name) for field in fields(scene, make)} if values is not None else {}
