"""The add-on as it is packed, importable without Blender: its parts that know no bpy can be tested by themselves."""

from __future__ import annotations

import importlib
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType

from blender_addon import build

NAME = "staged_wholeform"


@cache
def folder() -> Path:
    """The staged add-on, with protocol/ inside, in a folder that lasts as long as the tests do."""
    parent = Path(tempfile.mkdtemp(prefix="wholeform-staged-"))
    sys.path.insert(0, str(parent))
    return build.stage(parent / NAME, wheels=False)


def module(name: str) -> ModuleType:
    """One of the staged add-on's modules."""
    folder()
    return importlib.import_module(f"{NAME}.{name}")
