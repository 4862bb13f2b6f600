"""Jobs belong to a session, run once, and their results wait until they have arrived."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from protocol import Array, AsyncClient, Client, ErrorCode, JobCancelled, JobState, ProblemError
from protocol.connection import new_session
from protocol.jobs import new_job_id
from protocol.messages import Acknowledge, Attach, Bye, Cancel, Fetch, Need, Release, Submit

from .running import RawClient, RunningServer, wait_for


def test_other_sessions_see_nothing(client: Client, shared_server: RunningServer) -> None:
    value = Array(np.arange(50_000))
    job = client.submit("echo", {"value": value}, keep=True)
    job.result(10)
    running = client.submit("echo", {}, {"seconds": 0.5, "steps": 20})
    wait_for(lambda: running.state is JobState.RUNNING)
    with RawClient(shared_server.address) as stranger:
        for message in (Attach(job.id), Cancel(running.id), Fetch(job.id, "00" * 32, 0)):
            stranger.send(message)
            assert stranger.expect("refused").problem.code is ErrorCode.NOT_FOUND
        stranger.send(Submit(running.id, "echo"))  # the id of somebody else's job
        assert stranger.expect("refused").problem.code is ErrorCode.NOT_FOUND
        stranger.send(Acknowledge(job.id))
    with shared_server.client() as other:
        assert other.list_jobs() == []
        workers = other.ping()[1].workers
        assert all(worker.job == "" for worker in workers)
    running.result(10)
    assert [entry.job for entry in client.list_jobs()] == [job.id]
    job.acknowledge()
    wait_for(lambda: client.list_jobs() == [])


def test_the_same_id_runs_once(client: Client, shared_server: RunningServer) -> None:
    session, job = new_session(), new_job_id()
    with RawClient(shared_server.address, session) as one, RawClient(shared_server.address, session) as two:
        one.send(Submit(job, "echo", {}, {"seconds": 0.3}))
        one.send(Submit(job, "echo", {}, {"seconds": 0.3}))
        two.send(Submit(job, "echo", {}, {"seconds": 0.3}))
        assert one.expect("result").job == job
        assert two.expect("result").job == job  # every connection of the session hears of it
        two.send(Submit(job, "echo"))
        assert two.expect("result").job == job
    assert shared_server.runs(job) == 1


def test_kept_results_survive_a_restart(new_server: Callable[..., RunningServer]) -> None:
    server, session = new_server(), new_session()
    value = Array(np.random.default_rng(4).random(200_000, np.float32))
    with server.client(session=session) as client:
        job = client.submit("echo", {"value": value}, keep=True, label="kept")
        job.result(10)
    server.stop()
    server.start()
    with server.client(session=session) as client:
        assert [(entry.job, entry.label) for entry in client.list_jobs()] == [(job.id, "kept")]
        assert np.array_equal(client.attach(job.id).result(10).value.data, value.data)
        wait_for(lambda: client.list_jobs() == [])
    assert not list((server.folder / "results").iterdir())
    assert server.runs(job.id) == 1


def test_the_second_click_uploads_nothing(client: Client) -> None:
    needs: list[Need] = []
    exchange = client._exchange
    original = exchange.on_message

    def spy(message: object, arrays: list[Any]) -> None:
        if isinstance(message, Need):
            needs.append(message)
        original(message, arrays)  # type: ignore[arg-type]

    exchange.on_message = spy  # type: ignore[method-assign, assignment]
    value = Array(np.random.default_rng(5).random(300_000))
    for _ in range(3):
        assert np.array_equal(client.submit("echo", {"value": value}).result(10).value.data, value.data)
    # A submit that crosses the first snapshot is said, and asked for, twice: it is one upload.
    assert len({need.job for need in needs}) == 1


def test_two_clients_upload_the_same_at_once(shared_server: RunningServer) -> None:
    value = Array(np.random.default_rng(6).integers(0, 255, 24 << 20, dtype=np.uint8))
    clients = [shared_server.client() for _ in range(2)]
    try:
        jobs = [client.submit("echo", {"value": value}) for client in clients]
        for job in jobs:
            assert np.array_equal(job.result(30).value.data, value.data)
    finally:
        for client in clients:
            client.close()


def test_the_server_asks_for_hello_again_when_it_forgot(client: Client) -> None:
    # As after a long silence: the connection stands, but the server no longer knows whose it is.
    client._link.call(lambda: client._link.send(Bye()))
    job = client.submit("echo")
    job.result(10)


def test_handles_are_freed_without_error(shared_server: RunningServer) -> None:
    with RawClient(shared_server.address) as raw:
        raw.send(Release("0.abc-gone"))
        assert raw.expect("released").handle == "0.abc-gone"


def test_a_callback_that_fails_breaks_nothing(shared_server: RunningServer) -> None:
    def fails(event: object) -> None:
        raise ValueError("the owner's fault")

    with shared_server.client(on_event=fails) as client:
        client.submit("echo").result(10)


def test_asyncio(shared_server: RunningServer) -> None:
    async def work() -> None:
        async with AsyncClient(shared_server.address) as client:
            value = Array(np.arange(100_000))
            jobs = [client.submit("echo", {"value": value}) for _ in range(3)]
            for outputs in await asyncio.gather(*(job.result() for job in jobs)):
                assert outputs.value == value
            slow = client.submit("echo", {}, {"seconds": 20.0, "steps": 100})
            async for progress in slow.updates():
                if progress.state is JobState.RUNNING:
                    break
            slow.cancel()
            with pytest.raises(JobCancelled):
                await slow.result()
            with pytest.raises(ProblemError, match="boo"):
                await client.submit("echo", {}, {"fail": "boo"}).result()
            assert "echo" in {task.name for task in (await client.catalogue()).tasks}
            assert (await client.ping())[0] < 5

    asyncio.run(asyncio.wait_for(work(), 40))


def test_close_is_quick_while_an_upload_runs(shared_server: RunningServer) -> None:
    client = shared_server.client()
    client.submit("echo", {"value": Array(np.ones(4 << 20))})
    closing = threading.Thread(target=client.close)
    closing.start()
    closing.join(2.5)
    assert not closing.is_alive()


def test_a_client_holds_no_job_that_has_ended_and_is_not_kept(client: Client) -> None:
    ended, kept = client.submit("echo"), client.submit("echo", keep=True)
    ended.result(20)
    kept.result(20)
    wait_for(lambda: list(client.jobs) == [kept.id])
    kept.acknowledge()
    wait_for(lambda: not client.jobs)
    wait_for(lambda: client.list_jobs() == [])
