"""Blender's versions, the built extension, and tests that run inside bpy."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from blender_addon import build, environments

ROOT = Path(__file__).parents[2]
INSIDE = Path(__file__).parent / "inside"

collect_ignore = ["inside"]


@pytest.fixture(scope="session", params=list(environments.VERSIONS))
def blender_python(request: pytest.FixtureRequest) -> Path:
    """A Python with bpy, for each Blender series in turn."""
    try:
        return environments.python_with_bpy(request.param)
    except environments.Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def extensions(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The built .zip of every platform."""
    before = os.environ.get("WHOLEFORM_BLENDER")
    os.environ.setdefault("WHOLEFORM_BLENDER", str(environments.python_with_bpy("4.5")))
    try:
        return build.build(tmp_path_factory.mktemp("repository"))
    finally:
        if before is None:
            del os.environ["WHOLEFORM_BLENDER"]


@pytest.fixture
def run_inside(extensions: list[Path], tmp_path: Path) -> Callable[..., str]:
    """Run one file of inside/ in a process of its own; returns what it printed, and fails with it."""
    (package,) = [path for path in extensions if path.stem.endswith("linux_x64")]

    def run(python: Path, name: str, limit_s: float = 280.0) -> str:
        command = [str(python), "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "-c", os.devnull]
        environment = {
            **os.environ,
            "WHOLEFORM_ZIP": str(package),
            "WHOLEFORM_TEST_PYTHON": sys.executable,
            "WHOLEFORM_ROOT": str(ROOT),
            "TMPDIR": str(tmp_path),
        }
        try:
            done = subprocess.run(
                [*command, "--rootdir", str(INSIDE), str(INSIDE / name)],
                cwd=INSIDE,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=limit_s,
                check=False,
            )
        finally:
            end_servers(tmp_path)
        print("\n".join(line[line.index("FIGURE") :] for line in done.stdout.splitlines() if "FIGURE" in line))
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout

    return run


def end_servers(folder: Path) -> None:
    """End the local servers that a Blender left behind under ``folder``, should it have crashed."""
    for path in folder.rglob("connection.json"):
        try:
            os.kill(json.loads(path.read_text())["pid"], signal.SIGTERM)
        except (OSError, ValueError, KeyError):
            continue
