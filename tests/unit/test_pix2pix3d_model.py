"""pix2pix3D as a model: what it takes, what it refuses, and that its fields agree with themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from backend.fields.cameras import orbit, ring
from backend.models.pix2pix3d import superresolution
from backend.models.pix2pix3d.agreeing import IGNORED, disagreement
from backend.models.pix2pix3d.maps import checked_map
from backend.models.pix2pix3d.palettes import style_of
from backend.pipelines.context import Cancelled, Context
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Camera

from .tiny_pix2pix3d import LABELS, TINY_DRAWING, model, painted


def problem(call: object, *arguments: object) -> ProblemError:
    with pytest.raises(ProblemError) as raised:
        call(*arguments)  # pyright: ignore[reportCallIssue]
    assert raised.value.problem.code == ErrorCode.BAD_INPUT
    return raised.value


def test_the_same_map_and_seed_give_the_same_picture() -> None:
    made = [model().synthesize(painted(), None, 3, 1.0, Context()) for _ in range(2)]
    views = [field.render([field.camera], 48, Context())[0] for field in made]
    assert np.array_equal(views[0].image, views[1].image)
    assert np.array_equal(views[0].labels, views[1].labels)


def test_another_seed_changes_the_look_and_another_map_the_shape() -> None:
    tiny = model()
    first, second = (tiny.synthesize(painted(), None, seed, 1.0, Context()) for seed in (0, 1))
    rows = tiny.network.config.label_layers
    assert torch.equal(first.styles[:, :rows], second.styles[:, :rows])
    assert not torch.equal(first.styles[:, rows:], second.styles[:, rows:])
    turned = tiny.synthesize(painted().T.copy(), None, 0, 1.0, Context())
    assert not torch.equal(first.styles[:, :rows], turned.styles[:, :rows])
    assert torch.equal(first.styles[:, rows:], turned.styles[:, rows:])


@pytest.mark.parametrize("size", [16, 64, 100, 128, 200])
def test_a_view_has_the_size_that_is_asked_for(size: int) -> None:
    field = model().synthesize(painted(), None, 0, 1.0, Context())
    (view,) = field.render([orbit(80, 10, 32)], size, Context())
    assert view.image.shape == (size, size, 4)
    assert view.image.dtype == np.uint8
    assert view.labels.shape == (size, size)
    assert view.labels.dtype == np.uint16
    assert view.depth.shape == (size, size)
    assert view.depth.dtype == np.float32
    assert view.labels.max() < len(LABELS)


def test_what_is_solid_nowhere_is_said_to_who_painted_it() -> None:
    field = model().synthesize(painted(), None, 0, 1.0, Context())
    field.network.config = replace(field.network.config, iso_level=1e9)
    refused = problem(field.mesh, 1000, 0, Context())
    assert "painted" in refused.problem.message
    assert "Paint" in refused.problem.hint


@pytest.mark.parametrize("kind", ["tiny", "drawing"])
def test_the_full_picture_in_half_precision(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU; also with styles and features as large as they get, where sums pass what float16 holds."""
    network = (model() if kind == "tiny" else model(TINY_DRAWING)).network
    high = network.superresolution
    with torch.no_grad():
        for block in (high.block0, high.block1):
            for layer in (block.conv0, block.conv1):
                layer.affine.bias.add_(40)
                layer.weight.mul_(30)
    torch.manual_seed(0)
    config = network.config
    x = torch.randn(1, config.plane_channels, config.render_size, config.render_size) * 100
    styles = torch.randn(1, 3, config.w_dim)
    with torch.inference_mode():
        exact = high(x[:, :3] / 100, x, styles)
        monkeypatch.setattr(superresolution, "_in_half", lambda _: True)
        half = high(x[:, :3] / 100, x, styles)
    for one, other in zip(exact, half, strict=True):
        assert other.dtype == torch.float32
        assert torch.isfinite(other).all()
        assert (one - other).abs().mean() < 0.01 * one.std()


