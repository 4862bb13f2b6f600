# pyright: reportMissingImports=false
"""The built extension, installed into a Blender that knows nothing else, for the tests that run inside bpy."""

from __future__ import annotations

import importlib
import os
import tempfile
from types import ModuleType
from typing import Any

MODULE = "bl_ext.user_default.wholeform"

# Before bpy is imported: Blender reads these once.
_home = tempfile.mkdtemp(prefix="wholeform-blender-")
os.environ.update(
    BLENDER_USER_RESOURCES=_home,
    WHOLEFORM_CONFIG_DIR=os.path.join(_home, "config"),
    WHOLEFORM_RUNTIME_DIR=os.path.join(_home, "run"),
    WHOLEFORM_STATE_DIR=os.path.join(_home, "state"),
)

import bpy  # noqa: E402


def install() -> None:
    """Install the zip named by WHOLEFORM_ZIP, as a person does with "Install from Disk"."""
    if MODULE not in bpy.context.preferences.addons:
        bpy.ops.extensions.package_install_files(
            filepath=os.environ["WHOLEFORM_ZIP"], repo="user_default", enable_on_install=True
        )
    assert MODULE in bpy.context.preferences.addons, "the add-on was not enabled"


def module(name: str) -> ModuleType:
    """One of the add-on's modules."""
    return importlib.import_module(f"{MODULE}.{name}")


def fresh_file() -> None:
    """An empty file with an undo history that starts here."""
    bpy.ops.wm.read_homefile(use_empty=True)
    assert MODULE in bpy.context.preferences.addons
    module("session").current().records.clear()
    bpy.ops.ed.undo_push(message="start")


def preferences() -> Any:
    return bpy.context.preferences.addons[MODULE].preferences
