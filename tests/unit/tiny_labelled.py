"""A model of labelled fields that needs no training: each part of a label map is a ball, drawn by exact rays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import trimesh

from backend.fields.cameras import orbit
from protocol.messages import LabelInfo
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Camera, Mesh

NAMES = ("background", "body", "window", "wheel")
PALETTE = ((255, 255, 255), (204, 0, 0), (76, 153, 0), (51, 51, 255))
LABELS = [LabelInfo(name, colour) for name, colour in zip(NAMES, PALETTE, strict=True)]
FRONT, SIDE = orbit(0, 0, 35), orbit(90, 0, 35)


def two_parts(size: int = 32) -> np.ndarray:
    """uint16 size x size: a body in the middle of the left half, a smaller wheel in that of the right."""
    y, x = np.mgrid[:size, :size] / size
    ids = np.zeros((size, size), np.uint16)
    ids[np.hypot(x - 0.3, y - 0.5) < 0.16] = 1
    ids[np.hypot(x - 0.72, y - 0.5) < 0.1] = 3
    return ids


@dataclass(frozen=True)
class Ball:
    """A part's ball: ``centre`` and ``radius`` in field units."""

    label: int
    centre: np.ndarray
    radius: float


@dataclass(frozen=True)
class View:
    image: np.ndarray
    labels: np.ndarray
    depth: np.ndarray


@dataclass(frozen=True)
class BallField:
    """``colours`` uint8 n x 3, one a label."""

    balls: tuple[Ball, ...]
    colours: np.ndarray
    camera: Camera
    labels: tuple[str, ...] = NAMES
    palette: tuple[tuple[int, int, int], ...] = PALETTE

    @property
    def placement(self) -> dict[str, Any]:
        return {}

    @property
    def nbytes(self) -> int:
        return self.colours.nbytes

    def render(self, cameras: list[Camera], size: int, context: Any) -> list[View]:
        context.check()
        return [self._draw(camera, size) for camera in cameras]

    def _draw(self, camera: Camera, size: int) -> View:
        origin, rays = _rays(camera, size)
        nearest = np.full(rays.shape[:2], np.inf)
        labels = np.zeros(rays.shape[:2], np.uint16)
        for ball in self.balls:
            offset = origin - ball.centre
            across = rays @ offset
            inside = across**2 - (rays**2).sum(-1) * (offset @ offset - ball.radius**2)
            depth = (-across - np.sqrt(np.maximum(inside, 0))) / (rays**2).sum(-1)
            hit = (inside > 0) & (depth < nearest)
            nearest[hit], labels[hit] = depth[hit], ball.label
        image = np.dstack([self.colours[labels], np.where(labels > 0, 255, 0).astype(np.uint8)])
        return View(image, labels, np.where(labels > 0, nearest, 0).astype(np.float32))

    def mesh(self, faces: int, texture_size: int, context: Any) -> Mesh:
        del faces, texture_size, context
        shapes = [trimesh.creation.icosphere(2, ball.radius).apply_translation(ball.centre) for ball in self.balls]
        counts = [len(shape.vertices) for shape in shapes]
        labels = [ball.label for ball in self.balls]
        starts = np.cumsum([0, *counts[:-1]])
        colours = np.repeat(self.colours[labels], counts, axis=0)
        return Mesh(
            np.concatenate([shape.vertices for shape in shapes]).astype(np.float32),
            np.concatenate([s.faces + start for s, start in zip(shapes, starts, strict=True)]).astype(np.int32),
            np.dstack([colours[None], np.full((1, len(colours), 1), 255, np.uint8)])[0],
            face_labels=np.repeat(labels, [len(shape.faces) for shape in shapes]).astype(np.uint16),
        )


class Balls:
    """A part's ball stands on the plane through the origin that faces the camera; the seed chooses the colours."""

    labels = NAMES

    def synthesize(
        self, label_map: np.ndarray, camera: Camera | None, seed: int, truncation: float, context: Any
    ) -> BallField:
        del truncation
        context.check()
        if label_map.max() >= len(NAMES):
            raise ProblemError(ErrorCode.BAD_INPUT, f"There is no label {label_map.max()}.", "Use those there are.")
        camera = camera or FRONT
        return BallField(_balls(label_map, camera), _colours(seed), camera)

    def edit(
        self, field: BallField, label_map: np.ndarray, camera: Camera, keep_style: bool, seed: int, context: Any
    ) -> BallField:
        made = self.synthesize(label_map, camera, seed, 1.0, context)
        return replace(made, colours=field.colours) if keep_style else made

    def likely_camera(self, painted: np.ndarray, context: Any) -> Camera:
        del painted, context
        return SIDE

    def agree(self, field: BallField, quality: str, context: Any, stage: str, share: tuple[float, float]) -> BallField:
        context.stage(stage, 2, quality, share)
        for done in (1, 2):
            context.step(done)
        return field

    def mix(self, first: BallField, second: BallField, shape: float, style: float, context: Any) -> BallField:
        context.check()
        balls = [
            Ball(a.label, a.centre + shape * (b.centre - a.centre), a.radius + shape * (b.radius - a.radius))
            for a, b in zip(first.balls, second.balls, strict=True)
        ]
        colours = first.colours + style * (second.colours.astype(float) - first.colours)
        return replace(first, balls=tuple(balls), colours=np.rint(colours).astype(np.uint8))


def _rays(camera: Camera, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The camera's place and, for each pixel, the way (not of length 1) that one unit of depth takes."""
    across = (np.arange(size) + 0.5) / size
    u, v = np.meshgrid(across, across)
    local = np.stack([u, v, np.ones_like(u)], axis=-1) @ np.linalg.inv(camera.intrinsics.astype(np.float64)).T
    pose = camera.cam2world.astype(np.float64)
    return pose[:3, 3], (local * (1, -1, -1)) @ pose[:3, :3].T


def _balls(label_map: np.ndarray, camera: Camera) -> tuple[Ball, ...]:
    size = len(label_map)
    origin, rays = _rays(camera, size)
    distance = np.linalg.norm(origin)
    balls = []
    for label in np.unique(label_map[label_map > 0]):
        where = label_map == label
        centre = origin + distance * rays[where].mean(axis=0)
        wide = np.sqrt(where.mean() / np.pi) * distance / float(camera.intrinsics[0, 0])
        balls.append(Ball(int(label), centre, float(wide)))
    return tuple(balls)


def _colours(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (len(NAMES), 3)).astype(np.uint8)