def test_depth_is_along_the_axis_from_the_camera_to_the_thing() -> None:
    field = model().synthesize(painted(), None, 0, 1.0, Context())
    camera = orbit(20, 10, 32)
    (view,) = field.render([camera], 64, Context())
    away = float(np.linalg.norm(camera.cam2world[:3, 3]))
    seen = view.depth[view.depth > 0]
    assert seen.size
    assert away - 0.9 < seen.min() <= seen.max() < away + 0.9


def test_a_camera_from_afar_sees_the_thing_small() -> None:
    tiny = model()
    field = tiny.synthesize(painted(), None, 0, 1.0, Context())
    near, far = (field.render([orbit(0, 0, fov, 0.9)], 64, Context())[0] for fov in (30, 30))
    assert np.array_equal(near.image, far.image)
    pose = orbit(0, 0, 30).cam2world.copy()
    pose[:3, 3] *= 3
    (small,) = field.render([Camera(pose, orbit(0, 0, 30).intrinsics)], 64, Context())
    assert (small.depth > 0).sum() < (near.depth > 0).sum()


def test_editing_keeps_the_look_and_takes_the_new_shape() -> None:
    tiny = model()
    rows = tiny.network.config.label_layers
    field = tiny.synthesize(painted(), None, 2, 1.0, Context())
    camera = orbit(120, 20, 32)
    edited = tiny.edit(field, painted()[:, ::-1].copy(), camera, True, 9, Context())
    assert torch.equal(edited.styles[:, rows:], field.styles[:, rows:])
    # It begins with whichever is nearer to the new map: the shape that was, or what the map alone tells.
    made = tiny.synthesize(painted()[:, ::-1].copy(), camera, 2, 1.0, Context())
    wrong = {
        one: disagreement(tiny.network, each.styles, edited.painted[:1])
        for one, each in {"edited": edited, "was": field, "made": made}.items()
    }
    assert wrong["edited"] <= min(wrong["was"], wrong["made"]) + 0.05
    assert np.array_equal(edited.camera.cam2world, camera.cam2world)
    fresh = tiny.edit(field, painted(), camera, False, 1, Context())
    assert not torch.equal(fresh.styles[:, rows:], field.styles[:, rows:])


def test_the_likely_camera_is_that_whose_field_agrees_best() -> None:
    tiny = model()
    found = tiny.likely_camera(painted(), Context())
    assert found is not None
    best, front = (tiny.synthesize(painted(), camera, 0, 1.0, Context()) for camera in (found, orbit(0, 2, 31.9)))
    wrong = [disagreement(tiny.network, each.styles, each.painted) for each in (best, front)]
    assert wrong[0] <= wrong[1] + 0.05
    assert model(TINY_DRAWING).likely_camera(painted(), Context()) is None


def test_agreeing_brings_a_field_nearer_to_its_map() -> None:
    tiny = model()
    field = tiny.synthesize(painted(), None, 0, 1.0, Context())
    before, after = (
        disagreement(tiny.network, each.styles, field.painted) for each in (field, tiny.agree(field, "best", Context()))
    )
    assert after < before
    again = tiny.agree(field, "standard", Context())
    assert torch.equal(again.styles, tiny.agree(field, "standard", Context()).styles)
    rows = tiny.network.config.label_layers
    assert torch.equal(again.styles[:, rows:], field.styles[:, rows:])
    assert tiny.agree(field, "draft", Context()) is field


def test_what_was_painted_before_counts_where_nothing_has_changed() -> None:
    tiny = model()
    field = tiny.synthesize(painted(), None, 0, 1.0, Context())
    edited = tiny.edit(field, painted(), orbit(120, 20, 32), True, 0, Context())
    assert len(edited.painted) == 2
    older = edited.painted[1].labels
    kept = older != IGNORED
    assert kept.any()
    assert torch.equal(older[kept], field.painted[0].labels[kept])
    for _ in range(4):
        edited = tiny.edit(edited, painted(), orbit(60, 20, 32), True, 0, Context())
    assert len(edited.painted) == 3


