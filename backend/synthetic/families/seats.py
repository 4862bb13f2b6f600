"""Chairs, tables and shelves."""

from __future__ import annotations

from backend.synthetic import solids
from backend.synthetic.composition import Composition, Distance, Part, rotation
from backend.synthetic.textures import Paint, Random, any_paint, colour, plain, wooden


def _frame_paint(random: Random) -> Paint:
    return wooden(random) if random.random() < 0.5 else plain(random, colour(random))


def _legs(random: Random, half_x: float, half_z: float, top: float, paint: Paint) -> list[Part]:
    """Four legs, round or square, straight or splayed."""
    thick, splay = random.uniform(0.03, 0.06), random.choice([0.0, 0.0, random.uniform(0.02, 0.12)])
    square = random.random() < 0.5
    parts = []
    for x in (-half_x, half_x):
        for z in (-half_z, half_z):
            foot = (x * (1 + splay), 0.0, z * (1 + splay))
            if square and not splay:
                solid: Distance = _box((thick, top / 2, thick), 0.01)
                parts.append(Part("leg", solid, paint, (x, top / 2, z)))
            else:
                parts.append(Part("leg", _rod(foot, (x, top, z), thick), paint))
    return parts


def _box(half: tuple[float, float, float], round_: float) -> Distance:
    return lambda points: solids.box(points, half, round_)


def _rod(start: tuple[float, float, float], end: tuple[float, float, float], radius: float) -> Distance:
    return lambda points: solids.capsule(points, start, end, (radius, radius))


def chair(random: Random) -> Composition:
    """Seat, back, legs; often a cushion, arms or rungs."""
    half_x, half_z, height = random.uniform(0.28, 0.42), random.uniform(0.26, 0.4), random.uniform(0.42, 0.6)
    back, wood = random.uniform(0.4, 0.75), _frame_paint(random)
    parts = [
        Part("seat", _box((half_x, 0.04, half_z), 0.02), wood, (0, height, 0)),
        *_legs(random, half_x * 0.88, half_z * 0.88, height, wood),
    ]
    skirt = (half_x * 0.85, 0.04, half_z * 0.85)
    parts.append(Part("apron", _box(skirt, 0.01), wood, (0, height - 0.06, 0)))
    lean = rotation("x", random.uniform(-14, 0))
    middle = (0, height + back / 2, -half_z * 0.95)
    if random.random() < 0.5:
        parts.append(Part("back", _box((half_x, back / 2, 0.035), 0.03), any_paint(random), middle, lean))
    else:
        for x in (-half_x * 0.9, -half_x * 0.3, half_x * 0.3, half_x * 0.9):
            parts.append(Part("back", _rod((x, -back / 2, 0), (x, back / 2, 0), 0.028), wood, middle, lean))
        parts.append(Part("rail", _box((half_x, 0.05, 0.035), 0.02), wood, (0, height + back, -half_z * 0.98)))
    if random.random() < 0.5:
        soft = any_paint(random)
        parts.append(
            Part(
                "cushion",
                lambda p: solids.superquadric(p, (half_x * 0.9, 0.08, half_z * 0.9), 0.6, 0.35),
                soft,
                (0, height + 0.08, 0),
            )
        )
    if random.random() < 0.35:
        for x in (-half_x, half_x):
            parts.append(Part("arm", _box((0.035, 0.03, half_z * 0.9), 0.02), wood, (x, height + back * 0.45, 0)))
            parts.append(
                Part("arm", _rod((x, height, half_z * 0.7), (x, height + back * 0.45, half_z * 0.7), 0.03), wood)
            )
    if random.random() < 0.4:
        low = height * random.uniform(0.25, 0.5)
        for x in (-half_x * 0.88, half_x * 0.88):
            parts.append(Part("rung", _rod((x, low, -half_z * 0.88), (x, low, half_z * 0.88), 0.022), wood))
    return Composition("chair", tuple(parts))


