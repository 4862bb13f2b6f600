"""The catalogue is sound, and wrong parameters and inputs are refused with what is allowed."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from protocol.checks import check_inputs, check_parameter, check_parameters, kinds_of
from protocol.messages import Catalogue
from protocol.problems import ErrorCode, ProblemError
from protocol.tasks import TASKS, find_task
from protocol.values import Handle, Image, LabelMap, Mask, Value

IMAGE = Image(np.zeros((4, 4, 3), np.uint8))
MASK = Mask(np.zeros((4, 4), np.uint8))
LABELS = LabelMap(np.zeros((4, 4), np.uint16))


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_every_default_is_allowed_and_every_port_has_a_known_kind(task: Any) -> None:
    for parameter in task.parameters:
        assert check_parameter(parameter, parameter.default) == parameter.default
        assert parameter.help
        if parameter.kind in ("integer", "number"):
            assert parameter.minimum is not None
            assert parameter.maximum is not None
        if parameter.kind == "model":
            assert parameter.model_task in TASKS
    for port in task.inputs + task.outputs:
        assert port.kind in Value.ALL
        assert port.help


def test_the_catalogue_survives_the_wire() -> None:
    catalogue = Catalogue(list(TASKS.values()), [])
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(catalogue), type=Catalogue) == catalogue


def test_defaults_are_filled_in_and_numbers_made_canonical() -> None:
    checked = check_parameters(TASKS["whole_object"], {"samples": 2.0, "box": (1, 2, 3, 4), "points": [(5, 6, 1)]})
    assert checked["samples"] == 2
    assert isinstance(checked["samples"], int)
    assert checked["box"] == [1.0, 2.0, 3.0, 4.0]
    assert checked["points"] == [[5.0, 6.0, 1.0]]
    assert checked["quality"] == "standard"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("samples", 0, "from 1 to 8"),
        ("samples", 2.5, "whole number"),
        ("samples", True, "whole number"),
        ("samples", float("nan"), "whole number"),
        ("samples", "3", "whole number"),
        ("seed", 2**31, "from 0"),
        ("quality", "ultra", "draft, standard, best"),
        ("faces", 10, "triangles"),
        ("points", [[1, 2]], "[x, y, label]"),
        ("points", [[1, 2, 3]], "label is 1"),
        ("points", [[1, float("inf"), 1]], "[x, y, label]"),
        ("points", "here", "list"),
        ("points", [[0, 0, 1]] * 257, "at most 256"),
        ("box", [3, 3, 1, 1], "x0 < x1"),
        ("box", [1, 2, 3], "[x0, y0, x1, y1]"),
        ("segment_model", 7, "text"),
        ("colour", 1, "It has: "),
    ],
)
def test_wrong_parameters_say_what_is_allowed(name: str, value: Any, said: str) -> None:
    with pytest.raises(ProblemError) as caught:
        check_parameters(TASKS["whole_object"], {name: value})
    assert caught.value.problem.code is ErrorCode.BAD_PARAMETER
    assert said in str(caught.value.problem)


@pytest.mark.parametrize(
    ("task", "inputs", "said"),
    [
        ("reconstruct", {"image": IMAGE}, "needs the input “mask”"),
        ("complete", {"image": IMAGE, "mask": IMAGE}, "It takes a value of kind mask"),
        ("complete", {"image": [IMAGE], "mask": MASK}, "It takes a value of kind image"),
        ("segment", {"image": IMAGE, "depth": MASK}, "has no input “depth”"),
        ("render", {"cameras": MASK}, "It takes a list of camera values"),
        ("synthesize", {"label_map": MASK}, "It takes a value of kind label_map"),
        ("edit", {"label_map": LABELS}, "needs the input “field”"),
        ("film", {"cameras": [MASK]}, "has no input “cameras”"),
    ],
)
def test_wrong_inputs_say_what_is_taken(task: str, inputs: dict[str, Any], said: str) -> None:
    with pytest.raises(ProblemError) as caught:
        check_inputs(TASKS[task], kinds_of(inputs))
    assert caught.value.problem.code is ErrorCode.BAD_INPUT
    assert said in str(caught.value.problem)


def test_right_inputs_pass() -> None:
    check_inputs(TASKS["complete"], kinds_of({"image": IMAGE, "mask": MASK}))
    check_inputs(TASKS["render"], {"cameras": ["camera", "camera"], "object": "handle"})
    check_inputs(TASKS["synthesize"], kinds_of({"label_map": LABELS}))
    check_inputs(TASKS["synthesize"], kinds_of({"drawing": IMAGE}))
    check_inputs(TASKS["edit"], kinds_of({"field": Handle("f", "field"), "label_map": LABELS}))


def test_a_bare_array_is_no_value() -> None:
    with pytest.raises(ProblemError, match="Image\\(pixels\\)"):
        kinds_of({"image": np.zeros((4, 4, 3), np.uint8)})


def test_an_unknown_task_names_the_known_ones() -> None:
    with pytest.raises(ProblemError, match="whole_object"):
        find_task(TASKS, "teleport")
