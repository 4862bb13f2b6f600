"""Turns between owners and lanes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.serving.scheduler import Scheduler


@dataclass(eq=False)
class _Job:
    owner: str
    number: int
    priority: str = "interactive"


def _numbers(jobs: list[_Job]) -> list[int]:
    return [job.number for job in jobs]


def test_owners_take_turns_and_interactive_goes_first() -> None:
    queue: Scheduler[_Job] = Scheduler()
    for job in [
        _Job("a", 0, "batch"),
        _Job("a", 1),
        _Job("a", 2),
        _Job("a", 3),
        _Job("b", 4),
        _Job("b", 5, "batch"),
        _Job("b", 6),
    ]:
        queue.add(job)
    assert _numbers(queue.order()) == [1, 4, 2, 6, 3, 0, 5]
    taken = [queue.take() for _ in range(7)]
    assert [job.number for job in taken if job] == [1, 4, 2, 6, 3, 0, 5]
    assert queue.take() is None
    assert len(queue) == 0


def test_a_job_that_must_run_again_is_next_of_its_owner() -> None:
    queue: Scheduler[_Job] = Scheduler()
    queue.add(_Job("a", 1))
    queue.add(_Job("a", 0), first=True)
    assert _numbers(queue.order()) == [0, 1]


def test_only_what_fits_is_taken() -> None:
    queue: Scheduler[_Job] = Scheduler()
    queue.add(_Job("a", 1))
    queue.add(_Job("a", 2))
    assert queue.take(lambda job: job.number == 3) is None
    second = queue.take(lambda job: job.number == 2)
    assert second is not None
    assert _numbers(queue.order()) == [1]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["interactive", "batch"]), st.booleans())))
def test_the_order_told_is_the_order_taken(plan: list[tuple[str, str, bool]]) -> None:
    queue: Scheduler[_Job] = Scheduler()
    jobs = [_Job(owner, n, priority) for n, (owner, priority, _) in enumerate(plan)]
    for job in jobs:
        queue.add(job)
    for job, (_, _, removed) in zip(jobs, plan, strict=True):
        if removed:
            queue.remove(job)
    told = queue.order()
    assert len(told) == len(queue)
    taken = [queue.take() for _ in told]
    assert taken == told


@pytest.mark.parametrize("priority", ["interactive", "batch"])
def test_removing_what_is_not_there_is_nothing(priority: str) -> None:
    queue: Scheduler[_Job] = Scheduler()
    queue.remove(_Job("a", 1, priority))
    assert len(queue) == 0
