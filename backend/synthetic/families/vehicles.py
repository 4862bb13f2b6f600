"""Cars, trucks and trains of the kind that toys have."""

from __future__ import annotations

import numpy as np

from backend.synthetic import solids
from backend.synthetic.composition import Composition, Part, rotation
from backend.synthetic.textures import Paint, Random, any_paint, colour, plain

_RUBBER = np.array([0.09, 0.09, 0.1], np.float32)
_GLASS = np.array([0.25, 0.33, 0.4], np.float32)


def _wheels(random: Random, half_x: float, places: list[float], radius: float) -> list[Part]:
    """Wheels with hubs, across the car's length (which runs along Z)."""
    wide = radius * random.uniform(0.3, 0.45)
    tyre = [
        (0, -wide),
        (radius * 0.9, -wide),
        (radius, -wide * 0.6),
        (radius, wide * 0.6),
        (radius * 0.9, wide),
        (0, wide),
    ]
    hub = [(0, -wide * 1.15), (radius * 0.5, -wide * 1.15), (radius * 0.5, wide * 1.15), (0, wide * 1.15)]
    rubber, metal = plain(random, _RUBBER), plain(random, colour(random, (0, 0.2), (0.5, 0.9)))
    turn = rotation("z", 90)
    parts = []
    for z in places:
        for x in (-half_x, half_x):
            parts.append(Part("wheel", lambda p: solids.lathe(p, tyre), rubber, (x, radius, z), turn))
            parts.append(Part("hub", lambda p: solids.lathe(p, hub), metal, (x, radius, z), turn))
    return parts


def car(random: Random) -> Composition:
    """Body, cabin, windows, bumpers, lamps, wheels."""
    length, half_x = random.uniform(0.75, 1.05), random.uniform(0.3, 0.4)
    radius, low = random.uniform(0.15, 0.22), random.uniform(0.14, 0.2)
    tall, cabin = random.uniform(0.13, 0.2), random.uniform(0.17, 0.3)
    paint = any_paint(random) if random.random() < 0.3 else plain(random, colour(random, (0.1, 0.95), (0.3, 0.95)))
    middle, square = random.uniform(-0.25, 0.1) * length, random.uniform(0.25, 0.6)
    reach = length * random.uniform(0.42, 0.62)
    body, roof = (half_x, tall, length), (half_x * 0.86, cabin, reach)
    bonnet = low + tall
    glass = plain(random, _GLASS * random.uniform(0.6, 1.4))
    lights = plain(random, np.array([0.98, 0.93, 0.7], np.float32))
    parts = [
        Part("body", lambda p: solids.superquadric(p, body, square, 0.3), paint, (0, bonnet, 0)),
        Part(
            "cabin",
            lambda p: solids.superquadric(p, roof, 0.5, 0.45),
            paint,
            (0, bonnet + tall * 0.85, middle),
            blend=0.05,
        ),
        Part(
            "window",
            lambda p: solids.superquadric(p, (half_x * 0.9, cabin * 0.62, reach * 0.8), 0.45, 0.4),
            glass,
            (0, bonnet + tall * 0.95 + cabin * 0.22, middle),
        ),
        Part(
            "window",
            lambda p: solids.superquadric(p, (half_x * 0.7, cabin * 0.62, reach * 1.04), 0.45, 0.4),
            glass,
            (0, bonnet + tall * 0.95 + cabin * 0.18, middle),
        ),
        Part(
            "bumper",
            lambda p: solids.box(p, (half_x * 0.9, 0.04, length * 1.02), 0.03),
            plain(random, colour(random, (0, 0.2))),
            (0, low + 0.04, 0),
        ),
        *_wheels(random, half_x * 0.95, [-length * 0.58, length * 0.58], radius),
    ]
    for x in (-half_x * 0.62, half_x * 0.62):
        parts.append(
            Part(
                "lamp", lambda p: solids.superquadric(p, (0.06, 0.05, 0.04)), lights, (x, bonnet + 0.03, length * 0.95)
            )
        )
    return Composition("car", tuple(parts))


