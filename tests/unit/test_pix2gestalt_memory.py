"""pix2gestalt within a memory budget: what is counted is what tensors take, and a plan changes no picture."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from backend.models.pix2gestalt.config import STARTER, Config
from backend.models.pix2gestalt.inference import Completer
from backend.models.pix2gestalt.memory import SCRATCH, Plan, alive_at_most, needs, peak, planned
from backend.models.pix2gestalt.network import Pix2Gestalt
from backend.pipelines.context import Context
from backend.pipelines.part import Part
from protocol.problems import ErrorCode, ProblemError

from .test_pix2gestalt import TINY

MB = 10**6


class Double(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1000))  # 4000 bytes, not counted

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        one = self.weight + x  # 4000
        two = one * 2  # 8000 with the last
        del one
        three = torch.cat([two, two])  # 12000: 4000 and 8000
        view = three[:10].view(2, 5)
        del two, three
        return view + 1  # the whole of `three` lives by its view


def test_what_is_alive_is_counted_until_nothing_uses_it() -> None:
    model = Double()
    x = torch.zeros(1)
    assert alive_at_most(model, lambda: model(x)) == 12_000
    assert alive_at_most(model, lambda: [model.weight + x for _ in range(5)]) == 20_000
    assert alive_at_most(model, lambda: model.weight.view(10, 100)) == 0


@pytest.mark.parametrize("passes", [1, 4])
def test_tensors_without_content_take_what_real_ones_do(passes: int) -> None:
    def counted(device: str) -> list[int]:
        with torch.device(device):
            model = Pix2Gestalt(TINY).eval().requires_grad_(False)
            x, told, context = (
                torch.zeros(passes, 4, 16, 16),
                torch.zeros(passes, 8, 16, 16),
                torch.zeros(passes, 1, 16),
            )
            time, picture = torch.zeros(passes, dtype=torch.int64), torch.zeros(1, 3, 32, 32)
            runs: list[Any] = [
                lambda: model.noise(x, time, told, context),
                lambda: model.condition(picture),
                lambda: model.picture(x[:1]),
                lambda: model.embedding(picture),
            ]
            return [alive_at_most(model, run) for run in runs]

    with sdpa_kernel(SDPBackend.MATH):  # tensors without content know no other attention
        real = counted("cpu")
    assert counted("meta") == real
    assert min(real) > 1000


def test_weights_are_those_of_half_precision_and_passes_add_up() -> None:
    model = Pix2Gestalt(TINY)
    need = needs(TINY)
    halves = {name: 2 * sum(each.numel() for each in part.parameters()) for name, part in model.named_children()}
    assert need.unet == halves["unet"] + halves["cc_projection"]
    assert need.vae == halves["vae"]
    # CLIP numbers its places in a tensor of its own.
    assert halves["clip"] <= need.clip < halves["clip"] + 100
    assert needs(Config()).unet == 2 * (859_544_004 + 590_592)
    single, several = (peak(TINY, Plan(count)) - SCRATCH for count in (1, 50))
    assert several == need.unet + need.vae + 100 * need.passing > single


def test_the_published_size_fits_where_its_authors_took_many_times_as_much() -> None:
    assert peak(Config(), Plan(4)) < 4000 * MB
    assert planned(Config(), 6000 * MB, 4) == Plan(4)
    assert planned(Config(), 2700 * MB, 4) == Plan(4, in_turns=True)
    few = planned(Config(), 2300 * MB, 4)
    assert few.in_turns
    assert 1 <= few.samples < 4
    assert not planned(Config(), 2100 * MB, 4).together
    with pytest.raises(ProblemError, match=r"within 2\.0 GB") as caught:
        planned(Config(), 2000 * MB, 4)
    assert caught.value.problem.code is ErrorCode.OUT_OF_MEMORY
    assert "It needs 2.1 GB" in caught.value.problem.hint


def test_a_plan_keeps_to_its_budget_and_a_larger_one_is_never_slower() -> None:
    order = [Plan(count, True, turns) for turns in (True, False) for count in range(1, 7)]
    order = [Plan(1, False, True), *order[:6], Plan(1, False, False), *order[6:]]
    places = []
    for budget in range(280 * MB, 900 * MB, 5 * MB):
        try:
            plan = planned(STARTER, budget, 6)
        except ProblemError:
            assert not places, "what fits into less fits into more"
            continue
        assert peak(STARTER, plan) <= budget
        places.append(order.index(plan))
    assert places == sorted(places)
    assert places[0] < places[-1] == len(order) - 1


def test_without_guidance_more_fit() -> None:
    need = needs(STARTER)
    budget = need.unet + need.vae + 4 * need.passing + SCRATCH
    assert planned(STARTER, budget, 4) == Plan(2)
    assert planned(STARTER, budget, 4, guided=False) == Plan(4)
    assert planned(STARTER, budget, 4, guided=False, draws=4) == Plan(1)


class Watched(Context):
    def __init__(self) -> None:
        super().__init__("cpu", 123)
        self.steps: list[int] = []
        self.previews = 0

    def stage(self, name: str, steps: int = 1, message: str = "", share: tuple[float, float] = (0.0, 1.0)) -> None:
        self.of = steps

    def step(self, done: int, message: str = "") -> None:
        self.steps.append(done)

    def preview(self, stage: str, **values: Any) -> None:
        self.previews += 1


class Thrifty(Completer):
    """Has a budget without having a GPU; remembers which part was brought."""

    brought: list[str]

    def _planned(self, budget: int, samples: int, how: Any) -> Plan:
        assert budget == 123
        self.brought = []
        return Plan(2, together=False, in_turns=True)

    def _bring(self, name: str) -> None:
        super()._bring(name)
        self.brought.append(name)


def test_a_plan_changes_how_pictures_are_made_and_not_the_pictures() -> None:
    torch.manual_seed(0)
    model = Pix2Gestalt(TINY).eval().requires_grad_(False)
    image = np.full((60, 80, 3), 120, np.uint8)
    mask = cv2.circle(np.zeros((60, 80), np.uint8), (40, 30), 12, 1, -1) > 0
    free, held = Watched(), Watched()
    wanted = Completer(model, "cpu").complete(image, mask, None, 3, 5, free, "draft")
    thrifty = Thrifty(model, "cpu")
    found = thrifty.complete(image, mask, None, 3, 5, held, "draft")
    for (one, mine, score), (other, yours, wanted_score) in zip(found, wanted, strict=True):
        assert np.abs(one.astype(int) - other).max() <= 2
        assert (mine != yours).mean() < 0.01
        assert score == pytest.approx(wanted_score, abs=0.01)
    assert held.of == 21
    assert held.steps[:20] == list(range(1, 21))
    assert held.previews == free.previews == 3
    assert thrifty.brought[:3] == ["clip", "vae", "unet"]
    assert thrifty.brought[-3:] == ["vae"] * 3
    # Two rounds of sampling, each with the U-Net; a preview takes it away and brings it back.
    assert thrifty.brought.count("unet") == 2 + 3
    assert "clip" not in thrifty.brought[1:]


def test_a_part_of_a_job_knows_the_budget() -> None:
    assert Part(Context("cuda:0", 5), (0.0, 0.5)).vram_budget == 5