def test_mixing_at_the_ends_gives_the_ends() -> None:
    tiny = model()
    first, second = (tiny.synthesize(painted()[:, ::step].copy(), None, step, 1.0, Context()) for step in (1, -1))
    assert torch.allclose(tiny.mix(first, second, 0, 0, Context()).styles, first.styles)
    assert torch.allclose(tiny.mix(first, second, 1, 1, Context()).styles, second.styles)
    rows = tiny.network.config.label_layers
    both = tiny.mix(first, second, 1, 0, Context()).styles
    assert torch.allclose(both[:, :rows], second.styles[:, :rows])
    assert torch.allclose(both[:, rows:], first.styles[:, rows:])


def test_fields_of_different_models_cannot_be_mixed() -> None:
    first, second = (model(seed=seed).synthesize(painted(), None, 0, 1.0, Context()) for seed in (0, 1))
    assert "different models" in problem(model().mix, first, second, 0.5, 0.5, Context()).problem.message


def test_truncation_changes_the_look_alone() -> None:
    tiny = model()
    whole, none = (tiny.synthesize(painted(), None, 1, psi, Context()).styles for psi in (1.0, 0.0))
    rows = tiny.network.config.label_layers
    assert torch.equal(whole[:, :rows], none[:, :rows])
    assert torch.equal(none[0, rows:], tiny.network.backbone.mapping.w_avg[rows:])


def test_told_colours_take_the_place_of_the_seed_s() -> None:
    tiny = model()
    colours = np.array([[np.nan] * 3, [1, 0, 0], [0, 0, 1]], np.float32)
    told = [tiny.synthesize(painted(), None, seed, 1.0, Context(), colours=colours).styles for seed in (0, 1)]
    assert torch.equal(*told)
    assert not torch.equal(told[0], tiny.synthesize(painted(), None, 0, 1.0, Context()).styles)


def test_unknown_colours_are_grey_in_a_style() -> None:
    code = style_of(torch.tensor([[[0.1, 0.1, 0.1], [torch.nan] * 3, [1.0, 0.0, 0.5]]]))
    assert code.tolist() == [[0, 0, 0, 1, -1, 0, 1]]


def test_a_drawing_makes_a_thing_too() -> None:
    tiny = model(TINY_DRAWING)
    drawing = np.full((40, 40, 3), 255, np.uint8)
    drawing[10:30, 10:12] = 0
    field = tiny.synthesize(drawing, None, 0, 1.0, Context())
    (view,) = field.render([tiny.home], 32, Context())
    assert view.image.shape == (32, 32, 4)
    assert view.labels.max() <= 255


def test_ids_without_a_label_are_named_with_those_that_there_are() -> None:
    ids = painted()
    ids[0, :3] = (7, 8, 9)
    raised = problem(model().synthesize, ids, None, 0, 1.0, Context())
    assert "7, 8, 9" in raised.problem.message
    assert "1 left, 2 right" in raised.problem.hint


def test_an_empty_map_is_refused() -> None:
    assert (
        "empty" in problem(model().synthesize, np.zeros((32, 32), np.uint16), None, 0, 1.0, Context()).problem.message
    )


def test_a_speck_that_no_pixel_of_the_small_map_shows_is_refused() -> None:
    ids = np.zeros((4096, 4096), np.uint16)
    ids[0, 0] = 1
    assert "too small" in problem(checked_map, ids, LABELS, 32).problem.message


def test_a_wide_map_lies_in_the_middle_of_a_square() -> None:
    found = checked_map(np.ones((10, 40), np.uint16), LABELS, 40)
    assert not found[:15].any()
    assert not found[25:].any()
    assert found[15:25].all()


def test_what_is_no_camera_is_refused() -> None:
    field = model().synthesize(painted(), None, 0, 1.0, Context())
    problem(field.render, [Camera(np.zeros((4, 4), np.float32), np.eye(3, dtype=np.float32))], 32, Context())


def test_an_orbit_can_be_cancelled() -> None:
    field = model().synthesize(painted(), None, 0, 1.0, Context())
    context = Context()
    context.cancelled = True
    with pytest.raises(Cancelled):
        field.render(ring(4, 10, 30), 32, context)
