"""Things a person can name, put together from solid parts: one function a family, from a random generator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backend.synthetic.composition import Composition
from backend.synthetic.families import creatures, seats, vehicles, vessels

FAMILIES: dict[str, Callable[[np.random.Generator], Composition]] = {
    "bottle": vessels.bottle,
    "mug": vessels.mug,
    "lamp": vessels.lamp,
    "mushroom": vessels.mushroom,
    "chair": seats.chair,
    "table": seats.table,
    "shelf": seats.shelf,
    "car": vehicles.car,
    "truck": vehicles.truck,
    "engine": vehicles.engine,
    "animal": creatures.beast,
    "bird": creatures.bird,
    "figure": creatures.figure,
}

# Names of the parts that a family can have, in the order of their label ids.
PARTS: dict[str, tuple[str, ...]] = {
    "bottle": ("body", "shoulder", "neck", "cap", "label"),
    "mug": ("body", "handle", "foot", "drink", "saucer"),
    "lamp": ("base", "stem", "joint", "shade", "bulb"),
    "mushroom": ("stem", "cap", "gills", "ring", "foot"),
    "chair": ("seat", "leg", "back", "rail", "cushion", "arm", "rung", "apron"),
    "table": ("top", "leg", "pillar", "foot", "collar", "apron", "shelf", "bowl", "drawer"),
    "shelf": ("side", "board", "back", "things"),
    "car": ("body", "cabin", "window", "bumper", "wheel", "hub", "lamp"),
    "truck": ("chassis", "cab", "window", "box", "grille", "wheel", "hub"),
    "engine": ("boiler", "cab", "roof", "chimney", "dome", "buffer", "chassis", "wheel", "hub"),
    "animal": ("body", "neck", "head", "muzzle", "tail", "eye", "leg", "ear"),
    "bird": ("body", "head", "beak", "tail", "eye", "wing", "leg", "foot"),
    "figure": ("trunk", "neck", "head", "hair", "eye", "hat", "leg", "foot", "arm", "hand"),
    "furniture": tuple(f"material {number}" for number in range(1, 13)),
}
PART_NAMES: tuple[str, ...] = (
    "background",
    *(f"{family}.{part}" for family, parts in PARTS.items() for part in parts),
)


def compose(family: str, seed: int) -> Composition:
    """The member of ``family`` that ``seed`` makes."""
    return FAMILIES[family](np.random.default_rng([seed, *family.encode()]))
