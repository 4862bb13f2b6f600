"""From placed objects, light and camera to a scene with all that is known about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from backend.synthetic.families import PART_NAMES
from backend.synthetic.lighting import Light, ShadowMap, shaded
from backend.synthetic.placing import Placed
from backend.synthetic.raster import Hits, rasterise
from backend.synthetic.scene import Instance, Scene
from backend.synthetic.surroundings import Surroundings, directions_of
from protocol.values import Camera

FINER = 2  # samples a pixel and side; edges are their average


@dataclass(frozen=True)
class World:
    """All objects in one set of arrays, in world space."""

    things: tuple[Placed, ...]
    vertices: torch.Tensor
    normals: torch.Tensor
    colours: torch.Tensor
    faces: torch.Tensor
    layers: torch.Tensor
    face_parts: torch.Tensor  # indices into PART_NAMES


@dataclass(frozen=True)
class Seen:
    """The objects through a camera, one layer each, FINER times finer than the picture (L x h x w x …); colours are
    sRGB, 0 to 1: ``alone`` without, ``lit`` with the shadows of the others. On the CPU, wherever it was made."""

    hits: Hits
    alone: torch.Tensor
    lit: torch.Tensor
    normals: torch.Tensor  # in the camera's frame
    parts: torch.Tensor


def gather(things: list[Placed], device: str = "cpu") -> World:
    """The objects as one world on ``device``."""
    vertices, normals, colours, faces, layers, parts = [], [], [], [], [], []
    first = 0
    for layer, thing in enumerate(things):
        vertices.append(thing.vertices)
        normals.append(thing.mesh.normals @ thing.turn.T)
        colours.append(thing.mesh.colours)
        faces.append(thing.mesh.faces + first)
        layers.append(np.full(len(thing.mesh.faces), layer))
        ids = [PART_NAMES.index(f"{thing.category}.{name}") for name in thing.mesh.part_names]
        parts.append(np.array(ids)[thing.mesh.face_parts])
        first += len(thing.mesh.vertices)

    def whole(arrays: list[np.ndarray]) -> torch.Tensor:
        return torch.from_numpy(np.concatenate(arrays)).to(device)

    return World(tuple(things), *(whole(each) for each in (vertices, normals, colours, faces, layers, parts)))


def see(world: World, light: Light, shadows: ShadowMap, camera: Camera, size: tuple[int, int]) -> Seen:
    """The objects through ``camera`` for a picture of ``size`` (height, width)."""
    height, width = size[0] * FINER, size[1] * FINER
    device = world.vertices.device
    pose = torch.from_numpy(camera.cam2world).to(device)
    eye, axes = pose[:3, 3], pose[:3, :3]
    local = (world.vertices - eye) @ axes
    depth = -local[:, 2]
    flat = torch.stack([local[:, 0], -local[:, 1], depth], dim=-1) @ torch.from_numpy(camera.intrinsics).to(device).T
    pixels = flat[:, :2] / depth[:, None] * torch.tensor([width, height], device=device)
    count = len(world.things)
    hits = rasterise(pixels, depth, world.faces, world.layers, (count, height, width))
    alone = torch.zeros(count, height, width, 3, device=device)
    lit, normals = torch.zeros_like(alone), torch.zeros_like(alone)
    corners = world.faces
    for layer, thing in enumerate(world.things):
        at = hits.face[layer] >= 0
        face, weights = hits.face[layer][at], hits.weights[layer][at][..., None]

        def on(values: torch.Tensor, face: torch.Tensor = face, weights: torch.Tensor = weights) -> torch.Tensor:
            return (weights * values[corners[face]]).sum(dim=1)

        place = on(world.vertices)
        to_eye = torch.nn.functional.normalize(eye - place, dim=-1)
        across = torch.nn.functional.normalize(on(world.normals), dim=-1)
        # Open surfaces are seen from behind too.
        across = torch.where((across * to_eye).sum(dim=-1, keepdim=True) < -0.3, -across, across)
        albedo = on(world.colours)
        for target, only_self in ((alone, True), (lit, False)):
            reached = shadows.shade(place, layer, only_self)
            target[layer][at] = shaded(light, albedo, across, to_eye, reached, thing.gloss)
        normals[layer][at] = across @ axes
    parts = torch.where(hits.face >= 0, world.face_parts[hits.face.clamp(min=0)], 0)
    seen = Hits(hits.face.cpu(), hits.depth.cpu(), hits.weights.cpu())
    return Seen(seen, alone.cpu(), lit.cpu(), normals.cpu(), parts.cpu())


def background(
    surroundings: Surroundings, light: Light, shadows: ShadowMap | None, camera: Camera, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """What is behind the objects: float32 H x W x 3 without and with their shadows."""
    height, width = size
    if isinstance(surroundings.backdrop, np.ndarray):
        y = np.arange(height) * surroundings.backdrop.shape[0] // height
        x = np.arange(width) * surroundings.backdrop.shape[1] // width
        picture = surroundings.backdrop[y[:, None], x]
        return picture, picture
    directions = directions_of(camera, size).reshape(-1, 3)
    eye = camera.cam2world[:3, 3]
    with np.errstate(divide="ignore"):
        away = -eye[1] / np.minimum(directions[:, 1], -1e-9)
    hit = (directions[:, 1] < 0) & (away < surroundings.far)
    bare, shady = np.zeros((2, len(directions), 3), np.float32)
    bare[~hit] = surroundings.backdrop(directions[~hit])
    shady[~hit] = bare[~hit]
    if hit.any():
        place = (eye + directions[hit] * away[hit, None]).astype(np.float32)
        flat = np.stack([place[:, 0], place[:, 2], np.zeros(len(place), np.float32)], axis=-1)
        albedo, points = torch.from_numpy(surroundings.ground(flat).astype(np.float32)), torch.from_numpy(place)
        up = torch.tensor([[0.0, 1.0, 0.0]]).expand(len(points), 3)
        to_eye = torch.from_numpy(-directions[hit])
        for target, reached in ((bare, None), (shady, shadows)):
            sun = torch.ones(len(points)) if reached is None else reached.shade(points, -1, False).cpu()
            target[hit] = shaded(light, albedo, up, to_eye, sun, 0.0).numpy()
    return bare.reshape(height, width, 3), shady.reshape(height, width, 3)


def compose(seed: int, world: World, seen: Seen, behind: tuple[np.ndarray, np.ndarray], camera: Camera) -> Scene:
    """The scene: objects painted over what is behind them, farthest first at each pixel."""
    covered = (seen.hits.face >= 0).float()
    alpha = _pooled(covered[..., None])[..., 0]
    depth = _nearest(seen.hits.depth)
    alone, lit = (
        _pooled(each * covered[..., None]) / alpha.clamp(min=1e-6)[..., None] for each in (seen.alone, seen.lit)
    )
    normals = torch.nn.functional.normalize(_pooled(seen.normals), dim=-1)
    amodal = alpha >= 0.5
    order = depth.argsort(dim=0, stable=True)  # nearest first
    picture = torch.from_numpy(behind[1])
    for rank in range(len(order) - 1, -1, -1):
        layer = order[rank][None]
        share = alpha.gather(0, layer)[0][..., None]
        colour = lit.gather(0, layer[..., None].expand(-1, -1, -1, 3))[0]
        picture = picture * (1 - share) + colour * share
    # What is visible of an object: where no other one that covers the pixel is nearer.
    solid_depth = torch.where(amodal, depth, torch.inf)
    top = torch.where(amodal.any(dim=0), solid_depth.argmin(dim=0), -1)
    rgba = torch.cat([alone, alpha[..., None]], dim=-1) * (alpha > 0)[..., None]
    whole = _bytes(rgba.numpy())
    # Samples of the nearest face stand for parts, as these cannot be averaged.
    parts = _at_nearest(seen.parts, seen.hits.depth)
    instances = [
        Instance(
            id=thing.id,
            category=thing.category,
            model=thing.model,
            modal=(top == layer).numpy(),
            amodal=amodal[layer].numpy(),
            whole=whole[layer],
            depth=solid_depth[layer].numpy(),
        )
        for layer, thing in enumerate(world.things)
        if bool(amodal[layer].any())
    ]
    pick = top.clamp(min=0)[None]
    inside = top >= 0
    ids = torch.tensor([thing.id for thing in world.things])
    return Scene(
        seed=seed,
        image=_bytes(picture.numpy()),
        background=_bytes(behind[0]),
        instances=tuple(sorted(instances, key=lambda each: float(np.median(each.depth[each.amodal])))),
        panoptic=torch.where(inside, ids[top.clamp(min=0)], 0).numpy().astype(np.uint16),
        parts=torch.where(inside, parts.gather(0, pick)[0], 0).numpy().astype(np.uint16),
        part_names=PART_NAMES,
        depth=torch.where(inside, depth.gather(0, pick)[0], torch.inf).numpy(),
        normals=(normals.gather(0, pick[..., None].expand(-1, -1, -1, 3))[0] * inside[..., None]).numpy(),
        camera=camera,
    )


def _blocks(values: torch.Tensor) -> torch.Tensor:
    """L x h x w x … as L x H x W x FINER² x …"""
    layers, height, width = values.shape[:3]
    rest = values.shape[3:]
    split = values.view(layers, height // FINER, FINER, width // FINER, FINER, *rest).transpose(2, 3)
    return split.reshape(layers, height // FINER, width // FINER, FINER * FINER, *rest)


def _pooled(values: torch.Tensor) -> torch.Tensor:
    return _blocks(values).mean(dim=3)


def _nearest(depth: torch.Tensor) -> torch.Tensor:
    return _blocks(depth).amin(dim=3)


def _at_nearest(values: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
    return _blocks(values).gather(3, _blocks(depth).argmin(dim=3, keepdim=True))[..., 0]


def _bytes(values: np.ndarray) -> np.ndarray:
    return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)
