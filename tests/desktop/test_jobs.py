"""Jobs: cancelled, chosen from, kept over a restart of the window, run again, removed."""

from __future__ import annotations

from collections.abc import Callable

import PIL.Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from backend.serving.embedded import EmbeddedServer
from protocol import JobState

from .driving import CUP, LEFT, NONE, Driver
from .test_connection import free_port

Opener = Callable[..., Driver]


def _draft(driver: Driver, **parameters: object) -> Driver:
    driver.window.workspace.bar.parameters.set_values({"quality": "draft", "faces": 5000, **parameters})
    return driver


def test_cancel_is_acknowledged(open_window: Opener, server: EmbeddedServer) -> None:
    driver = _draft(open_window(server.address).connected().open_example(), quality="best", samples=8)
    driver.run()
    job_id = driver.document.job_id
    driver.wait(lambda: driver.stage, "the job is under way")
    driver.press(driver.window.workspace.bar.stop)
    driver.wait(lambda: driver.window.studio.running is None, "the job has ended", 20)
    entry = driver.window.studio.making.jobs.get(job_id)
    assert entry is not None
    assert entry.state is JobState.CANCELLED
    assert driver.document.result is None
    assert driver.window.workspace.bar.make_whole.isVisible()
    with server.client() as client:
        assert client.list_jobs() == []  # another session sees none of ours
    driver.run()
    driver.finished()


def test_choosing_a_sample_shows_it_and_makes_its_mesh(open_window: Opener, server: EmbeddedServer) -> None:
    driver = _draft(open_window(server.address).connected().open_example(), samples=3)
    driver.click(CUP)
    driver.pointed()
    driver.run()
    driver.finished()
    first = driver.result.sample.mesh
    driver.press(driver.window.samples.cards[1])
    assert driver.result.chosen == 1
    assert driver.window.studio.running is not None
    driver.wait(lambda: driver.result.sample.mesh is not None, "the mesh of the second sample is here")
    assert driver.result.sample.mesh != first
    assert len(driver.window.jobs.rows) == 1  # it belongs to the same row
    driver.press(driver.window.samples.cards[0])
    driver.turn(0.1)
    assert driver.result.sample.mesh is first  # and nothing is made twice
    assert driver.window.studio.running is None


def test_results_survive_a_restart_of_the_window(open_window: Opener, server: EmbeddedServer) -> None:
    driver = _draft(open_window(server.address).connected().open_example(), samples=2)
    driver.click(CUP)
    driver.pointed()
    driver.run()
    job_id = driver.document.job_id
    driver.close()  # while the job runs

    again = open_window(server.address).connected()
    entry = again.window.studio.making.jobs.get(job_id)
    assert entry is not None
    assert entry.label == "coffee"
    again.wait(lambda: entry.state is JobState.DONE, "the job ends")
    row = again.window.jobs.rows[job_id]
    again.window.pages.enter(again.window.workspace, again.window.docks, again.window.object_panel)
    again.window.docks["jobs"].raise_()
    again.turn(0.1)
    QTest.mouseDClick(row, LEFT, NONE, row.rect().center())
    again.wait(lambda: again.window.studio.document is not None, "the picture is open")
    again.finished()
    assert again.document.picture.name == "coffee"
    assert len(again.document.prompts.current.points) == 1
    assert len(again.window.samples.cards) == 2


def test_a_picture_that_is_gone_is_stood_in_for(open_window: Opener, server: EmbeddedServer, tmp_path) -> None:
    path = tmp_path / "cup.png"
    PIL.Image.open(__file__.replace("tests/desktop/test_jobs.py", "desktop_gui/examples/coffee.jpg")).save(path)
    driver = open_window(server.address).connected()
    driver.window.open_picture(path)
    driver.wait(lambda: driver.window.in_workspace, "the picture is open")
    _draft(driver, samples=1).run()
    driver.finished()
    job_id = driver.document.job_id
    driver.close()
    path.unlink()

    again = open_window(server.address).connected()
    again.window.studio.show_job(job_id)
    again.wait(lambda: again.window.messages.text, "the window says something")
    assert "cup.png" in again.window.messages.text


