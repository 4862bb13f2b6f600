"""The tasks around labelled fields: made, changed, mixed, drawn, filmed and meshed, with a model that is exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backend.fields.cameras import orbit
from backend.fields.paths import path_angles
from backend.pipelines.context import Context
from backend.pipelines.registry import Values, run
from protocol.checks import check_inputs, check_parameters, kinds_of
from protocol.labels import painted
from protocol.problems import ErrorCode, ProblemError
from protocol.tasks import TASKS
from protocol.values import Camera, Depth, Frames, Handle, Image, LabelMap, Mesh, Value
from tests.unit.tiny_labelled import FRONT, LABELS, NAMES, SIDE, Balls, two_parts


class Drawing:
    """A model that draws: what it was given is what it keeps."""

    labels = ()

    def synthesize(self, drawing: np.ndarray, *_: Any) -> Any:
        raise ProblemError(ErrorCode.MODEL_FAILED, f"Drew {drawing.dtype} {drawing.shape}.", "Nothing.")


class BallContext(Context):
    """Has the model of balls under the default's name, and keeps what was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[tuple[str, dict[str, Any]]] = []
        self.models = {"seg2vehicle": Balls(), "other": Balls(), "draws": Drawing()}

    def model(self, name: str) -> Any:
        return self.models[name]

    def preview(self, stage: str, **values: Value | list[Value]) -> None:
        self.shown.append((stage, values))


@pytest.fixture
def context() -> BallContext:
    return BallContext()


