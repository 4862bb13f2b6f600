"""Addresses as people type them, the connection file, sessions and keys."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from protocol import security
from protocol.connection import (
    ConnectionFile,
    find_local,
    is_loopback,
    load_session,
    parse_address,
    process_lives,
    wait_for_local,
)
from protocol.problems import ErrorCode, ProblemError


@pytest.fixture(autouse=True)
def private_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RUNTIME", "CONFIG", "STATE"):
        monkeypatch.setenv(f"WHOLEFORM_{name}_DIR", str(tmp_path / name.lower()))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("http://127.0.0.1:8188/", "tcp://127.0.0.1:8188"),
        ("https://gpu.example:7/x?y#z", "tcp://gpu.example:7"),
        ("  gpu  ", "tcp://gpu:5555"),
        ('"gpu:9"', "tcp://gpu:9"),
        ("TCP://Gpu:99", "tcp://gpu:99"),
        ("gpu:", "tcp://gpu:5555"),
        ("::1", "tcp://[::1]:5555"),
        ("[fe80::1]:5", "tcp://[fe80::1]:5"),
        ("ipc:///tmp/x", "ipc:///tmp/x"),
    ],
)
def test_addresses_are_forgiven(typed: str, meant: str) -> None:
    assert parse_address(typed) == meant


@pytest.mark.parametrize("typed", ["", "   ", "two words", "gpu:99999", "gpu:0", "://", "me@host", "ipc://"])
def test_what_is_no_address_is_said(typed: str) -> None:
    with pytest.raises(ProblemError) as caught:
        parse_address(typed)
    assert caught.value.problem.code is ErrorCode.BAD_PARAMETER
    assert caught.value.problem.hint


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("tcp://127.0.0.1:5", True),
        ("tcp://127.8.8.8:5", True),
        ("tcp://localhost:5", True),
        ("tcp://[::1]:5", True),
        ("ipc:///tmp/x", True),
        ("tcp://0.0.0.0:5", False),
        ("tcp://192.168.1.2:5", False),
        ("tcp://127.0.0.1.example.com:5", False),
        ("tcp://[::]:5", False),
        ("tcp://*:5", False),
    ],
)
def test_loopback_is_told_from_the_network(address: str, local: bool) -> None:
    assert is_loopback(address) is local


def test_the_connection_file_is_the_owners_alone_and_found_while_the_server_lives() -> None:
    assert find_local() is None
    mine = ConnectionFile("tcp://127.0.0.1:5555", os.getpid(), server="a")
    path = mine.write()
    assert find_local() == mine
    assert wait_for_local(1) == mine
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    ConnectionFile("tcp://127.0.0.1:5555", os.getpid(), server="another").remove()
    assert path.exists(), "another start's file must stay"
    mine.remove()
    assert not path.exists()


def test_the_file_of_a_dead_server_is_ignored() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    ConnectionFile("tcp://127.0.0.1:5555", ended.pid).write()
    assert not process_lives(ended.pid)
    assert find_local() is None
    with pytest.raises(ProblemError, match="wholeform serve"):
        wait_for_local(0.05)


def test_a_damaged_connection_file_counts_as_none() -> None:
    path = ConnectionFile("tcp://127.0.0.1:5555", os.getpid()).write()
    path.write_bytes(b"{not json")
    assert find_local() is None


def test_a_session_is_kept_per_front_end() -> None:
    assert load_session("desktop") == load_session("desktop") != load_session("blender")


def test_keys_are_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "client.key.json"
    keys = security.load_or_make_keys(path)
    assert security.load_keys(path) == keys
    assert keys.secret not in repr(keys)
    with pytest.raises(FileExistsError):
        security.save_keys(path, security.make_keys())
    if sys.platform != "win32":
        path.chmod(0o644)
        with pytest.raises(ProblemError, match="chmod 600"):
            security.load_keys(path)


@pytest.mark.parametrize("content", ["", "[]", '{"public": "x", "secret": "y"}', '{"public": 3}'])
def test_a_damaged_key_file_is_said(tmp_path: Path, content: str) -> None:
    path = tmp_path / "client.key.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(ProblemError) as caught:
        security.load_keys(path)
    assert caught.value.problem.code is ErrorCode.KEY_REFUSED
    assert "wholeform keys make" in caught.value.problem.hint


def test_the_allow_list_keeps_keys_and_names(tmp_path: Path) -> None:
    path = tmp_path / "allowed"
    one, two = security.make_keys().public, "#" + security.make_keys().public[1:]
    security.allow_key(path, one, "studio  one\nx")
    security.allow_key(path, two, "")
    security.allow_key(path, one, "again")
    with path.open("a") as file:
        file.write("\n# a comment\n")
    assert security.load_allowed(path) == {one: "studio one x", two: ""}
    with pytest.raises(ProblemError, match="not a key"):
        security.allow_key(path, "hello", "x")
    with path.open("a") as file:
        file.write("not-a-key me\n")
    with pytest.raises(ProblemError, match="Line 5"):
        security.load_allowed(path)
