"""Scenes, videos and training examples a second: `python -m benchmarks.synthetic`.

Every process works on one core, as data-loading processes do; examples are compared with what a training step on the
same machine takes for them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch

from backend.models.prompted_u2netp.examples import World, make_example
from backend.models.prompted_u2netp.network import PromptedU2NetP
from backend.synthetic import furniture
from backend.synthetic.worlds import BLOCK, make_scene, make_video

from .report import report


def _rate(make: Callable[[int], object], count: int) -> float:
    began = time.perf_counter()
    for index in range(count):
        make(index)
    return count / (time.perf_counter() - began)


def _examples_learned(side: int, batch: int = 8) -> float:
    """Examples a second of a training step (forward and backward, bfloat16) on all cores."""
    network = PromptedU2NetP().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    image = torch.rand(batch, 3, side, side).to(memory_format=torch.channels_last)
    prompts = torch.rand(batch, 5, side, side)
    seconds = []
    for _ in range(4):
        began = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16):
            network.decode(network.encode(image), prompts)[0].float().mean().backward()
        seconds.append(time.perf_counter() - began)
    return batch / min(seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=BLOCK, help="scenes; a block shares its objects' meshes")
    count = parser.parse_args().count
    cores = torch.get_num_threads()
    learned = _examples_learned(160)
    torch.set_num_threads(1)
    results: dict[str, float] = {
        "scenes a second, 128 x 128": _rate(lambda index: make_scene(index, 128), count),
        "video frames a second, 128 x 128": 12 * _rate(lambda index: make_video(index, 12, 128), max(1, count // 16)),
    }
    if torch.cuda.is_available():
        results["scenes a second, 128 x 128, GPU"] = _rate(lambda index: make_scene(index, 128, device="cuda"), count)
    kind = "mixed" if any(furniture.FOLDER.glob("*.sh3f")) else "procedural"
    make_scene(0, 128, kind)  # the first use converts furniture
    results["scenes a second, mixed objects"] = _rate(lambda index: make_scene(index, 128, kind), count)
    made = _rate(lambda index: make_example("train", 0, index, 160, World(224, kind)), 2 * count)
    results["training examples made a second, a core"] = made
    results["training examples learned a second"] = learned
    bar = f"one core makes examples faster than all {cores} learn from them"
    return report("synthetic", results, {bar: made > learned})


if __name__ == "__main__":
    raise SystemExit(main())
