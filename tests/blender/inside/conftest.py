# pyright: reportMissingImports=false
"""What several files of tests inside bpy share. They end without Blender's own clean-up, which may crash after
everything has passed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import clock
import pytest
import serverside


@pytest.fixture(scope="module")
def local_server() -> Iterator[None]:
    serverside.start()
    yield
    serverside.stop()


@pytest.fixture(scope="module")
def watch() -> clock.Clock:
    """Times calls while ``clock.WATCHED`` says so; files that time whatever happens during a job have their own."""
    timed = clock.Clock(lambda: bool(clock.WATCHED))
    timed.install()
    return timed


def pytest_sessionfinish(session: Any, exitstatus: int) -> None:
    session.config.stash_exitstatus = int(exitstatus)


def pytest_unconfigure(config: Any) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(getattr(config, "stash_exitstatus", 3))
