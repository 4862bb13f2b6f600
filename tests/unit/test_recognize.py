"""Task `recognize`: what is looked at, labels best first, and what is said when something is missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from backend.pipelines import registry
from backend.pipelines.context import Context
from backend.pipelines.recognize import read_labels
from protocol import Outputs
from protocol.checks import check_inputs, check_parameters, kinds_of
from protocol.problems import ErrorCode, ProblemError
from protocol.tasks import TASKS
from protocol.values import Array, Image, Mask
from tests.unit.tiny_sam import picture

PHOTO = Image(picture())
MASK = Mask.of(np.arange(70)[None] < np.full((40, 1), 30))
CLEAR = Image(np.dstack([picture(), np.where(np.arange(70) > 50, 255, 0) * np.ones((40, 1))]).astype(np.uint8))


class Judge:
    """In place of a network: remembers what it was shown and likes the longest label."""

    def __init__(self) -> None:
        self.shown: list[tuple[np.ndarray, np.ndarray | None]] = []

    def recognise(
        self, image: np.ndarray, alpha: np.ndarray | None, labels: Sequence[str], context: Context
    ) -> np.ndarray:
        context.check()
        self.shown.append((image, alpha))
        lengths = np.array([len(label) for label in labels], np.float32)
        return lengths / lengths.sum()


class Installed(Context):
    """Has one model, whatever it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.judge = Judge()

    def model(self, name: str) -> Any:
        return self.judge


def recognised(context: Context, labels: str, **inputs: Any) -> tuple[Any, dict[str, Any]]:
    parameters = check_parameters(TASKS["recognize"], {"labels": labels})
    check_inputs(TASKS["recognize"], kinds_of(inputs))
    return registry.run("recognize", inputs, parameters, context)


def test_the_best_label_comes_first() -> None:
    outputs, info = recognised(Installed(), "cat, teapot,dog\n  tea   spoon ,cat", image=PHOTO)
    assert info["labels"] == ["tea spoon", "teapot", "cat", "dog"]
    assert info["models"] == {"recognize": "clip-vit-base-patch32"}
    found = outputs["probabilities"]
    assert isinstance(found, Array)
    assert found.data.dtype == np.float32
    assert found.data.tolist() == pytest.approx([9 / 21, 6 / 21, 3 / 21, 3 / 21])
    assert info["scores"] == pytest.approx(found.data.tolist(), abs=1e-6)


def test_a_photo_is_looked_at_as_it_is() -> None:
    context = Installed()
    opaque = Image(np.dstack([picture(), np.full((40, 70), 255, np.uint8)]))
    for image in (PHOTO, opaque):
        recognised(context, "cat", image=image)
        shown, alpha = context.judge.shown[-1]
        assert np.array_equal(shown, picture())
        assert alpha is None


@pytest.mark.parametrize(
    ("inputs", "seen"),
    [
        ({"image": PHOTO, "mask": MASK}, MASK.inside),
        ({"image": CLEAR}, np.arange(70) > 50),
        ({"image": PHOTO, "completed": CLEAR}, np.arange(70) > 50),
        ({"image": PHOTO, "mask": MASK, "completed": CLEAR}, np.arange(70) > 50),
    ],
)
def test_only_the_object_counts(inputs: dict[str, Any], seen: np.ndarray) -> None:
    context = Installed()
    recognised(context, "cat", **inputs)
    _, alpha = context.judge.shown[-1]
    assert alpha is not None
    assert np.array_equal(alpha > 0, np.broadcast_to(seen, (40, 70)))


@pytest.mark.parametrize(
    "inputs",
    [
        {"image": PHOTO, "mask": Mask(np.zeros((40, 70), np.uint8))},
        {"image": CLEAR, "mask": MASK},
        {"image": PHOTO, "mask": Mask(np.zeros((4, 7), np.uint8))},
    ],
)
def test_an_empty_object_or_a_wrong_size_is_refused(inputs: dict[str, Any]) -> None:
    with pytest.raises(ProblemError) as caught:
        recognised(Installed(), "cat", **inputs)
    assert caught.value.problem.code is ErrorCode.BAD_INPUT


@pytest.mark.parametrize("text", ["", " , ,\n", ",".join(str(number) for number in range(1001))])
def test_no_labels_or_too_many_are_refused(text: str) -> None:
    with pytest.raises(ProblemError, match="labels") as caught:
        read_labels(text)
    assert caught.value.problem.code is ErrorCode.BAD_PARAMETER


def test_without_the_model_it_is_said_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHOLEFORM_MODELS", str(tmp_path))  # nothing was pulled
    with pytest.raises(ProblemError, match="wholeform models pull clip-vit-base-patch32"):
        recognised(Context(), "cat", image=PHOTO)


def test_the_command_prints_the_labels_best_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from backend.cli.run import report

    values, info = recognised(Installed(), "cat, teapot", image=PHOTO)
    job: Any = SimpleNamespace(info=info)
    outputs: Any = Outputs(values)
    report(cast(Any, None), job, outputs, tmp_path, 1.0, as_json=False)
    printed = capsys.readouterr()
    assert printed.err.splitlines()[1:] == ["  66.7%  teapot", "  33.3%  cat"]
    assert printed.out.splitlines() == [str(tmp_path / "probabilities.npz")]
