"""The surface of recorded densities, against what pix2pix3D's own way of making a mesh (PyMCubes) gave."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import KDTree

from backend.fields.cleaning import largest_part
from backend.fields.surface import extract_surface, march
from backend.meshes.normals import face_normals

from .recordings import recorded

_COUNTS = 2e-3  # other versions of marching cubes may split a few cells otherwise


def test_surface_of_recorded_densities(golden: Path) -> None:
    for path in recorded(golden, "pix2pix3d/mesh_*.npz"):
        stored = np.load(path)
        bound = 0.8 if "edge2car" in path.name else 0.5  # half the side of the box that the preset's planes span
        vertices, faces = march(stored["sigma_grid"], float(stored["threshold"]), bound, closed=False)
        assert len(vertices) == pytest.approx(int(stored["n_verts"]), rel=_COUNTS)
        assert len(faces) == pytest.approx(int(stored["n_faces"]), rel=_COUNTS)
        # Vertices keep a thousandth of a cell away from the samples.
        near = 1e-3 * 2 * bound / (len(stored["sigma_grid"]) - 1)
        np.testing.assert_allclose(vertices.min(axis=0), stored["vmin"], atol=near)
        np.testing.assert_allclose(vertices.max(axis=0), stored["vmax"], atol=near)
        np.testing.assert_allclose(vertices.mean(axis=0), stored["vmean"], atol=near)
        area = np.linalg.norm(face_normals(vertices.astype(np.float64), faces), axis=1).sum() / 2
        assert area == pytest.approx(float(stored["area"]), rel=_COUNTS)


def test_coarse_to_fine_finds_the_largest_part_of_recorded_densities(golden: Path) -> None:
    """Random weights make a field that differs from sample to sample: specks beside it, and dents in a cut, may go."""
    for path in recorded(golden, "pix2pix3d/mesh_*.npz"):
        stored = np.load(path)
        grid, level = stored["sigma_grid"], float(stored["threshold"])

        def density(points: np.ndarray, grid: np.ndarray = grid) -> np.ndarray:
            place = np.rint((points + 0.5) * (len(grid) - 1)).astype(int)
            return grid[tuple(place.T)]

        wanted = largest_part(*march(grid, level))
        surface = extract_surface(density, level, len(grid))
        found = largest_part(surface.vertices, surface.faces)
        assert len(found.faces) == pytest.approx(len(wanted.faces), rel=_COUNTS)
        assert (KDTree(wanted.vertices).query(found.vertices)[0] < 1e-6).mean() > 1 - _COUNTS
        assert len(wanted.vertices) > 0.9 * int(stored["n_verts"])
