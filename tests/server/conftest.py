from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from protocol import Client

from .running import RunningServer


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all tests that leave it as they found it."""
    server = RunningServer(tmp_path_factory.mktemp("shared")).start()
    yield server
    server.stop()


@pytest.fixture
def client(shared_server: RunningServer) -> Iterator[Client]:
    """A connected client with a session of its own."""
    client = shared_server.client()
    yield client
    client.close()


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Callable[..., RunningServer]]:
    """Makes servers with options of their own, ended with the test."""
    made: list[RunningServer] = []

    def make(start: bool = True, name: str = "server", **options: Any) -> RunningServer:
        server = RunningServer(tmp_path / name, **options)
        made.append(server)
        return server.start() if start else server

    yield make
    for server in made:
        server.stop()
