"""Bottles, mugs, lamps and mushrooms: what is turned on a lathe, with what sticks out of it."""

from __future__ import annotations

import numpy as np

from backend.synthetic import solids
from backend.synthetic.composition import Composition, Part, rotation
from backend.synthetic.textures import Random, any_paint, colour, near, plain, spotted, wooden


def bottle(random: Random) -> Composition:
    """Body, shoulder, neck, cap and label, round or square."""
    radius, height = random.uniform(0.18, 0.4), random.uniform(0.6, 1.1)
    neck, neck_height = radius * random.uniform(0.25, 0.55), random.uniform(0.15, 0.45)
    shoulder = random.uniform(0.08, 0.4)
    glass = colour(random)
    body = any_paint(random, glass)
    if random.random() < 0.3:
        side = [radius, height / 2, radius * random.uniform(0.5, 1)]
        trunk = Part("body", lambda p: solids.box(p, side, radius * 0.2), body, (0, height / 2, 0))
    else:
        waist = radius * random.uniform(0.75, 1.05)
        outline = [(0, 0), (radius, 0), (radius, height * 0.3), (waist, height * 0.6), (radius, height), (0, height)]
        trunk = Part("body", lambda p: solids.lathe(p, outline) - 0.02, body)
    top = height + shoulder
    slope = [(0, height - 0.05), (radius * 0.92, height - 0.05), (neck, top), (0, top)]
    throat = [(0, top - 0.05), (neck, top - 0.05), (neck * 0.95, top + neck_height), (0, top + neck_height)]
    lid, lid_height = neck * random.uniform(1.05, 1.4), random.uniform(0.06, 0.16)
    cap = [(0, 0), (lid, 0), (lid, lid_height), (0, lid_height)]
    band, low = radius * 1.03 + 0.02, height * random.uniform(0.1, 0.35)
    label = [(0, low), (band, low), (band, low + height * 0.4), (0, low + height * 0.4)]
    return Composition(
        "bottle",
        (
            trunk,
            Part("shoulder", lambda p: solids.lathe(p, slope) - 0.01, body, blend=0.08),
            Part("neck", lambda p: solids.lathe(p, throat), body, blend=0.06),
            Part("cap", lambda p: solids.lathe(p, cap) - 0.01, any_paint(random), (0, top + neck_height - 0.02, 0)),
            Part("label", lambda p: solids.lathe(p, label), any_paint(random)),
        ),
    )


def mug(random: Random) -> Composition:
    """Body with a foot, hollow, what is in it, a handle; sometimes on a saucer."""
    radius, height, wall = random.uniform(0.35, 0.55), random.uniform(0.5, 1.0), random.uniform(0.04, 0.07)
    mouth = radius * random.uniform(0.9, 1.3)
    outer = [(0, 0), (radius, 0), (mouth, height), (0, height)]
    hollow = [(0, wall * 1.5), (radius - wall, wall * 1.5), (mouth - wall, height + 0.1), (0, height + 0.1)]
    level = height * random.uniform(0.5, 0.85)
    wide = radius + (mouth - radius) * level / height
    drink = [(0, wall), (wide - wall * 0.9, wall), (wide - wall * 0.9, level), (0, level)]
    glaze = any_paint(random)
    ring, thick = height * random.uniform(0.26, 0.36), random.uniform(0.045, 0.08)
    reach = (radius + mouth) / 2 + ring * 0.45
    side = random.uniform(0, 360)
    turn = rotation("y", side) @ rotation("x", 90)
    out = rotation("y", side) @ np.array([reach, height * 0.5, 0], np.float32)
    parts = [
        Part("body", lambda p: solids.lathe(p, outer) - 0.015, glaze),
        Part("handle", lambda p: solids.torus(p, ring, thick), glaze, _place(out), turn, 0.04),
        Part("foot", lambda p: solids.torus(p, radius * 0.8, 0.05), glaze, (0, 0.01, 0), blend=0.02),
        Part("inside", lambda p: solids.lathe(p, hollow), plain(random, colour(random, (0, 0.3), (0.6, 1))), cut=True),
        Part("drink", lambda p: solids.lathe(p, drink), plain(random, colour(random, (0.3, 0.9), (0.15, 0.8)))),
    ]
    if random.random() < 0.35:
        width = radius * random.uniform(1.7, 2.3)
        dish = [(0, -0.04), (width * 0.5, -0.05), (width, 0.06), (width, 0.1), (width * 0.5, 0.0), (0, 0.0)]
        parts.append(Part("saucer", lambda p: solids.lathe(p, dish), any_paint(random)))
    return Composition("mug", tuple(parts))


