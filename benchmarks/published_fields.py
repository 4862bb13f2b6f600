"""How fast a field of pix2pix3D's published size is turned: `python -m benchmarks.published_fields --device cuda:0`.

With random weights, which take as long as the authors'.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch

from backend.models.pix2pix3d.cameras import camera_of, front, swing
from backend.models.pix2pix3d.config import PUBLISHED
from backend.models.pix2pix3d.generator import Generator
from backend.models.pix2pix3d.inference import Model
from backend.pipelines.context import Context

from .report import report

FRAMES = 20.0  # a second, on a GPU
_SIZE = 512


def measure(name: str, frames: int, device: str) -> dict[str, Any]:
    """Seconds to the first picture, frames a second of the authors' film of ``frames``, on a GPU peak memory in GB."""
    torch.manual_seed(0)
    config = PUBLISHED[name]
    network = Generator(config).to(device)
    labels = () if config.draws else tuple(f"label {n}" for n in range(config.labels))
    model = Model(network, labels, camera_of(front(config), config.box))
    side, context = config.label_size, Context(device)
    painted = np.zeros((side, side, 3), np.uint8) if config.draws else np.zeros((side, side), np.uint16)
    painted[side // 4 : -side // 4, side // 4 : -side // 4] = 255 if config.draws else 1

    def first(seed: int) -> Any:
        field = model.synthesize(painted, None, seed, 1.0, context)
        field.render([field.camera], _SIZE, context)
        return field

    field = first(0)  # and warm
    begun = time.perf_counter()
    first(1)
    middle = time.perf_counter()
    around = [camera_of(swing(config, frame, frames), config.box) for frame in range(frames)]
    field.render(around, _SIZE, context)  # pictures come to the CPU, so nothing is still under way
    ended = time.perf_counter()
    results: dict[str, Any] = {
        f"{name}: first picture (s)": middle - begun,
        f"{name}: frames a second": frames / (ended - middle),
    }
    if network.backbone.mapping.w_avg.is_cuda:
        results[f"{name}: peak memory (GB)"] = torch.cuda.max_memory_allocated() / 1e9
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", choices=sorted(PUBLISHED), default=["seg2cat", "seg2face", "edge2car"])
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--device", default="cuda:0")
    options = parser.parse_args()
    results: dict[str, Any] = {"threads": torch.get_num_threads(), "device": options.device}
    for name in options.models:
        results |= measure(name, options.frames, options.device)
    bars = {}
    if options.device != "cpu":
        bars = {
            f"{name}: at least {FRAMES:g} frames a second": results[f"{name}: frames a second"] >= FRAMES
            for name in options.models
        }
    return report("published_fields", results, bars)


if __name__ == "__main__":
    raise SystemExit(main())
