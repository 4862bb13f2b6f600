"""The built extension, installed and used in every supported Blender."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest


def test_one_zip_a_platform_for_both_pythons(extensions: list[Path]) -> None:
    assert [path.name.split("-", 2)[2] for path in extensions] == [
        "linux_x64.zip",
        "macos_arm64.zip",
        "macos_x64.zip",
        "windows_x64.zip",
    ]
    index = json.loads((extensions[0].parent / "index.json").read_text())
    assert {tuple(entry["platforms"]) for entry in index["data"]} == {
        ("linux-x64",),
        ("macos-arm64",),
        ("macos-x64",),
        ("windows-x64",),
    }
    for entry in index["data"]:
        assert entry["python_versions"] == ["3.11", "3.13"]
        assert entry["archive_size"] < 4_000_000
    assert (extensions[0].parent / "index.html").exists()


def test_zip_holds_the_protocol_and_nothing_of_the_build(extensions: list[Path]) -> None:
    names = zipfile.ZipFile(extensions[0]).namelist()
    assert "protocol/client.py" in names
    assert "LICENSE" in names
    assert "build.py" not in names
    assert not [name for name in names if "__pycache__" in name or "torch" in name]
    assert len([name for name in names if name.endswith(".whl")]) == 4


@pytest.mark.parametrize("name", ["test_registration.py", "test_import.py", "test_labels.py"])
def test_without_a_server(run_inside: Callable[..., str], blender_python: Path, name: str) -> None:
    run_inside(blender_python, name)


@pytest.mark.parametrize("name", ["test_path.py", "test_choosing.py", "test_label_path.py", "test_faults.py"])
def test_with_a_server(run_inside: Callable[..., str], blender_python: Path, name: str) -> None:
    run_inside(blender_python, name)


def test_drawing(run_inside: Callable[..., str], blender_python: Path) -> None:
    run_inside(blender_python, "test_drawing.py")
