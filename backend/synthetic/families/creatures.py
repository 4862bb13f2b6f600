"""Animals and figures: capsules grown into one another."""

from __future__ import annotations

import numpy as np

from backend.synthetic import solids
from backend.synthetic.composition import Composition, Distance, Part
from backend.synthetic.textures import Paint, Random, any_paint, colour, mottled, near, plain, spotted, striped

Place = tuple[float, float, float]


def _limb(start: Place, end: Place, thick: float, thin: float) -> Distance:
    return lambda points: solids.capsule(points, start, end, (thick, thin))


def _ball(half: Place) -> Distance:
    return lambda points: solids.superquadric(points, half)


def _fur(random: Random) -> Paint:
    base = colour(random, (0.05, 0.6), (0.15, 0.9))
    return (plain, mottled, spotted, striped)[random.integers(4)](random, base)


def _eyes(random: Random, middle: Place, apart: float, size: float) -> list[Part]:
    dark = plain(random, np.array([0.05, 0.05, 0.06], np.float32))
    return [
        Part("eye", _ball((size, size, size)), dark, (middle[0] + x, middle[1], middle[2])) for x in (-apart, apart)
    ]


def beast(random: Random) -> Composition:
    """A four-legged animal: body, legs, neck, head, muzzle, ears, tail."""
    length, thick, leg = random.uniform(0.3, 0.55), random.uniform(0.17, 0.3), random.uniform(0.2, 0.55)
    limb, fur = random.uniform(0.05, 0.09), _fur(random)
    back = leg + thick * 0.8
    neck, skull = random.uniform(0.05, 0.5), random.uniform(0.13, 0.2)
    head = (0.0, back + neck * 0.8 + skull * 0.4, length + neck * 0.5 + skull * 0.3)
    snout, ear = random.uniform(0.08, 0.25), random.uniform(0.08, 0.24)
    tail_end = (random.uniform(-0.2, 0.2), back + random.uniform(-0.3, 0.4), -length - random.uniform(0.15, 0.5))
    parts = [
        Part(
            "body", _limb((0, back, -length), (0, back, length * 0.9), thick, thick * random.uniform(0.75, 1.05)), fur
        ),
        Part("neck", _limb((0, back, length * 0.8), head, thick * 0.65, skull * 0.7), fur, blend=0.1),
        Part("head", _ball((skull * 0.9, skull, skull * 1.05)), fur, head, blend=0.06),
        Part(
            "muzzle",
            _limb((0, -0.03, 0), (0, -0.06, snout + skull * 0.7), skull * 0.6, skull * 0.4),
            near_paint(random, fur),
            head,
            blend=0.05,
        ),
        Part("tail", _limb((0, back + thick * 0.3, -length), tail_end, limb * 0.8, limb * 0.4), fur, blend=0.06),
        *_eyes(random, (0, head[1] + skull * 0.35, head[2] + skull * 0.75), skull * 0.45, skull * 0.16),
    ]
    step = random.uniform(0, 0.18)
    for x in (-thick * 0.6, thick * 0.6):
        for z, swing in ((-length * 0.9, step), (length * 0.75, -step)):
            foot = (x, limb * 0.6, z + swing * np.sign(x))
            parts.append(Part("leg", _limb((x, back - thick * 0.3, z), foot, limb * 1.3, limb), fur, blend=0.06))
    pointed = random.random() < 0.5
    for x in (-skull * 0.6, skull * 0.6):
        tip = (x * (1.2 if pointed else 2.2), skull * 0.8 + (ear if pointed else -ear * 0.3), -0.02)
        parts.append(Part("ear", _limb((x, skull * 0.6, 0), tip, skull * 0.3, skull * 0.14), fur, head, blend=0.03))
    return Composition("animal", tuple(parts))


def near_paint(random: Random, other: Paint) -> Paint:
    """A paint that goes with ``other``, lighter or darker."""
    base = other(np.zeros((1, 3), np.float32))[0]
    return plain(random, near(random, np.clip(base * random.uniform(0.6, 1.5), 0, 1), 0.08))


