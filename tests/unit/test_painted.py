"""Synthetic objects with painted parts: what is said of points in them and what cameras see of them agree."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.fields.cameras import from_numbers, project
from backend.imaging.labels import label_means
from backend.synthetic.kinds import KINDS
from backend.synthetic.painted import SIDE, Example, example_of, kept, surface_of

KIND = KINDS["seg2vehicle"]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def truck() -> Example:
    return example_of(KIND, 1, views=3, points=400)


def test_families_take_turns() -> None:
    assert [KIND.family_of(seed) for seed in range(4)] == ["car", "truck", "car", "truck"]


def test_every_part_of_the_families_has_a_label() -> None:
    assert {KIND.label_of(part) for part in KIND.parts} == set(range(1, len(KIND.labels)))


def test_the_home_camera_looks_at_the_middle_from_the_front_left() -> None:
    home = KIND.home
    (u, v, depth) = project(home, np.zeros((1, 3)))[0]
    assert (u, v) == pytest.approx((0.5, 0.5), abs=1e-5)
    assert depth == pytest.approx(KIND.radius, abs=1e-4)
    assert home.cam2world[0, 3] > 0
    assert home.cam2world[2, 3] > 0


def test_the_surface_is_seen_inside_the_painted_outline(truck: Example) -> None:
    vertices, _ = surface_of(KIND, 1)
    assert float(np.ptp(vertices, axis=0).max()) == pytest.approx(1, abs=1e-4)
    for numbers, labels in zip(truck.cameras, truck.maps, strict=True):
        at = project(from_numbers(numbers), vertices.astype(np.float64))[:, :2] * SIDE
        x, y = at.astype(int).clip(0, SIDE - 1).T
        assert (labels[y, x] > 0).mean() > 0.93  # vertices on the outline may fall beside it
        ys, xs = np.nonzero(labels)
        assert abs(xs.min() - at[:, 0].min()) < 2
        assert abs(ys.max() - at[:, 1].max()) < 2


def test_points_near_the_surface_have_the_label_that_is_seen_there(truck: Example) -> None:
    on = np.abs(truck.distances) < 0.004
    agreed = []
    for numbers, labels in zip(truck.cameras, truck.maps, strict=True):
        u, v, depth = project(from_numbers(numbers), truck.points[on].astype(np.float64)).T
        # Those that are nearest to the camera: of several in one pixel only the first can be seen.
        first = depth < np.quantile(depth, 0.2)
        seen = labels[(v[first] * SIDE).astype(int), (u[first] * SIDE).astype(int)]
        agreed.append((seen == truck.labels[on][first])[seen > 0])
    assert np.concatenate(agreed).mean() > 0.6


def test_half_of_the_points_lie_near_the_surface(truck: Example) -> None:
    assert (np.abs(truck.distances) < 0.12).mean() > 0.5
    assert (truck.distances < 0).any()
    assert (truck.distances > 0.2).any()


def test_pictures_are_white_where_nothing_is_painted(truck: Example) -> None:
    assert (truck.images[truck.maps == 0] > 120).mean() > 0.95
    assert truck.images.shape == (3, SIDE, SIDE, 3)


def test_a_car_has_no_load_and_so_no_colour_of_one() -> None:
    car = example_of(KIND, 0, views=1, points=16)
    load = KIND.labels.index("load")
    assert np.isnan(car.part_colours[load]).all()
    assert not np.isnan(car.part_colours[KIND.labels.index("wheel")]).any()
    assert not (car.maps == load).any()


def test_an_object_is_made_once_and_then_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted(kind: object, seed: int) -> Example:
        made.append(seed)
        return example_of(KIND, seed, views=1, points=16)

    monkeypatch.setattr("backend.synthetic.painted.example_of", counted)
    first, again = (kept(KIND, 2, tmp_path) for _ in range(2))
    assert made == [2]
    for field in fields(Example):
        assert np.array_equal(getattr(first, field.name), getattr(again, field.name), equal_nan=True)
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]


def test_the_mean_of_each_label_is_unknown_where_there_is_none() -> None:
    values = np.array([[[0, 10], [4, 20]], [[1, 1], [6, 60]]], np.uint8)
    found = label_means(values, np.array([[2, 0], [2, 0]], np.uint8), 3)
    assert found.dtype == np.float32
    assert np.array_equal(found, [[5, 40], [np.nan] * 2, [0.5, 5.5]], equal_nan=True)
