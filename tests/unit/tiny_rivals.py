"""Two networks that learn against each other, small enough for tests, and a program that trains them:
``python -m tests.unit.tiny_rivals FILE``."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.training.config import TrainConfig
from backend.training.recipe import Phase, Rate

from .tiny_training import Tiny, trained


class Rivals(Tiny):
    """The blur, which another network tells from true ones; that one's slope is held down at every third step."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        self.seen: list[tuple[str, list[str]]] = []  # for each phase that ran: which weights could learn in it

    def build(self) -> nn.Module:
        judge = nn.Sequential(nn.Conv2d(1, 4, 3), nn.SiLU(), nn.Flatten(), nn.Linear(144, 1))
        return nn.ModuleDict({"maker": super().build(), "judge": judge})

    def phases(self) -> Sequence[Phase]:
        return [
            Phase(self._make, "maker", "maker."),
            Phase(self._judge, "judge", "judge."),
            Phase(self._steady, "steady", "judge.", 3),
        ]

    def rates(self) -> Mapping[str, Rate]:
        return {"judge.": Rate(0.5, (0.0, 0.99))}

    def evaluate(self, module: nn.Module) -> dict[str, float]:
        return super().evaluate(_part(module, "maker"))

    def samples(self, module: nn.Module) -> Any:
        return super().samples(_part(module, "maker"))

    def tensors(self, module: nn.Module) -> dict[str, Tensor]:
        return super().tensors(_part(module, "maker"))

    def _make(self, module: nn.Module, batch: Any) -> tuple[Tensor, dict[str, Tensor | float]]:
        self._note("maker", module)
        time.sleep(self.data.pause)
        made = _part(module, "maker")(batch["x"]) + self.data.noise * torch.randn_like(batch["x"])
        logits = _part(module, "judge")(made)
        return functional.softplus(-logits).mean() + (made - batch["y"]).square().mean(), {"logit": logits.mean()}

    def _judge(self, module: nn.Module, batch: Any) -> tuple[Tensor, dict[str, Tensor | float]]:
        self._note("judge", module)
        judge, made = _part(module, "judge"), _part(module, "maker")(batch["x"])
        return functional.softplus(judge(made)).mean() + functional.softplus(-judge(batch["y"])).mean(), {}

    def _steady(self, module: nn.Module, batch: Any) -> tuple[Tensor, dict[str, Tensor | float]]:
        self._note("steady", module)
        true = batch["y"].clone().requires_grad_()
        (slope,) = torch.autograd.grad(_part(module, "judge")(true).sum(), true, create_graph=True)
        penalty = slope.square().sum(dim=(1, 2, 3)).mean()
        if batch["step"] == self.data.spoiled:
            # A gradient that is no number, where the loss is one.
            weight: Any = next(_part(module, "judge").parameters())
            penalty = penalty + (weight * 0).sqrt().sum()
        return penalty, {}

    def _note(self, phase: str, module: nn.Module) -> None:
        self.seen.append((phase, [name for name, weight in module.named_parameters() if weight.requires_grad]))


def _part(module: nn.Module, name: str) -> nn.Module:
    assert isinstance(module, nn.ModuleDict)
    return module[name]


if __name__ == "__main__":
    trained(Rivals, sys.argv[1:])
