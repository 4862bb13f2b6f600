"""The task `whole_object`: order, skipped stages, progress, previews and what it reports."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backend.meshes.checks import check_mesh
from backend.pipelines import whole_object
from backend.pipelines.context import Cancelled, Context
from backend.pipelines.registry import Values, run
from protocol.checks import check_parameters
from protocol.problems import ErrorCode, ProblemError
from protocol.tasks import WHOLE_OBJECT
from protocol.values import Handle, Image, Mask, Mesh
from tests.unit import shapes_samples as samples
from tests.unit.recorder import Recorder

MASK = samples.lollipop()
RGBA = samples.painted(MASK)
IMAGE = Image(RGBA[..., :3].copy())


def parameters(**given: Any) -> dict[str, Any]:
    return check_parameters(WHOLE_OBJECT, {"faces": 2_000, "texture_size": 64, "quality": "draft", **given})


@pytest.fixture
def quick_stages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Segment and complete done by stand-ins that know the answer; the list tells what ran, with which model."""
    ran: list[str] = []

    def segment(context: Context, inputs: Values, given: dict[str, Any]) -> tuple[Values, dict[str, Any]]:
        assert set(given) == {"points", "box", "model"}
        context.stage("segment", 2)
        context.step(2)
        ran.append(given["model"])
        return {"mask": Mask.of(MASK)}, {"models": {"segment": given["model"]}, "area": int(MASK.sum())}

    def complete(context: Context, inputs: Values, given: dict[str, Any]) -> tuple[Values, dict[str, Any]]:
        assert set(given) == {"quality", "samples", "seed", "model"}
        context.stage("complete", given["samples"])
        for done in range(given["samples"]):
            context.step(done + 1)
        ran.append(given["model"])
        count = given["samples"]
        return {"completed": [Image(RGBA)] * count, "amodal_masks": [Mask.of(MASK)] * count}, {"scores": [1.0] * count}

    monkeypatch.setattr(whole_object.segment, "run", segment)
    monkeypatch.setattr(whole_object.complete, "run", complete)
    return ran


def test_whole_path_with_previews_and_rising_progress(quick_stages: list[str]) -> None:
    context = Recorder()
    outputs, info = run("whole_object", {"image": IMAGE}, parameters(samples=2, seed=5), context)

    assert set(outputs) == {port.name for port in WHOLE_OBJECT.outputs}
    mesh = outputs["mesh"]
    assert isinstance(mesh, Mesh)
    assert check_mesh(mesh).sound
    assert mesh.texture is not None
    assert mesh.texture.shape == (64, 64, 3)
    assert isinstance(outputs["mesh_handle"], Handle)
    assert context.handle(outputs["mesh_handle"], "mesh") is mesh
    assert isinstance(outputs["field"], Handle)
    assert context.handle(outputs["field"], "field").placement == info["placement"]

    assert context.stages == ["segment", "complete", "reconstruct", "mesh"]
    assert context.fractions == sorted(context.fractions)
    assert context.fractions[0] == 0
    assert context.fractions[-1] == pytest.approx(1)

    names = [stage for stage, _ in context.previews]
    assert names == ["segment", "complete", "reconstruct", "mesh"]
    shown = dict(context.previews)
    assert len(shown["complete"]["completed"]) == 2
    assert shown["reconstruct"]["mesh"].colours is None
    assert shown["mesh"]["mesh"].colours is not None
    assert len(shown["mesh"]["mesh"].faces) <= 2_000

    assert info["models"] == {
        "segment": "prompted-u2netp",
        "complete": "starter-and-symmetry",
        "reconstruct": "inflate",
    }
    assert info["seed"] == 5
    assert info["parameters"]["faces"] == 2_000
    assert set(info["seconds"]) == {"segment", "complete", "reconstruct", "mesh"}
    assert info["stages"]["complete"]["scores"] == [1.0, 1.0]
    assert set(info["placement"]) == {"centre", "side"}


def test_a_mask_given_skips_pointing(quick_stages: list[str]) -> None:
    context = Recorder()
    run("whole_object", {"image": IMAGE, "mask": Mask.of(MASK)}, parameters(samples=1), context)
    assert quick_stages == ["starter-and-symmetry"]
    assert context.stages == ["complete", "reconstruct", "mesh"]
    assert context.fractions[0] == 0
    assert context.previews[0][0] == "segment"


def test_a_completion_given_skips_completing(quick_stages: list[str]) -> None:
    context = Recorder()
    inputs: Values = {"image": IMAGE, "mask": Mask.of(MASK), "completed": Image(RGBA)}
    outputs, info = run("whole_object", inputs, parameters(), context)
    assert quick_stages == []
    assert context.stages == ["reconstruct", "mesh"]
    assert outputs["completed"] == [Image(RGBA)]
    assert info["models"] == {"reconstruct": "inflate"}
    assert context.fractions[-1] == pytest.approx(1)


def test_a_completion_alone_says_what_is_visible(quick_stages: list[str]) -> None:
    hidden = np.zeros_like(MASK)
    hidden[:60] = True
    inputs: Values = {"image": IMAGE, "completed": Image(RGBA), "occluders": Mask.of(hidden)}
    outputs, _ = run("whole_object", inputs, parameters(), Recorder())
    assert quick_stages == []
    assert outputs["mask"] == Mask.of(MASK & ~hidden)


def test_a_completion_and_a_point_still_segment(quick_stages: list[str]) -> None:
    inputs: Values = {"image": IMAGE, "completed": Image(RGBA)}
    run("whole_object", inputs, parameters(points=[[160, 80, 1]], segment_model="grabcut"), Recorder())
    assert quick_stages == ["grabcut"]


def test_opaque_completion_takes_the_mask_as_its_shape(quick_stages: list[str]) -> None:
    inputs: Values = {"image": IMAGE, "mask": Mask.of(MASK), "completed": IMAGE}
    outputs, _ = run("whole_object", inputs, parameters(), Recorder())
    assert quick_stages == []
    assert outputs["amodal_masks"] == [Mask.of(MASK)]


def test_opaque_completion_without_a_mask_is_pointed_at(quick_stages: list[str]) -> None:
    outputs, _ = run("whole_object", {"image": IMAGE, "completed": IMAGE}, parameters(), Recorder())
    assert quick_stages == ["prompted-u2netp"]
    assert outputs["amodal_masks"] == [Mask.of(MASK)]


def test_sizes_must_agree(quick_stages: list[str]) -> None:
    with pytest.raises(ProblemError) as caught:
        run("whole_object", {"image": IMAGE, "mask": Mask.of(MASK[:-1])}, parameters(), Recorder())
    assert caught.value.problem.code is ErrorCode.BAD_INPUT
    assert "320 x 239" in caught.value.problem.message
    assert quick_stages == []


@pytest.mark.parametrize("stage", ["segment", "complete", "reconstruct", "mesh"])
def test_cancel_in_any_stage(quick_stages: list[str], stage: str) -> None:
    class Stopping(Recorder):
        def stage(self, name: str, steps: int = 1, message: str = "", share: tuple[float, float] = (0.0, 1.0)) -> None:
            self.cancelled = name == stage
            super().stage(name, steps, message, share)

    with pytest.raises(Cancelled):
        run("whole_object", {"image": IMAGE}, parameters(samples=1), Stopping())


def test_same_bytes_every_time(quick_stages: list[str]) -> None:
    first, second = (run("whole_object", {"image": IMAGE}, parameters(samples=1), Context())[0] for _ in range(2))
    assert first["mesh"] == second["mesh"]
