# pyright: reportMissingImports=false
"""What goes wrong, with real processes: a cancel, a server that dies mid-job, one that does not start, a stranger."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from pathlib import Path

import addon
import bpy
import clock
import layout
import pytest
import serverside

addon.install()
panels, protocol = addon.module("panels"), addon.module("protocol")
RUNNING, CANCELLED = protocol.JobState.RUNNING, protocol.JobState.CANCELLED


@pytest.fixture(scope="module")
def watch():
    timed = clock.Clock(lambda: bool(serverside.session().active))
    timed.install()
    return timed


@pytest.fixture
def server(watch):
    addon.fresh_file()
    if not serverside.session().connected:
        serverside.start()
    yield
    for record in serverside.records():
        bpy.ops.wholeform.remove_job(job=record.job.id)
    serverside.session().file += 1


@pytest.fixture
def running(server):
    """A `whole_object` job that has begun."""
    image = serverside.picture("mug.png", serverside.painted_mug())
    bpy.context.scene.wholeform.image = image
    bpy.ops.wholeform.set_box(box=(85, 40, 215, 200))
    bpy.ops.wholeform.make_whole(parameters='{"quality": "best", "samples": 8, "faces": 60000}')
    serverside.until(lambda: serverside.records() and serverside.records()[-1].job.state is RUNNING)
    return serverside.records()[-1]


def kill_server() -> None:
    """End the gateway as a crash would; the connection file stays behind."""
    path = Path(os.environ["WHOLEFORM_RUNTIME_DIR"]) / "connection.json"
    os.kill(json.loads(path.read_text())["pid"], signal.SIGKILL)


def test_cancel_is_confirmed_by_the_server(running):
    began = time.monotonic()
    assert bpy.ops.wholeform.cancel(job=running.job.id) == {"FINISHED"}
    assert any("cancelling" in text for text in layout.all_drawn(panels))
    serverside.until(lambda: running.job.state.is_final)
    took = time.monotonic() - began
    print(f"FIGURE {bpy.app.version_string}: cancel confirmed after {took:.2f} s")
    assert running.job.state is CANCELLED
    assert took < 4.0
    said = layout.all_drawn(panels)
    assert "cancelled" in said
    assert not bpy.data.objects
    assert addon.module("statusbar").text() == ""


def test_a_server_that_dies_gives_a_message_and_no_stuck_panel(running):
    kill_server()
    serverside.until(lambda: not serverside.session().connected and "ended" in serverside.session().note, 30)
    said = " ".join(layout.all_drawn(panels))
    assert "The local server ended (killed by signal 9)" in said
    assert "waiting for the server to come back" in said
    assert "Start Local Server" in said
    assert bpy.ops.wholeform.cancel(job=running.job.id) == {"FINISHED"}
    assert not running.is_active
    assert "cancelled; the server will be told" in " ".join(layout.all_drawn(panels))
    assert addon.module("statusbar").text() == ""
    assert addon.module("pump").pump() in (True, False)


def test_a_job_survives_the_death_of_its_server(running):
    kill_server()
    serverside.until(lambda: not serverside.session().local.runs, 30)
    serverside.start()
    serverside.until(lambda: running.imported)
    assert len(bpy.data.objects) == 1
    assert [record.job.id for record in serverside.records()] == [running.job.id]


def test_a_job_survives_the_death_of_the_companion(running):
    process = serverside.session().network._companion._process
    process.kill()
    serverside.until(lambda: not serverside.session().connected, 10)
    assert "The process that talks to the server ended (killed by signal 9)" in " ".join(layout.all_drawn(panels))
    serverside.until(lambda: running.imported)
    assert serverside.session().network._companion._process.pid != process.pid
    assert len(bpy.data.objects) == 1


def test_a_script_that_waits_is_told_that_the_server_died(server):
    image = serverside.picture("mug.png", serverside.painted_mug())
    bpy.context.scene.wholeform.image = image
    kill_server()
    began = time.monotonic()
    with pytest.raises(RuntimeError, match="The local server ended"):
        bpy.ops.wholeform.make_whole(wait=True, timeout=60)
    assert time.monotonic() - began < 20


def test_no_call_held_up_the_interface_meanwhile(watch):
    watch.check(bpy.app.version_string)
    assert len(watch.calls) > 50


def test_a_command_that_fails_is_told(watch):
    bpy.ops.wholeform.disconnect()
    addon.preferences().command = f"{serverside.PYTHON} -c \"raise SystemExit('no such thing as a server here')\""
    bpy.ops.wholeform.start_server()
    serverside.until(lambda: "ended" in serverside.session().note, 20)
    assert "no such thing as a server here" in " ".join(layout.all_drawn(panels))
    addon.preferences().command = "/no/such/program serve"
    with pytest.raises(RuntimeError, match="cannot be started"):
        bpy.ops.wholeform.start_server()


def test_something_else_at_the_address_is_recognised(watch):
    listener = socket.create_server(("127.0.0.1", 0))
    addon.preferences().servers[0].address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    bpy.ops.wholeform.test_connection()
    serverside.until(lambda: serverside.session().network.state is protocol.ConnectionState.WRONG_SERVER, 20)
    said = " ".join(layout.all_drawn(panels))
    assert "Wrong server" in said
    assert "is not a Wholeform server" in said
    listener.close()


def test_nobody_at_the_address(watch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    addon.preferences().servers[0].address = f"localhost:{port}"
    bpy.ops.wholeform.test_connection()
    serverside.until(lambda: serverside.session().network.problem is not None, 20)
    assert "No Wholeform server answers" in " ".join(layout.all_drawn(panels))
    bpy.ops.wholeform.disconnect()
    addon.preferences().servers[0].address = ""
