"""Pythons with Blender's bpy package, one environment a version, made once and kept in a cache. Not packed: the build
takes Blender's extension tool from one, and the tests run in all of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# Blender series -> the exact bpy release and the Python it is built for.
VERSIONS = {"4.2": ("4.2.23", "3.11"), "4.5": ("4.5.15", "3.11"), "5.0": ("5.0.1", "3.11"), "5.2": ("5.2.3", "3.13")}


def cache_dir() -> Path:
    """Where everything downloaded for Blender is kept, outside the checkout."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "wholeform"


def bpy_cache() -> Path:
    """One folder for each bpy release."""
    return Path(os.environ.get("WHOLEFORM_BPY_CACHE") or cache_dir() / "bpy")


class Unavailable(Exception):
    """This version cannot be had on this machine; the text says why."""


def find_python(version: str) -> Path | None:
    """An interpreter of that minor version ("3.13"): WHOLEFORM_PYTHON_3_13, this one, the PATH, pyenv."""
    wanted = os.environ.get(f"WHOLEFORM_PYTHON_{version.replace('.', '_')}")
    if wanted:
        return Path(wanted)
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    installed = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}*/bin/python{version}"), reverse=True)
    found = shutil.which(f"python{version}")
    # A command on the PATH may be pyenv's, for a version that is not chosen: it fails when it is run.
    return next((path for path in [*([Path(found)] if found else []), *installed] if _runs(path)), None)


def _runs(python: Path) -> bool:
    try:
        return subprocess.run([str(python), "-c", ""], capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def python_with_bpy(series: str) -> Path:
    """The interpreter whose bpy is of that series, set by WHOLEFORM_BPY_4_2 or made in the cache (15 s, 1 GB each).
    Raises Unavailable when the Python for it is missing, CalledProcessError when pip cannot install it."""
    given = os.environ.get(f"WHOLEFORM_BPY_{series.replace('.', '_')}")
    if given:
        return Path(given)
    release, python_version = VERSIONS[series]
    folder = bpy_cache() / release
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        base = find_python(python_version)
        if base is None:
            raise Unavailable(f"bpy {release} needs Python {python_version}; set WHOLEFORM_PYTHON_{python_version}.")
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([str(base), "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", f"bpy=={release}", "pytest"], check=True)
        ready.touch()
    return python