def test_running_again_gives_the_same(open_window: Opener, server: EmbeddedServer) -> None:
    driver = _draft(open_window(server.address).connected().open_example(), samples=1, seed=7)
    driver.run()
    driver.finished()
    first, first_id = driver.result, driver.document.job_id
    driver.window.jobs.run_again.emit(first_id)
    driver.wait(lambda: driver.document.job_id != first_id, "a new job is made")
    driver.wait(lambda: driver.result.job_id != first_id, "its result is here")
    assert driver.result.samples[0].completed == first.samples[0].completed
    assert driver.result.samples[0].mesh == first.samples[0].mesh


def test_removed_jobs_stay_removed(open_window: Opener, server: EmbeddedServer) -> None:
    driver = _draft(open_window(server.address).connected().open_example(), samples=1)
    driver.run()
    driver.finished()
    job_id = driver.document.job_id
    driver.window.docks["jobs"].raise_()
    driver.turn(0.1)
    driver.press(driver.window.jobs.rows[job_id].stop)
    driver.turn(0.5)
    assert job_id not in driver.window.jobs.rows
    driver.close()
    again = open_window(server.address).connected()
    again.turn(0.3)
    assert len(again.window.studio.making.jobs) == 0


def test_a_second_picture_may_be_opened_meanwhile(open_window: Opener, server: EmbeddedServer, tmp_path) -> None:
    """The job goes on; its result is offered and does not replace what is open."""
    path = tmp_path / "grey.png"
    PIL.Image.new("RGB", (320, 240), (120, 120, 120)).save(path)
    driver = _draft(open_window(server.address).connected().open_example(), samples=1)
    driver.run()
    job_id = driver.document.job_id
    driver.window.open_picture(path)
    driver.wait(lambda: driver.document.picture.name == "grey", "the other picture is open")
    driver.wait(lambda: "coffee is whole" in driver.window.messages.text, "the result is offered")
    assert driver.document.result is None
    driver.window.studio.show_job(job_id)
    driver.finished()
    assert driver.document.picture.name == "coffee"


def test_keys_reach_the_commands(open_window: Opener, server: EmbeddedServer) -> None:
    """Ctrl-K finds a command by a few letters, Ctrl-Return makes whole, Tab hides the docks."""
    driver = _draft(open_window(server.address).connected().open_example(), samples=1)
    window = driver.window
    canvas = window.workspace.canvas
    window.activateWindow()
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Tab)
    driver.turn(0.1)
    assert not window.docks["view"].isVisible()
    QTest.keyClick(canvas, Qt.Key.Key_Tab)
    driver.turn(0.1)
    assert window.docks["view"].isVisible()
    for _ in range(2):  # what a reset has brought back can be hidden again
        QTest.keyClick(canvas, Qt.Key.Key_Tab)
        driver.turn(0.1)
        assert not window.docks["view"].isVisible()
        window.actions_by_name["layout"].trigger()
        driver.turn(0.1)
        assert window.docks["view"].isVisible()
    window.find_command()
    palette = driver.palette()
    QTest.keyClicks(palette.field, "fit pic")
    assert palette.found.count() == 1
    canvas.zoom(3)
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    driver.turn(0.1)
    assert canvas.view.scale < 3
    QTest.keyClick(canvas, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    driver.wait(lambda: window.studio.running is not None, "a job was made")
    driver.finished()


def test_a_job_that_never_reached_a_server_says_so(open_window: Opener, server: EmbeddedServer) -> None:
    driver = open_window(f"tcp://127.0.0.1:{free_port()}").open_example()
    driver.run()
    driver.wait(lambda: driver.stage == "Waiting for the server", "the window says what it waits for")
    job_id = driver.document.job_id
    driver.close()
    again = open_window(server.address).connected()
    entry = again.window.studio.making.jobs.get(job_id)
    assert entry is not None
    again.wait(lambda: entry.state is JobState.FAILED, "the window knows that nothing came of it")
    assert entry.problem is not None
    assert entry.problem.hint == "Run it again."
