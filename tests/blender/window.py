"""A real Blender window on a virtual screen, with a real mouse and keyboard."""

from __future__ import annotations

import itertools
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path
from typing import Any

from blender_addon import build

HERE = Path(__file__).parent
SIZE = (1440, 900)


def usable() -> str:
    """Why no window can be had on this machine; empty when one can."""
    missing = [tool for tool in ("blender", "Xvfb", "xdotool") if shutil.which(tool) is None]
    return f"not installed: {', '.join(missing)}" if missing else ""


class BlenderWindow:
    """Blender with the add-on in its legacy form, in a screen of its own. ``folder`` holds everything it writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._environment: dict[str, str] = {}

    def __enter__(self) -> BlenderWindow:
        display = self._start_screen()
        scripts, packages, requests = (self.folder / name for name in ("scripts", "packages", "requests"))
        build.stage(scripts / "addons" / "wholeform", wheels=False)
        self._unpack_wheels(packages)
        requests.mkdir()
        self._environment = {
            **os.environ,
            "DISPLAY": display,
            "PATH": "/usr/bin:/bin",  # Debian's Blender takes the first Python on the PATH for its own
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "PYTHONPATH": str(packages),
            "BLENDER_USER_SCRIPTS": str(scripts),
            "BLENDER_USER_CONFIG": str(self.folder / "config"),
            "WHOLEFORM_DRIVER": str(requests),
            "WHOLEFORM_CONFIG_DIR": str(self.folder / "keys"),
            "WHOLEFORM_RUNTIME_DIR": str(self.folder / "run"),
            "WHOLEFORM_STATE_DIR": str(self.folder / "state"),
            "WHOLEFORM_ROOT": str(HERE.parents[1]),
            "WHOLEFORM_TEST_PYTHON": sys.executable,
        }
        command = ["blender", "--factory-startup", "--window-geometry", "0", "0", *map(str, SIZE)]
        command += ["--python", str(HERE / "inside" / "driver.py")]
        with (self.folder / "blender.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(command, env=self._environment, stdout=log, stderr=subprocess.STDOUT)
            )
        self._wait(lambda: (requests / "started").exists(), 90, "Blender did not start")
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()

    def _start_screen(self) -> str:
        read, write = os.pipe()
        size = f"{SIZE[0]}x{SIZE[1]}x24"
        command = ["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp"]
        self._processes.append(subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL))
        os.close(write)
        with os.fdopen(read) as number:
            return f":{number.readline().strip()}"

    @staticmethod
    def _unpack_wheels(target: Path) -> None:
        """Debian's Blender knows no wheels; its Python is 3.11, so it gets those packed for 3.11 on Linux."""
        wheels = target.with_name("wheels")
        build.fetch_wheels(wheels)
        for wheel in wheels.glob("*-cp311-cp311-*linux*.whl"):
            zipfile.ZipFile(wheel).extractall(target)

    def _wait(self, done: Any, limit_s: float, what: str) -> None:
        deadline = time.monotonic() + limit_s
        blender = self._processes[-1]
        while not done():
            ended = blender.poll()
            if ended is not None or time.monotonic() > deadline:
                if ended is None:
                    blender.send_signal(signal.SIGUSR1)  # driver.py: where its threads are, into the log
                    time.sleep(1.0)
                how = "it stands still" if ended is None else f"it ended with {ended}"
                log = (self.folder / "blender.log").read_text(errors="replace")
                raise AssertionError(f"{what} ({how}):\n{log[-6000:]}")
            time.sleep(0.05)

    # --- inside ---

    def run(self, source: str, limit_s: float = 60.0) -> Any:
        """Run ``source`` inside Blender between two of its events; what it leaves in ``result`` comes back."""
        number = f"{next(self._numbers):05d}"
        request = self.folder / "requests" / f"{number}.request.py"
        reply = request.with_name(f"{number}.reply.json")
        request.with_suffix(".new").write_text(textwrap.dedent(source))
        request.with_suffix(".new").rename(request)
        self._wait(reply.exists, limit_s, f"no answer to {source!r}")
        answer = json.loads(reply.read_text())
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def until(self, expression: str, limit_s: float = 120.0) -> Any:
        """Wait until an expression is true inside Blender."""
        deadline = time.monotonic() + limit_s
        while not (value := self.run(f"result = bool({expression})")):
            assert time.monotonic() < deadline, f"never true: {expression}"
            time.sleep(0.2)
        return value

    def screenshot(self, path: Path) -> None:
        """The whole window as a PNG file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.run(
            f"""
            window = bpy.context.window_manager.windows[0]
            with bpy.context.temp_override(window=window):
                bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=1)
                bpy.ops.screen.screenshot(filepath={str(path)!r}, check_existing=False)
            """
        )

    # --- mouse and keyboard ---

    def _xdotool(self, command: str) -> None:
        subprocess.run(["xdotool", *shlex.split(command)], env=self._environment, check=True)
        time.sleep(0.25)

    def move(self, x: float, y: float) -> None:
        """The mouse to a place in the window, y from its lower edge as Blender counts."""
        self._xdotool(f"mousemove {x:.0f} {SIZE[1] - 1 - y:.0f}")

    def click(self, x: float, y: float, key: str = "", button: int = 1) -> None:
        """A click there, with a key held."""
        self.move(x, y)
        if key:
            self._xdotool(f"keydown {key}")
        self._xdotool(f"click {button}")
        if key:
            self._xdotool(f"keyup {key}")

    def drag(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """A drag with the left button."""
        self.move(x0, y0)
        self._xdotool("mousedown 1")
        self.move((x0 + x1) / 2, (y0 + y1) / 2)
        self.move(x1, y1)
        self._xdotool("mouseup 1")

    def wheel(self, button: int, notches: int) -> None:
        """Turn the wheel where the mouse is: button 4 is up, 5 is down."""
        self._xdotool(f"click --repeat {notches} {button}")

    def key(self, name: str) -> None:
        """One key press where the mouse is."""
        self._xdotool(f"key {name}")
