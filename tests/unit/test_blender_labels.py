"""What the extension knows of label maps and cameras without Blender."""

from __future__ import annotations

import numpy as np
import pytest

from backend.fields.cameras import orbit

from . import blender_staged

views = blender_staged.module("label_views")
messages = blender_staged.module("protocol.messages")
values = blender_staged.module("protocol.values")
problems = blender_staged.module("protocol.problems")

LABELS = [messages.LabelInfo("background", (255, 255, 255)), messages.LabelInfo("body", (204, 0, 0))]


def model(name: str, **given: object) -> object:
    return messages.ModelInfo(name, name, ["synthesize"], **given)


def test_models_that_are_ready_come_first_and_those_that_draw_are_none() -> None:
    models = [
        model("far", labels=LABELS, ready=False),
        model("near", labels=LABELS),
        model("draws", draws=True),
        messages.ModelInfo("mask", "mask", ["segment"]),
    ]
    catalogue = messages.Catalogue([], models)
    assert [each.name for each in views.painting_models(catalogue)] == ["near", "far"]
    assert views.painting_model(catalogue, "far").name == "far"
    assert views.painting_model(catalogue, "").name == "near"
    with pytest.raises(problems.ProblemError, match=r"no model “seg2owl” that .* It has: near, far"):
        views.painting_model(catalogue, "seg2owl")
    with pytest.raises(problems.ProblemError, match="no model that makes objects from labels"):
        views.painting_model(messages.Catalogue(), "")
    with pytest.raises(problems.ProblemError, match="No server yet"):
        views.painting_model(None, "near")


def test_a_palette_is_kept_as_text() -> None:
    assert views.labels_of(views.labels_text(LABELS)) == LABELS
    assert views.labels_of("") == []
    assert views.labels_of("[1]") == []


@pytest.mark.parametrize(
    ("direction", "angles"),
    [
        ((0, -1, 0), (0, 0)),  # in front
        ((1, 0, 0), (90, 0)),
        ((0, 1, 0), (180, 0)),
        ((-2, 0, 0), (-90, 0)),
        ((0, -1, 1), (0, 45)),
        ((0, 0, 1), (0, 89)),  # never quite from above
    ],
)
def test_the_side_that_a_viewport_looks_from(direction: tuple[int, int, int], angles: tuple[int, int]) -> None:
    azimuth, elevation = views.direction_angles(*direction)
    assert elevation == pytest.approx(angles[1])
    if angles[1] < 89:
        assert azimuth == pytest.approx(angles[0])


@pytest.mark.parametrize(("azimuth", "elevation"), [(0, 0), (90, 10), (-135, -30), (20, 80)])
def test_turning_is_orbiting_at_the_same_distance(azimuth: float, elevation: float) -> None:
    own = orbit(40, 15, 32)
    turned = views.turned(values.Camera(own.cam2world, own.intrinsics), azimuth, elevation)
    wanted = orbit(azimuth, elevation, 32)
    np.testing.assert_allclose(turned.cam2world, wanted.cam2world, atol=1e-5)
    np.testing.assert_allclose(turned.intrinsics, wanted.intrinsics)


def test_a_camera_is_kept_as_numbers() -> None:
    camera = values.Camera(orbit(10, 20, 30).cam2world, orbit(10, 20, 30).intrinsics)
    assert views.camera_of(views.camera_numbers(camera)) == camera
    assert views.camera_of(()) is None


def test_thinning_takes_the_pixels_at_the_centres() -> None:
    pixels = np.arange(6 * 8).reshape(6, 8, 1)
    assert views.thinned(pixels, 4)[..., 0].tolist() == [[9, 11, 13, 15], [25, 27, 29, 31], [41, 43, 45, 47]]
    assert views.thinned(pixels, 100) is not pixels
    assert (views.thinned(pixels, 100) == pixels).all()