def bird(random: Random) -> Composition:
    """Body, head, beak, wings, tail, legs."""
    long, thick, leg = random.uniform(0.28, 0.42), random.uniform(0.2, 0.3), random.uniform(0.12, 0.35)
    feathers, accent = _fur(random), any_paint(random)
    middle, skull = leg + thick * 0.9, random.uniform(0.13, 0.19)
    head = (0.0, middle + thick * random.uniform(0.7, 1.2), long * random.uniform(0.6, 0.95))
    yellow = plain(random, near(random, np.array([0.85, 0.6, 0.15], np.float32), 0.1))
    parts = [
        Part("body", _ball((thick, thick * 0.9, long)), feathers, (0, middle, 0)),
        Part("head", _ball((skull, skull, skull)), feathers, head, blend=0.1),
        Part(
            "beak",
            _limb((0, 0, skull * 0.8), (0, -0.03, skull + random.uniform(0.1, 0.3)), 0.06, 0.02),
            yellow,
            head,
            blend=0.01,
        ),
        Part(
            "tail",
            _limb((0, middle, -long * 0.8), (0, middle + random.uniform(-0.1, 0.3), -long * 1.6), 0.1, 0.05),
            accent,
            blend=0.06,
        ),
        *_eyes(random, (0, head[1] + skull * 0.3, head[2] + skull * 0.55), skull * 0.7, skull * 0.2),
    ]
    for x in (-1, 1):
        wing = (0.06, thick * 0.55, long * 0.75)
        parts.append(Part("wing", _ball(wing), accent, (x * thick * 0.95, middle + 0.03, -0.05), blend=0.02))
        parts.append(
            Part(
                "leg",
                _limb((x * thick * 0.4, middle - thick * 0.6, 0), (x * thick * 0.45, 0.03, 0.02), 0.04, 0.03),
                yellow,
            )
        )
        parts.append(Part("foot", _ball((0.06, 0.03, 0.1)), yellow, (x * thick * 0.45, 0.03, 0.06)))
    return Composition("bird", tuple(parts))


def figure(random: Random) -> Composition:
    """A standing person of clay: trunk, legs, feet, arms, hands, neck, head, hair or hat."""
    leg, trunk, wide = random.uniform(0.5, 0.75), random.uniform(0.45, 0.6), random.uniform(0.16, 0.24)
    top, skull = leg + trunk, random.uniform(0.15, 0.2)
    skin_tone = np.array([0.85, 0.65, 0.5], np.float32) * random.uniform(0.4, 1.15)
    skin = plain(random, np.clip(skin_tone, 0, 1))
    shirt, trousers = any_paint(random), any_paint(random)
    shoe, hair = plain(random, colour(random, (0, 0.5), (0.1, 0.5))), any_paint(random)
    head = (0.0, top + skull * 1.35, 0.02)
    parts = [
        Part("trunk", _limb((0, leg, 0), (0, top - 0.08, 0), wide, wide * random.uniform(0.9, 1.2)), shirt),
        Part("neck", _limb((0, top, 0), head, 0.08, 0.07), skin, blend=0.03),
        Part("head", _ball((skull * 0.9, skull * 1.1, skull)), skin, head, blend=0.03),
        Part("hair", _ball((skull * 0.97, skull * 0.75, skull * 1.02)), hair, (0, head[1] + skull * 0.5, -0.05)),
        *_eyes(random, (0, head[1] + 0.02, head[2] + skull * 0.88), skull * 0.35, skull * 0.13),
    ]
    if random.random() < 0.4:
        brim = skull * random.uniform(1.2, 1.9)
        hat = [(0, 0), (brim, 0), (brim, 0.03), (skull * 0.85, 0.05), (skull * 0.7, 0.25), (0, 0.25)]
        parts.append(
            Part("hat", lambda p: solids.lathe(p, hat) - 0.01, any_paint(random), (0, head[1] + skull * 0.75, 0))
        )
    stride = random.uniform(-0.2, 0.2)
    for x in (-1, 1):
        hip, foot = (x * wide * 0.55, leg, 0.0), (x * wide * 0.7, 0.05, x * stride)
        parts.append(Part("leg", _limb(hip, foot, 0.11, 0.075), trousers, blend=0.05))
        parts.append(Part("foot", _ball((0.08, 0.06, 0.15)), shoe, (foot[0], 0.06, foot[2] + 0.06), blend=0.01))
        shoulder = (x * wide * 1.1, top - 0.1, 0.0)
        hand = (x * (wide + random.uniform(0.1, 0.45)), top - random.uniform(-0.25, 0.5), random.uniform(-0.1, 0.35))
        parts.append(Part("arm", _limb(shoulder, hand, 0.08, 0.055), shirt, blend=0.04))
        parts.append(Part("hand", _ball((0.07, 0.07, 0.07)), skin, hand, blend=0.02))
    return Composition("figure", tuple(parts))
