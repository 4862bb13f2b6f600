"""How quickly pix2gestalt runs here, and in how much memory, with random weights: speed does not depend on them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from backend.diffusion.ddim import noise_of
from backend.models.pix2gestalt.config import LATENT, STARTER, Config
from backend.models.pix2gestalt.inference import QUALITIES
from backend.models.pix2gestalt.memory import Plan, peak
from backend.models.pix2gestalt.network import Pix2Gestalt
from backend.models.pix2gestalt.sampling import REFERENCE, Sampling, conditions, sample

SIZES = {
    "published": Config(),
    "half": Config(channels=(160, 320, 640, 640), vae_channels=(64, 128, 256, 256), clip_width=512, clip_layers=12),
    "starter": STARTER,
}


@dataclass(frozen=True)
class Mode:
    """A way to run: half precision or not, how to sample, and how many samples at once."""

    name: str
    half: bool
    how: Sampling
    samples: int


@dataclass(frozen=True)
class Speed:
    """``step`` seconds of one step of all samples, ``whole`` of all steps with looking and decoding, ``completions``
    a minute, ``memory`` bytes at most (of the GPU, or of the process)."""

    mode: Mode
    step: float
    whole: float
    completions: float
    memory: int


def modes(device: str, samples: int) -> list[Mode]:
    """The reference first, as its authors run it; then what each of our changes adds."""
    fast = QUALITIES["standard"]
    found = [
        Mode("reference, one pass a branch", False, replace(REFERENCE, together=False), 1),
        Mode("reference", False, REFERENCE, 1),
        Mode(f"reference, {samples} samples", False, REFERENCE, samples),
        Mode("fast", False, fast, 1),
        Mode(f"fast, {samples} samples", False, fast, samples),
    ]
    if device != "cpu":
        found += [Mode("fast, half", True, fast, 1), Mode(f"fast, half, {samples} samples", True, fast, samples)]
    return found


def estimates(config: Config, samples: int) -> Iterator[tuple[str, int]]:
    """Bytes that completing takes on a GPU in half precision, as counted beforehand and not measured."""
    yield f"{samples} samples at once", peak(config, Plan(samples))
    yield f"{samples} samples at once, parts in turns", peak(config, Plan(samples, in_turns=True))
    yield "the least", peak(config, Plan(1, together=False, in_turns=True))


def measure(config: Config, device: str, chosen: list[Mode], timed: int) -> Iterator[Speed]:
    """Each mode in turn; ``timed`` steps are run and the others counted on."""
    torch.manual_seed(0)
    model = Pix2Gestalt(config).eval().requires_grad_(False).to(device)
    was_half = False
    for mode in chosen:
        if mode.half and not was_half:
            model.half()
            model.vae.bfloat16()
            was_half = True
        yield _measured(model, device, mode, timed)


@torch.inference_mode()
def _measured(model: Pix2Gestalt, device: str, mode: Mode, timed: int) -> Speed:
    config = model.config
    picture = torch.rand(1, 3, config.side, config.side, device=device) * 2 - 1
    noise = noise_of(list(range(mode.samples)), (LATENT, config.latent_side, config.latent_side), device)
    few = replace(mode.how, steps=timed + 1 if mode.how.sampler != "ddim" else _ddim_wish(timed + 1))
    _reset(device)
    told = conditions(model, picture, picture)
    looking = _timed(device, lambda: conditions(model, picture, picture))
    ticks: list[float] = []

    def watch(*_: Tensor | int) -> None:
        _wait(device)
        ticks.append(time.perf_counter())

    latents = sample(model, told, mode.samples, noise, few, watch)
    decoding = _timed(device, lambda: model.picture(latents))
    step = (ticks[-1] - ticks[0]) / (len(ticks) - 1)
    steps = mode.how.steps - 1 if mode.how.sampler == "ddim" else mode.how.steps
    whole = looking + step * steps + decoding
    return Speed(mode, step, whole, 60 * mode.samples / whole, _memory(device))


def _ddim_wish(steps: int) -> int:
    """DDIM leaves out its first step, and cannot make three."""
    return steps + 1 if steps + 1 != 3 else 4


def _timed(device: str, run: Callable[[], object]) -> float:
    _wait(device)
    began = time.perf_counter()
    run()
    _wait(device)
    return time.perf_counter() - began


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)


def _reset(device: str) -> None:
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats(device)


def _memory(device: str) -> int:
    if device != "cpu":
        return torch.cuda.max_memory_allocated(device)
    import psutil

    return psutil.Process().memory_info().rss
