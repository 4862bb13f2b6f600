"""The cards of released segmenters and recognisers say what the code behind them takes."""

from __future__ import annotations

import importlib
import inspect
import tomllib
from pathlib import Path
from typing import Any

import pytest

from backend.models import clip, sam
from protocol.tasks import TASKS

FOLDERS = [Path(str(package.__file__)).parent for package in (sam, clip)]
CARDS = [path for folder in FOLDERS for path in sorted(folder.glob("card_*.toml"))]


def named(reference: str) -> Any:
    module, _, function = reference.partition(":")
    return getattr(importlib.import_module(module), function)


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_a_card_names_what_is_there(path: Path) -> None:
    card = tomllib.loads(path.read_text("utf-8"))
    assert card["level"] == "released"
    assert set(card["tasks"]) <= TASKS.keys()
    assert list(inspect.signature(named(card["entry"])).parameters) == ["device", "folder"]
    released = card["released"]
    assert list(inspect.signature(named(released["convert"])).parameters) == ["sources", "folder", "report"]
    assert card["memory_bytes"] > 1.5 * released["stored_bytes"], "float32 on a CPU takes twice what is stored"
    for source in released["sources"]:
        assert source["url"].startswith("https://huggingface.co/")
        assert source["url"].endswith(f"/{card['name']}/resolve/main/{source['file']}")


def test_models_have_names_of_their_own_and_the_default_recogniser_a_card() -> None:
    names = [tomllib.loads(path.read_text("utf-8"))["name"] for path in CARDS]
    assert len(names) == len(set(names)) == 10
    assert next(each.default for each in TASKS["recognize"].parameters if each.name == "model") in names
