"""The surface of a field whose values are dear: coarse to fine, computing values only where the surface can be.

A grid of every ``stride``-th sample is computed whole, then refined by halves: between samples a value is first guessed
by interpolation, and computed wherever the surface can be. That is in a cell whose corners lie on both sides of the
level, or come as near to it as the field bends there. This is how a thin part is seen that no coarse sample hits: a
single kink between two samples rises above the line between them by d e / (d + e), where d and e are the second
differences at both, and a smooth field by less. Where a computed value then lies on the other side of the level than
its guess, the cells around it are computed too, and so on along the surface. In the end every cell that holds a piece
of the surface has eight computed corners, so that what is found is exactly what computing every sample would find.

What can be missed: a part of its own (touching nothing that is found) that is thinner than ``stride`` cells and bends
the field nowhere else, such as a speck in an otherwise constant field; and as small a dent where the cube cuts the
object off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from protocol.problems import ErrorCode, ProblemError

Density = Callable[[np.ndarray], np.ndarray]

STRIDE = 4
MOST_CELLS = 1024
_BATCH = 1 << 18  # points in one call of the field
# How near to a sample a vertex may lie, in cells: nearer ones would make triangles without area.
_NEAREST = 1e-3
_CORNERS = np.array(list(product((0, 1), repeat=3)))


class NoSurface(ProblemError):
    """Nothing lies at the level asked for."""


@dataclass(frozen=True)
class Surface:
    """A surface and what it took: ``vertices`` float32 V x 3 in the field's units, ``faces`` int32 F x 3
    counter-clockwise as seen from the side of lower density; ``evaluated`` of ``samples`` values were computed."""

    vertices: np.ndarray
    faces: np.ndarray
    evaluated: int
    samples: int


def extract_surface(
    density: Density,
    level: float,
    cells: int = 256,
    bound: float = 0.5,
    stride: int = STRIDE,
    batch: int = _BATCH,
    check: Callable[[], None] = lambda: None,
) -> Surface:
    """The closed surface where ``density`` equals ``level``, from ``cells`` samples an axis in -``bound``..``bound``.

    ``density`` takes points (float32 N x 3, at most ``batch``) and gives float32 N, larger inside. Outside the cube
    there is nothing: what reaches the border is closed there (a thousandth of a cell beyond it). ``stride`` is a power
    of two; with 1 every sample is computed. ``check`` is called before each batch and may raise to stop.
    Needs about 5 bytes for each of the ``cells`` cubed samples, twice that while marching.
    ProblemError: BAD_PARAMETER when nothing lies at this level or a number is out of range; MODEL_FAILED when the field
    gives something that is no finite number.
    """
    _check_numbers(level, cells, stride)
    field = _Field(density, level, np.linspace(-bound, bound, cells).astype(np.float32), batch, check)
    strides = [stride >> k for k in range(stride.bit_length())]
    axes = [np.union1d(np.arange(0, cells, step), [cells - 1]) for step in strides]
    grid = _Grid.whole(field, axes[0])
    for coarse, fine in pairwise(axes):
        grid = grid.refined(field, coarse, fine)
    if not field.lowest <= 0 < field.highest:
        raise _nothing_there(level, field.lowest + level, field.highest + level)
    vertices, faces = _marched(grid.values, bound, closed=True)
    return Surface(vertices, faces, field.evaluated, cells**3)


def march(values: np.ndarray, level: float, bound: float = 0.5, closed: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """The surface of samples that are all there: vertices float32 V x 3 and faces int32 F x 3, as ``extract_surface``.

    ``values`` float n x n x n in the order x, y, z, over -``bound``..``bound`` with a sample at either end. Unless
    ``closed``, the surface ends open where it reaches the border. ProblemError (BAD_PARAMETER): nothing at this level.
    """
    lowest, highest = float(values.min()), float(values.max())
    if not lowest <= level < highest:
        raise _nothing_there(level, lowest, highest)
    return _marched((values.astype(np.float64) - level).astype(np.float32), bound, closed)


class _Field:
    """The field less its level at grid points, with a count and the range of what was computed."""

    def __init__(self, density: Density, level: float, axis: np.ndarray, batch: int, check: Callable[[], None]) -> None:
        self._density, self._level, self._axis, self._batch, self._check = density, level, axis, batch, check
        self.evaluated = 0
        self.lowest, self.highest = np.inf, -np.inf

    def at(self, places: list[np.ndarray]) -> np.ndarray:
        """float32 N: the values at grid points, given as int N for each axis."""
        values = np.empty(len(places[0]), np.float32)
        for start in range(0, len(values), self._batch):
            self._check()
            part = slice(start, start + self._batch)
            points = np.stack([self._axis[place[part]] for place in places], axis=1)
            found = np.asarray(self._density(points), np.float64).reshape(len(points))
            if not np.isfinite(found).all():
                raise ProblemError(
                    ErrorCode.MODEL_FAILED,
                    "The field gives densities that are no finite numbers.",
                    "Its weights are damaged, or the precision is too low: try full precision.",
                )
            values[part] = found - self._level
        self.evaluated += len(values)
        if len(values):
            self.lowest = min(self.lowest, float(values.min()))
            self.highest = max(self.highest, float(values.max()))
        return values


@dataclass(frozen=True)
class _Grid:
    """``values`` float32 n x n x n, the field less its level, of which the ``known`` (bool) ones are computed and the
    others guessed."""

    values: np.ndarray
    known: np.ndarray

    @classmethod
    def whole(cls, field: _Field, axis: np.ndarray) -> _Grid:
        size = (len(axis),) * 3
        values = field.at([axis[place] for place in np.unravel_index(np.arange(np.prod(size)), size)])
        return cls(values.reshape(size), np.ones(size, bool))

    def refined(self, field: _Field, coarse: np.ndarray, fine: np.ndarray) -> _Grid:
        """The grid over the places ``fine`` (int n) of an axis, among which are all of this grid's, ``coarse``."""
        old = np.searchsorted(fine, coarse)
        grid = _Grid(_interpolated(self.values, old, len(fine)), np.zeros((len(fine),) * 3, bool))
        grid.known[np.ix_(old, old, old)] = self.known
        wanted = _possible(self.values)
        for axis in range(3):
            wanted = np.repeat(wanted, np.diff(old), axis=axis)
        wanted = np.flatnonzero(_corners(wanted) & ~grid.known)
        while len(wanted):
            wanted = grid._around(grid._compute(field, fine, wanted))
        return grid

    def _compute(self, field: _Field, axis: np.ndarray, flat: np.ndarray) -> np.ndarray:
        """Computes the samples at ``flat`` (int N) and returns those that were guessed on the wrong side."""
        values = field.at([axis[place] for place in np.unravel_index(flat, self.values.shape)])
        wrong = (values > 0) != (self.values.ravel()[flat] > 0)
        self.values.ravel()[flat], self.known.ravel()[flat] = values, True
        return flat[wrong]

    def _around(self, flat: np.ndarray) -> np.ndarray:
        """int N: unknown corners of the cells around ``flat`` whose corners lie on both sides of the level."""
        size = len(self.values)
        places = np.stack(np.unravel_index(flat, self.values.shape), axis=1)
        cells = (places[:, None] - _CORNERS).reshape(-1, 3)
        steps = np.array([size * size, size, 1])
        first = np.unique(cells[((cells >= 0) & (cells < size - 1)).all(axis=1)] @ steps)
        corners = first[:, None] + _CORNERS @ steps
        inside = self.values.ravel()[corners] > 0
        corners = np.unique(corners[inside.any(axis=1) & ~inside.all(axis=1)])
        return corners[~self.known.ravel()[corners]]


