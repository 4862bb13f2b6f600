"""What `wholeform doctor` looks at. Nothing heavy is imported into this process: libraries are asked in their own."""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from backend import __version__
from protocol.connection import ConnectionFile, config_dir, find_local, state_dir
from protocol.messages import DEFAULT_PORT, PROTOCOL
from protocol.security import default_key_path

DISK_NEEDED = 2 << 30
TOOL_LIMIT_S = 60.0

# Distribution and the oldest that works are pip's business; here is what must be there at all.
SERVER_PACKAGES = ("torch", "safetensors", "opencv-python-headless", "scipy", "scikit-image", "trimesh", "PyMCubes")
SERVER_PACKAGES += ("pyrender", "pillow", "psutil")
DESKTOP_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
}
_DRAW = "from backend.meshes.gl_renderer import GLRenderer; GLRenderer()"


@dataclass(frozen=True)
class Check:
    """``state``: ok, missing (something asked for here does not work) or optional (not there, and not needed).
    ``remedy`` says what to do."""

    name: str
    state: Literal["ok", "missing", "optional"]
    found: str
    remedy: str = ""


def _version(distribution: str) -> str:
    """The installed version, or an empty text."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _said(*command: str) -> str:
    """What a tool printed, or an empty text when it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TOOL_LIMIT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _apt(*packages: str) -> str:
    return (
        f"sudo apt-get install {' '.join(packages)}" if shutil.which("apt-get") else f"Install {', '.join(packages)}."
    )


def check_versions() -> Iterator[Check]:
    protocol = ".".join(map(str, PROTOCOL))
    yield Check("Wholeform", "ok", f"{__version__}, protocol {protocol}")
    state = "ok" if sys.version_info >= (3, 11) else "missing"
    yield Check("Python", state, f"{platform.python_version()} on {platform.platform()}", "Use Python 3.11 or later.")


def check_packages() -> Iterator[Check]:
    lacking = [name for name in SERVER_PACKAGES if not _version(name)]
    found = f"{len(SERVER_PACKAGES) - len(lacking)} of {len(SERVER_PACKAGES)} packages"
    if lacking:
        yield Check("Server", "missing", f"lacks {', '.join(lacking)}", "pip install 'wholeform[backend]'")
    else:
        yield Check("Server", "ok", found)


