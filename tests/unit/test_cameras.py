"""Cameras: where they stand, which way they look, how they project."""

from __future__ import annotations

import numpy as np
import pytest

from backend.fields.cameras import alike, fitted, intrinsics, look_at, orbit, project, ring, ring_angles, view_matrix
from protocol.problems import ProblemError
from protocol.values import Camera


def test_front_camera_sees_x_to_the_right_and_y_up() -> None:
    places = project(orbit(0, 0, 40), np.array([[0, 0, 0], [0.3, 0, 0], [0, 0.3, 0], [0, 0, 0.3]], float))
    np.testing.assert_allclose(places[0, :2], 0.5, atol=1e-6)
    assert places[1, 0] > 0.55
    assert places[1, 1] == pytest.approx(0.5, abs=1e-6)
    assert places[2, 1] < 0.45
    assert places[3, 2] < places[0, 2]  # +Z is nearer


def test_camera_looks_along_its_own_minus_z() -> None:
    pose = look_at((3.0, 1.0, 2.0), (1.0, 0.0, 0.0))
    np.testing.assert_allclose(pose[:3, 2], np.array([2, 1, 2]) / 3, atol=1e-6)
    np.testing.assert_allclose(pose[:3, :3].T @ pose[:3, :3], np.eye(3), atol=1e-6)
    assert np.linalg.det(pose[:3, :3]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("height", [1.0, -1.0])
def test_straight_up_and_down_are_possible(height: float) -> None:
    pose = look_at((0.0, height, 0.0))
    assert np.isfinite(pose).all()
    assert np.linalg.det(pose[:3, :3]) == pytest.approx(1, abs=1e-5)


def test_ring_goes_round_from_the_front_past_the_left_side() -> None:
    cameras = ring(4, 0, 30)
    directions = [camera.cam2world[:3, 3] / np.linalg.norm(camera.cam2world[:3, 3]) for camera in cameras]
    np.testing.assert_allclose(directions, [[0, 0, 1], [1, 0, 0], [0, 0, -1], [-1, 0, 0]], atol=1e-6)


@pytest.mark.parametrize("fov", [10.0, 35.0, 90.0])
@pytest.mark.parametrize("elevation", [-40.0, 0.0, 70.0])
def test_sphere_fits_the_view_and_fills_it(fov: float, elevation: float) -> None:
    rng = np.random.default_rng(0)
    sphere = rng.normal(size=(4000, 3))
    sphere /= np.linalg.norm(sphere, axis=1, keepdims=True) / 0.7
    places = project(orbit(30, elevation, fov, 0.7), sphere)
    assert places[:, :2].min() > 0
    assert places[:, :2].max() < 1
    assert places[:, 0].max() - places[:, 0].min() > 0.85


@pytest.mark.parametrize("shape", [(0.5, 0.5, 0.5), (0.1, 0.5, 0.05), (0.5, 0.02, 0.02)])
def test_a_fitted_ring_fills_the_picture_and_cuts_nothing(shape: tuple[float, float, float]) -> None:
    points = np.random.default_rng(0).uniform(-1, 1, (500, 3)) * shape
    places = np.concatenate([project(camera, points) for camera in fitted(points, ring_angles(8, 15), 35)])
    assert places[:, 2].min() > 0
    assert 0.44 < np.abs(places[:, :2] - 0.5).max() < 0.48


def test_intrinsics_are_normalised_by_the_picture() -> None:
    lens = intrinsics(90, aspect=2)
    np.testing.assert_allclose(lens, [[0.25, 0, 0.5], [0, 0.5, 0.5], [0, 0, 1]], atol=1e-6)


@pytest.mark.parametrize("fault", ["scaled", "mirrored", "sheared", "focal"])
def test_what_is_no_camera_is_refused(fault: str) -> None:
    pose, lens = look_at((0.0, 0.0, 2.0)), intrinsics(40)
    if fault == "scaled":
        pose[:3, :3] *= 2
    elif fault == "mirrored":
        pose[:3, 0] *= -1
    elif fault == "sheared":
        pose[3, 0] = 1
    else:
        lens[0, 0] = 0
    with pytest.raises(ProblemError, match="not those of a camera"):
        view_matrix(Camera(pose, lens))


@pytest.mark.parametrize("fov", [10.0, 35.0, 60.0])
def test_cameras_alike_see_an_object_as_large(fov: float) -> None:
    near = np.random.default_rng(0).normal(size=(200, 3)) * 0.02
    (front,) = alike(orbit(0, 0, 40), [(0.0, 0.0)], fov)
    sizes = [np.abs(project(camera, near)[:, :2] - 0.5).max() for camera in (front, orbit(0, 0, 40))]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)
