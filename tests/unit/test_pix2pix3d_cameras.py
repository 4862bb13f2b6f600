"""pix2pix3D's cameras and this project's are the same cameras."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.fields.cameras import orbit, project
from backend.fields.rays import camera_matrices, rays_of
from backend.models.pix2pix3d.cameras import camera_of, front, lens_of_view, numbers_of, swing
from backend.models.pix2pix3d.config import PUBLISHED


def test_numbers_come_back_as_they_were() -> None:
    cameras = [orbit(30 * k, 10, 25) for k in range(3)]
    numbers = numbers_of(cameras, 1.6)
    assert numbers.shape == (3, 25)
    assert numbers.dtype == torch.float32
    for camera, row in zip(cameras, numbers, strict=True):
        again = camera_of(row, 1.6)
        np.testing.assert_allclose(again.cam2world, camera.cam2world, atol=1e-6)
        np.testing.assert_allclose(again.intrinsics, camera.intrinsics)


@pytest.mark.parametrize("box", [1.0, 1.6])
def test_rays_pass_where_this_projects_cameras_project_to(box: float) -> None:
    camera, side, depth = orbit(50, -20, 30), 8, 2.5
    (numbers,) = numbers_of([camera], box)
    rays = rays_of(*camera_matrices(numbers[None]), side)
    points = (rays.origins + depth * rays.directions)[0].numpy().astype(np.float64) / box
    found = project(camera, points)[:, :2].reshape(side, side, 2)
    middles = (np.arange(side) + 0.5) / side
    np.testing.assert_allclose(found[..., 0], np.broadcast_to(middles, (side, side)), atol=1e-5)
    np.testing.assert_allclose(found[..., 1], np.broadcast_to(middles[:, None], (side, side)), atol=1e-5)


@pytest.mark.parametrize("preset", PUBLISHED)
def test_the_front_camera_sees_the_middle_from_the_front(preset: str) -> None:
    config = PUBLISHED[preset]
    camera = camera_of(front(config), config.box)
    place = camera.cam2world[:3, 3] * config.box
    np.testing.assert_allclose(place, (0, 0, config.radius), atol=0.01)
    middle = project(camera, np.array([config.pivot]) / config.box)[0]
    np.testing.assert_allclose(middle, (0.5, 0.5, (config.radius - config.pivot[2]) / config.box), atol=0.01)


def test_films_swing_in_front_of_faces_and_go_around_cars() -> None:
    def places(preset: str) -> np.ndarray:
        return np.stack([swing(PUBLISHED[preset], frame, 24)[[3, 7, 11]].numpy() for frame in range(24)])

    assert (places("seg2face")[:, 2] > 2).all()
    car = places("edge2car")
    assert car[:, 2].min() < -1
    np.testing.assert_allclose(np.linalg.norm(car, axis=1), 1.7, atol=1e-5)


def test_a_wider_view_has_a_shorter_lens() -> None:
    assert lens_of_view(18.837)[0, 0] == pytest.approx(PUBLISHED["seg2cat"].focal, abs=2e-3)
    assert lens_of_view(40)[0, 0] < lens_of_view(20)[1, 1]
