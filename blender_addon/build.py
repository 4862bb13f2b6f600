"""Builds the extension: one .zip for each platform and a static extension repository.

    python -m blender_addon.build [--out DIR] [--platform linux-x64 ...] [--stage-only DIR]

Wheels are downloaded once into a cache (WHOLEFORM_WHEEL_CACHE, by default in the user's cache folder), checked against
wheels.sha256 and packed unmodified; with a filled cache nothing is downloaded. The extension tool that comes with
Blender does the packing: from WHOLEFORM_BLENDER (a Blender 4.2 or later, or a Python that has the bpy package), from
`blender` on the PATH, or from a bpy package that is installed into the cache.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from . import environments

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
NOT_SHIPPED = {"build.py", "environments.py", "wheels.sha256"}
TOOL_SERIES = "4.5"  # whose bpy package gives the extension tool where nothing else does


class BuildError(Exception):
    """The build cannot go on; the text says why and what to do."""


def manifest() -> dict[str, Any]:
    """The parsed blender_manifest.toml."""
    return tomllib.loads((HERE / "blender_manifest.toml").read_text())


# --- wheels ---


def expected_digests() -> dict[str, str]:
    """SHA-256 by wheel file name."""
    lines = (HERE / "wheels.sha256").read_text().splitlines()
    return {name: digest for digest, name in (line.split() for line in lines if line.strip())}


def pip_arguments(wheel: str) -> list[str]:
    """What makes pip download exactly this wheel."""
    distribution, version, python, abi, platforms = wheel.removesuffix(".whl").split("-")
    arguments = ["--only-binary=:all:", "--no-deps", "--implementation", "cp", "--abi", abi]
    arguments += ["--python-version", re.sub(r"cp(\d)(\d+)", r"\1.\2", python)]
    for platform in platforms.split("."):
        arguments += ["--platform", platform]
    return [*arguments, f"{distribution}=={version}"]


def fetch_wheels(target: Path) -> None:
    """Put all wheels of the manifest into ``target``. Raises BuildError when one cannot be had or is not the one
    expected."""
    cache = Path(os.environ.get("WHOLEFORM_WHEEL_CACHE") or environments.cache_dir() / "wheels")
    cache.mkdir(parents=True, exist_ok=True)
    target.mkdir(parents=True, exist_ok=True)
    digests = expected_digests()
    for name in (Path(entry).name for entry in manifest()["wheels"]):
        wheel = cache / name
        if not wheel.exists():
            _download(name, cache)
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != digests.get(name):
            raise BuildError(f"{wheel} is not the file that wheels.sha256 names. Delete it and build again.")
        shutil.copyfile(wheel, target / name)


def _download(name: str, cache: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(cache), *pip_arguments(name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not (cache / name).exists():
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise BuildError(f"{name} could not be downloaded ({reason}). Go online once, or put it into {cache}.")


# --- staging ---


def stage(target: Path, wheels: bool = True) -> Path:
    """Lay the add-on out in ``target`` as it is packed: its modules, protocol/ as a sub-package, the example, and the
    wheels (without them it is a legacy add-on for Blender before 4.2)."""
    target.mkdir(parents=True, exist_ok=True)
    for path in [*HERE.glob("*.py"), HERE / "blender_manifest.toml", HERE / "LICENSE"]:
        if path.name not in NOT_SHIPPED:
            shutil.copyfile(path, target / path.name)
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(ROOT / "protocol", target / "protocol", ignore=ignored, dirs_exist_ok=True)
    if (ROOT / "LICENSE").exists():
        shutil.copyfile(ROOT / "LICENSE", target / "protocol" / "LICENSE")
    for path in (ROOT / "backend" / "examples").glob("coffee*"):
        (target / "examples").mkdir(exist_ok=True)
        shutil.copyfile(path, target / "examples" / path.name)
    if wheels:
        fetch_wheels(target / "wheels")
    return target


# --- the extension tool ---


def _python_tool(python: Path) -> list[str] | None:
    """The extension tool inside that interpreter's bpy package; it is plain Python and needs no Blender to run."""
    pattern = "lib/python3.*/site-packages/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"
    found = sorted(python.parent.parent.glob(pattern))
    found += sorted(python.parent.parent.glob(pattern.replace("lib/python3.*", "Lib")))
    return [sys.executable, str(found[-1])] if found else None


def _blender_tool(blender: str) -> list[str] | None:
    done = subprocess.run([blender, "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"Blender (\d+)\.(\d+)", done.stdout)
    if version is None or (int(version[1]), int(version[2])) < (4, 2):
        return None
    return [blender, "--command", "extension"]


def find_tool() -> list[str]:
    """The command of the extension tool. Raises BuildError when there is none."""
    wanted = os.environ.get("WHOLEFORM_BLENDER")
    if wanted:
        tool = _python_tool(Path(wanted)) or _blender_tool(wanted)
        if tool is None:
            raise BuildError(f"WHOLEFORM_BLENDER is {wanted}: neither Blender 4.2 or later nor a Python with bpy.")
        return tool
    blender = shutil.which("blender")
    tool = _blender_tool(blender) if blender else None
    if tool is None:
        print("Blender's extension tool comes from its bpy package (350 MB, downloaded once).", file=sys.stderr)
        try:
            tool = _python_tool(environments.python_with_bpy(TOOL_SERIES))
        except (environments.Unavailable, subprocess.CalledProcessError) as error:
            raise BuildError(f"{error} Or set WHOLEFORM_BLENDER to a Blender 4.2 or later.") from None
    if tool is None:
        raise BuildError("Set WHOLEFORM_BLENDER to a Blender 4.2 or later, or to a Python where pip installed bpy.")
    return tool


def run_tool(tool: list[str], *arguments: str) -> str:
    """Run the extension tool; returns what it printed. Raises BuildError with it when it fails."""
    done = subprocess.run([*tool, *arguments], capture_output=True, text=True, check=False)
    output = (done.stdout + done.stderr).strip()
    if done.returncode:
        raise BuildError(f"blender extension {arguments[0]} failed:\n{output}")
    return output


def build(out: Path, platforms: list[str] | None = None) -> list[Path]:
    """The .zip files of ``platforms`` (all by default) and the repository's index in ``out``. Returns the zips.
    Raises BuildError."""
    tool = find_tool()
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob(f"{manifest()['id']}-*.zip"):
        old.unlink()
    with tempfile.TemporaryDirectory() as temporary:
        source = stage(Path(temporary) / manifest()["id"])
        run_tool(tool, "validate", str(source))
        run_tool(tool, "build", "--split-platforms", "--source-dir", str(source), "--output-dir", str(out))
    zips = sorted(out.glob(f"{manifest()['id']}-*.zip"))
    if platforms:
        names = {platform.replace("-", "_") for platform in platforms}
        for path in [path for path in zips if not path.stem.endswith(tuple(names))]:
            path.unlink()
        zips = [path for path in zips if path.exists()]
    for path in zips:
        run_tool(tool, "validate", str(path))
    run_tool(tool, "server-generate", "--repo-dir", str(out), "--html")
    return zips


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m blender_addon.build", description="Build the Blender extension.")
    parser.add_argument("--out", type=Path, default=Path("dist/blender"), help="where the repository is written")
    parser.add_argument("--platform", action="append", choices=manifest()["platforms"], help="default: all")
    parser.add_argument("--stage-only", type=Path, metavar="DIR", help="lay out the legacy add-on in DIR and stop")
    arguments = parser.parse_args()
    try:
        if arguments.stage_only:
            print(stage(arguments.stage_only, wheels=False))
            return 0
        for path in build(arguments.out, arguments.platform):
            print(path)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
