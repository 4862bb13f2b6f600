# pyright: reportMissingImports=false
"""A real server process for the tests inside bpy, started by the add-on itself as a person would."""

from __future__ import annotations

import os
import shlex
import threading
import time
from collections.abc import Callable
from typing import Any

import addon
import bpy
import numpy as np

PYTHON = shlex.quote(os.environ["WHOLEFORM_TEST_PYTHON"])
COMMAND = os.environ.get("WHOLEFORM_SERVE") or f"{PYTHON} -m backend.cli serve"
LIMIT_S = 120.0

# The server's Python finds the checkout; Blender's own has started already.
os.environ["PYTHONPATH"] = os.environ["WHOLEFORM_ROOT"]


def session() -> Any:
    return addon.module("session").current()


def start() -> None:
    """Start the local server with its own state folder and wait until the add-on is connected."""
    addon.preferences().command = f"{COMMAND} --bind tcp://127.0.0.1:0 --state {shlex.quote(state())}"
    assert bpy.ops.wholeform.start_server() == {"FINISHED"}
    until(lambda: session().connected and session().catalogue is not None)


def stop() -> None:
    bpy.ops.wholeform.stop_server()


def state() -> str:
    return os.environ["WHOLEFORM_STATE_DIR"]


def until(done: Callable[[], Any], limit_s: float = LIMIT_S, each: Callable[[], Any] = lambda: None) -> None:
    """Let the add-on's timer tick, as Blender's event loop does, until ``done``."""
    tick = addon.module("timer")
    deadline = time.monotonic() + limit_s
    while not done():
        assert time.monotonic() < deadline, f"not within {limit_s:g} s: {session().note} {jobs()}"
        tick._tick()
        each()
        time.sleep(0.005)


def has_one_thread() -> bool:
    """Whether Blender's own thread of Python is the only one: with others, Blender crashes now and then."""
    return [thread.name for thread in threading.enumerate()] == ["MainThread"]


def jobs() -> list[str]:
    return [f"{each.label}: {each.job.state.value} {each.note} {each.job.problem or ''}" for each in records()]


def records() -> list[Any]:
    return list(session().records.values())


def picture(name: str, pixels: np.ndarray) -> Any:
    """An image datablock of ``pixels`` (uint8 H x W x 3)."""
    return addon.module("images").from_png(name, addon.module("png").encode(pixels))


def painted_mug() -> np.ndarray:
    """uint8 240 x 320 x 3: a mug, red on the left and yellow on the right, half behind a green board, on grey."""
    rows, columns = np.mgrid[:240, :320]
    pixels = np.full((240, 320, 3), (128, 130, 132), np.uint8)
    body = (abs(columns - 150) < 60) & (abs(rows - 120) < 75)
    pixels[body & (columns < 150)] = (200, 40, 30)
    pixels[body & (columns >= 150)] = (230, 200, 40)
    pixels[(rows > 150) & (rows < 175) & (columns > 60)] = (30, 120, 60)
    noise = np.random.default_rng(3).integers(-6, 7, pixels.shape)
    return np.clip(pixels.astype(int) + noise, 0, 255).astype(np.uint8)