def _interpolated(values: np.ndarray, old: np.ndarray, size: int) -> np.ndarray:
    """``values`` with ``size`` samples an axis: at ``old`` those of before, between two of them their mean."""
    new = np.setdiff1d(np.arange(size), old)
    after = np.searchsorted(old, new)
    # The first axis last: whole planes are then copied at once where there is most to copy.
    for axis in (2, 1, 0):
        more = np.empty([size if k == axis else side for k, side in enumerate(values.shape)], np.float32)
        target, source = np.moveaxis(more, axis, 0), np.moveaxis(values, axis, 0)
        target[old] = source
        target[new] = 0.5 * (source[after - 1] + source[after])
        values = more
    return values


def _possible(values: np.ndarray) -> np.ndarray:
    """bool, one less an axis: the cells in which the field may reach 0."""
    return (_highest(values) > 0) & (_highest(-values) >= 0)


def _highest(values: np.ndarray) -> np.ndarray:
    """One less an axis: how high the field may rise in each cell."""
    corners, bend = values, np.zeros([side - 1 for side in values.shape], np.float32)
    for axis in range(3):
        corners = _pairs(np.maximum, corners, axis)
        np.maximum(bend, _bend(values, axis), out=bend)
    return corners + bend


def _bend(values: np.ndarray, axis: int) -> np.ndarray:
    """For each cell, how far the field may rise above the straight line along the cell's edges of one direction."""
    if values.shape[axis] < 3:
        return np.full([side - 1 for side in values.shape], np.inf, np.float32)
    beyond = [(1, 1) if k == axis else (0, 0) for k in range(3)]
    bend = np.pad(np.maximum(-np.diff(values, 2, axis), 0), beyond, mode="edge")
    bend = _pairs(_kink, bend, axis)
    for other in {0, 1, 2} - {axis}:
        bend = _pairs(np.maximum, bend, other)
    return bend


