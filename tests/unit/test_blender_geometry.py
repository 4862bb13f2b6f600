"""The add-on's geometry: axes, and where an imported mesh stands."""

from __future__ import annotations

import numpy as np
import pytest

from blender_addon.axes import rotation, to_blender
from blender_addon.placement import View, as_seen, at_point

CUBE = np.array([[x, y, z] for x in (-0.3, 0.3) for y in (-0.2, 0.2) for z in (-0.4, 0.4)], np.float32)


def test_up_and_front_change_places_as_blender_wants_them() -> None:
    gltf = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    assert to_blender(gltf).tolist() == [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
    assert np.isclose(np.linalg.det(rotation()), 1.0)
    assert np.allclose(gltf @ rotation().T, to_blender(gltf))


def test_upright_at_a_point() -> None:
    standing = at_point(CUBE, 4.0, "BASE", (1, 2, 3))
    placed = standing.apply(CUBE) + standing.matrix[:3, 3]
    assert np.allclose(placed.min(axis=0), [1 - 1.5, 2 - 1, 3])
    assert np.allclose(placed.max(axis=0), [1 + 1.5, 2 + 1, 7])
    centred = at_point(CUBE, 4.0, "CENTRE", (0, 0, 0)).apply(CUBE)
    assert np.allclose(centred.mean(axis=0), 0, atol=1e-6)


def test_a_flat_mesh_has_a_size_too() -> None:
    flat = CUBE * np.array([1, 1, 0], np.float32)
    standing = at_point(flat, 2.0, "BASE", (0, 0, 0))
    assert np.isclose(np.ptp(standing.apply(flat)[:, 0]), 2.0)


@pytest.mark.parametrize("perspective", [True, False])
def test_as_seen_projects_back_to_the_same_pixels(perspective: bool) -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, (3, -2, 5)
    view = View(matrix, -0.5, 0.7, -0.4, 0.4, perspective)
    width, height, centre, side = 600, 400, (222.0, 130.0), 90.0
    # A vertex in the mesh's middle plane, in glTF axes, and the pixel that it came from.
    gltf = np.array([[0.25, -0.31, 0.0]], np.float32)
    pixel = np.array([centre[0] + 0.25 * side, centre[1] + 0.31 * side])
    standing = as_seen(CUBE, 1.7, "BASE", view, (width, height), centre, side, 8.0)
    world = standing.matrix[:3, :3] @ standing.apply(to_blender(gltf))[0] + standing.matrix[:3, 3]
    eye = np.linalg.inv(matrix) @ np.append(world, 1.0)
    x, y = (eye[:2] / -eye[2]) if perspective else eye[:2]
    assert np.allclose([(x + 0.5) / 1.2 * width, (0.4 - y) / 0.8 * height], pixel, atol=1e-3)
    if perspective:
        assert np.isclose(standing.scale * np.ptp(CUBE[:, 2]), 1.7)
    else:
        assert np.isclose(eye[2], -8.0, atol=1e-3)


def test_view_survives_as_numbers_and_takes_other_shapes() -> None:
    view = View(np.arange(16.0).reshape(4, 4), -1, 1, -0.5, 0.5, False)
    again = View.of(view.numbers())
    assert np.array_equal(again.matrix, view.matrix)
    assert again.numbers() == view.numbers()
    tall = view.fitted(100, 200)
    assert (tall.left, tall.right, tall.bottom, tall.top) == (-1, 1, -2, 2)
    wide = view.fitted(400, 100)
    assert (wide.left, wide.right, wide.bottom, wide.top) == (-2, 2, -0.5, 0.5)
