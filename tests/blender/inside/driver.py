# pyright: reportMissingImports=false
"""Runs inside a real Blender window: executes the snippets that window.py hands it through a folder, on a timer."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import traceback
from pathlib import Path
from typing import Any

import bpy

FOLDER = Path(os.environ["WHOLEFORM_DRIVER"])
_names: dict[str, Any] = {"bpy": bpy}


def _answer() -> float:
    for request in sorted(FOLDER.glob("*.request.py")):
        source = request.read_text()
        request.unlink()
        reply: dict[str, Any] = {}
        try:
            _names["result"] = None
            exec(compile(source, request.name, "exec"), _names)
            reply["result"] = _names["result"]
        except Exception:
            reply["error"] = traceback.format_exc()
        target = FOLDER / request.name.replace(".request.py", ".reply.json")
        target.with_suffix(".tmp").write_text(json.dumps(reply))
        target.with_suffix(".tmp").rename(target)
    return 0.05


faulthandler.enable()
faulthandler.register(signal.SIGUSR1)  # window.py asks so where Blender stands when it does not answer
bpy.ops.preferences.addon_enable(module="wholeform")
bpy.app.timers.register(_answer, persistent=True)
(FOLDER / "started").touch()
