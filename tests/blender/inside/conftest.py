"""Tests inside bpy end without Blender's own clean-up, which may crash after everything has passed."""

from __future__ import annotations

import os
import sys
from typing import Any


def pytest_sessionfinish(session: Any, exitstatus: int) -> None:
    session.config.stash_exitstatus = int(exitstatus)


def pytest_unconfigure(config: Any) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(getattr(config, "stash_exitstatus", 3))
