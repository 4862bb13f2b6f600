"""Rays, tri-planes and volume rendering: what they say of fields whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.fields.poses import on_sphere, vertical_of
from backend.fields.rays import Rays, box_limits, camera_label, rays_of
from backend.fields.sparse import occupancy_of, render_sparse
from backend.fields.triplanes import PUBLISHED, THREE, sample_planes
from backend.fields.volume import importance, march, stratified

RADIUS = 0.3
LENS = torch.tensor([[[1.75, 0, 0.5], [0, 1.75, 0.5], [0, 0, 1]]])


def camera(turn: float = 0.3, away: float = 2.2) -> Tensor:
    """cam2world of a camera at ``away`` from the middle, looking at it."""
    return on_sphere(torch.tensor([math.pi / 2 - turn]), torch.tensor([1.2]), torch.zeros(3), away)


def ball(points: Tensor) -> tuple[Tensor, Tensor]:
    """A ball of RADIUS: features are where a point is, from 0 to 1; raw densities."""
    return points + 0.5, (RADIUS - points.norm(dim=-1)) * 30_000


def dense(rays: Rays, samples: int) -> tuple[Tensor, Tensor, Tensor]:
    """The same through `march`."""
    near, far = box_limits(rays, 1.0)
    depths = stratified(near, far, torch.full((1, rays.origins.shape[1], samples, 1), 0.0))
    points = rays.origins[:, :, None] + depths * rays.directions[:, :, None]
    features, sigma = ball(points)
    found = march(features, sigma[..., None], depths)
    return found.features[0], found.depth[0, :, 0], found.opacity[0, :, 0]


def test_the_middle_ray_looks_along_the_camera() -> None:
    pose = camera()
    rays = rays_of(pose, LENS, 5)
    assert torch.allclose(rays.directions[0, 12], pose[0, :3, 2], atol=1e-6)
    assert torch.allclose(rays.origins[0], pose[0, :3, 3].expand(25, 3))
    assert torch.allclose(rays.directions.norm(dim=-1), torch.ones(1, 25))


def test_rows_of_a_picture_go_down_and_columns_to_the_right() -> None:
    pose = camera(turn=0.0)
    rays = rays_of(pose, LENS, 3).directions[0].view(3, 3, 3)
    assert rays[0, 1, 1] > rays[2, 1, 1]  # y is up in the world
    assert rays[1, 2, 0] > rays[1, 0, 0]  # from the front, x is to the right


def test_a_camera_in_front_of_the_object_stands_on_its_axis() -> None:
    pose = on_sphere(torch.tensor([math.pi / 2]), torch.tensor([math.pi / 2]), torch.zeros(3), 2.0)
    assert torch.allclose(pose[0, :3, 3], torch.tensor([0.0, 0.0, 2.0]), atol=1e-6)
    assert camera_label(pose, LENS).shape == (1, 25)


def test_a_camera_at_an_elevation_stands_that_high() -> None:
    elevations = np.radians([-90, -30, 0, 45, 90])
    pose = on_sphere(torch.zeros(5), torch.from_numpy(vertical_of(elevations)).float(), torch.zeros(3), 2.0)
    np.testing.assert_allclose(pose[:, 1, 3], 2 * np.sin(elevations), atol=1e-4)


def test_a_ray_through_the_middle_enters_and_leaves_the_box() -> None:
    rays = Rays(torch.tensor([[[0.0, 0, 2], [3.0, 3, 2]]]), torch.tensor([[[0.0, 0, -1], [0.0, 0, -1]]]))
    near, far = box_limits(rays, 1.0)
    assert near[0, :, 0].tolist() == [1.5, -1.0]
    assert far[0, :, 0].tolist() == [2.5, -2.0]


@pytest.mark.parametrize(("axes", "used"), [(THREE, [(0, 1), (0, 2), (2, 1)]), (PUBLISHED, [(0, 1), (0, 2), (2, 0)])])
def test_each_plane_is_sampled_by_its_two_coordinates(axes: object, used: list[tuple[int, int]]) -> None:
    side = 32
    at = (torch.arange(side) + 0.5) / side - 0.5
    ramp = torch.stack([at.expand(side, side), at[:, None].expand(side, side)])  # along the width, along the height
    planes = ramp.expand(1, 3, 2, side, side)
    points = torch.rand(1, 40, 3) * 0.8 - 0.4
    found = sample_planes(planes, points, 1.0, axes)  # pyright: ignore[reportArgumentType]
    for plane, pair in enumerate(used):
        assert torch.allclose(found[0, plane], points[0][:, list(pair)], atol=1e-5)


def test_a_point_outside_the_box_has_no_features() -> None:
    found = sample_planes(torch.ones(1, 3, 2, 8, 8), torch.tensor([[[0.9, 0.9, 0.9]]]), 1.0)
    assert not found.any()


def test_weights_add_up_to_the_opacity_and_never_to_more_than_one() -> None:
    depths = torch.sort(torch.rand(2, 7, 20, 1) + 1, dim=2).values
    found = march(torch.rand(2, 7, 20, 4), torch.randn(2, 7, 20, 1) * 20, depths)
    assert torch.allclose(found.weights.sum(dim=2), found.opacity)
    assert found.opacity.max() <= 1 + 1e-5


def test_more_samples_are_taken_where_something_is() -> None:
    depths = torch.linspace(1, 2, 21).view(1, 1, 21, 1)
    weights = torch.zeros(1, 1, 20, 1)
    weights[0, 0, 12] = 1
    more = importance(depths, weights, torch.rand(1, 400))
    near = ((more - 1.625).abs() < 0.1).float().mean()
    assert near > 0.8
    assert more.min() >= 1
    assert more.max() <= 2


def test_looking_only_where_something_is_shows_what_looking_everywhere_shows() -> None:
    rays = rays_of(camera(), LENS, 24)
    occupancy = occupancy_of(lambda points: ball(points)[1], 1.0, 24)
    assert 0.05 < occupancy.filled.float().mean() < 0.3
    asked = []

    def query(points: Tensor) -> tuple[Tensor, Tensor]:
        asked.append(len(points))
        return ball(points)

    found = render_sparse(query, occupancy, rays, 96)
    features, depth, opacity = dense(rays, 96)
    inside = opacity > 0.99
    assert (found.opacity - opacity).abs().max() < 0.6  # the outline itself falls between samples
    assert (found.opacity - opacity).abs().mean() < 0.01
    assert (found.features - features)[inside].abs().mean() < 0.01
    assert (found.depth - depth)[inside].abs().mean() < 0.01
    assert sum(asked) < 0.3 * 24 * 24 * 96


def test_the_depth_of_a_ball_is_that_of_its_surface() -> None:
    rays = rays_of(camera(), LENS, 25)
    occupancy = occupancy_of(lambda points: ball(points)[1], 1.0, 24)
    found = render_sparse(ball, occupancy, rays, 200)
    assert found.depth.view(25, 25)[12, 12] == pytest.approx(2.2 - RADIUS, abs=0.01)
    assert found.depth.view(25, 25)[0, 0] == 0


def test_nothing_is_seen_of_an_empty_field() -> None:
    def nothing(points: Tensor) -> tuple[Tensor, Tensor]:
        return points, torch.full_like(points[:, 0], -50)

    found = render_sparse(nothing, occupancy_of(lambda points: nothing(points)[1], 1.0), rays_of(camera(), LENS, 4), 8)
    assert not found.opacity.any()
    assert not found.features.any()
    assert found.features.shape == (16, 3)


def test_where_something_is_is_asked_on_the_device_of_the_field() -> None:
    occupancy = occupancy_of(lambda points: ball(points)[1], 1.0, 8, device="meta")
    assert occupancy.filled.device.type == "meta"
