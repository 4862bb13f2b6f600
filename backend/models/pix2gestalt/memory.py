"""What completing takes of a GPU's memory in half precision, and how to do it within a budget.

Nothing is measured: weights are added up, and the networks are run on tensors without content whose lives are counted,
as an allocator would. The scratch memory of the GPU's libraries is allowed for; what the driver keeps for each process
(some 0.5 GB) comes on top and is in no program's hands.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from backend.hub.disk import size_in_words
from backend.models.pix2gestalt.config import LATENT, Config
from backend.models.pix2gestalt.network import Pix2Gestalt
from protocol.problems import ErrorCode, ProblemError

SCRATCH = 256 << 20  # bytes: cuDNN and cuBLAS keep no more by default


@dataclass(frozen=True)
class Needs:
    """Bytes: weights of the ``unet`` (with the projection), the ``vae`` and ``clip``; and what is alive at most while
    CLIP looks at a picture (``looking``), the auto-encoder encodes or decodes one (``encoding``, ``decoding``), and the
    U-Net makes one pass for one sample (``passing``; more passes at once take as many times as much)."""

    unet: int
    vae: int
    clip: int
    looking: int
    encoding: int
    decoding: int
    passing: int


@dataclass(frozen=True)
class Plan:
    """How a job is done: ``samples`` at a time, both passes of guidance ``together`` or one after the other, and
    ``in_turns``, whether only the part that works is on the GPU."""

    samples: int
    together: bool = True
    in_turns: bool = False


@functools.cache
def needs(config: Config) -> Needs:
    """Of the networks of this size in half precision."""
    with torch.device("meta"):
        model = Pix2Gestalt(config).eval().requires_grad_(False).half()
        model.vae.bfloat16()
        picture = torch.empty(1, 3, config.side, config.side)
        latent = torch.empty(1, LATENT, config.latent_side, config.latent_side)
        told = torch.empty(1, 2 * LATENT, config.latent_side, config.latent_side, dtype=torch.float16)
        context = torch.empty(1, 1, config.token, dtype=torch.float16)
        time = torch.zeros(1, dtype=torch.int64)
        return Needs(
            unet=_weights(model.unet) + _weights(model.cc_projection),
            vae=_weights(model.vae),
            clip=_weights(model.clip),
            looking=alive_at_most(model, lambda: model.embedding(picture)),
            encoding=alive_at_most(model, lambda: model.condition(picture)),
            decoding=alive_at_most(model, lambda: model.picture(latent)),
            passing=alive_at_most(model, lambda: model.noise(latent, time, told, context)),
        )


def peak(config: Config, plan: Plan, guided: bool = True, draws: int = 1) -> int:
    """Bytes that ``plan`` takes at most; ``guided`` sampling makes two passes a step, of ``draws`` for each sample."""
    need = needs(config)
    passes = plan.samples * draws * (2 if guided and plan.together else 1)
    working = {
        "clip": need.clip + need.looking,
        "vae": need.vae + max(need.encoding, need.decoding),
        "unet": need.unet + passes * need.passing,
    }
    if plan.in_turns:
        return max(working.values()) + SCRATCH
    # CLIP leaves the GPU when it has looked, the others stay.
    beside = {"clip": need.unet + need.vae, "vae": need.unet, "unet": need.vae}
    return max(working[part] + beside[part] for part in working) + SCRATCH


def planned(config: Config, budget: int, samples: int, guided: bool = True, draws: int = 1) -> Plan:
    """The quickest way to make ``samples`` within ``budget`` bytes: as many at a time as fit, before parts take turns,
    before the passes of guidance do. ProblemError (OUT_OF_MEMORY) when the thriftiest takes more."""
    several = [Plan(count) for count in range(samples, 0, -1)] + [Plan(1, together=False)]
    ways = several + [replace(plan, in_turns=True) for plan in several]
    for plan in ways:
        if peak(config, plan, guided, draws) <= budget:
            return plan
    least = size_in_words(peak(config, ways[-1], guided, draws))
    raise ProblemError(
        ErrorCode.OUT_OF_MEMORY,
        f"pix2gestalt cannot work within {size_in_words(budget)} of GPU memory.",
        f"It needs {least}: start the server with a larger --vram-budget.",
    )


def alive_at_most(model: nn.Module, run: Callable[[], Any]) -> int:
    """The most bytes of tensors that were alive at once while ``run`` ran, weights of ``model`` not counted."""
    with _Counter(_tensors(model)) as counter, torch.no_grad():
        run()
    return counter.most


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from module.buffers()


def _weights(module: nn.Module) -> int:
    return sum(each.numel() * each.element_size() for each in _tensors(module))


class _Counter(TorchDispatchMode):
    """Counts the bytes of the storages that operations make, from when they are made until nothing uses them."""

    def __init__(self, known: Iterator[Tensor]) -> None:
        super().__init__()
        self.most = 0
        self._now = 0
        # The weights themselves are held, so that nothing else gets their place.
        self._alive: dict[int, Any] = {id(each.untyped_storage()): each.untyped_storage() for each in known}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for each in tree_leaves(made):
            if isinstance(each, Tensor):
                self._met(each.untyped_storage())
        return made

    def _met(self, storage: Any) -> None:
        if id(storage) in self._alive:
            return
        size = storage.nbytes()
        self._alive[id(storage)] = None
        weakref.finalize(storage, self._gone, id(storage), size)
        self._now += size
        self.most = max(self.most, self._now)

    def _gone(self, which: int, size: int) -> None:
        del self._alive[which]
        self._now -= size