def _kink(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The height of a single kink between two samples, from the second differences at both."""
    return one * other / np.maximum(one + other, np.finfo(np.float32).tiny)


def _pairs(join: Callable[[np.ndarray, np.ndarray], np.ndarray], values: np.ndarray, axis: int) -> np.ndarray:
    """``join`` of every sample and the next one along ``axis``."""
    values = np.moveaxis(values, axis, 0)
    return np.moveaxis(join(values[:-1], values[1:]), 0, axis)


def _corners(cells: np.ndarray) -> np.ndarray:
    """bool, one more an axis: the corners of the chosen ``cells``."""
    for axis in range(3):
        cells = _pairs(np.logical_or, np.pad(cells, [(1, 1) if k == axis else (0, 0) for k in range(3)]), axis)
    return cells


def _marched(values: np.ndarray, bound: float, closed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Marching cubes at 0. Changes ``values``."""
    import mcubes

    _keep_off_samples(values)
    size = len(values)
    if closed:
        values = np.pad(values, 1, mode="edge")
        for axis in range(3):
            shell = np.moveaxis(values, axis, 0)[[0, -1]]
            np.moveaxis(values, axis, 0)[[0, -1]] = np.where(shell > 0, -shell / _NEAREST, shell)
    # PyMCubes winds faces counter-clockwise as seen from lower values.
    vertices, faces = mcubes.marching_cubes(values, 0.0)
    vertices = (vertices - int(closed)) / (size - 1) * 2 * bound - bound
    return vertices.astype(np.float32), faces.astype(np.int32)


def _keep_off_samples(values: np.ndarray) -> None:
    """Moves samples that (nearly) equal the level so far off it that no two vertices fall together.

    Merging them, or leaving out their triangles, could open or pinch the surface; this moves it by less than
    ``_NEAREST`` of a cell."""
    values[values == 0] = -np.finfo(np.float32).tiny
    inside, flat = values > 0, values.ravel()
    for axis in range(3):
        apart = _pairs(np.not_equal, inside, axis)
        one = np.ravel_multi_index(np.unravel_index(np.flatnonzero(apart), apart.shape), values.shape)
        other = one + values.strides[axis] // values.itemsize
        least = _NEAREST * np.abs(flat[one] - flat[other])
        for ends in (one, other):
            within = flat[ends] > 0
            np.maximum.at(flat, ends[within], least[within])
            np.minimum.at(flat, ends[~within], -least[~within])


def _check_numbers(level: float, cells: int, stride: int) -> None:
    if not np.isfinite(level):
        raise ProblemError(ErrorCode.BAD_PARAMETER, f"The level {level} is no number.", "Give a finite number.")
    if not 2 <= cells <= MOST_CELLS:
        raise ProblemError(ErrorCode.BAD_PARAMETER, f"There cannot be {cells} cells.", f"Allowed: 2 to {MOST_CELLS}.")
    if stride < 1 or stride & (stride - 1):
        raise ProblemError(ErrorCode.BAD_PARAMETER, f"The stride {stride} is no power of two.", "Allowed: 1, 2, 4, …")


def _nothing_there(level: float, lowest: float, highest: float) -> NoSurface:
    found = f"The densities found lie between {lowest:.6g} and {highest:.6g}"
    return NoSurface(
        ErrorCode.BAD_PARAMETER,
        f"There is no surface at the level {level:g}. {found}.",
        "Give a level between them." if lowest < highest else "This field is empty: try another seed or input.",
    )
