"""Scores of meshes and of views that have to agree."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import trimesh

from backend.evaluation.occupancy import occupancy
from backend.evaluation.solids import surface_score, volume_iou
from backend.evaluation.views import label_consistency, picture_consistency, shared_pixels
from backend.fields.cameras import orbit, view_matrix
from protocol.problems import ProblemError
from protocol.values import Camera

SIDE = 48


def ball(radius: float) -> tuple[np.ndarray, np.ndarray]:
    mesh = trimesh.creation.icosphere(4, radius)
    return np.asarray(mesh.vertices), np.asarray(mesh.faces)


def inside(radius: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda points: np.linalg.norm(points, axis=1) < radius


def test_a_surface_is_like_itself() -> None:
    same = surface_score(ball(0.4), ball(0.4))
    assert same.chamfer < 0.01
    assert same.fscore > 0.99
    assert same.normals > 0.99


def test_surfaces_a_known_way_apart() -> None:
    apart = surface_score(ball(0.4), ball(0.36))
    assert apart.chamfer == pytest.approx(0.04, abs=0.003)
    assert apart.fscore == 0
    assert surface_score(ball(0.4), ball(0.36), threshold=0.05).fscore > 0.99
    assert apart.normals > 0.99
    assert surface_score(ball(0.36), ball(0.4)).chamfer == pytest.approx(apart.chamfer, abs=1e-3)


def test_half_of_a_surface_is_precise_but_not_complete() -> None:
    vertices, faces = ball(0.4)
    half = faces[(vertices[faces][..., 0] > 0).all(axis=1)]
    # All of the half is right, half of the whole is found: 2 · 1 · 0.5 / 1.5, and the seam is a little more.
    assert surface_score((vertices, half), ball(0.4)).fscore == pytest.approx(2 / 3, abs=0.03)


def test_crossing_planes_have_unlike_normals() -> None:
    corners = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    upright = corners[:, [0, 2, 1]]
    assert surface_score((corners, faces), (upright, faces)).normals == pytest.approx(0, abs=1e-6)


def test_a_surface_without_area_is_refused() -> None:
    with pytest.raises(ProblemError, match="no area"):
        surface_score((np.zeros((3, 3)), np.array([[0, 1, 2]])), ball(0.4))


def test_volumes_by_hand() -> None:
    assert volume_iou(inside(0.4), inside(0.36)) == pytest.approx(0.9**3, abs=0.01)
    assert volume_iou(ball(0.4), inside(0.4)) == pytest.approx(1, abs=0.02)
    assert volume_iou(ball(0.4), ball(0.4)) == 1
    assert volume_iou(inside(0), inside(0)) == 1
    assert volume_iou(inside(0), ball(0.4)) == 0


def test_the_cells_of_a_box() -> None:
    box = trimesh.creation.box((0.5, 0.25, 1.0)).apply_translation((0.25, 0.125, 0))
    filled = occupancy(box.vertices, box.faces, 8)
    expected = np.zeros((8, 8, 8), bool)
    expected[4:, 4:6, :] = True
    assert (filled == expected).all()


def test_overlapping_parts_are_one_and_a_surface_turned_inside_out_holds_nothing() -> None:
    box = trimesh.creation.box((0.5, 0.5, 0.5))
    vertices = np.concatenate([box.vertices, np.add(box.vertices, (0.25, 0, 0))])
    faces = np.concatenate([box.faces, box.faces + len(box.vertices)])
    assert occupancy(vertices, faces, 16).sum() == 12 * 8 * 8
    assert not occupancy(box.vertices, box.faces[:, ::-1], 16).any()


def test_what_lies_outside_the_cube_is_cut_off() -> None:
    huge = trimesh.creation.box((3, 3, 3))
    assert occupancy(huge.vertices, huge.faces, 8).all()
    away = trimesh.creation.box((0.5, 0.5, 0.5)).apply_translation((2, 0, 0))
    assert not occupancy(away.vertices, away.faces, 8).any()
    below = trimesh.creation.box((0.5, 0.5, 0.5)).apply_translation((0, 0, -2))
    assert not occupancy(below.vertices, below.faces, 8).any()


def sphere_views(radius: float = 0.4) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Camera]]:
    """Images, labels and depths of a ball whose colour and label depend on the place on it, from exact rays."""
    cameras = [orbit(azimuth, 20.0, 30.0) for azimuth in (0.0, 25.0, 50.0)]
    images, labels, depths = [], [], []
    rows, columns = np.mgrid[:SIDE, :SIDE]
    across = np.stack([(columns + 0.5) / SIDE, (rows + 0.5) / SIDE, np.ones((SIDE, SIDE))], axis=-1)
    for camera in cameras:
        pose = np.linalg.inv(view_matrix(camera))
        rays = across @ np.linalg.inv(camera.intrinsics).T * (1, -1, -1) @ pose[:3, :3].T
        eye = pose[:3, 3]
        squared, along = (rays**2).sum(axis=-1), rays @ eye
        root = along**2 - squared * (eye @ eye - radius**2)
        depth = np.where(root > 0, (-along - np.sqrt(np.maximum(root, 0))) / squared, np.inf)
        places = eye + rays * np.where(np.isfinite(depth), depth, 0)[..., None]
        images.append(np.where(np.isfinite(depth)[..., None], 127 + 150 * places, 0).astype(np.uint8))
        labels.append(np.where(np.isfinite(depth), 1 + (places[..., 1] > 0), 0))
        depths.append(depth)
    return np.stack(images), np.stack(labels), np.stack(depths), cameras


def test_true_views_agree_and_swapped_ones_do_not() -> None:
    images, labels, depths, cameras = sphere_views()
    right = picture_consistency(images, depths, cameras)
    assert right is not None
    assert right < 0.01
    wrong = picture_consistency(images[::-1], depths, cameras)
    assert wrong is not None
    assert wrong > 5 * right
    agreed = label_consistency(labels, depths, cameras)
    assert agreed is not None
    assert agreed > 0.97
    # Of the three pairs of views, the two with the odd one out disagree throughout.
    odd = np.concatenate([labels[:1] + 2, labels[1:]])
    shares = [len(each.pixels) for each in shared_pixels(depths, cameras) if 0 not in (each.first, each.second)]
    total = sum(len(each.pixels) for each in shared_pixels(depths, cameras))
    assert label_consistency(odd, depths, cameras) == pytest.approx(sum(shares) / total, abs=0.03)


def test_shared_pixels_show_the_same_point() -> None:
    _, _, depths, cameras = sphere_views()
    pairs = list(shared_pixels(depths, cameras))
    assert [(each.first, each.second) for each in pairs] == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    # Neighbouring views share more than those further apart.
    assert len(pairs[0].pixels) > len(pairs[1].pixels) > 50
    for each in pairs:
        assert np.isfinite(depths[each.first][each.pixels[:, 1], each.pixels[:, 0]]).all()
        assert ((each.places >= 0) & (each.places < SIDE - 1)).all()


def test_what_hides_a_point_is_not_compared_with_it() -> None:
    images, _, depths, cameras = sphere_views()
    nearer = depths.copy()
    nearer[1:] *= 0.8  # something before the ball in all views but the first
    assert all(len(each.pixels) == 0 for each in shared_pixels(nearer, cameras) if each.first == 0)
    assert picture_consistency(images[:1], depths[:1], cameras[:1]) is None
