"""Processes die; nothing accepted is lost and nothing runs twice that ended."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from backend.serving.clients import owner_of
from backend.serving.embedded import EmbeddedServer
from backend.serving.options import ServeOptions
from backend.serving.store import JobStore, StoredJob
from protocol import Array, Client, ConnectionState, ErrorCode, JobState, ProblemError
from protocol.connection import ConnectionFile, new_session
from protocol.messages import Submit

from .running import RunningServer, wait_for

NewServer = Callable[..., RunningServer]


def test_a_lost_worker_is_replaced_and_its_job_tried_once_more(new_server: NewServer) -> None:
    server = new_server()
    with server.client() as client:
        job = client.submit("echo", {}, {"seconds": 1.0})
        wait_for(lambda: server.runs(job.id) == 1)
        server.worker().kill()
        job.result(15)
        assert server.runs(job.id) == 2

        doomed = client.submit("echo", {}, {"seconds": 30.0})
        for attempt in (1, 2):
            wait_for(lambda n=attempt: server.runs(doomed.id) == n, 15)
            server.worker().kill()
        with pytest.raises(ProblemError) as caught:
            doomed.result(15)
        assert caught.value.problem.code is ErrorCode.WORKER_LOST
        assert "twice" in caught.value.problem.message
        assert caught.value.problem.hint
        client.submit("echo").result(15)


def test_a_killed_gateway_finishes_its_jobs_after_the_restart(new_server: NewServer) -> None:
    server = new_server()
    value = Array(np.arange(300_000, dtype=np.float32))
    session = new_session()
    client = server.client(session=session)
    try:
        done = client.submit("echo", {"value": value}, keep=True)
        done.result(10)
        jobs = [client.submit("echo", {"value": value}, {"seconds": 0.3}, keep=True) for _ in range(6)]
        for job in jobs:
            job.wait_accepted(10)
        wait_for(lambda: jobs[1].state is JobState.RUNNING or jobs[0].state.is_final)
        worker = server.worker()
        server.kill()
        wait_for(lambda: client.state is not ConnectionState.CONNECTED)
        wait_for(lambda: not worker.is_running(), 10)  # a worker without its gateway ends itself
        server.start()
        # The living client finds back by itself and gets every result.
        for job in jobs:
            assert np.array_equal(job.result(20).value.data, value.data)
        runs = [server.runs(job.id) for job in jobs]
        assert server.runs(done.id) == 1
        assert sum(runs) <= len(jobs) + 1  # only what ran when the power went is run again
        assert max(runs) <= 2
        # What ended before the restart is still there.
        with server.client(session=session) as other:
            assert np.array_equal(other.attach(done.id, "echo").result(10).value.data, value.data)
    finally:
        client.close()


def test_a_client_that_vanished_gets_its_result_later(new_server: NewServer) -> None:
    server = new_server()
    session = new_session()
    gone = server.client(session=session)
    job = gone.submit("echo", {"value": Array(np.arange(100_000))}, {"seconds": 0.3})
    job.wait_accepted(10)
    gone.close()
    with server.client(session=session) as back:
        wait_for(lambda: back.list_jobs()[0].state is JobState.DONE)
        assert [(entry.job, entry.task) for entry in back.list_jobs()] == [(job.id, "echo")]
        assert len(back.attach(job.id).result(10).value.data) == 100_000
        wait_for(lambda: not back.list_jobs())  # acknowledged, so removed
    assert server.runs(job.id) == 1


def test_jobs_submitted_while_the_server_is_away_run_when_it_is_back(new_server: NewServer) -> None:
    server = new_server()
    client = server.client()
    try:
        server.stop()
        wait_for(lambda: client.state is not ConnectionState.CONNECTED)
        job = client.submit("echo", {"value": Array(np.ones(200_000))})
        server.start()
        job.result(20)
    finally:
        client.close()


def test_sigterm_ends_server_and_worker_quickly(new_server: NewServer) -> None:
    server = new_server()
    worker = server.worker()
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 3
    assert not worker.is_running()
    assert not (server.folder / "run" / "connection.json").exists()


def test_a_second_server_on_the_same_port_says_so(new_server: NewServer) -> None:
    first = new_server()
    # The same person starts it again: it says that one runs and that is no error.
    again = new_server(start=False, bind=first.address)
    process = again.launch()
    assert process.wait(15) == 0
    assert "already runs" in again.log()
    # Another folder of connection files, as another person would have: the port is taken.
    other = new_server(start=False, name="other", bind=first.address)
    assert other.launch().wait(15) == 1
    assert f"Another program uses {first.address}" in other.log()
    assert "--bind" in other.log()


def test_a_port_of_another_program_is_named(new_server: NewServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = new_server(start=False, bind=f"tcp://127.0.0.1:{port}")
        assert server.launch().wait(15) == 1
        assert f"Another program uses tcp://127.0.0.1:{port}" in server.log()


def test_two_servers_cannot_share_a_folder(new_server: NewServer) -> None:
    first = new_server()
    second = new_server(start=False)
    assert second.launch().wait(15) == 1
    assert "uses the folder" in second.log()
    with first.client() as client:
        client.submit("echo").result(10)


def test_a_full_disk_refuses_large_inputs_and_takes_small_ones(new_server: NewServer) -> None:
    server = new_server(disk_reserve=1 << 60)
    with server.client() as client:
        with pytest.raises(ProblemError) as caught:
            client.submit("echo", {"value": Array(np.ones(100_000))}).result(10)
        assert caught.value.problem.code is ErrorCode.TOO_LARGE
        assert "disk" in caught.value.problem.message
        client.submit("echo", {"value": Array(np.ones(10))}).result(10)


def test_a_stopped_worker_is_ended_and_replaced(new_server: NewServer) -> None:
    server = new_server(cancel_grace_s=0.3)
    with server.client() as client:
        job = client.submit("echo", {}, {"seconds": 30.0})
        wait_for(lambda: job.state is JobState.RUNNING)
        os.kill(server.worker().pid, signal.SIGSTOP)
        job.cancel()
        wait_for(lambda: job.state is JobState.CANCELLED, 5)
        client.submit("echo").result(15)


def test_an_embedded_server(tmp_path: Path) -> None:
    with EmbeddedServer(arguments=("--no-warm",)) as server:
        with server.client() as client:
            assert isinstance(client, Client)
            client.submit("echo").result(15)
        folder = server.state
    assert not folder.exists()
    with pytest.raises(ProblemError, match="did not start"):
        EmbeddedServer(tmp_path, ("--bind", "0.0.0.0:0")).start()


def test_a_connection_file_older_than_its_process_id_is_ignored(new_server: NewServer) -> None:
    server = new_server(start=False)
    run = server.folder / "run"
    run.mkdir(parents=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    # The id belongs to a living process, but not to a server.
    stale = ConnectionFile(address, os.getpid(), server="gone")
    (run / "connection.json").write_bytes(msgspec.json.encode(stale))
    server.options = ServeOptions(**{**vars(server.options), "bind": address})
    process = server.launch()
    try:
        wait_for(lambda: b"gone" not in (run / "connection.json").read_bytes(), 15)
        with Client(address) as client:
            assert client.ping()[0] >= 0
    finally:
        process.terminate()
        process.wait(10)


def test_a_stored_job_that_this_version_cannot_run_fails_and_the_others_run(new_server: NewServer) -> None:
    server = new_server(start=False)
    store = JobStore(server.folder / "jobs.sqlite")
    session = new_session()
    owner = owner_of(session, "")
    for number, (task, parameters) in enumerate([("teleport", {}), ("echo", {"colour": 1}), ("echo", {})]):
        submit = Submit(f"job-{number:08}", task, {}, parameters)
        store.add(StoredJob(submit.job, owner, JobState.QUEUED, float(number), 0, submit, []))
    store.close()
    server.start()
    with Client(server.address, session=session) as client:
        for job_id, code in (("job-00000000", ErrorCode.UNKNOWN_TASK), ("job-00000001", ErrorCode.BAD_PARAMETER)):
            with pytest.raises(ProblemError) as caught:
                client.attach(job_id).result(20)
            assert caught.value.problem.code is code
        client.attach("job-00000002").result(20)
