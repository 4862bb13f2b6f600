"""What a catalogue says: tasks with their inputs, parameters and outputs, and models with their labels."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.\-]+$")]
Byte = Annotated[int, Meta(ge=0, le=255)]


class LabelInfo(msgspec.Struct, frozen=True):
    """One part that a model's label maps may have; its id is its place in the model's list. ``colour`` is sRGB: what it
    is painted and shown with."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    colour: tuple[Byte, Byte, Byte]


class ModelInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model of the catalogue. ``level``: classical, starter, released or yours. ``tasks`` it can do."""

    name: Name
    title: str
    tasks: list[Name]
    level: str = "classical"
    good_for: str = ""  # one line
    licence: str = ""
    origin: str = ""
    memory_bytes: int = 0
    ready: bool = True
    missing: str = ""  # what to do when not ready
    labels: list[LabelInfo] = []  # the parts that its label maps may have, by id, the background first
    label_size: Annotated[int, Meta(ge=0, le=16_384)] = 0  # side of the label maps or drawings that it learned from
    draws: bool = False  # takes drawings, not label maps


class ParameterInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One parameter of a task, enough to build a form field and to check a value.

    ``kind``: integer, number, boolean, choice, text, model, points (list of [x, y, label], label 1 = object,
    0 = not), box ([x0, y0, x1, y1]). Points and boxes are in pixels of the input picture, y downwards.
    """

    name: Name
    kind: Literal["integer", "number", "boolean", "choice", "text", "model", "points", "box"]
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    choices: list[str] = []
    unit: str = ""
    title: str = ""
    help: str = ""
    basic: bool = False  # one of the few that matter; the others stand behind "More"
    model_task: str = ""  # for kind "model": the task that the model must be able to do


class PortInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One typed input or output: ``kind`` of value (values.py), a list of them when ``many``."""

    name: Name
    kind: Name
    many: bool = False
    required: bool = True
    help: str = ""


class TaskInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One task of the catalogue."""

    name: Name
    title: str
    help: str = ""
    inputs: list[PortInfo] = []
    parameters: list[ParameterInfo] = []
    outputs: list[PortInfo] = []
    stages: list[str] = []
    internal: bool = False  # for tests and measurements; front ends do not show it
