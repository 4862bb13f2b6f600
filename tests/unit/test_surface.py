"""Surfaces of fields: coarse to fine equals dense, closed, cleaned and labelled."""

from __future__ import annotations

import mcubes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import KDTree

from backend.fields.cleaning import largest_part, lightened
from backend.fields.surface import Surface, extract_surface, march
from backend.meshes.checks import check_mesh
from backend.meshes.labels import face_labels, vertex_labels
from backend.meshes.normals import face_normals
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Mesh
from tests.unit import shapes_fields as shapes

CELLS = 96  # the last coarse cell is shorter than the others, as with 256

FIELDS = {
    "sphere": shapes.sphere,
    "torus": shapes.torus,
    "straight plate": shapes.plate((1, 0, 0), CELLS),
    "slanting plate": shapes.plate((3, 5, 8), CELLS),
    "two blobs": shapes.two_blobs,
    "over the border": shapes.over_the_border,
    "noise far away": shapes.noisy_far_away,
    "network": shapes.perceptron(3),
}


def dense(density: shapes.Density, cells: int) -> np.ndarray:
    axis = np.linspace(-0.5, 0.5, cells).astype(np.float32)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    return density(points.reshape(-1, 3)).astype(np.float32).reshape(points.shape[:3])


def assert_closed(vertices: np.ndarray, faces: np.ndarray) -> None:
    """Every edge has one face in either direction, no face is without area and no vertex without a face."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    there = edges @ [len(vertices), 1]
    assert len(np.unique(there)) == len(there)
    np.testing.assert_array_equal(np.sort(there), np.sort(edges[:, ::-1] @ [len(vertices), 1]))
    assert len(np.unique(faces)) == len(vertices)
    assert len(np.unique(vertices, axis=0)) == len(vertices)
    assert (np.linalg.norm(face_normals(vertices.astype(np.float64), faces), axis=1) > 0).all()


@pytest.mark.parametrize("name", FIELDS)
def test_coarse_to_fine_finds_what_dense_finds(name: str) -> None:
    found = extract_surface(FIELDS[name], 0.0, CELLS)
    vertices, faces = march(dense(FIELDS[name], CELLS), 0.0)
    np.testing.assert_allclose(found.vertices, vertices, atol=1e-6)
    np.testing.assert_array_equal(found.faces, faces)
    assert_closed(found.vertices, found.faces)
    assert check_mesh(Mesh(found.vertices, found.faces)).sound
    assert found.vertices.dtype == np.float32
    assert found.faces.dtype == np.int32
    assert found.samples == CELLS**3
    assert found.evaluated < 0.15 * found.samples  # a surface takes twice the share that it takes at 192 cells


def test_at_256_cells_a_tenth_is_enough() -> None:
    found = extract_surface(shapes.sphere, 0.0, 256)
    assert found.evaluated < 0.05 * 256**3
    np.testing.assert_allclose(np.linalg.norm(found.vertices, axis=1), 0.31, atol=1e-4)


def test_dense_is_the_published_way_but_for_the_border() -> None:
    values = dense(shapes.torus, 48)
    vertices, faces = march(values, 0.01)
    theirs, their_faces = mcubes.marching_cubes(values, 0.01)
    assert len(faces) == len(their_faces)
    np.testing.assert_allclose(vertices, theirs / 47 - 0.5, atol=1e-3 / 47)
    ours, everything = extract_surface(shapes.torus, 0.01, 48, stride=1), values.size
    assert ours.evaluated == everything
    np.testing.assert_allclose(ours.vertices, vertices, atol=1e-6)


def test_another_cube() -> None:
    found = extract_surface(lambda points: shapes.sphere(points / 1.6), 0.0, 64, bound=0.8)
    np.testing.assert_allclose(np.linalg.norm(found.vertices, axis=1), 1.6 * 0.31, atol=2e-3)


def test_what_fills_the_cube_is_closed_at_its_border() -> None:
    found = extract_surface(lambda points: 0.7 - np.linalg.norm(points, axis=1), 0.0, 33)
    assert_closed(found.vertices, found.faces)
    assert np.abs(found.vertices).max() == pytest.approx(0.5, abs=1e-4)
    assert found.vertices.max(axis=0) == pytest.approx([0.5] * 3, abs=1e-4)


@given(st.integers(0, 10_000), st.integers(2, 5), st.sampled_from([15, 16, 20, 21]))
@settings(max_examples=15, deadline=None)
def test_any_samples_give_a_closed_surface(seed: int, values: int, cells: int) -> None:
    """Also where many samples equal the level exactly, as in half precision."""
    grid = np.random.default_rng(seed).integers(0, values, (cells, cells, cells)).astype(np.float32)
    vertices, faces = march(grid, float((values - 1) // 2))
    assert_closed(vertices, faces)


@given(st.integers(0, 10_000), st.floats(-0.05, 0.05), st.sampled_from([31, 32, 45]))
@settings(max_examples=8, deadline=None)
def test_the_largest_part_of_a_network_is_found_whole(seed: int, level: float, cells: int) -> None:
    """Also on grids so small that specks of one sample beside it, which coarse samples cannot show, may be missed."""
    density = shapes.perceptron(seed)
    surface = extract_surface(density, level, cells)
    assert_closed(surface.vertices, surface.faces)
    found = largest_part(surface.vertices, surface.faces)
    wanted = largest_part(*march(dense(density, cells), level))
    np.testing.assert_array_equal(found.faces, wanted.faces)
    np.testing.assert_allclose(found.vertices, wanted.vertices, atol=1e-4 / cells)


@pytest.mark.parametrize("level", [0.4, -2.0])
def test_no_surface_at_the_level(level: float) -> None:
    with pytest.raises(ProblemError, match=r"between -0\.5\d* and 0\.[23]\d*.*Give a level between") as caught:
        extract_surface(shapes.sphere, level, 32)
    assert caught.value.problem.code is ErrorCode.BAD_PARAMETER
    with pytest.raises(ProblemError, match="Give a level between"):
        march(dense(shapes.sphere, 32), level)


def test_an_empty_field() -> None:
    with pytest.raises(ProblemError, match="This field is empty"):
        extract_surface(lambda points: np.zeros(len(points), np.float32), 0.0, 16)


@pytest.mark.parametrize("wrong", [{"cells": 1}, {"cells": 5000}, {"stride": 3}, {"stride": 0}, {"level": np.nan}])
def test_numbers_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(ProblemError) as caught:
        extract_surface(shapes.sphere, **({"level": 0.0} | wrong))  # pyright: ignore[reportArgumentType]
    assert caught.value.problem.code is ErrorCode.BAD_PARAMETER


def test_densities_that_are_no_numbers() -> None:
    with pytest.raises(ProblemError, match="no finite numbers") as caught:
        extract_surface(lambda points: np.where(points[:, 0] > 0.3, np.nan, points[:, 1]), 0.0, 16)
    assert caught.value.problem.code is ErrorCode.MODEL_FAILED


def test_batches_and_stopping() -> None:
    sizes: list[int] = []

    def density(points: np.ndarray) -> np.ndarray:
        sizes.append(len(points))
        return shapes.sphere(points)

    def stop() -> None:
        if len(sizes) == 7:
            raise KeyboardInterrupt

    found = extract_surface(density, 0.0, 32, batch=500)
    assert max(sizes) == 500
    assert sum(sizes) == found.evaluated
    sizes.clear()
    with pytest.raises(KeyboardInterrupt):
        extract_surface(density, 0.0, 32, batch=500, check=stop)
    assert len(sizes) == 7


def two() -> Surface:
    return extract_surface(shapes.two_blobs, 0.0, 48)


def test_the_largest_part_stays() -> None:
    both = two()
    large = largest_part(both.vertices, both.faces)
    assert large.dropped_parts == 1
    assert large.dropped_faces == len(both.faces) - len(large.faces)
    np.testing.assert_array_equal(large.vertices, both.vertices[large.kept])
    assert_closed(large.vertices, large.faces)
    assert large.vertices[:, 0].max() < 0
    again = largest_part(large.vertices, large.faces)
    assert again.dropped_parts == again.dropped_faces == 0
    np.testing.assert_array_equal(again.faces, large.faces)


def test_a_hollow_is_not_the_largest_part() -> None:
    found = extract_surface(lambda points: np.abs(shapes.sphere(points, radius=0.3)) * -1 + 0.08, 0.0, 40)
    outer = largest_part(found.vertices, found.faces)
    assert outer.dropped_parts == 1
    np.testing.assert_allclose(np.linalg.norm(outer.vertices, axis=1), 0.38, atol=5e-3)


def test_fewer_faces_on_the_same_surface() -> None:
    found = extract_surface(shapes.torus, 0.0, 56)
    fewer = lightened(found.vertices, found.faces, 1500)
    assert 1000 < len(fewer.faces) <= 1500
    assert check_mesh(Mesh(fewer.vertices, fewer.faces)).sound
    assert np.abs(shapes.torus(fewer.vertices)).max() < 0.25 / 56
    labels = (found.vertices[:, 0] > 0).astype(np.uint16)
    carried = labels[fewer.nearest]
    clear = np.abs(fewer.vertices[:, 0]) > 1 / 56
    np.testing.assert_array_equal(carried[clear], fewer.vertices[clear, 0] > 0)
    away = np.linalg.norm(found.vertices[fewer.nearest] - fewer.vertices, axis=1)
    np.testing.assert_allclose(away, KDTree(found.vertices).query(fewer.vertices)[0], atol=1e-6)


def test_labels_by_majority_and_mean_score() -> None:
    scores = np.array([[5, 0, 0, 0], [0, 2, 0, 1.9], [0, 0, 3, 2.9], [4, 0, 0, 0]], np.float32)
    faces = np.array([[0, 1, 3], [1, 0, 3], [0, 1, 2], [2, 1, 0], [1, 1, 2]], np.int32)
    np.testing.assert_array_equal(vertex_labels(scores), [0, 1, 2, 0])
    # Label 3 has the second-highest mean of the third face, yet it is no corner's label.
    np.testing.assert_array_equal(face_labels(scores, faces), [0, 0, 0, 0, 1])
    scores[0, 0] = 1
    np.testing.assert_array_equal(face_labels(scores, faces), [0, 0, 2, 2, 1])
    labels = vertex_labels(scores)
    found = face_labels(labels, faces)
    np.testing.assert_array_equal(found, [0, 0, 0, 0, 1])
    assert found.dtype == labels.dtype == np.uint16
