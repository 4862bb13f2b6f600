"""Samples: which is chosen is kept and saved, one is accepted, agreement is shown, and pictures need no mesh."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image

from backend.serving.embedded import EmbeddedServer
from desktop_gui.canvas.canvas import Show
from desktop_gui.qimages import pixels_of
from desktop_gui.state.jobs import MESH, PICTURE

from .driving import CUP, Driver

Opener = Callable[..., Driver]


def _made(driver: Driver, what: str, **parameters: object) -> Driver:
    """The cup of the example made whole."""
    driver.click(CUP)
    driver.pointed()
    driver.press(driver.window.workspace.bar.make.button(what))
    driver.window.workspace.bar.parameters.set_values({"quality": "draft", "faces": 5000, **parameters})
    driver.run()
    driver.wait(lambda: driver.document.result is not None, "the result is here", 120)
    driver.wait(lambda: driver.window.samples.accept.isVisible(), "the samples can be chosen from")
    return driver


def test_a_picture_alone_is_made_chosen_and_saved(open_window: Opener, server: EmbeddedServer, tmp_path: Path) -> None:
    driver = _made(open_window(server.address).connected().open_example(), PICTURE, samples=3)
    window, result = driver.window, driver.result
    assert driver.window.studio.making.jobs.shown()[0].task == PICTURE
    assert window.workspace.bar.parameters.field("faces") is None
    assert all(sample.mesh is None for sample in result.samples)
    assert window.studio.running is None
    driver.press(window.samples.cards[1])
    driver.turn(0.2)
    assert window.studio.running is None, "no mesh is made that nobody asked for"
    driver.save("save", tmp_path / "coffee.png")
    driver.saved("coffee.png")
    saved = np.asarray(PIL.Image.open(tmp_path / "coffee.png"))
    assert np.array_equal(saved, result.samples[1].completed.pixels)
    assert saved.shape == (400, 600, 4)
    driver.save("save_masks", tmp_path / "coffee-modal-mask.png")
    driver.saved("coffee-amodal-mask.png")
    amodal = np.asarray(PIL.Image.open(tmp_path / "coffee-amodal-mask.png"))
    assert np.array_equal(amodal, result.samples[1].amodal.pixels)

    driver.press(window.samples.mesh)
    driver.wait(lambda: result.sample.mesh is not None, "the mesh is here", 120)
    driver.finished()
    assert result.samples[0].mesh is None
    assert not window.samples.mesh.isVisible()
    assert len(window.jobs.rows) == 1


def test_the_form_follows_what_is_made(open_window: Opener, server: EmbeddedServer) -> None:
    bar = open_window(server.address).connected().open_example().window.workspace.bar
    bar.parameters.set_values({"samples": 5, "quality": "best", "faces": 7000})
    bar.set_make(PICTURE)
    assert bar.parameters.values()["samples"] == 5
    assert bar.parameters.values()["quality"] == "best"
    bar.parameters.set_values({"samples": 2, "quality": "reference"})
    assert bar.parameters.values_of(MESH) == {**bar.parameters.values_of(MESH), "samples": 2, "faces": 7000}
    assert "quality" not in bar.parameters.values_of(MESH), "a mesh has no such quality: the server's default"
    bar.set_make(MESH)
    assert bar.parameters.values()["samples"] == 2
    assert bar.parameters.values()["faces"] == 7000
    assert bar.parameters.values()["quality"] in ("draft", "standard", "best")


def test_accepting_puts_the_others_away_and_is_kept(open_window: Opener, server: EmbeddedServer) -> None:
    driver = _made(open_window(server.address).connected().open_example(), MESH, samples=3)
    window, job_id = driver.window, driver.result.job_id
    driver.finished()
    driver.press(window.samples.cards[1])
    driver.press(window.samples.cards[2])
    driver.press(window.samples.accept)
    driver.wait(lambda: driver.result.sample.mesh is not None, "the mesh of the accepted sample is here")
    driver.turn(0.2)
    assert [card.isVisible() for card in window.samples.cards] == [False, False, True]
    assert window.samples.again.isVisible()
    assert not window.samples.accept.isVisible()
    first = [entry for entry in window.studio.making.jobs.children(job_id) if entry.sample == 1]
    assert all(entry.ended or entry.cancelling for entry in first)
    driver.close()

    again = open_window(server.address).connected()
    again.window.studio.show_job(job_id)
    again.wait(lambda: again.window.studio.document is not None, "the picture is open")
    again.finished()
    assert again.result.chosen == 2
    again.wait(lambda: again.window.samples.again.isVisible(), "only the accepted one is shown")
    again.press(again.window.samples.again)
    again.turn(0.1)
    assert all(card.isVisible() for card in again.window.samples.cards)
    assert again.window.samples.accept.isVisible()


def test_mask_and_agreement_are_seen_over_the_picture(open_window: Opener, server: EmbeddedServer) -> None:
    driver = _made(open_window(server.address).connected().open_example(), PICTURE, samples=3)
    window, canvas = driver.window, driver.window.workspace.canvas
    choice = window.workspace.show_choice
    wholes = np.array([sample.amodal.inside for sample in driver.result.samples])
    assert (wholes.any(0) & ~wholes.all(0)).sum() > 50, "the example's samples differ"

    def colours(show: Show) -> np.ndarray:
        driver.press(choice.button(show.value))
        driver.turn(0.3)
        shown = pixels_of(canvas.grab().toImage())[..., :3].astype(int)
        rows, columns = np.mgrid[2:400:4, 2:600:4]
        places = [driver.place((float(x), float(y))) for y, x in zip(rows.ravel(), columns.ravel(), strict=True)]
        return np.array([shown[place.y(), place.x()] for place in places]).reshape(*rows.shape, 3)

    every, none = (np.asarray(mask)[2::4, 2::4] for mask in (wholes.all(0), ~wholes.any(0)))
    picture, agreement, outline = (colours(show) for show in (Show.PICTURE, Show.AGREEMENT, Show.OUTLINE))
    change = np.abs(agreement - picture).sum(-1)
    assert np.median(change[every]) > 40
    assert np.median(change[none]) == 0
    assert (agreement - picture)[every][:, 1].mean() > 20, "what is sure is greener"
    driver.press(window.samples.cards[1])
    driver.turn(0.3)
    assert choice.value() == Show.OUTLINE.value, "choosing a sample leaves what is shown as it is"
    hidden = np.asarray(wholes[0] & ~driver.result.mask.inside)[2::4, 2::4]
    assert hidden.sum() > 10
    assert np.median(np.abs(outline - picture).sum(-1)[hidden]) > 40
    assert "agree on" in _hint(driver, Show.AGREEMENT)
    assert "agree on" not in _hint(driver, Show.WHOLE)


def _hint(driver: Driver, show: Show) -> str:
    driver.press(driver.window.workspace.show_choice.button(show.value))
    return driver.window.workspace.canvas.hint
