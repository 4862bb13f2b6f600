"""Regions as COCO writes them, run lengths and polygons, to masks and back, by pycocotools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
from pycocotools import mask as coco

from .files import fault

_FARTHEST = 4.0  # how many picture sides outside the picture a corner may lie; pycocotools walks every edge


class Rle(msgspec.Struct):
    """COCO's run lengths, column by column: ``size`` (height, width); ``counts`` are runs of outside and inside in
    turn, as numbers or in COCO's compressed text."""

    size: tuple[int, int]
    counts: str | list[int]


Region = Rle | list[list[float]]


def decode(region: Region, size: tuple[int, int], path: Path | str, where: str) -> np.ndarray:
    """bool H x W of ``size`` (height, width). ProblemError (BAD_INPUT) for a wrong region, whose field is ``where``."""
    if isinstance(region, Rle):
        return _decode_runs(region, size, path, where)
    return _decode_polygons(region, size, path, where)


def encode(mask: np.ndarray) -> Rle:
    """``mask`` (bool H x W) in compressed run lengths."""
    counts: Any = coco.encode(np.asfortranarray(mask, np.uint8))["counts"]  # bytes, whatever its types say
    return Rle((mask.shape[0], mask.shape[1]), counts.decode("ascii"))


def outline(mask: np.ndarray) -> list[list[float]]:
    """Polygons [x, y, x, y, …] along pixel borders that pycocotools turns into exactly ``mask`` (bool H x W) again.

    A polygon has no holes, so a mask with holes is cut in two through one of them until no piece has any.
    """
    # In a mask of double size a contour's pixel centres tell which border of its pixel the contour runs along.
    double = np.kron(mask, np.ones((2, 2), np.uint8)).astype(np.uint8)
    contours, tree = cv2.findContours(double, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    holes = [contour for contour, (_, _, _, parent) in zip(contours, _rows(tree), strict=True) if parent >= 0]
    if holes:
        column = (int(holes[0][:, 0, 0].min()) + int(holes[0][:, 0, 0].max())) // 4 + 1
        left = np.arange(mask.shape[1]) < column
        return outline(mask & left) + outline(mask & ~left)
    return [_corners((contour[:, 0] + 1) // 2) for contour in contours]


def _rows(tree: np.ndarray | None) -> np.ndarray:
    return np.empty((0, 4), int) if tree is None else tree[0]


def _corners(points: np.ndarray) -> list[float]:
    """The points of a closed path where it turns, as a flat list."""
    points = points[(points != np.roll(points, 1, axis=0)).any(axis=1)]
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    turns = (before * after[:, ::-1] @ np.array([1, -1]) != 0) | ((before * after).sum(axis=1) < 0)
    return points[turns].astype(float).ravel().tolist()


def _decode_runs(region: Rle, size: tuple[int, int], path: Path | str, where: str) -> np.ndarray:
    height, width = size
    if tuple(region.size) != (height, width):
        raise fault(path, f"has a mask of {region.size[1]} x {region.size[0]} in {where}", f"{width} x {height} pixels")
    runs = _runs(region.counts) if isinstance(region.counts, str) else np.array(region.counts, np.int64)
    # pycocotools trusts the numbers and would leave memory as it found it.
    if runs is None or (runs < 0).any() or (runs > height * width).any() or runs.sum() != height * width:
        raise fault(path, f"has broken run lengths in {where}", f"run lengths that add up to {width} x {height} pixels")
    given: Any = {"size": [height, width], "counts": runs.tolist()}
    return coco.decode(coco.frPyObjects(given, height, width)).astype(bool)


def _runs(text: str) -> np.ndarray | None:
    """COCO's compressed counts as numbers (int64), or nothing where the text is none.

    Each number is a little-endian row of characters from "0" on with 5 bits each, bit 5 telling that more follow, the
    last one's bit 4 the sign; from the fourth number on it is the difference to the number two places before.
    """
    codes = np.frombuffer(text.encode("utf-8"), np.uint8).astype(np.int64) - 48
    if not len(codes) or codes.min() < 0 or codes.max() > 63 or codes[-1] & 32:
        return None
    last = np.flatnonzero(codes & 32 == 0)
    first = np.concatenate([[0], last[:-1] + 1])
    length = last - first + 1
    if length.max() > 7:  # 35 bits: no picture has longer runs
        return None
    place = np.arange(len(codes)) - np.repeat(first, length)
    numbers = np.add.reduceat((codes & 31) << (5 * place), first)
    numbers -= np.where(codes[last] & 16, np.int64(1) << (5 * length), 0)
    for start in (1, 2):
        numbers[start::2] = np.cumsum(numbers[start::2])
    return numbers


def _decode_polygons(polygons: list[list[float]], size: tuple[int, int], path: Path | str, where: str) -> np.ndarray:
    height, width = size
    if any(len(polygon) % 2 for polygon in polygons):
        raise fault(path, f"has a polygon with half a corner in {where}", "x and y for each corner")
    solid: Any = [
        polygon for polygon in polygons if len(polygon) >= 6
    ]  # points and lines, which COCO has, cover nothing
    if not solid:
        return np.zeros(size, bool)
    limit = _FARTHEST * max(size)
    if not all(-limit <= number <= limit for polygon in solid for number in polygon):
        raise fault(path, f"has a polygon far outside its picture in {where}", f"corners within {width} x {height}")
    return coco.decode(coco.merge(coco.frPyObjects(solid, height, width))).astype(bool)
