"""Silhouettes, pictures and solids with known shapes, for the tests of what makes and draws meshes."""

from __future__ import annotations

import numpy as np

from protocol.values import Mesh

HEIGHT, WIDTH = 240, 320
CENTRE = np.array([160.0, 120.0])

_Y, _X = np.mgrid[:HEIGHT, :WIDTH] + 0.5
_DX, _DY = np.abs(_X - CENTRE[0]), np.abs(_Y - CENTRE[1])


def disc(radius: float = 90.0) -> np.ndarray:
    """bool HEIGHT x WIDTH."""
    return np.hypot(_DX, _DY) < radius


def ring() -> np.ndarray:
    """A disc with a hole."""
    return disc(90) & ~disc(60)


def rectangle(half_width: float = 80.0, half_height: float = 80.0) -> np.ndarray:
    return (_DX < half_width) & (_DY < half_height)


def capsule(radius: float = 40.0, half_length: float = 60.0) -> np.ndarray:
    """A lying rounded rod."""
    return np.hypot(np.maximum(_DX - half_length, 0), _DY) < radius


def lollipop() -> np.ndarray:
    """A thick disc on a thin stick of 9 pixels."""
    return (np.hypot(_DX, _Y - 80) < 60) | ((_DX < 4.5) & (_Y > 80) & (_Y < 230))


def cut_out(mask: np.ndarray, inside: tuple[int, int, int], outside: tuple[int, int, int] = (0, 255, 0)) -> np.ndarray:
    """uint8 H x W x 4: one colour on the mask, another around it, alpha = mask."""
    colours = np.where(mask[..., None], np.array(inside), np.array(outside))
    return np.dstack([colours, np.where(mask, 255, 0)]).astype(np.uint8)


def painted(mask: np.ndarray) -> np.ndarray:
    """uint8 H x W x 4: left red, right blue, upper half brighter, green around; alpha = mask."""
    rgba = cut_out(mask, (0, 0, 0))
    level = np.where(_Y < CENTRE[1], 220, 110)
    rgba[..., 0] = np.where(mask, np.where(_X < CENTRE[0], level, 20), 0)
    rgba[..., 2] = np.where(mask, np.where(_X < CENTRE[0], 20, level), 0)
    return rgba


def box_mesh(colours: np.ndarray | None = None) -> Mesh:
    """A closed box of half sizes 0.5, 0.3, 0.2."""
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.3, 0.3) for z in (-0.2, 0.2)], np.float32)
    quads = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    faces = [face for a, b, c, d in quads for face in ((a, b, c), (a, c, d))]
    return Mesh(corners, np.array(faces, np.int32), colours)