def _torch_cuda() -> str:
    """The CUDA version that torch was built for, read from its files, or an empty text."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return ""
    try:
        source = Path(spec.origin).with_name("version.py").read_text()
    except OSError:
        return ""
    match = re.search(r"^cuda\b[^=]*=\s*['\"]([^'\"]+)['\"]", source, re.MULTILINE)
    return match[1] if match else ""


def check_graphics() -> Iterator[Check]:
    cuda, torch = _torch_cuda(), _version("torch")
    gpus = _said("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader").splitlines()
    if torch:
        yield Check("torch", "ok", f"{torch}, built for {f'CUDA {cuda}' if cuda else 'the CPU'}")
    if gpus and torch and not cuda:
        yield Check("GPU", "missing", "; ".join(gpus), "pip install --force-reinstall torch, for a build with CUDA")
    elif gpus:
        yield Check("GPU", "ok", f"{'; '.join(gpus)} (serve --device cuda:0)")
    else:
        yield Check("GPU", "optional", "none from NVIDIA; everything here runs on the CPU too")
    drawn = subprocess.run([sys.executable, "-c", _DRAW], capture_output=True, timeout=TOOL_LIMIT_S, check=False)
    if drawn.returncode == 0:
        yield Check("OpenGL (EGL)", "ok", "draws without a display")
    else:
        found = "not usable; a slower renderer is used instead"
        yield Check("OpenGL (EGL)", "missing", found, _apt("libegl1", "libgl1"))


def check_models() -> Iterator[Check]:
    from backend.hub.registry import cards, model_infos

    infos = model_infos()
    absent = [model for model in infos if not model.ready]
    broken = [model for model in absent if cards()[model.name].released is None]
    if broken:
        found = "; ".join(f"{model.name} is not ready" for model in broken)
        yield Check("Models", "missing", found, broken[0].missing)
    else:
        yield Check("Models", "ok", ", ".join(model.name for model in infos if model.ready))
    if len(absent) > len(broken):
        names = ", ".join(model.name for model in absent if model not in broken)
        yield Check("Models to fetch", "optional", names, "wholeform models pull NAME")


def check_server() -> Iterator[Check]:
    path, file, running = ConnectionFile.path(), ConnectionFile.read(), find_local()
    if running is not None:
        yield Check("Local server", "ok", f"runs at {running.address}, process {running.pid} ({path})")
    elif file is not None:
        yield Check("Local server", "optional", f"not running; {path} is left from one that ended", "wholeform serve")
    else:
        yield Check("Local server", "optional", "not running", "wholeform serve")
    if running is None or not running.address.endswith(f":{DEFAULT_PORT}"):
        with socket.socket() as probe:
            free = probe.connect_ex(("127.0.0.1", DEFAULT_PORT)) != 0
        remedy = "Stop that program, or choose another: wholeform serve --bind 127.0.0.1:5556"
        found = "is free" if free else "is used by another program"
        yield Check(f"Port {DEFAULT_PORT}", "ok" if free else "missing", found, remedy)
    keys = default_key_path("client").exists()
    yield Check(
        "Keys", "ok" if keys else "optional", "made" if keys else "none, needed for remote servers only",
        "wholeform keys make",
    )  # fmt: skip


def check_disk() -> Iterator[Check]:
    for name, folder in (("Jobs", state_dir()), ("Settings", config_dir())):
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = shutil.disk_usage(there).free
        if not os.access(there, os.W_OK):
            yield Check(name, "missing", f"{folder} cannot be written", f"Make {there} yours: chown, or set HOME.")
        elif free < DISK_NEEDED:
            yield Check(name, "missing", f"{folder}: {free / 2**30:.1f} GB free", "Make room: 2 GB are needed.")
        else:
            yield Check(name, "ok", f"{folder}, {free / 2**30:.0f} GB free")


def check_desktop() -> Iterator[Check]:
    qt = _version("PySide6-Essentials") or _version("PySide6")
    if not qt:
        yield Check("Desktop", "optional", "PySide6 is not installed", "pip install 'wholeform[desktop]'")
        return
    lacking = [package for library, package in DESKTOP_LIBRARIES.items() if not _loads(library)]
    if sys.platform == "linux" and lacking:
        yield Check("Desktop", "missing", f"PySide6 {qt}; lacks {', '.join(lacking)}", _apt(*lacking))
    else:
        yield Check("Desktop", "ok", f"PySide6 {qt}")


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def check_blender() -> Iterator[Check]:
    blender = shutil.which("blender")
    version = _said(blender, "--version").partition("\n")[0] if blender else ""
    places = _blender_folders()
    extensions = [path for place in places for path in place.glob("*/extensions/*/wholeform")]
    if extensions:
        versions = ", ".join(sorted({path.parents[2].name for path in extensions}))
        yield Check("Blender extension", "ok", f"installed for Blender {versions}")
    else:
        found = f"not installed for {version or 'any Blender found here'}"
        remedy = "make blender, then drop the .zip on Blender's window (4.2 or later)"
        yield Check("Blender extension", "optional", found, remedy)


def _blender_folders() -> list[Path]:
    """Where Blender keeps a user's settings, one folder a version inside."""
    home = Path.home()
    if sys.platform == "darwin":
        return [home / "Library" / "Application Support" / "Blender"]
    if sys.platform == "win32":
        return [Path(os.environ.get("APPDATA", home)) / "Blender Foundation" / "Blender"]
    return [Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "blender"]


CHECKS: tuple[Callable[[], Iterator[Check]], ...] = (
    check_versions,
    check_packages,
    check_graphics,
    check_models,
    check_server,
    check_disk,
    check_desktop,
    check_blender,
)
