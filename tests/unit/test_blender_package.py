"""The add-on as a package: its manifest, its wheels, and which of its modules may know Blender."""

from __future__ import annotations

import ast
import hashlib
import re
import shlex
import sys
import time
import tomllib
from pathlib import Path

import pytest

from blender_addon import bl_info, build
from tests.unit.blender_staged import folder, module

ADDON = Path(build.__file__).parent
TAG = re.compile(r"(?P<name>\w+)-(?P<version>[\d.]+)-(?P<python>cp3\d+)-(?P<abi>\w+)-(?P<platform>.+)\.whl")


def test_manifest_is_one_that_reviewers_take() -> None:
    manifest = build.manifest()
    assert manifest["id"] == "wholeform"
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later"]
    assert len(manifest["tagline"]) <= 64
    assert manifest["tagline"][-1].isalnum()
    assert set(manifest["permissions"]) == {"network", "files", "clipboard"}
    for reason in manifest["permissions"].values():
        assert len(reason) <= 64
        assert reason[-1].isalnum()
    assert "GNU GENERAL PUBLIC LICENSE" in (ADDON / "LICENSE").read_text()


def test_versions_agree() -> None:
    project = tomllib.loads((ADDON.parent / "pyproject.toml").read_text())["project"]
    manifest = build.manifest()
    assert manifest["version"] == project["version"]
    assert bl_info["version"] == tuple(map(int, manifest["version"].split(".")))
    assert bl_info["name"] == manifest["name"]
    assert bl_info["description"] == manifest["tagline"]


def test_wheels_serve_every_platform_and_both_pythons() -> None:
    found = [TAG.fullmatch(Path(entry).name) for entry in build.manifest()["wheels"]]
    wheels = [match.groupdict() for match in found if match is not None]
    assert len(wheels) == len(found)
    assert {wheel["name"] for wheel in wheels} == {"pyzmq", "msgspec"}
    for name in ("pyzmq", "msgspec"):
        for platform in ("linux|manylinux", "win_amd64", "macosx.*(arm64|universal2)", "macosx.*(x86_64|universal2)"):
            serving = [w for w in wheels if w["name"] == name and re.search(platform, w["platform"])]
            assert any(wheel["python"] == "cp311" for wheel in serving)
            assert any(wheel["python"] == "cp313" or wheel["abi"] == "abi3" for wheel in serving)
    # Without a wheel that names 3.13, repositories would not offer the add-on to Blender 5.1 and later.
    assert any(wheel["python"] == "cp313" for wheel in wheels)
    assert len({(wheel["name"], wheel["version"]) for wheel in wheels}) == 2


def test_each_wheel_has_its_digest() -> None:
    names = {Path(entry).name for entry in build.manifest()["wheels"]}
    assert set(build.expected_digests()) == names
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in build.expected_digests().values())


def test_wheels_come_from_the_cache_and_must_be_the_right_ones(tmp_path, monkeypatch) -> None:
    cache, target = tmp_path / "cache", tmp_path / "target"
    cache.mkdir()
    digests = {}
    for entry in build.manifest()["wheels"]:
        name = Path(entry).name
        (cache / name).write_bytes(name.encode())
        digests[name] = hashlib.sha256(name.encode()).hexdigest()
    monkeypatch.setenv("WHOLEFORM_WHEEL_CACHE", str(cache))
    monkeypatch.setattr(build, "expected_digests", lambda: digests)
    monkeypatch.setattr(build, "_download", lambda name, folder: pytest.fail("nothing is downloaded"))
    build.fetch_wheels(target)
    assert sorted(path.name for path in target.iterdir()) == sorted(digests)
    (cache / next(iter(digests))).write_bytes(b"something else")
    with pytest.raises(build.BuildError, match="is not the file that"):
        build.fetch_wheels(target)


