"""The inflate model: shapes it must get right, meshes it must never break, colours it must keep."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.meshes.checks import check_mesh
from backend.models.inflate.height import squared_height
from backend.models.inflate.inference import InflatedField, load
from backend.models.inflate.silhouette import PAD_CELLS, grid_axis, trace
from backend.pipelines.context import Cancelled, Context
from protocol.problems import ErrorCode, ProblemError
from tests.unit import shapes_samples as samples


def field_of(rgba: np.ndarray, quality: str = "standard", context: Context | None = None) -> InflatedField:
    mask = rgba[..., 3] > 0
    return load().reconstruct(rgba[..., :3], mask, None, rgba, quality, context or Context())


def heights(mask: np.ndarray, cells: int = 128) -> tuple[np.ndarray, float]:
    """The height field of a mask in units of its longer side, and that side in pixels."""
    outline = trace(mask, cells)
    return np.sqrt(np.maximum(squared_height(outline), 0)), outline.side


def volume_iou(height: np.ndarray, true_height: np.ndarray) -> float:
    """Of two solids |z| <= h(x, y)."""
    return float(np.minimum(height, true_height).sum() / np.maximum(height, true_height).sum())


def grid(cells: int = 128) -> tuple[np.ndarray, np.ndarray]:
    axis = grid_axis(cells)
    return np.meshgrid(axis, axis)


def test_disc_becomes_a_ball() -> None:
    height, side = heights(samples.disc())
    x, y = grid()
    ball = np.sqrt(np.maximum(0.25 - x**2 - y**2, 0))
    assert side == pytest.approx(180, abs=0.5)
    assert volume_iou(height, ball) > 0.97
    assert height.max() == pytest.approx(0.5, abs=0.01)


def test_capsule_becomes_a_round_rod() -> None:
    height, side = heights(samples.capsule())
    x, y = grid()
    radius, half = 40 / side, 60 / side
    rod = np.sqrt(np.maximum(radius**2 - y**2 - np.maximum(np.abs(x) - half, 0) ** 2, 0))
    assert volume_iou(height, rod) > 0.85
    assert height.max() == pytest.approx(radius, rel=0.1)


def test_square_becomes_a_cushion_like_a_box() -> None:
    height, _ = heights(samples.rectangle())
    x, y = grid()
    box = np.where((np.abs(x) < 0.5) & (np.abs(y) < 0.5), 0.5, 0.0)
    ball = np.sqrt(np.maximum(0.25 - x**2 - y**2, 0))
    assert volume_iou(height, box) > 0.68
    assert volume_iou(height, box) > volume_iou(ball, box) + 0.1


def test_thin_parts_stay_thin_beside_thick_ones() -> None:
    height, side = heights(samples.lollipop(), 192)
    row = PAD_CELLS + round(192 * 30 / side)  # 30 pixels above the stick's lower end
    assert height.max() == pytest.approx(60 / side, rel=0.12)
    assert height[row].max() == pytest.approx(4.5 / side, rel=0.35)


def test_outline_has_no_stair_steps() -> None:
    outline = trace(samples.disc(), 192)
    radii = np.linalg.norm(np.concatenate(outline.loops), axis=1) * outline.side
    assert np.abs(radii - 90).max() < 0.35  # pixels
    points = outline.loops[0]
    turns = np.diff(np.unwrap(np.arctan2(*np.diff(points, axis=0).T)))
    assert np.abs(turns).max() < np.radians(8)


def test_placement_puts_the_mesh_on_the_mask() -> None:
    mask = np.zeros((200, 300), bool)
    mask[40:120, 200:260] = True
    field = field_of(samples.cut_out(mask, (9, 9, 9)))
    mesh = field.mesh(5_000, 0, Context())
    centre, side = np.array(field.placement["centre"]), field.placement["side"]
    pixels = mesh.vertices[:, :2] * (1, -1) * side + centre
    np.testing.assert_allclose(pixels.min(axis=0), (200, 40), atol=0.6)
    np.testing.assert_allclose(pixels.max(axis=0), (260, 120), atol=0.6)
    assert np.abs(mesh.vertices).max() == pytest.approx(0.5, abs=0.01)
    np.testing.assert_allclose(mesh.vertices.min(axis=0), -mesh.vertices.max(axis=0), atol=0.01)


def test_holes_stay_holes() -> None:
    mesh = field_of(samples.cut_out(samples.ring(), (9, 9, 9)), "draft").mesh(4_000, 0, Context())
    edges = len(mesh.faces) * 3 // 2
    assert len(mesh.vertices) - edges + len(mesh.faces) == 0  # Euler's number of a torus
    assert check_mesh(mesh).sound


def test_specks_and_pinholes_are_dropped_and_parts_kept() -> None:
    mask = samples.disc(60)
    mask[118:120, 158:160] = False
    mask[5:8, 5:8] = True
    mask[100:140, 270:300] = True
    report = check_mesh(field_of(samples.cut_out(mask, (9, 9, 9)), "draft").mesh(4_000, 0, Context()))
    assert report.parts == 2
    assert report.sound


@pytest.mark.parametrize("faces", [500, 5_000, 20_000])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_mesh_is_sound_for_any_mask_and_budget(seed: int, faces: int) -> None:
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.normal(size=(160, 200)), (0, 0), 6.0 + 3 * seed)
    mesh = field_of(samples.cut_out(noise > 0.3 * noise.std(), (9, 9, 9))).mesh(faces, 0, Context())
    report = check_mesh(mesh)
    assert report.sound
    assert report.faces <= 1.5 * faces  # every separate part and hole needs some


@pytest.mark.parametrize("quality", ["draft", "standard", "best"])
def test_simple_shape_keeps_to_its_budget(quality: str) -> None:
    field = field_of(samples.cut_out(samples.capsule(), (9, 9, 9)), quality)
    for faces in (500, 20_000):
        report = check_mesh(field.mesh(faces, 0, Context()))
        assert 0.9 * faces <= report.faces <= faces
        assert report.sound
        assert report.thinnest > 5


def test_no_background_on_texture_or_vertices() -> None:
    mask = samples.lollipop()
    mesh = field_of(samples.cut_out(mask, (200, 40, 30))).mesh(5_000, 256, Context())
    assert mesh.texture is not None
    assert mesh.colours is not None
    for colours in (mesh.texture.reshape(-1, 3), mesh.colours[:, :3]):
        assert np.abs(colours.astype(int) - (200, 40, 30)).max() <= 2
    assert (mesh.colours[:, 3] == 255).all()


def test_colours_are_the_pictures() -> None:
    rgba = samples.painted(samples.disc())
    field = field_of(rgba)
    mesh = field.mesh(20_000, 512, Context())
    centre, side = np.array(field.placement["centre"]), field.placement["side"]
    assert mesh.uvs is not None
    assert mesh.texture is not None
    assert mesh.colours is not None
    inner = (np.linalg.norm(mesh.vertices[:, :2], axis=1) < 0.4) & (np.abs(mesh.vertices[:, :2]) > 0.02).all(axis=1)
    places = (mesh.vertices[inner, :2] * (1, -1) * side + centre).astype(int)
    wanted = rgba[places[:, 1], places[:, 0], :3].astype(int)
    assert np.abs(mesh.colours[inner, :3] - wanted).max() <= 8
    texels = (mesh.uvs[inner] * (512, -512) + (0, 512)).astype(int)
    assert np.abs(mesh.texture[texels[:, 1], texels[:, 0]].astype(int) - wanted).max() <= 8


def test_texture_size_and_its_absence() -> None:
    field = field_of(samples.painted(samples.disc()), "draft")
    textured, plain = field.mesh(2_000, 300, Context()), field.mesh(2_000, 0, Context())
    assert textured.texture is not None
    assert textured.texture.shape == (300, 300, 3)
    assert plain.texture is None
    assert plain.uvs is None
    assert plain.colours is not None


def test_object_cut_by_the_pictures_edge_is_closed() -> None:
    mask = np.roll(samples.disc(), -140, axis=1)
    mask[:, 200:] = False
    assert check_mesh(field_of(samples.cut_out(mask, (9, 9, 9)), "draft").mesh(3_000, 64, Context())).sound


def test_tiny_object_works_and_a_speck_is_refused() -> None:
    tiny = np.zeros((50, 50), bool)
    tiny[20:25, 20:26] = True
    assert check_mesh(field_of(samples.cut_out(tiny, (9, 9, 9))).mesh(1_000, 64, Context())).sound
    for size in (0, 2):
        speck = np.zeros((50, 50), bool)
        speck[:size, :size] = True
        with pytest.raises(ProblemError) as caught:
            field_of(samples.cut_out(speck, (9, 9, 9)))
        assert caught.value.problem.code is ErrorCode.BAD_INPUT
        assert "Point at the object again" in caught.value.problem.hint


def test_same_bytes_every_time() -> None:
    rgba = samples.painted(samples.lollipop())
    assert field_of(rgba).mesh(4_000, 128, Context()) == field_of(rgba).mesh(4_000, 128, Context())


def test_cancel_takes_effect() -> None:
    context = Context()
    context.cancelled = True
    with pytest.raises(Cancelled):
        field_of(samples.painted(samples.disc()), context=context)
    with pytest.raises(Cancelled):
        field_of(samples.painted(samples.disc())).mesh(2_000, 0, context)


def test_field_counts_its_bytes() -> None:
    field = field_of(samples.painted(samples.disc()))
    assert field.nbytes == field.squared_height.nbytes + field.cutout.nbytes
