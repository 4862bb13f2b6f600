"""Which job is next: interactive before batch, and within each the owners take turns."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Waiting(Protocol):
    """What the scheduler needs to know of a job."""

    @property
    def owner(self) -> str: ...

    @property
    def priority(self) -> str: ...


J = TypeVar("J", bound=Waiting)


class Scheduler(Generic[J]):
    """Waiting jobs. The order is that in which `take` would give them."""

    def __init__(self) -> None:
        self._lanes: dict[str, dict[str, deque[J]]] = {"interactive": {}, "batch": {}}

    def __len__(self) -> int:
        return sum(len(jobs) for lane in self._lanes.values() for jobs in lane.values())

    def add(self, job: J, first: bool = False) -> None:
        """Queue a job; ``first`` puts one that has to run again before its owner's others."""
        jobs = self._lanes[job.priority].setdefault(job.owner, deque())
        if first:
            jobs.appendleft(job)
        else:
            jobs.append(job)

    def remove(self, job: J) -> None:
        jobs = self._lanes[job.priority].get(job.owner)
        if jobs is not None and job in jobs:
            jobs.remove(job)
            if not jobs:
                del self._lanes[job.priority][job.owner]

    def take(self, fits: Callable[[J], bool] = lambda job: True) -> J | None:
        """The next job that ``fits`` (a free worker), or None. Its owner goes to the end of the line."""
        for lane in self._lanes.values():
            for owner, jobs in list(lane.items()):
                for job in jobs:
                    if fits(job):
                        jobs.remove(job)
                        del lane[owner]
                        if jobs:
                            lane[owner] = jobs
                        return job
        return None

    def order(self) -> list[J]:
        """All waiting jobs, next first."""
        ordered: list[J] = []
        for lane in self._lanes.values():
            rounds = [deque(jobs) for jobs in lane.values()]
            while rounds:
                ordered += [jobs.popleft() for jobs in rounds]
                rounds = [jobs for jobs in rounds if jobs]
        return ordered
