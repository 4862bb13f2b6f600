"""One form field for one parameter of the server's catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QAbstractSpinBox, QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QSpinBox, QWidget

from protocol.messages import ModelInfo, ParameterInfo

from .segmented import Segmented
from .stepper import Stepper

FEW_CHOICES = 4
FEW_STEPS = 16
POINTING = ("points", "box")  # kinds that are given on the canvas, not in a form


@dataclass
class Field:
    """A widget and how to read and write its value. ``note`` is a line below it, empty when there is nothing to say."""

    info: ParameterInfo
    widget: QWidget
    value: Callable[[], Any]
    set_value: Callable[[Any], None]
    note: Callable[[], str] = str


def title_of(info: ParameterInfo) -> str:
    return info.title or info.name.replace("_", " ").capitalize()


def make_field(info: ParameterInfo, models: list[ModelInfo]) -> Field:
    """The field for ``info``, holding its default. ``models`` are all of the catalogue."""
    field = _make(info, models)
    field.widget.setToolTip(_help(info))
    field.widget.setAccessibleName(title_of(info))
    if info.default is not None:
        field.set_value(info.default)
    return field


def _make(info: ParameterInfo, models: list[ModelInfo]) -> Field:
    match info.kind:
        case "choice" if len(info.choices) <= FEW_CHOICES:
            row = Segmented([(choice, choice.replace("_", " ").capitalize()) for choice in info.choices])
            return Field(info, row, row.value, lambda value: row.set_value(str(value)))
        case "choice":
            return _combo(info, [(choice, choice.replace("_", " ").capitalize()) for choice in info.choices])
        case "model":
            return _model(info, [model for model in models if info.model_task in model.tasks])
        case "integer":
            return _integer(info)
        case "number":
            spin = QDoubleSpinBox()
            _dress(spin, info)
            spin.setRange(_or(info.minimum, -1e9), _or(info.maximum, 1e9))
            span = spin.maximum() - spin.minimum()
            spin.setDecimals(3 if span <= 10 else 1)
            spin.setSingleStep(0.05 if span <= 10 else 1.0)
            return Field(info, spin, spin.value, lambda value: spin.setValue(float(value)))
        case "boolean":
            box = QCheckBox()
            return Field(info, box, box.isChecked, lambda value: box.setChecked(bool(value)))
        case _:
            line = QLineEdit()
            return Field(info, line, line.text, lambda value: line.setText(str(value)))


def _integer(info: ParameterInfo) -> Field:
    low, high = int(_or(info.minimum, -(2**31))), int(_or(info.maximum, 2**31 - 1))
    if high - low <= FEW_STEPS:
        stepper = Stepper(low, high, low)
        return Field(info, stepper, stepper.value, lambda value: stepper.set_value(int(value)))
    spin = QSpinBox()
    _dress(spin, info)
    spin.setRange(max(low, -(2**31)), min(high, 2**31 - 1))
    spin.setGroupSeparatorShown(high > 9999)
    spin.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
    return Field(info, spin, spin.value, lambda value: spin.setValue(int(value)))


def _dress(spin: QSpinBox | QDoubleSpinBox, info: ParameterInfo) -> None:
    spin.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    spin.lineEdit().setTextMargins(7, 0, 7, 0)
    if info.unit:
        spin.setSuffix(f" {info.unit}")


def _combo(info: ParameterInfo, choices: list[tuple[str, str]]) -> Field:
    combo = QComboBox()
    for value, text in choices:
        combo.addItem(text, value)

    def choose(value: Any) -> None:
        at = combo.findData(str(value))
        if at < 0:
            # A default or a saved value that this server does not list is still shown, never silently replaced.
            combo.addItem(str(value), str(value))
            at = combo.count() - 1
        combo.setCurrentIndex(at)

    return Field(info, combo, combo.currentData, choose)


def _model(info: ParameterInfo, models: list[ModelInfo]) -> Field:
    field = _combo(info, [(model.name, model.title) for model in models])
    known = {model.name: model for model in models}

    def note() -> str:
        model = known.get(field.value())
        if model is None:
            return ""
        parts = [model.level, model.good_for or "", "" if model.ready else model.missing]
        return " · ".join(part for part in parts if part)

    field.note = note
    return field


def _help(info: ParameterInfo) -> str:
    text = info.help
    if info.minimum is not None and info.maximum is not None and info.kind in ("integer", "number"):
        span = QCoreApplication.translate("parameters", "{0:,g} to {1:,g} {2}")
        text = f"{text} {span.format(info.minimum, info.maximum, info.unit).strip()}."
    return text.strip()


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
