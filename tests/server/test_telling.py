"""What people hear while a job runs: progress, heartbeats, and of jobs that hang."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from protocol import Client, ErrorCode, HeartbeatArrived, JobChanged, JobState, ProblemError
from protocol.messages import Progress

from .running import RunningServer, wait_for


def test_progress_is_steady_and_not_too_much(shared_server: RunningServer) -> None:
    seen: list[tuple[float, Progress]] = []

    def note(event: Any) -> None:
        if isinstance(event, JobChanged) and event.job.progress is not None:
            if not seen or seen[-1][1] is not event.job.progress:
                seen.append((time.monotonic(), event.job.progress))

    with shared_server.client(on_event=note) as client:
        job = client.submit("echo", {}, {"seconds": 2.0, "steps": 400})
        job.result(15)
    running = [(at, progress) for at, progress in seen if progress.state is JobState.RUNNING]
    assert 5 <= len(running) <= 22
    fractions = [progress.fraction for _, progress in running]
    assert fractions == sorted(fractions)
    assert {progress.stage for _, progress in running} == {"echo"}
    assert all(0 <= progress.step <= progress.steps == 400 for _, progress in running)
    last_at, last = running[-1]
    assert last.eta_s < 1.0 and last_at
    middle = running[len(running) // 2][1]
    assert abs(middle.eta_s - 2.0 * (1 - middle.fraction)) < 0.5


def test_heartbeats_tell_what_the_worker_does(shared_server: RunningServer) -> None:
    beats: list[Any] = []
    with shared_server.client(
        on_event=lambda e: beats.append(e) if isinstance(e, HeartbeatArrived) else None
    ) as client:
        job = client.submit("echo", {}, {"seconds": 6.0, "steps": 100})
        wait_for(lambda: client.ping()[1].workers[0].job == job.id)
        seconds, state = client.ping()
        worker = state.workers[0]
        assert (worker.state, worker.stage, worker.device) == ("running", "echo", "cpu")
        assert worker.memory_bytes > 0 and worker.memory_total_bytes > worker.memory_bytes
        assert state.running == 1 and state.clients >= 1 and state.uptime_s > 0
        assert 0 < seconds < 5
        job.cancel()
        wait_for(lambda: client.ping()[1].workers[0].state == "idle")
        assert client.ping()[1].workers[0].job == ""
    assert beats


def test_a_job_that_says_nothing_is_ended(new_server: Callable[..., RunningServer]) -> None:
    server = new_server(stage_limit_s=0.5)
    with server.client() as client:
        with pytest.raises(ProblemError) as caught:
            client.submit("echo", {}, {"seconds": 20.0, "stubborn": True}).result(15)
        assert caught.value.problem.code is ErrorCode.TIMEOUT
        client.submit("echo").result(15)


def test_free_memory_answers_at_once_while_a_job_runs(client: Client) -> None:
    assert client.free_memory() >= 0
    job = client.submit("echo", {}, {"seconds": 20.0, "steps": 400})
    wait_for(lambda: job.state is JobState.RUNNING)
    began = time.monotonic()
    client.ping()
    assert time.monotonic() - began < 2
    job.cancel()
    wait_for(lambda: job.state is JobState.CANCELLED)


def test_results_nobody_fetched_expire(new_server: Callable[..., RunningServer]) -> None:
    server = new_server(result_ttl_s=0.0)
    session = "a-session-that-forgets"
    with server.client(session=session) as client:
        client.submit("echo", keep=True).result(10)
    server.stop()
    server.start()  # tidies at its start
    with server.client(session=session) as client:
        wait_for(lambda: client.list_jobs() == [])
