"""Blender's connection to a real server through the companion process, without Blender."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from ..unit.blender_staged import module
from .running import RunningServer, wait_for

NUMBERS = np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8)  # too many for one message to the server


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("RUNTIME", "STATE", "CONFIG"):
        monkeypatch.setenv(f"WHOLEFORM_{name}_DIR", str(tmp_path / name.lower()))
    network = module("network").Network("test")
    yield network
    network.stop()


@pytest.fixture
def connected(network: Any, shared_server: RunningServer) -> Any:
    connect(network, shared_server)
    return network


def connect(network: Any, server: RunningServer) -> None:
    assert network.connect(module("servers").Server("test", server.address))
    until(network, lambda: network.state.value == "connected")


def until(network: Any, done: Callable[[], object]) -> list[Any]:
    """Take in what happens until ``done``; returns it."""
    happened: list[Any] = []

    def look() -> object:
        while (event := network.take()) is not None:
            happened.append(event)
        return done()

    wait_for(look, 30)
    return happened


def companion(network: Any) -> psutil.Process:
    return psutil.Process(network._companion._process.pid)


def echo(network: Any, **parameters: Any) -> Any:
    return network.submit("echo", {"value": module("protocol").Array(NUMBERS)}, parameters, "label", keep=False)


def test_a_job_goes_there_and_back_without_a_thread(connected: Any) -> None:
    before = threading.enumerate()
    job = echo(connected, seconds=0.5, steps=10)
    happened = until(connected, lambda: job.state.is_final)
    assert job.state.value == "done", job.problem
    assert np.array_equal(job.outputs["value"].data, NUMBERS)
    assert "seconds" in job.info
    fractions = [event.job.progress for event in happened if type(event).__name__ == "JobChanged"]
    assert len(fractions) > 3
    assert job.id not in connected.client.jobs
    assert threading.enumerate() == before


def test_the_server_is_known_and_asked(connected: Any) -> None:
    connected.client.request_catalogue()
    connected.client.request_ping()
    seen: set[str] = set()
    wait_for(lambda: (seen.update(type(each).__name__ for each in until(connected, lambda: True)), len(seen) >= 2)[1])
    assert {"CatalogueArrived", "HeartbeatArrived"} <= seen
    assert connected.client.server.product == "wholeform"


def test_cancel_and_what_cannot_be_sent(connected: Any) -> None:
    job = echo(connected, seconds=30.0, steps=300)
    until(connected, lambda: job.state.value == "running")
    job.cancel()
    until(connected, lambda: job.state.is_final)
    assert job.state.value == "cancelled"
    problem = module("protocol").ProblemError
    with pytest.raises(problem, match="cannot be sent"):
        echo(connected, seconds=object())
    failed = connected.submit("no_such_task", {}, {}, "label", keep=False)
    until(connected, lambda: failed.state.is_final)
    assert failed.problem.code.value == "unknown_task"


def test_a_kept_job_is_found_again_and_acknowledged(connected: Any) -> None:
    job = connected.client.submit("echo", {}, {}, label="mine", keep=True)
    until(connected, lambda: job.state.is_final)
    assert job.id in connected.client.jobs
    assert connected.connect(connected.server)
    until(connected, lambda: connected.state.value == "connected")
    again = connected.client.attach(job.id, "echo", label="mine", keep=True)
    until(connected, lambda: again.state.is_final)
    assert again.state.value == "done"
    again.acknowledge()
    assert job.id not in connected.client.jobs


def test_a_companion_that_is_killed_is_told_and_started_anew(connected: Any) -> None:
    first = companion(connected)
    first.kill()
    until(connected, lambda: connected.problem is not None)
    assert connected.problem.message == "The process that talks to the server ended (killed by signal 9)."
    assert connected.lost_companion()
    assert connected.connect(connected.server)
    until(connected, lambda: connected.state.value == "connected")
    assert companion(connected).pid != first.pid


def test_a_companion_that_cannot_start_is_told_once(
    network: Any, shared_server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = module("companion_process")
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit('there is no numpy here')")
    monkeypatch.setattr(process, "START", broken)
    network.connect(module("servers").Server("test", shared_server.address))
    until(network, lambda: network.problem is not None)
    assert "(exit code 1). there is no numpy here" in network.problem.message
    assert not network.lost_companion()
    monkeypatch.setattr(process, "python", lambda: "/no/such/python")
    with pytest.raises(module("protocol").ProblemError, match="cannot be started"):
        network.connect(module("servers").Server("test", shared_server.address))


def test_the_companion_ends_with_blender(connected: Any) -> None:
    process = companion(connected)
    connected.stop()
    process.wait(10)
    assert not process.is_running()


def test_only_who_knows_the_key_is_heard(connected: Any) -> None:
    """Another program on this computer that finds the port."""
    import zmq

    endpoint = connected._companion._socket.last_endpoint
    with zmq.Context() as context, context.socket(zmq.DEALER) as stranger:
        stranger.linger = 0
        stranger.connect(endpoint.decode().rstrip("\0"))
        stranger.send(b"hello")
        until(connected, lambda: True)
        job = echo(connected)
        until(connected, lambda: job.state.is_final)
        assert not stranger.poll(500)


def test_blender_s_python_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    process = module("companion_process")
    assert os.access(process.python(), os.X_OK)
    monkeypatch.setattr(process.sys, "executable", "/opt/blender/blender")
    monkeypatch.setattr(process.sys, "prefix", "/opt/blender/4.2/python")
    assert process.python().startswith("/opt/blender/4.2/python/bin/python3.")
