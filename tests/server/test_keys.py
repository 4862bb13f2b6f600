"""CURVE: who is let in, what others are told, and how an added key heals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from protocol import Array, Client, ConnectionState, ErrorCode, ProblemError
from protocol.security import KeyPair, allow_key, make_keys, save_keys

from .running import RunningServer, wait_for


@pytest.fixture
def keys() -> tuple[KeyPair, KeyPair, KeyPair]:
    """Of the server, of a friend and of a stranger."""
    return make_keys(), make_keys(), make_keys()


def _secured(
    new_server: Callable[..., RunningServer], tmp_path: Path, server_keys: KeyPair, friend: KeyPair
) -> RunningServer:
    save_keys(tmp_path / "server.key.json", server_keys)
    allow_key(tmp_path / "allowed", friend.public, "friend")
    return new_server(key_file=tmp_path / "server.key.json", allowed_file=tmp_path / "allowed")


def test_open_binds_need_keys(new_server: Callable[..., RunningServer]) -> None:
    server = new_server(start=False, bind="tcp://0.0.0.0:0")
    assert server.launch().wait(15) == 1
    said = server.log()
    assert "can be reached by others" in said
    assert "wholeform keys make --server" in said
    assert "wholeform keys allow" in said


def test_an_allow_list_that_lets_nobody_in(
    new_server: Callable[..., RunningServer], tmp_path: Path, keys: tuple[KeyPair, KeyPair, KeyPair]
) -> None:
    save_keys(tmp_path / "server.key.json", keys[0])
    (tmp_path / "allowed").write_text("# nobody yet\n")
    server = new_server(start=False, key_file=tmp_path / "server.key.json", allowed_file=tmp_path / "allowed")
    assert server.launch().wait(15) == 1
    assert "lets nobody in" in server.log()


def test_friends_come_in_and_strangers_do_not(
    new_server: Callable[..., RunningServer], tmp_path: Path, keys: tuple[KeyPair, KeyPair, KeyPair]
) -> None:
    own, friend, stranger = keys
    server = _secured(new_server, tmp_path, own, friend)
    value = Array(np.arange(400_000))
    with Client(server.address, keys=friend, server_key=own.public) as client:
        assert client.submit("echo", {"value": value}).result(10).value == value

    for options in ({"keys": stranger, "server_key": own.public}, {"keys": friend, "server_key": stranger.public}, {}):
        refused = Client(server.address, **options)  # type: ignore[arg-type]
        try:
            with pytest.raises(ProblemError) as caught:
                refused.connect(10)
            assert caught.value.problem.code is ErrorCode.KEY_REFUSED
            assert refused.state is ConnectionState.KEY_REFUSED
            assert caught.value.problem.hint
        finally:
            refused.close()

    # The hint carries the key to add; once it is added, the waiting client comes in without a restart of anything.
    waiting = Client(server.address, keys=stranger, server_key=own.public)
    try:
        with pytest.raises(ProblemError) as caught:
            waiting.connect(10)
        assert stranger.public in caught.value.problem.hint
        allow_key(tmp_path / "allowed", stranger.public, "no longer a stranger")
        wait_for(lambda: waiting.state is ConnectionState.CONNECTED, 15)
        waiting.submit("echo").result(10)
    finally:
        waiting.close()


def test_a_session_is_bound_to_its_key(
    new_server: Callable[..., RunningServer], tmp_path: Path, keys: tuple[KeyPair, KeyPair, KeyPair]
) -> None:
    own, friend, other = keys
    server = _secured(new_server, tmp_path, own, friend)
    allow_key(tmp_path / "allowed", other.public, "other")
    session = "a-session-that-leaked"
    with Client(server.address, keys=friend, server_key=own.public, session=session) as client:
        job = client.submit("echo", keep=True)
        job.result(10)
        with Client(server.address, keys=other, server_key=own.public, session=session) as thief:
            assert thief.list_jobs() == []
        assert [entry.job for entry in client.list_jobs()] == [job.id]
