"""What a worker keeps between jobs, and what a task sees of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backend.pipelines.context import Cancelled
from backend.serving import memory
from backend.serving.memory import HandleStore, ModelCache
from backend.serving.worker_context import WorkerContext
from backend.serving.worker_messages import Shown
from protocol import Array, ErrorCode, Image, JobState, Mask, ProblemError


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    clock = _Clock()
    monkeypatch.setattr(memory, "time", clock)
    return clock


def _cache(loads: list[str], idle_s: float = 10.0) -> ModelCache:
    def load(name: str, device: str) -> object:
        loads.append(f"{name} on {device}")
        return object()

    return ModelCache(load, "cpu", idle_s)


def test_models_are_loaded_once_and_unloaded_when_idle(clock: _Clock) -> None:
    loads: list[str] = []
    cache = _cache(loads)
    first = cache.get("one")
    assert cache.get("one") is first
    cache.get("two")
    clock.now += 8
    cache.get("one")
    clock.now += 8
    cache.unload_idle()
    assert cache.names == ["one"]
    assert "two" not in cache
    cache.get("two")
    assert loads == ["one on cpu", "two on cpu", "two on cpu"]
    cache.clear()
    assert cache.names == []


def test_handles_beyond_the_budget_go_oldest_first() -> None:
    store = HandleStore(100, "0.test")
    first, second = store.keep("mesh", "a", 40), store.keep("mesh", "b", 40)
    assert store.find(first.id) == (first, "a")  # used, so the second is now the oldest
    third = store.keep("field", "c", 40)
    assert store.find(second.id) is None
    assert store.find(first.id) is not None
    assert store.nbytes == 80
    giant = store.keep("field", "d", 1000)  # alone it may be over the budget: it was just made
    assert store.find(giant.id) is not None
    assert len(store) == 1
    store.drop(giant.id)
    store.drop(third.id)
    assert store.nbytes == 0


def _context(budget: int = 100) -> tuple[WorkerContext, list[tuple[Any, Any]]]:
    sent: list[tuple[Any, Any]] = []
    handles = HandleStore(budget, "0.test")
    return WorkerContext("job-0001", "cpu", _cache([]), handles, lambda m, a=(): sent.append((m, a))), sent


def test_a_handle_that_went_is_told_with_what_to_do() -> None:
    context, _ = _context()
    old = context.keep("field", "thing", 80)
    context.keep("field", "other", 80)
    with pytest.raises(ProblemError) as caught:
        context.handle(old, "field")
    assert caught.value.problem.code is ErrorCode.NOT_FOUND
    assert caught.value.problem.hint


def test_a_handle_of_another_kind() -> None:
    context, _ = _context()
    handle = context.keep("mesh", "thing", 8)
    assert context.handle(handle, ("field", "mesh")) == "thing"
    with pytest.raises(ProblemError):
        context.handle(handle, "field")


def test_progress_never_goes_back() -> None:
    context, _ = _context()
    context.stage("one", 4, share=(0.0, 0.5))
    seen = []
    for done in (1, 3, 2, 4):
        context.step(done)
        seen.append(context.latest.fraction)
    context.stage("two", 2, share=(0.4, 1.0))
    seen.append(context.latest.fraction)
    context.step(5)
    seen.append(context.latest.fraction)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert context.latest.stage == "two"


def test_loading_is_a_state_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    states: list[JobState] = []
    context, _ = _context()
    cache = ModelCache(lambda name, device: states.append(context.latest.state), "cpu", 10.0)
    monkeypatch.setattr(context, "_model_cache", cache)
    context.model("one")
    context.model("one")
    assert states == [JobState.LOADING]
    assert context.latest.state is JobState.RUNNING


def test_previews_are_small() -> None:
    context, sent = _context()
    big = Image(np.zeros((600, 900, 3), np.uint8))
    context.preview("seen", image=big, masks=[Mask(np.zeros((900, 300), np.uint8))], data=Array(np.zeros(1 << 20)))
    ((message, arrays),) = sent
    assert isinstance(message, Shown)
    assert set(message.values) == {"image", "masks"}  # the large array is left out
    assert sum(len(array) for array in arrays) < 1 << 20
    image = message.values["image"]
    assert not isinstance(image, list)
    assert image.arrays["pixels"].shape == [171, 256, 3]
    context.preview("nothing", data=Array(np.zeros(1 << 20)))
    assert len(sent) == 1


def test_a_stopped_job_ends_at_its_next_step() -> None:
    context, _ = _context()
    context.stop()
    for call in (lambda: context.step(1), context.check, lambda: context.stage("x"), lambda: context.preview("x")):
        with pytest.raises(Cancelled):
            call()
