"""The house's rules about who may import whom, read from the sources, and what may be loaded at import time."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("protocol", "backend", "desktop_gui", "blender_addon")
MAY_IMPORT = {"protocol": set(), "backend": {"protocol"}, "desktop_gui": {"protocol"}, "blender_addon": set()}
# Tools that run outside Blender, at build time.
BUILD_TOOLS = {"blender_addon/build.py"}
PROTOCOL_LIBRARIES = {"numpy", "zmq", "msgspec"}
# A library that belongs to one place, and that place.
TORCH = ("models/", "nn/", "fields/", "diffusion/", "synthetic/", "training/", "evaluation/", "hub/", "serving/worker")
CONFINED = {
    "PySide6": ("desktop_gui/",),
    "bpy": ("blender_addon/",),
    "torch": tuple(f"backend/{place}" for place in TORCH),
    "typer": ("backend/cli/",),
    "rich": ("backend/cli/",),
}
HEAVY = {"torch", "cv2", "scipy", "skimage", "trimesh", "pyrender", "mcubes", "PIL", "PySide6", "kornia", "diffusers"}
HEAVY |= {"transformers"}
LINE_LIMIT = 450


@functools.cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def modules(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Every source file under ``folders``, by its path from the repository's root, and what it says."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not any(part.startswith(".") or part in ("dist", "build") for part in path.relative_to(ROOT).parts):
                yield name, _parsed(path)


class Import(NamedTuple):
    """An import in a file: the full dotted name of what is imported, however it is written."""

    file: str
    line: int
    name: str
    relative: bool

    @property
    def top(self) -> str:
        return self.name.split(".")[0]


def imports(*folders: str) -> Iterator[Import]:
    """Every import in every source file under ``folders``."""
    for file, tree in modules(*folders):
        package = file.removesuffix(".py").split("/")[:-1]
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (Import(file, node.lineno, alias.name, False) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = package[: len(package) - node.level + 1] if node.level else []
                module = ".".join([*base, *filter(None, [node.module])])
                for alias in node.names:
                    yield Import(file, node.lineno, f"{module}.{alias.name}", node.level > 0)


def shown(found: list[Import]) -> str:
    return "\n".join(f"{entry.file}:{entry.line} imports {entry.name}" for entry in found)


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_only_whom_they_may(package: str) -> None:
    others = set(PACKAGES) - MAY_IMPORT[package] - {package}
    found = [entry for entry in imports(package) if entry.top in others and entry.file not in BUILD_TOOLS]
    assert not found, shown(found)


def test_protocol_needs_three_libraries_alone() -> None:
    allowed = PROTOCOL_LIBRARIES | set(sys.stdlib_module_names) | {"protocol"}
    found = [entry for entry in imports("protocol") if entry.top not in allowed]
    assert not found, shown(found)


@pytest.mark.parametrize("package", ["protocol", "blender_addon"])
def test_what_is_vendored_imports_its_own_by_relative_names(package: str) -> None:
    """Inside Blender these packages have other names, so an absolute import would not find them."""
    found = [
        entry
        for entry in imports(package)
        if entry.top in PACKAGES and not entry.relative and entry.file not in BUILD_TOOLS
    ]
    assert not found, shown(found)


def test_models_do_not_know_each_other_and_nobody_else_knows_them() -> None:
    found = []
    for entry in imports("backend"):
        model = re.match(r"backend\.models\.(\w+)", entry.name)
        if model and not entry.file.startswith(f"backend/models/{model[1]}/"):
            found.append(entry)
    assert not found, shown(found)


def test_serving_knows_tasks_by_name() -> None:
    beyond = re.compile(
        r"backend\.(models|meshes|fields|imaging)\b"
        r"|backend\.pipelines\.(?!registry\b|context\b)"
        r"|backend\.hub\.(?!registry\b)"
    )
    found = [entry for entry in imports("backend/serving") if beyond.match(entry.name)]
    assert not found, shown(found)


@pytest.mark.parametrize("library", sorted(CONFINED))
def test_libraries_stay_in_their_place(library: str) -> None:
    found = [
        entry for entry in imports(*PACKAGES) if entry.top == library and not entry.file.startswith(CONFINED[library])
    ]
    assert not found, shown(found)


@pytest.mark.parametrize(
    "module", ["protocol", "protocol.aio", "backend.cli.main", "backend.serving.server", "backend.hub.registry"]
)
def test_nothing_heavy_at_import_time(module: str) -> None:
    program = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}} & {HEAVY!r}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_files_can_be_read_in_one_sitting_and_are_finished() -> None:
    mark = re.compile(r"\b(TO[D]O|FIX[M]E|XX[X]|NotImplemente[d]Error)\b")
    found = []
    for name, _ in modules(*PACKAGES, "tests", "benchmarks"):
        lines = (ROOT / name).read_text("utf-8").splitlines()
        if len(lines) > LINE_LIMIT:
            found.append(f"{name} has {len(lines)} lines; {LINE_LIMIT} are allowed")
        found += [f"{name}:{number} {text.strip()}" for number, text in enumerate(lines, 1) if mark.search(text)]
    assert not found, "\n".join(found)
