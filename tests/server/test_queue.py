"""Whose turn it is, and what people are told while they wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from protocol import Client, ErrorCode, JobChanged, JobState, ProblemError
from protocol.messages import Limits

from .running import RunningServer, wait_for

NewServer = Callable[..., RunningServer]


class _Order:
    """Notes in which order jobs end."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def __call__(self, event: Any) -> None:
        if isinstance(event, JobChanged) and event.job.state.is_final and event.job.label not in self.ended:
            self.ended.append(event.job.label)


def _busy(client: Client) -> Any:
    blocker = client.submit("echo", {}, {"seconds": 30.0, "steps": 600}, label="blocker")
    wait_for(lambda: blocker.state is JobState.RUNNING)
    return blocker


def test_sessions_take_turns_and_interactive_goes_first(new_server: NewServer) -> None:
    server, order = new_server(), _Order()
    with server.client(on_event=order) as ann, server.client(on_event=order) as bob:
        blocker = _busy(ann)
        jobs = [ann.submit("echo", label=f"batch{n}", priority="batch") for n in range(2)]
        jobs += [ann.submit("echo", label=f"ann{n}") for n in range(3)]
        for job in jobs:
            job.wait_accepted(10)
        jobs += [bob.submit("echo", label=f"bob{n}") for n in range(2)]
        for job in jobs:
            job.wait_accepted(10)
        blocker.cancel()
        for job in jobs:
            job.result(10)
        wait_for(lambda: len(order.ended) == len(jobs) + 1)
    # Two network threads note the endings, so neighbours may be swapped; who waits for whom may not.
    place = {label: n for n, label in enumerate(order.ended)}
    assert place["bob0"] < place["ann1"] < place["ann2"]
    assert place["bob1"] < place["ann2"]
    assert max(place[name] for name in ("ann2", "bob1")) < place["batch0"] < place["batch1"]


def test_waiting_jobs_are_told_place_and_time(new_server: NewServer) -> None:
    server = new_server()
    with server.client() as client:
        client.submit("echo", {}, {"seconds": 0.5}).result(10)
        blocker = _busy(client)
        jobs = [client.submit("echo", {}, {"seconds": 0.01}) for _ in range(3)]
        wait_for(lambda: all(job.progress is not None and job.progress.eta_s > 0 for job in jobs))
        seen = [job.progress for job in jobs if job.progress is not None]
        assert [progress.position for progress in seen] == [1, 2, 3]
        assert seen[0].eta_s < seen[1].eta_s < seen[2].eta_s
        listed = [entry for entry in client.list_jobs() if entry.state is JobState.QUEUED]
        assert [entry.position for entry in listed] == [1, 2, 3]
        jobs[0].cancel()
        wait_for(lambda: [job.progress.position for job in jobs[1:] if job.progress] == [1, 2])
        state = client.ping()[1]
        assert (state.queued, state.running) == (2, 1)
        blocker.cancel()
        jobs[2].result(10)


def test_a_full_queue_says_try_again(new_server: NewServer) -> None:
    server = new_server(limits=Limits(max_queued_jobs=3))
    with server.client() as client:
        blocker = _busy(client)
        waiting = [client.submit("echo") for _ in range(2)]
        with pytest.raises(ProblemError) as caught:
            client.submit("echo").result(10)
        assert caught.value.problem.code is ErrorCode.BUSY
        assert "again" in caught.value.problem.hint
        blocker.cancel()
        for job in waiting:
            job.result(10)
        client.submit("echo").result(10)


def test_a_hundred_jobs_of_four_clients(new_server: NewServer) -> None:
    server = new_server()
    clients = [server.client() for _ in range(4)]
    try:
        jobs = [clients[n % 4].submit("echo") for n in range(100)]
        for job in jobs:
            job.result(30)
        assert all(server.runs(job.id) == 1 for job in jobs)
    finally:
        for client in clients:
            client.close()
