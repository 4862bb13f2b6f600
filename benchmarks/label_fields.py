"""The starter of pix2pix3D on label maps, as fast as a hand paints? `python -m benchmarks.label_fields`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from backend.evaluation.synthesis import Painting, find
from backend.fields.cameras import ring
from backend.fields.surface import extract_surface
from backend.hub.registry import load
from backend.models.pix2pix3d.cameras import numbers_of
from backend.pipelines.context import Context

from .report import report

FIRST, VIEWS = 1.0, 4.0  # seconds, views a second
_SIDE, _SMALL = 128, 64
_CELLS = 256


def _seconds(call: Callable[[], object], rounds: int) -> float:
    """The median of ``rounds`` after one that warms up."""
    call()
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def measure(rounds: int, device: str) -> dict[str, Any]:
    """Seconds and rates with one painted vehicle; the dense ways of the same in the same run."""
    model: Any = load("seg2vehicle", device)
    case: Painting = next(iter(find("synthetic", "held-out", 0, 1).cases))
    ids, camera, context = case.example.maps[0].astype(np.uint16), case.cameras[0], Context()
    field = model.synthesize(ids, camera, 0, 1.0, context)

    def first(size: int) -> Callable[[], object]:
        return lambda: model.synthesize(ids, camera, 0, 1.0, context).render([camera], size, context)

    around = ring(8, 15, 31.9, 0.55)
    quick = _seconds(lambda: field.render(around, _SIDE, context), rounds) / len(around)
    small = _seconds(lambda: field.render(around, _SMALL, context), rounds) / len(around)
    numbers = numbers_of(around[:1], 1.0).to(device)
    with torch.inference_mode():
        dense = _seconds(lambda: model.network.volume(field.planes, numbers), rounds)
        sparse = _seconds(lambda: field.volume(numbers, model.network.config.render_size), rounds)

    def surface(stride: int) -> Any:
        level = model.network.config.iso_level
        return extract_surface(lambda points: field.at(points)[2], level, _CELLS, stride=stride)

    begun = time.perf_counter()
    fine = surface(4)
    middle = time.perf_counter()
    every = surface(1)
    ended = time.perf_counter()
    return {
        "threads": torch.get_num_threads(),
        "first picture, 128 px (s)": _seconds(first(_SIDE), rounds),
        "first picture, 64 px (s)": _seconds(first(_SMALL), rounds),
        "views a second, 128 px": 1 / quick,
        "views a second, 64 px": 1 / small,
        "volume, dense / sparse (times)": dense / sparse,
        "standard quality on top (s)": _seconds(lambda: model.agree(field, "standard", context), 1),
        "mesh: points evaluated / dense": fine.evaluated / fine.samples,
        "mesh: dense / coarse to fine (times)": (ended - middle) / (middle - begun),
        "mesh: same vertices as dense": bool(np.array_equal(fine.vertices, every.vertices)),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    results = measure(options.rounds, options.device)
    bars = {
        f"first picture within {FIRST:g} s": results["first picture, 128 px (s)"] <= FIRST,
        f"at least {VIEWS:g} views of 128 px a second": results["views a second, 128 px"] >= VIEWS,
        "a tenth of the dense grid's points at most": results["mesh: points evaluated / dense"] <= 0.1,
        "the dense grid's surface": results["mesh: same vertices as dense"],
    }
    return report("label_fields", results, bars)


if __name__ == "__main__":
    raise SystemExit(main())
