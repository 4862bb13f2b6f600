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
    seen: list[Progress] = []

    def note(event: Any) -> None:
        progress = event.job.progress if isinstance(event, JobChanged) else None
        if progress is not None and (not seen or seen[-1] is not progress):
            seen.append(progress)

    with shared_server.client(on_event=note) as client:
        job = client.submit("echo", {}, {"seconds": 2.0, "steps": 400})
        job.result(15)
    running = [progress for progress in seen if progress.state is JobState.RUNNING]
    assert 5 <= len(running) <= 22
    fractions = [progress.fraction for progress in running]
    assert fractions == sorted(fractions)
    assert {progress.stage for progress in running} <= {"", "echo"}
    assert all(0 <= progress.step <= progress.steps == 400 for progress in running if progress.stage)
    assert running[-1].eta_s < 1.0
    middle = running[len(running) // 2]
    assert abs(middle.eta_s - 2.0 * (1 - middle.fraction)) < 0.5


def test_heartbeats_tell_what_the_worker_does(shared_server: RunningServer) -> None:
    beats: list[Any] = []
    with shared_server.client(on_event=beats.append) as client:
        job = client.submit("echo", {}, {"seconds": 6.0, "steps": 100})
        wait_for(lambda: client.ping()[1].workers[0].stage == "echo")
        seconds, state = client.ping()
        worker = state.workers[0]
        assert (worker.job, worker.state, worker.device) == (job.id, "running", "cpu")
        assert 0 < worker.memory_bytes < worker.memory_total_bytes
        assert (state.running, state.queued) == (1, 0)
        assert min(state.clients, state.uptime_s) > 0
        assert 0 < seconds < 5
        job.cancel()
        wait_for(lambda: client.ping()[1].workers[0].state == "idle")
        assert client.ping()[1].workers[0].job == ""
    assert any(isinstance(event, HeartbeatArrived) for event in beats)


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
