"""Forms are built from what the server says, so that a newer server's parameters appear by themselves."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QSpinBox

from desktop_gui.panels.parameters import Parameters
from desktop_gui.panels.segmented import Segmented
from desktop_gui.panels.stepper import Stepper
from protocol.checks import check_parameters
from protocol.messages import Catalogue, ModelInfo, ParameterInfo, TaskInfo
from protocol.tasks import TASKS

MODELS = [
    ModelInfo("m1", "First model", ["complete"], "starter", "mugs"),
    ModelInfo("m2", "Second model", ["complete"], "released", ready=False, missing="Run: wholeform models pull m2."),
    ModelInfo("other", "Another task's", ["segment"]),
]
NEW_TASK = TaskInfo(
    "whole_object",
    "Make whole",
    parameters=[
        ParameterInfo("points", "points", default=[]),
        ParameterInfo("style", "choice", default="b", choices=["a", "b", "c"], basic=True),
        ParameterInfo("kind_of", "choice", default="v3", choices=["v1", "v2", "v3", "v4", "v5"]),
        ParameterInfo("count", "integer", default=2, minimum=1, maximum=5, basic=True),
        ParameterInfo("faces", "integer", default=1000, minimum=10, maximum=99_999, unit="triangles"),
        ParameterInfo("strength", "number", default=0.25, minimum=0.0, maximum=1.0, help="How strong."),
        ParameterInfo("smooth", "boolean", default=True),
        ParameterInfo("note", "text", default="hello"),
        ParameterInfo("model", "model", default="m1", model_task="complete"),
    ],
)


def test_every_kind_of_parameter_has_a_field(application: QApplication) -> None:
    form = Parameters("whole_object")
    form.set_catalogue(Catalogue([NEW_TASK], MODELS))
    kinds = {
        "style": Segmented,
        "kind_of": QComboBox,
        "count": Stepper,
        "faces": QSpinBox,
        "strength": QDoubleSpinBox,
        "smooth": QCheckBox,
        "note": QLineEdit,
        "model": QComboBox,
    }
    for name, kind in kinds.items():
        field = form.field(name)
        assert field is not None
        assert isinstance(field.widget, kind)
    assert form.field("points") is None  # given on the canvas
    defaults = {info.name: info.default for info in NEW_TASK.parameters if info.name != "points"}
    assert form.values() == defaults
    assert form.field("strength").widget.toolTip() == "How strong. 0 to 1."  # type: ignore[union-attr]
    assert form.field("faces").widget.suffix() == " triangles"  # type: ignore[union-attr]


def test_only_models_of_the_task_are_offered_and_say_what_they_are(application: QApplication) -> None:
    form = Parameters("whole_object")
    form.set_catalogue(Catalogue([NEW_TASK], MODELS))
    field = form.field("model")
    assert field is not None
    assert isinstance(field.widget, QComboBox)
    assert [field.widget.itemText(row) for row in range(field.widget.count())] == ["First model", "Second model"]
    assert field.note() == "starter · mugs"
    field.set_value("m2")
    assert "wholeform models pull m2" in field.note()


def test_what_was_set_stays_when_the_catalogue_comes_again(application: QApplication) -> None:
    form = Parameters("whole_object")
    form.set_catalogue(Catalogue([NEW_TASK], MODELS))
    form.set_values({"count": 4, "note": "kept", "unknown": 1})
    form.set_catalogue(Catalogue([NEW_TASK], MODELS))
    assert form.values()["count"] == 4
    assert form.values()["note"] == "kept"


def test_the_forms_values_are_accepted_by_the_task(application: QApplication) -> None:
    form = Parameters("whole_object")
    form.set_catalogue(Catalogue(list(TASKS.values()), MODELS))
    check_parameters(TASKS["whole_object"], form.values())