def done(context: Context, task: str, inputs: Values, **given: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Runs ``task`` as a server does and checks that it gives what the catalogue says."""
    info = TASKS[task]
    check_inputs(info, kinds_of(inputs))
    outputs, report = run(task, inputs, check_parameters(info, given), context)
    ports = {port.name: port for port in info.outputs}
    for name, value in outputs.items():
        items = value if isinstance(value, list) else [value]
        assert isinstance(value, list) == ports[name].many
        assert all(item.kind == ports[name].kind for item in items)
    assert {name for name, port in ports.items() if port.required} <= outputs.keys()
    return outputs, report


def made(context: Context, **given: Any) -> dict[str, Any]:
    return done(context, "synthesize", {"label_map": LabelMap(two_parts())}, size=32, **given)[0]


def agreement(first: np.ndarray, second: np.ndarray) -> float:
    return float((first == second).mean())


def test_a_label_map_becomes_a_field_that_shows_it(context: BallContext) -> None:
    ids = two_parts(128)
    outputs, info = done(context, "synthesize", {"label_map": LabelMap(ids)}, size=128, seed=5)
    assert agreement(outputs["labels"].ids, ids) > 0.98
    assert ((outputs["image"].pixels[..., 3] > 0) == (outputs["labels"].ids > 0)).all()
    assert outputs["field"].holds == "field"
    assert info["models"] == {"synthesize": "seg2vehicle"}
    assert info["seed"] == 5
    assert info["labels"][1] == {"id": 1, "name": "body", "colour": [204, 0, 0]}
    ((stage, shown),) = context.shown
    assert stage == "synthesize"
    assert shown["image"].pixels.shape == (64, 64, 4)
    assert shown["labels"].ids.shape == (64, 64)


def test_a_small_draft_needs_no_preview(context: BallContext) -> None:
    made(context, quality="draft")
    assert context.shown == []


def test_the_seed_makes_the_look(context: BallContext) -> None:
    first, again, other = (made(context, seed=seed)["image"] for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_label_map_seen_from_the_side(context: BallContext) -> None:
    camera = orbit(90, 10, 40)
    inputs: Values = {"label_map": LabelMap(two_parts(64)), "camera": camera}
    outputs, _ = done(context, "synthesize", inputs, size=64)
    assert outputs["camera"] == camera
    assert agreement(outputs["labels"].ids, two_parts(64)) > 0.97


def test_the_side_is_looked_for_where_that_is_asked_and_no_camera_given(context: BallContext) -> None:
    assert made(context, find_camera=True)["camera"] == SIDE
    assert made(context)["camera"] == FRONT
    inputs: Values = {"label_map": LabelMap(two_parts()), "camera": FRONT}
    assert done(context, "synthesize", inputs, size=32, find_camera=True)[0]["camera"] == FRONT


def test_an_edit_from_another_side_keeps_the_look(context: BallContext) -> None:
    first = made(context, seed=3)
    side = orbit(40, 20, 35)
    views, _ = done(context, "render", {"object": first["field"], "cameras": [side]}, size=64)
    changed = views["label_maps"][0].ids.copy()
    changed[changed == 3] = 0
    changed[20:36, 44:60] = 2  # a window where the wheel was, higher up
    inputs: Values = {"field": first["field"], "label_map": LabelMap(changed), "camera": side}
    kept, info = done(context, "edit", inputs, size=64)
    assert agreement(kept["labels"].ids, changed) > 0.95
    body = (kept["labels"].ids == 1) & (views["label_maps"][0].ids == 1)
    assert (kept["image"].pixels[body] == views["views"][0].pixels[body]).all()
    assert info["keep_style"] is True
    fresh, _ = done(context, "edit", inputs, size=64, keep_style=False, seed=9)
    assert (fresh["image"].pixels[body] != kept["image"].pixels[body]).any()
    assert done(context, "render", {"object": first["field"], "cameras": [side]}, size=64)[0] == views  # untouched


def test_an_edit_without_a_camera_is_from_the_fields_own(context: BallContext) -> None:
    first = made(context)
    edited, _ = done(context, "edit", {"field": first["field"], "label_map": LabelMap(two_parts())}, size=32)
    assert edited["camera"] == first["camera"]
    assert edited["image"] == first["image"]


@pytest.mark.parametrize(("shape", "style"), [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)])
def test_mixing_goes_from_the_first_to_the_second(context: BallContext, shape: float, style: float) -> None:
    pair = [made(context, seed=1)]
    turned = LabelMap(np.ascontiguousarray(two_parts()[:, ::-1]))
    pair.append(done(context, "synthesize", {"label_map": turned}, size=32, seed=2)[0])
    inputs: Values = {"first": pair[0]["field"], "second": pair[1]["field"]}
    mixed, _ = done(context, "mix", inputs, shape=shape, style=style, size=32)
    shaped, styled = pair[int(shape)], pair[int(style)]
    assert mixed["labels"] == shaped["labels"]
    for label in (1, 3):
        look = [each["image"].pixels[each["labels"].ids == label][0].tolist() for each in (mixed, styled)]
        assert look[0] == look[1]


def test_objects_of_different_models_cannot_be_mixed(context: BallContext) -> None:
    inputs: Values = {"first": made(context)["field"], "second": made(context, model="other")["field"]}
    with pytest.raises(ProblemError, match="made with seg2vehicle, the second with other"):
        done(context, "mix", inputs)


def test_drawn_views_have_labels_and_depths(context: BallContext) -> None:
    field = made(context)["field"]
    outputs, info = done(context, "render", {"object": field}, views=3, size=40, transparent=False)
    assert (info["renderer"], info["views"], len(info["labels"])) == ("field", 3, len(NAMES))
    for view, labels, depth in zip(outputs["views"], outputs["label_maps"], outputs["depths"], strict=True):
        assert view.pixels.shape == (40, 40, 4)
        assert (view.pixels[..., 3] == 255).all()
        assert isinstance(depth, Depth)
        assert ((depth.depth > 0) == (labels.ids > 0)).all()
        assert labels.ids.any()


def test_the_ring_shows_the_object_as_large_as_its_label_map(context: BallContext) -> None:
    first = made(context)
    front, _ = done(context, "render", {"object": first["field"]}, views=1, size=64, elevation=0.0, fov=20.0)
    share = [(labels.ids > 0).mean() for labels in (front["label_maps"][0], first["labels"])]
    assert share[0] == pytest.approx(share[1], rel=0.15)


def test_a_film_and_one_of_its_parts(context: BallContext) -> None:
    field = made(context)["field"]
    outputs, info = done(context, "film", {"object": field}, seconds=1.0, fps=6.0, size=24, elevation=0.0)
    assert info["frames"] == 6
    film, parts = outputs["frames"], outputs["label_frames"]
    assert isinstance(film, Frames)
    assert film.pixels.shape == parts.pixels.shape == (6, 24, 24, 3)
    assert film.fps == parts.fps == 6
    assert film.pixels[0, 0, 0].tolist() == [240, 240, 240]
    front, _ = done(context, "render", {"object": field}, views=1, size=24, elevation=0.0)
    assert (parts.pixels[0] == painted(front["label_maps"][0].ids, LABELS)).all()


def test_a_film_of_a_mesh_has_no_parts(context: BallContext) -> None:
    mesh = done(context, "mesh", {"field": made(context)["field"]})[0]["mesh"]
    outputs, _ = done(context, "film", {"mesh": mesh}, seconds=0.2, fps=10.0, size=24)
    assert outputs.keys() == {"frames"}
    assert len(outputs["frames"].pixels) == 2


def test_a_film_that_would_be_too_large_says_what_is_allowed(context: BallContext) -> None:
    with pytest.raises(ProblemError, match="3,600 frames") as caught:
        done(context, "film", {"object": made(context)["field"]}, seconds=60.0, fps=60.0, size=1024)
    assert caught.value.problem.code is ErrorCode.BAD_PARAMETER
    assert "341" in caught.value.problem.hint


def test_a_mesh_with_a_label_for_each_face(context: BallContext) -> None:
    outputs, info = done(context, "mesh", {"field": made(context)["field"]})
    mesh = outputs["mesh"]
    assert isinstance(mesh, Mesh)
    assert mesh.face_labels is not None
    assert set(mesh.face_labels.tolist()) == {1, 3}
    assert [label["name"] for label in info["labels"]] == list(NAMES)
    assert context.handle(outputs["mesh_handle"], "mesh") == mesh


@pytest.mark.parametrize(
    ("task", "inputs", "given", "says"),
    [
        ("synthesize", {}, {}, "nothing to make it from"),
        ("synthesize", {"drawing": Image(np.zeros((4, 4, 3), np.uint8))}, {}, "does not take a drawing"),
        ("synthesize", {"label_map": LabelMap(two_parts())}, {"model": "draws"}, "does not take a label map"),
        ("synthesize", {"drawing": Image(np.zeros((4, 5, 3), np.uint8))}, {"model": "draws"}, "uint8 \\(4, 5, 3\\)"),
        ("synthesize", {"label_map": LabelMap(np.full((4, 4), 9, np.uint16))}, {}, "no label 9"),
        ("edit", {"field": Handle("gone", "field"), "label_map": LabelMap(two_parts())}, {}, "no longer on the server"),
    ],
)
def test_what_cannot_be_made_says_why(
    context: BallContext, task: str, inputs: Values, given: dict[str, Any], says: str
) -> None:
    with pytest.raises(ProblemError, match=says):
        done(context, task, inputs, **given)


@pytest.mark.parametrize("task", ["synthesize", "edit", "render"])
def test_a_camera_that_is_none_is_refused(context: BallContext, task: str) -> None:
    bad = Camera(np.zeros((4, 4), np.float32), np.eye(3, dtype=np.float32))
    field, ids = made(context)["field"], LabelMap(two_parts())
    inputs: dict[str, Values] = {
        "synthesize": {"label_map": ids, "camera": bad},
        "edit": {"field": field, "label_map": ids, "camera": bad},
        "render": {"object": field, "cameras": [bad]},
    }
    with pytest.raises(ProblemError, match="not those of a camera"):
        done(context, task, inputs[task])


def test_a_field_without_labels_cannot_be_changed(context: BallContext) -> None:
    plain = context.keep("field", object(), 1)
    with pytest.raises(ProblemError, match="has no labels"):
        done(context, "edit", {"field": plain, "label_map": LabelMap(two_parts())})


def test_the_paths_end_where_they_begin() -> None:
    assert path_angles("orbit", 4, 10.0) == [(0, 10.0), (90, 10.0), (180, 10.0), (270, 10.0)]
    swing = np.array(path_angles("swing", 120, 0.0))
    assert np.abs(swing).max(axis=0) == pytest.approx([20.05, 9.16], abs=0.01)  # 0.35 rad; 0.25 in the area's measure
    tumble = np.array(path_angles("tumble", 120, 0.0))
    assert tumble[:, 1].min() == pytest.approx(-89.9)
    assert tumble[:, 1].max() == pytest.approx(89.9)
    assert np.abs(tumble[:, 0]).max() == pytest.approx(180, abs=0.1)
