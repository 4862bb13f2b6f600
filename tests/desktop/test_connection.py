"""What the window says and does when the server is lost, refuses, or is something else altogether."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import zmq

from backend.serving.embedded import EmbeddedServer
from desktop_gui.net import local_server
from desktop_gui.panels.wording import connection_word
from protocol import ConnectionState, JobState
from protocol.connection import find_local, process_lives
from protocol.frames import MAGIC
from protocol.security import make_keys

from .driving import CUP, Driver

Opener = Callable[..., Driver]


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _word(driver: Driver) -> str:
    return driver.window.badge.text()


def test_server_killed_mid_job_and_started_again(open_window: Opener, tmp_path: Path) -> None:
    """The person sees that the connection is lost, keeps working, and gets the result of the restarted server."""
    port = str(free_port())
    with EmbeddedServer(tmp_path / "state", ("--bind", f"tcp://127.0.0.1:{port}")) as server:
        driver = open_window(server.address).connected().open_example()
        driver.pulse.start()
        driver.window.workspace.bar.parameters.set_values({"samples": 4, "faces": 5000})
        driver.run()
        driver.wait(lambda: driver.stage, "the job is under way")
        entry = driver.window.studio.running
        assert entry is not None
        driver.wait(lambda: entry.state is not JobState.UPLOADING, "the server has the job on disk")
        server.kill()
        driver.wait(lambda: driver.state is not ConnectionState.CONNECTED, "the window notices")
        driver.wait(lambda: driver.window.messages.text, "the window says so")
        assert _word(driver) in ("connecting", "offline")
        driver.turn(0.5)
        driver.pulse.check()
        server.start()
        driver.connected()
        driver.finished()
        assert driver.window.messages.topic != "connection"
        assert len(driver.window.jobs.rows) == 1


def test_offline_says_what_to_do(open_window: Opener) -> None:
    driver = open_window(f"tcp://127.0.0.1:{free_port()}")
    driver.wait(lambda: driver.state is ConnectionState.OFFLINE, "offline")
    assert _word(driver) == "offline"
    assert "No Wholeform server answers at" in driver.window.messages.text
    driver.open_example()  # all that needs no server still works
    driver.click(CUP)
    driver.turn(0.3)
    assert len(driver.document.prompts.current.points) == 1


@pytest.fixture
def web_server() -> Iterator[str]:
    """What people point such programs at by mistake."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"tcp://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_web_server_is_the_wrong_server(open_window: Opener, web_server: str) -> None:
    driver = open_window(web_server)
    driver.wait(lambda: driver.state is ConnectionState.WRONG_SERVER, "wrong server", 20)
    assert _word(driver) == "wrong server"
    assert "not a Wholeform server" in driver.window.messages.text
    assert "404" not in driver.window.messages.text


def test_a_newer_server_asks_for_an_update(open_window: Opener) -> None:
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    answering = threading.Thread(target=_answer_as_a_newer_one, args=(router,), daemon=True)
    answering.start()
    driver = open_window(f"tcp://127.0.0.1:{port}")
    driver.wait(lambda: driver.state is ConnectionState.TOO_OLD, "too old", 20)
    assert _word(driver) == "too old"
    assert "Update" in driver.window.messages.text
    driver.close()
    answering.join(10)
    router.close(0)
    context.term()


def _answer_as_a_newer_one(router: zmq.Socket[bytes]) -> None:
    router.rcvtimeo = 15_000
    who, *_ = router.recv_multipart()
    router.send_multipart([who, MAGIC[:-2] + bytes([99, 0]), b""])


def test_a_server_that_does_not_know_the_key(open_window: Opener, tmp_path: Path) -> None:
    with keyed_server(tmp_path) as (server, server_key):
        driver = open_window(server.address, server_key=server_key)
        driver.wait(lambda: driver.state is ConnectionState.KEY_REFUSED, "key refused", 20)
        assert _word(driver) == "key refused"
        assert "key" in driver.window.messages.text
        own = (tmp_path / "config" / "client.key.json").read_text()
        shown = driver.window.messages.text.split()[-1]
        assert shown in own  # the public key to hand to the server's owner


class keyed_server:
    """A real server that wants keys, with an allow-list that has somebody else's."""

    def __init__(self, folder: Path) -> None:
        from protocol.security import allow_key, save_keys

        self._keys = make_keys()
        save_keys(folder / "server.key.json", self._keys)
        allow_key(folder / "allowed", make_keys().public, "somebody else")
        arguments = ("--keys", str(folder / "server.key.json"), "--allowed", str(folder / "allowed"))
        self._server = EmbeddedServer(folder / "keyed", arguments)

    def __enter__(self) -> tuple[EmbeddedServer, str]:
        self._server.start()
        return self._server, self._keys.public

    def __exit__(self, *_: object) -> None:
        self._server.stop()


def test_the_local_server_starts_and_stops_by_itself(open_window: Opener) -> None:
    assert find_local() is None
    driver = open_window().connected()
    running = find_local()
    assert running is not None
    driver.close()
    driver.wait(lambda: not process_lives(running.pid), "the server has ended", 15)


def test_a_running_local_server_is_shared_and_left_alone(open_window: Opener, folders: Path) -> None:
    command = [sys.executable, "-m", "backend.cli", "serve", "--bind", "tcp://127.0.0.1:0"]
    with (folders / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        driver = open_window()
        driver.connected()
        running = find_local()
        assert running is not None
        if running.pid == process.pid:  # it was quicker than the window
            driver.close()
            driver.turn(0.5)
            assert process.poll() is None
        process.terminate()


def test_a_local_server_that_dies_is_started_again(open_window: Opener) -> None:
    driver = open_window().connected().open_example()
    first = find_local()
    assert first is not None
    driver.window.workspace.bar.parameters.set_values({"samples": 2, "faces": 5000, "quality": "draft"})
    driver.run()
    driver.wait(lambda: driver.stage, "the job is under way")
    os.kill(first.pid, signal.SIGKILL)
    driver.wait(lambda: driver.state is not ConnectionState.CONNECTED, "the window notices")
    driver.connected()
    second = find_local()
    assert second is not None
    assert second.pid != first.pid
    driver.finished()


def test_no_server_installed_is_said(open_window: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_server.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    driver = open_window()
    driver.wait(lambda: driver.state is ConnectionState.OFFLINE, "offline")
    assert "No Wholeform server is installed on this computer." in driver.window.messages.text
    assert "pip install" in driver.window.messages.text


def test_the_servers_dialog_tries_and_uses_a_server(open_window: Opener, server: EmbeddedServer) -> None:
    """Forgiving about how the address is typed, and says what it understood."""
    driver = open_window(f"tcp://127.0.0.1:{free_port()}")
    driver.window.choose_server()
    dialog = driver.dialog()
    dialog.add()
    dialog.address.setText("nonsense here")
    dialog.address.textEdited.emit("")
    assert not dialog.test.isEnabled()
    assert "not an address" in dialog.understood.text()
    dialog.address.setText(server.address.replace("tcp://", "http://") + "/")
    dialog.address.textEdited.emit("")
    assert server.address in dialog.understood.text()
    driver.press(dialog.test)
    driver.wait(lambda: "Round trip" in dialog.outcome.text(), "the server has answered")
    assert "protocol 1." in dialog.outcome.text()
    driver.press(dialog.use)
    driver.connected()
    assert driver.window.settings.servers.current().address == server.address


def test_every_state_has_its_word() -> None:
    assert {connection_word(state) for state in ConnectionState} == {
        "connected",
        "connecting",
        "offline",
        "key refused",
        "wrong server",
        "too old",
    }