def test_pip_is_asked_for_exactly_one_wheel() -> None:
    arguments = build.pip_arguments("pyzmq-27.3.0-cp312-abi3-manylinux_2_26_x86_64.manylinux_2_28_x86_64.whl")
    assert arguments[-1] == "pyzmq==27.3.0"
    assert arguments[arguments.index("--python-version") + 1] == "3.12"
    assert arguments[arguments.index("--abi") + 1] == "abi3"
    assert arguments.count("--platform") == 2


def test_without_an_extension_tool_the_build_says_what_to_do(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("WHOLEFORM_BLENDER", "/no/such/python")
    monkeypatch.setattr(build, "_blender_tool", lambda blender: None)
    with pytest.raises(build.BuildError, match=r"neither Blender 4\.2"):
        build.find_tool()
    monkeypatch.delenv("WHOLEFORM_BLENDER")
    monkeypatch.delenv("WHOLEFORM_BPY_4_5", raising=False)
    monkeypatch.setenv("WHOLEFORM_BPY_CACHE", str(tmp_path))
    monkeypatch.setattr(build.environments, "find_python", lambda version: None)
    with pytest.raises(build.BuildError, match=r"needs Python 3\.11.*Or set WHOLEFORM_BLENDER"):
        build.find_tool()


def test_what_is_packed() -> None:
    packed = {path.relative_to(folder()).as_posix() for path in folder().rglob("*") if path.is_file()}
    assert {"__init__.py", "blender_manifest.toml", "LICENSE", "protocol/client.py", "protocol/LICENSE"} <= packed
    assert "build.py" not in packed
    assert any(name.startswith("examples/coffee") for name in packed)


def imports_of(path: Path) -> set[str]:
    """What a module imports: absolute names, and its neighbours as ".name"."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            found |= {f".{node.module.split('.')[0]}"} if node.module else {f".{alias.name}" for alias in node.names}
    return found


def test_nothing_that_the_companion_runs_knows_blender() -> None:
    waiting, seen = ["companion_start", "companion", "network"], set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        imported = imports_of(ADDON / f"{name}.py")
        assert not imported & {"bpy", "gpu", "mathutils", "bpy_extras"}, f"{name} is reached by the companion"
        waiting += [near[1:] for near in imported if near[0] == "." and near != ".protocol" and near[1:] not in seen]
    assert {"crossing", "prepare", "axes", "pictures", "png", "servers"} <= seen


def test_the_add_on_starts_no_thread_of_its_own() -> None:
    for path in ADDON.glob("*.py"):
        assert not imports_of(path) & {"threading", "concurrent", "multiprocessing", "asyncio", "_thread"}, path


def test_the_add_on_imports_its_neighbours_relatively_and_touches_no_path() -> None:
    for path in ADDON.glob("*.py"):
        if path.name in build.NOT_SHIPPED:
            continue
        assert not imports_of(path) & {"protocol", "blender_addon", "backend", "desktop_gui", "pip"}, path
        if path.name != "companion_start.py":  # which is another process's
            assert "sys.path" not in path.read_text(), path


def test_importing_the_package_loads_no_blender() -> None:
    assert module("session").current.__module__.endswith("session")
    assert "bpy" not in imports_of(ADDON / "__init__.py")


def test_a_local_server_that_ends_says_why(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("WHOLEFORM_RUNTIME_DIR", str(tmp_path))
    local, problems = module("local_server"), module("protocol")
    server = local.LocalServer()
    server.start(f"{shlex.quote(sys.executable)} -c \"import sys; print('the port is taken'); sys.exit(3)\"")
    deadline = time.monotonic() + 20
    while server.runs and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.failure == "The local server ended (exit code 3). the port is taken"
    with pytest.raises(problems.ProblemError, match="cannot be started"):
        server.start("/no/such/program")
    monkeypatch.setattr(local.shutil, "which", lambda name: None)
    with pytest.raises(problems.ProblemError, match="no “wholeform” command"):
        server.start("")
    server.start(f"{shlex.quote(sys.executable)} -c 'import time; time.sleep(60)'")
    assert server.runs
    server.stop(wait_s=5)
    assert not server.runs