def table(random: Random) -> Composition:
    """Top, legs or a pillar with a foot; sometimes a drawer, a shelf or a cloth."""
    half_x, half_z, height = random.uniform(0.45, 0.8), random.uniform(0.35, 0.6), random.uniform(0.4, 0.8)
    wood, round_top = _frame_paint(random), random.random() < 0.4
    if round_top:
        disc = [(0, -0.03), (half_x, -0.03), (half_x, 0.03), (0, 0.03)]
        parts = [Part("top", lambda p: solids.lathe(p, disc) - 0.01, wood, (0, height, 0))]
    else:
        parts = [Part("top", _box((half_x, 0.04, half_z), 0.015), wood, (0, height, 0))]
    if round_top and random.random() < 0.6:
        foot = half_x * random.uniform(0.45, 0.7)
        base = [(0, 0), (foot, 0), (foot * 0.8, 0.05), (0, 0.08)]
        parts += [
            Part("pillar", _rod((0, 0, 0), (0, height, 0), random.uniform(0.05, 0.1)), wood, blend=0.03),
            Part("foot", lambda p: solids.lathe(p, base) - 0.01, wood, blend=0.05),
            Part("collar", lambda p: solids.torus(p, 0.12, 0.05), wood, (0, height - 0.06, 0), blend=0.02),
        ]
    else:
        narrow = 0.62 if round_top else 0.88
        parts += _legs(random, half_x * narrow, half_z * (0.62 if round_top else 0.88), height, wood)
        skirt = (half_x * narrow, 0.06, half_z * narrow)
        parts.append(Part("apron", _box(skirt, 0.01), wood, (0, height - 0.08, 0)))
        drawer = (half_x * random.uniform(0.3, 0.6), 0.045, half_z * narrow * 1.02)
        parts.append(Part("drawer", _box(drawer, 0.01), any_paint(random), (0, height - 0.085, 0)))
        if random.random() < 0.4:
            parts.append(
                Part("shelf", _box((half_x * narrow, 0.02, half_z * narrow), 0.01), wood, (0, height * 0.35, 0))
            )
    if random.random() < 0.5:
        bowl_at = (random.uniform(-0.2, 0.2), height + 0.1, random.uniform(-0.15, 0.15))
        bowl = [(0, -0.06), (0.1, -0.06), (0.2, 0.08), (0.17, 0.08), (0.08, -0.03), (0, -0.03)]
        parts.append(Part("bowl", lambda p: solids.lathe(p, bowl), any_paint(random), bowl_at))
    return Composition("table", tuple(parts))


def shelf(random: Random) -> Composition:
    """Sides, boards, back, and boxes and books on it."""
    half_x, height, depth = random.uniform(0.3, 0.55), random.uniform(0.8, 1.3), random.uniform(0.14, 0.24)
    wood, boards = _frame_paint(random), int(random.integers(3, 6))
    parts = [Part("side", _box((0.025, height / 2, depth), 0.005), wood, (x, height / 2, 0)) for x in (-half_x, half_x)]
    levels = [0.05 + (height - 0.08) * k / (boards - 1) for k in range(boards)]
    parts += [Part("board", _box((half_x, 0.02, depth), 0.005), wood, (0, y, 0)) for y in levels]
    parts.append(Part("back", _box((half_x, height / 2, 0.012), 0.0), wood, (0, height / 2, -depth + 0.01)))
    gap = levels[1] - levels[0]
    for y in levels[:-1]:
        x = -half_x + 0.08
        while x < half_x - 0.1 and random.random() < 0.85:
            width, tall = random.uniform(0.03, 0.09), gap * random.uniform(0.5, 0.85)
            thing = Part(
                "things",
                _box((width / 2 + 0.01, tall / 2, depth * 0.75), 0.008),
                any_paint(random),
                (x + width / 2, y + 0.02 + tall / 2, 0.02),
            )
            parts.append(thing)
            x += width + random.uniform(0.02, 0.06)
    return Composition("shelf", tuple(parts))