def truck(random: Random) -> Composition:
    """Cab, window, bed or box, chassis, grille, wheels."""
    length, half_x, radius = random.uniform(0.9, 1.2), random.uniform(0.3, 0.4), random.uniform(0.16, 0.22)
    floor, tall = radius * 1.3, random.uniform(0.4, 0.6)
    nose = length * random.uniform(0.25, 0.35)
    paint, cargo = plain(random, colour(random, (0.2, 0.95), (0.3, 0.95))), any_paint(random)
    load = random.uniform(0.12, 0.55)
    glass = plain(random, _GLASS)
    front, back = length - nose, -nose * 0.85
    parts = [
        Part(
            "chassis",
            lambda p: solids.box(p, (half_x * 0.8, 0.06, length), 0.02),
            plain(random, _RUBBER * 2),
            (0, floor, 0),
        ),
        Part("cab", lambda p: solids.box(p, (half_x, tall / 2, nose), 0.06), paint, (0, floor + tall / 2, front)),
        Part(
            "window",
            lambda p: solids.box(p, (half_x * 1.02, tall * 0.16, nose * 0.6), 0.01),
            glass,
            (0, floor + tall * 0.7, front + nose * 0.1),
        ),
        Part(
            "window",
            lambda p: solids.box(p, (half_x * 0.85, tall * 0.17, nose * 1.02), 0.01),
            glass,
            (0, floor + tall * 0.7, front),
        ),
        Part(
            "box",
            lambda p: solids.box(p, (half_x * 1.02, load, length - nose), 0.02),
            cargo,
            (0, floor + 0.06 + load, back),
        ),
        Part(
            "grille",
            lambda p: solids.box(p, (half_x * 0.6, tall * 0.12, nose * 1.04), 0.01),
            plain(random, colour(random, (0, 0.15))),
            (0, floor + tall * 0.25, front),
        ),
        *_wheels(random, half_x * 0.92, [-length * 0.72, -length * 0.34, length * 0.66], radius),
    ]
    return Composition("truck", tuple(parts))


def engine(random: Random) -> Composition:
    """A steam engine: boiler, dome, chimney, cab, roof, buffer, wheels."""
    length, radius, wheel = random.uniform(0.7, 0.95), random.uniform(0.22, 0.3), random.uniform(0.13, 0.19)
    axle = wheel * 1.5 + radius
    paint: Paint = plain(random, colour(random, (0.2, 0.95), (0.25, 0.9)))
    dark = plain(random, _RUBBER * 1.6)
    chimney = [(0, 0), (0.07, 0), (0.06, 0.22), (0.1, random.uniform(0.3, 0.42)), (0, 0.4)]
    brass = plain(random, np.array([0.75, 0.58, 0.2], np.float32))
    tall = radius * random.uniform(1.5, 1.9)
    parts = [
        Part(
            "boiler",
            lambda p: solids.capsule(p, (0, 0, -length * 0.4), (0, 0, length * 0.75), (radius, radius)),
            paint,
            (0, axle, 0),
        ),
        Part(
            "cab",
            lambda p: solids.box(p, (radius * 1.15, tall, length * 0.3), 0.03),
            any_paint(random),
            (0, axle + tall * 0.4, -length * 0.65),
        ),
        Part(
            "roof",
            lambda p: solids.box(p, (radius * 1.35, 0.04, length * 0.38), 0.03),
            dark,
            (0, axle + tall * 1.42, -length * 0.65),
        ),
        Part(
            "chimney",
            lambda p: solids.lathe(p, chimney) - 0.01,
            dark,
            (0, axle + radius * 0.85, length * 0.62),
            blend=0.03,
        ),
        Part(
            "dome",
            lambda p: solids.superquadric(p, (0.1, 0.13, 0.1)),
            brass,
            (0, axle + radius, length * 0.1),
            blend=0.03,
        ),
        Part(
            "buffer",
            lambda p: solids.box(p, (radius * 1.1, 0.05, 0.05), 0.02),
            plain(random, np.array([0.7, 0.1, 0.1], np.float32)),
            (0, wheel * 1.3, length * 0.98),
        ),
        Part("chassis", lambda p: solids.box(p, (radius * 0.8, 0.06, length * 0.95), 0.02), dark, (0, wheel * 1.3, 0)),
        *_wheels(random, radius * 0.95, [-length * 0.6, -length * 0.05, length * 0.5], wheel),
    ]
    return Composition("engine", tuple(parts))
