"""A job can be cancelled whatever it does, and only by the session it belongs to."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from protocol import Array, Client, JobCancelled, JobState
from protocol.digests import blob_name
from protocol.jobs import new_job_id
from protocol.messages import PIECE_BYTES, ArrayRef, Cancel, Ping, Submit, Upload, WireValue

from .running import RawClient, RunningServer, wait_for


def _cancelled(job: object, timeout: float = 5.0) -> float:
    """Cancel; the seconds until it was confirmed."""
    began = time.monotonic()
    job.cancel()  # type: ignore[attr-defined]
    with pytest.raises(JobCancelled):
        job.result(timeout)  # type: ignore[attr-defined]
    return time.monotonic() - began


def test_running_and_queued(client: Client, shared_server: RunningServer) -> None:
    running = client.submit("echo", {}, {"seconds": 20.0, "steps": 100})
    queued = client.submit("echo", {}, {"seconds": 20.0})
    wait_for(lambda: running.state is JobState.RUNNING and queued.state is JobState.QUEUED)
    assert _cancelled(queued) < 1
    assert _cancelled(running) < 1
    client.submit("echo").result(10)
    assert shared_server.runs(queued.id) == 0


def test_a_stubborn_task_costs_its_worker(new_server: Callable[..., RunningServer]) -> None:
    server = new_server(cancel_grace_s=0.4)
    with server.client() as client:
        job = client.submit("echo", {}, {"seconds": 30.0, "stubborn": True})
        wait_for(lambda: job.state is JobState.RUNNING or server.runs(job.id))
        worker = server.worker()
        assert 0.3 < _cancelled(job) < 3
        wait_for(lambda: not worker.is_running())
        client.submit("echo").result(10)
        assert server.runs(job.id) == 1


def test_what_has_just_ended_stays_as_it_ended(client: Client) -> None:
    job = client.submit("echo", keep=True)
    job.result(10)
    job.cancel()
    again = client.list_jobs()
    assert job.state is JobState.DONE
    assert [entry.state for entry in again] == [JobState.DONE]
    job.acknowledge()
    wait_for(lambda: not client.list_jobs())


def test_a_cancel_while_uploading(shared_server: RunningServer) -> None:
    content = np.random.default_rng(1).bytes(20 * PIECE_BYTES)
    name, job = blob_name(content), new_job_id()
    ref = ArrayRef("uint8", [len(content)], digest=name, nbytes=len(content))
    with RawClient(shared_server.address) as raw:
        raw.send(Submit(job, "echo", {"value": WireValue("array", {"data": ref})}))
        raw.expect("need")
        for n in range(10):
            piece = content[n * PIECE_BYTES : (n + 1) * PIECE_BYTES]
            raw.send(Upload(name, n * PIECE_BYTES, len(content)), piece)
        raw.send(Cancel(job))
        assert raw.expect("cancelled").job == job
        # What was still under way is refused, the connection lives, nothing is left of the upload.
        raw.send(Upload(name, 10 * PIECE_BYTES, len(content)), content[:PIECE_BYTES])
        assert raw.expect("refused").about == "upload"
        raw.send(Ping(5))
        assert raw.expect("pong").token == 5
    wait_for(lambda: not list((shared_server.folder / "uploads").iterdir()))
    assert not (shared_server.folder / "blobs" / name[:2] / name).exists()


def test_a_cancel_overtakes_a_big_upload(client: Client, shared_server: RunningServer) -> None:
    big = Array(np.random.default_rng(2).integers(0, 255, 256 << 20, dtype=np.uint8))
    job = client.submit("echo", {"value": big})
    wait_for(lambda: job.uploaded[0] > 0, 20)
    assert job.uploaded[0] < job.uploaded[1] / 2
    assert _cancelled(job) < 1
    assert shared_server.runs(job.id) == 0


def test_one_of_two_jobs_with_the_same_upload(client: Client) -> None:
    value = Array(np.random.default_rng(3).integers(0, 255, 32 << 20, dtype=np.uint8))
    first, second = client.submit("echo", {"value": value}), client.submit("echo", {"value": value})
    wait_for(lambda: first.uploaded[0] > 0 or first.state is not JobState.UPLOADING, 20)
    first.cancel()
    assert np.array_equal(second.result(20).value.data, value.data)
    wait_for(lambda: first.state.is_final)
