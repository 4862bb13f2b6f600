"""A display, a QApplication, a server and windows for the desktop tests. Nothing touches the person's own settings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="the desktop extra is not installed")

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from backend.serving.embedded import EmbeddedServer

from .driving import Driver
from .painter import ball_server, painter

__all__ = ["ball_server", "painter"]  # fixtures


@pytest.fixture(scope="session", autouse=True)
def display() -> Iterator[None]:
    """An X display of its own on Linux, so that tests neither need nor disturb a desktop."""
    if not sys.platform.startswith("linux"):
        yield
        return
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed (Debian: apt install xvfb)")
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as number:
        os.environ["DISPLAY"] = f":{number.readline().strip()}"
    os.environ.pop("WAYLAND_DISPLAY", None)
    os.environ["LIBGL_ALWAYS_SOFTWARE"] = "1"
    yield
    server.terminate()
    server.wait(10)


@pytest.fixture(scope="session")
def application(display: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[QApplication]:
    """The one QApplication of this process; gone before its display is."""
    from desktop_gui.app import make_application

    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    folder = str(tmp_path_factory.mktemp("settings"))
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)
    made = make_application()
    yield made
    made.shutdown()


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, application: QApplication) -> Path:
    """Settings, keys, jobs and the connection file of this test alone."""
    for name in ("CONFIG", "STATE", "RUNTIME"):
        monkeypatch.setenv(f"WHOLEFORM_{name}_DIR", str(tmp_path / name.lower()))
    QSettings().clear()
    return tmp_path


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A real server process for the tests that leave it alive."""
    with EmbeddedServer(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def open_window(application: QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Driver]]:
    """Opens windows and closes them at the end; any exception in a slot or an event handler fails the test."""
    failures: list[str] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: failures.append(f"{kind.__name__}: {error}"))
    drivers: list[Driver] = []

    def opened(address: str = "", **options: str) -> Driver:
        drivers.append(Driver(application, address, **options))
        return drivers[-1]

    yield opened
    for driver in drivers:
        driver.close()
    assert not failures, failures
