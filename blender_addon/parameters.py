"""The form of `whole_object` as a property group on the scene, made from the connected server's catalogue."""

from __future__ import annotations

from typing import Any

import bpy

from .forms import FormField, find_task, form_fields
from .protocol.messages import Catalogue

TASK = "whole_object"

_form: dict[str, Any] = {"fields": [], "group": None}


def fields() -> list[FormField]:
    """The form's fields, empty before the first catalogue."""
    return _form["fields"]


def build(catalogue: Catalogue) -> None:
    """Make the form of this catalogue, unless it is the one there is. Values set before are kept by name."""
    task = find_task(catalogue, TASK)
    wanted = form_fields(task, catalogue.models) if task is not None else []
    if wanted == _form["fields"]:
        return
    remove()
    annotations = {field.name: getattr(bpy.props, field.property)(**field.arguments) for field in wanted}
    group = type("WHOLEFORM_PG_parameters", (bpy.types.PropertyGroup,), {"__annotations__": annotations})
    bpy.utils.register_class(group)
    bpy.types.Scene.wholeform_parameters = bpy.props.PointerProperty(type=group)
    _form.update(fields=wanted, group=group)


def remove() -> None:
    """Take the form away."""
    if _form["group"] is not None:
        del bpy.types.Scene.wholeform_parameters
        bpy.utils.unregister_class(_form["group"])
    _form.update(fields=[], group=None)


def values(scene: Any) -> dict[str, Any]:
    """What the form says; only what differs from the server's defaults need travel, so the rest is left out."""
    group = getattr(scene, "wholeform_parameters", None)
    if group is None:
        return {}
    said = {field.name: getattr(group, field.name) for field in fields()}
    return {field.name: said[field.name] for field in fields() if said[field.name] != field.arguments.get("default")}
