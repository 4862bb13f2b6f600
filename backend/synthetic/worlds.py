"""Scenes, videos and views of single objects, each from its seed alone.

``objects`` says what they show: "procedural" (needs nothing), "furniture" (Debian's sweethome3d-furniture) or "mixed".
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch

from backend.synthetic import families, furniture
from backend.synthetic.lighting import Light, ShadowMap, random_light
from backend.synthetic.placing import Placed, camera_at, look, place_all
from backend.synthetic.render import background, compose, gather, see
from backend.synthetic.scene import Scene, Video, Views
from backend.synthetic.solid_mesh import SolidMesh
from backend.synthetic.splits import split_of
from backend.synthetic.surroundings import Surroundings, random_surroundings
from backend.synthetic.textures import Random
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Camera, Mesh

BLOCK = 64  # scenes in a row whose objects are members of one company, so that meshes serve several of them
COMPANY = 40
OBJECTS = ("procedural", "furniture", "mixed")
REAL_SHARE = 0.5  # of furniture in mixed companies
Objects = Literal["procedural", "furniture", "mixed"]
_RESOLUTION = 72
_GROWN = {"mushroom": 0.6, "mug": 0.55, "bottle": 0.7, "bird": 0.6, "car": 1.1, "truck": 1.2, "engine": 1.2}


@dataclass(frozen=True, eq=False)
class Solid:
    """One object in the cube of side 1 around 0: ``distance`` maps points (float32 N x 3) to signed distances (float32
    N, negative inside)."""

    category: str
    model: str
    mesh: SolidMesh
    distance: Callable[[np.ndarray], np.ndarray]


def make_scene(seed: int, size: int = 128, objects: Objects = "procedural", device: str = "cpu") -> Scene:
    """A scene of 2 to 8 objects in ``size`` x ``size`` pixels."""
    random = np.random.default_rng([seed, 0])
    # More often a few than many.
    count = 2 + int(7 * random.random() ** 1.6)
    things = place_all(random, _things(random, seed, count, objects))
    camera = look(random, things)
    reach = _reach(things)
    light, surroundings = random_light(random), random_surroundings(random, reach)
    return _scene(seed, things, camera, light, surroundings, (size, size), device)


def make_video(
    seed: int, frames: int = 12, size: int = 128, objects: Objects = "procedural", device: str = "cpu"
) -> Video:
    """A scene whose objects walk and turn while the camera goes around them."""
    random = np.random.default_rng([seed, 1])
    things = place_all(random, _things(random, seed, int(random.integers(2, 6)), objects))
    reach = _reach(things)
    light, surroundings = random_light(random), random_surroundings(random, reach)
    aim = np.array([0, 0.35, 0]) + random.normal(0, 0.05, 3)
    field = math.radians(random.uniform(30, 50))
    away = reach / math.sin(field / 2) / random.uniform(0.7, 1.0)
    start, turn = random.uniform(0, 360), random.uniform(-35, 35)
    high, rise = random.uniform(8, 35), random.uniform(-6, 6)
    # Walking speeds cross the group once in the video, standing still being as likely as not.
    ways = [random.normal(0, 0.5, 2) * random.integers(0, 2) for _ in things]
    spins = [random.uniform(-60, 60) * random.integers(0, 2) for _ in things]
    made = []
    for number in range(frames):
        share = number / max(1, frames - 1) - 0.5
        moved = [
            replace(
                thing, at=(thing.at[0] + way[0] * share, thing.at[1] + way[1] * share), yaw=thing.yaw + spin * share
            )
            for thing, way, spin in zip(things, ways, spins, strict=True)
        ]
        camera = camera_at(aim, start + turn * share, high + rise * share, away, field)
        made.append(_scene(seed, moved, camera, light, surroundings, (size, size), device))
    return Video(seed, tuple(made))


def make_views(
    seed: int, cameras: int = 8, size: int = 128, objects: Objects = "procedural", device: str = "cpu"
) -> Views:
    """One object in the cube of side 1 around 0, facing +Z, from all around: cameras spread evenly in azimuth at
    changing heights, no ground."""
    random = np.random.default_rng([seed, 2])
    thing = _single(seed, objects)
    light = random_light(random)
    first, middle = random.uniform(0, 360), np.array([0, thing.height / 2, 0])
    field = math.radians(30)
    away = 0.5 * math.sqrt(3) / math.sin(field / 2)
    poses = [
        camera_at(middle, first + 360 * number / cameras, random.uniform(-5, 40), away, field)
        for number in range(cameras)
    ]
    world = gather([thing], device)
    shadows = ShadowMap(light, world.vertices, world.faces, world.layers, 1)
    empty = np.zeros((size, size, 3), np.float32)
    scenes = [
        compose(seed, world, see(world, light, shadows, pose, (size, size)), (empty, empty), pose) for pose in poses
    ]
    down = np.zeros((4, 4), np.float32)
    down[:3, 3] = middle
    return Views(
        seed=seed,
        category=thing.category,
        model=thing.model,
        images=np.stack([scene.instances[0].whole for scene in scenes]),
        parts=np.stack([scene.parts for scene in scenes]),
        part_names=families.PART_NAMES,
        depth=np.stack([scene.depth for scene in scenes]),
        normals=np.stack([scene.normals for scene in scenes]),
        cameras=tuple(Camera(pose.cam2world - down, pose.intrinsics) for pose in poses),
        mesh=_wire_mesh(thing.mesh, middle),
    )


def _wire_mesh(mesh: SolidMesh, middle: np.ndarray) -> Mesh:
    """``mesh`` with ``middle`` moved to 0, as it travels and is stored."""
    colours = np.full((len(mesh.vertices), 4), 255, np.uint8)
    colours[:, :3] = mesh.colours * 255 + 0.5
    return Mesh((mesh.vertices - middle).astype(np.float32), mesh.faces.astype(np.int32), colours)


def make_solid(seed: int) -> Solid:
    """The procedural object of `make_views` for the same seed: its mesh and its signed distance field."""
    thing = _single(seed, "procedural")
    composition = families.compose(thing.category, int(thing.model.rpartition("/")[2]))
    foot, scale = composition.mesh(_RESOLUTION).foot_and_size
    middle = np.array([0, thing.height / 2, 0])

    def distance(points: np.ndarray) -> np.ndarray:
        own = torch.from_numpy(((points + middle) * scale + foot).astype(np.float32))
        return composition.distances(own)[0].numpy() / np.float32(scale)

    mesh = replace(thing.mesh, vertices=(thing.mesh.vertices - middle).astype(np.float32))
    return Solid(thing.category, thing.model, mesh, distance)


def _single(seed: int, objects: Objects) -> Placed:
    return replace(_things(np.random.default_rng([seed, 4]), seed, 1, objects)[0], yaw=0.0, scale=1.0)


def _scene(
    seed: int,
    things: list[Placed],
    camera: Camera,
    light: Light,
    surroundings: Surroundings,
    size: tuple[int, int],
    device: str,
) -> Scene:
    world = gather(things, device)
    shadows = ShadowMap(light, world.vertices, world.faces, world.layers, len(things))
    behind = background(surroundings, light, shadows, camera, size)
    return compose(seed, world, see(world, light, shadows, camera, size), behind, camera)


def _reach(things: list[Placed]) -> float:
    points = np.concatenate([thing.vertices for thing in things])
    return float(np.linalg.norm(points - points.mean(axis=0), axis=1).max())


def _things(random: Random, seed: int, count: int, objects: Objects) -> list[Placed]:
    """Members of the company of the seed's block. Blocks lie within splits, so no object is in two of these."""
    company = _company(seed // BLOCK, split_of(seed), objects)
    found = []
    for number, pick in enumerate(random.choice(len(company), count, replace=False), start=1):
        family, member = company[pick]
        found.append(
            Placed(
                id=number,
                category=family,
                model=f"{family}/{member}",
                mesh=member_mesh(family, member, seed // BLOCK),
                yaw=random.uniform(0, 360),
                scale=_GROWN.get(family, 1.0) * random.uniform(0.75, 1.3),
                gloss=random.uniform(0, 1) ** 2,
            )
        )
    return found


@functools.lru_cache(maxsize=8)
def _company(block: int, split: str, objects: Objects) -> list[tuple[str, str]]:
    """Family and member of COMPANY different objects."""
    if objects not in OBJECTS:
        raise ProblemError(
            ErrorCode.BAD_PARAMETER, f"There are no objects “{objects}”.", f"Allowed: {', '.join(OBJECTS)}."
        )
    random = np.random.default_rng([block, 3])
    names = list(families.FAMILIES)
    real = furniture.usable(split) if objects != "procedural" else ()
    chosen: dict[tuple[str, str], None] = {}
    while len(chosen) < COMPANY:
        if real and (objects == "furniture" or random.random() < REAL_SHARE):
            model = real[random.integers(len(real))]
            if furniture.mesh_of(model) is not None:
                chosen["furniture", model.id] = None
        else:
            chosen[names[random.integers(len(names))], str(random.integers(1 << 62))] = None
    return list(chosen)


@functools.lru_cache(maxsize=2 * COMPANY)
def member_mesh(family: str, member: str, paint: int = 0) -> SolidMesh:
    """The mesh of one object, standing on y = 0, its longest side 1: ``member`` of a procedural ``family`` is its seed,
    of "furniture" the model's id, whose plain grey parts (as many have nothing else) are painted by the seed ``paint``.
    """
    if family != "furniture":
        return families.compose(family, int(member)).mesh(_RESOLUTION).standing()
    found = next((model for model in furniture.catalogue() if model.id == member), None)
    mesh = furniture.mesh_of(found) if found is not None else None
    if mesh is None:
        raise ProblemError(
            ErrorCode.NOT_FOUND, f"There is no usable furniture “{member}”.", "Use an id of the catalogue."
        )
    return furniture.repainted(mesh, np.random.default_rng([paint, *member.encode()]))