def lamp(random: Random) -> Composition:
    """Base, stem with a joint, shade and bulb."""
    height, base = random.uniform(0.7, 1.3), random.uniform(0.22, 0.4)
    metal = plain(random, colour(random, (0, 0.4)))
    top, wide, drop = random.uniform(0.1, 0.25), random.uniform(0.3, 0.5), random.uniform(0.25, 0.5)
    inner = 0.03
    shade = [(top, 0), (wide, -drop), (wide - inner, -drop), (top - inner, 0)]
    foot = [(0, 0), (base, 0), (base * 0.9, 0.06), (0.06, 0.1), (0, 0.1)]
    lean = random.uniform(-0.15, 0.15)
    return Composition(
        "lamp",
        (
            Part("base", lambda p: solids.lathe(p, foot) - 0.01, metal),
            Part(
                "stem", lambda p: solids.capsule(p, (0, 0.05, 0), (lean, height, 0), (0.035, 0.03)), metal, blend=0.05
            ),
            Part("joint", lambda p: solids.superquadric(p, (0.07,) * 3), metal, (lean / 2, height / 2, 0), blend=0.02),
            Part("shade", lambda p: solids.lathe(p, shade) - 0.015, any_paint(random), (lean, height + drop * 0.4, 0)),
            Part(
                "bulb",
                lambda p: solids.superquadric(p, (0.09, 0.12, 0.09)),
                plain(random, np.array([0.98, 0.95, 0.8], np.float32)),
                (lean, height - 0.02, 0),
            ),
        ),
    )


def mushroom(random: Random) -> Composition:
    """Stem, ring, cap and gills, with earth at the foot."""
    height, thick = random.uniform(0.4, 0.9), random.uniform(0.1, 0.2)
    wide, tall = random.uniform(0.35, 0.65), random.uniform(0.2, 0.45)
    cap = colour(random, (0.4, 0.95), (0.4, 0.95))
    pale = near(random, np.array([0.9, 0.86, 0.75], np.float32), 0.05)
    skin = spotted(random, cap) if random.random() < 0.6 else any_paint(random, cap)
    bend = random.uniform(-0.12, 0.12)
    gills = [(0, -0.05), (wide * 0.92, -0.02), (wide * 0.9, 0.03), (0, 0.03)]
    return Composition(
        "mushroom",
        (
            Part(
                "stem",
                lambda p: solids.capsule(p, (0, 0, 0), (bend, height, 0), (thick, thick * 0.75)),
                plain(random, pale),
            ),
            Part("cap", lambda p: _half_ellipsoid(p, wide, tall), skin, (bend, height, 0), blend=0.03),
            Part("gills", lambda p: solids.lathe(p, gills), plain(random, pale * 0.8), (bend, height, 0), blend=0.02),
            Part(
                "ring",
                lambda p: solids.torus(p, thick * 1.05, 0.035),
                plain(random, pale),
                (bend * 0.6, height * 0.6, 0),
                blend=0.03,
            ),
            Part(
                "foot", lambda p: solids.superquadric(p, (thick * 1.9, 0.08, thick * 1.7)), wooden(random), blend=0.05
            ),
        ),
    )


def _half_ellipsoid(points: solids.Points, wide: float, tall: float) -> solids.Points:
    """The upper half of an ellipsoid."""
    return solids.superquadric(points, (wide, tall, wide)).maximum(-points[:, 1])


def _place(point: np.ndarray) -> tuple[float, float, float]:
    return float(point[0]), float(point[1]), float(point[2])
