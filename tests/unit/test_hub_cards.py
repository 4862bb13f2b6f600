"""Cards as they are written, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.hub import registry
from backend.hub.cards import Labels, Source, read_card
from backend.hub.registry import cards, read_cards
from protocol.messages import LabelInfo
from protocol.problems import ProblemError

HEAD = """
name = "big"
title = "Big"
tasks = ["complete"]
level = "released"
good_for = "Everything."
licence = "CC-BY-NC-4.0"
origin = "Them."
entry = "backend.models.big_one.inference:load"
"""
RELEASED = """
[released]
convert = "backend.models.big_one.checkpoint:convert"
licence_summary = "Non-commercial use only."
licence_url = "https://licence.example/nc"
stored_bytes = 2500000000

[[released.sources]]
file = "epoch=000005.ckpt"
url = "https://hub.example/epoch=000005.ckpt"
size = 15500000000
sha256 = ""

[[released.sources]]
file = "config.json"
url = "https://hub.example/config.json"
"""


def written(folder: Path, text: str, name: str = "card.toml") -> Path:
    path = folder / "big_one" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_a_card_of_weights_that_are_fetched(tmp_path: Path) -> None:
    card = read_card(written(tmp_path, HEAD + RELEASED))
    assert card.released is not None
    assert card.family == "big-one"
    assert card.weights is None
    assert card.released.stored_bytes == 2_500_000_000
    assert card.released.sources == (
        Source("epoch=000005.ckpt", "https://hub.example/epoch=000005.ckpt", 15_500_000_000, ""),
        Source("config.json", "https://hub.example/config.json", 0, ""),
    )


def test_several_cards_in_a_folder(tmp_path: Path) -> None:
    written(tmp_path, HEAD)
    written(tmp_path, HEAD.replace('"big"', '"bigger"') + RELEASED, "card_bigger.toml")
    assert list(read_cards(tmp_path)) == ["big", "bigger"]
    written(tmp_path, HEAD, "card_again.toml")
    with pytest.raises(ProblemError, match="Two model cards are named “big”"):
        read_cards(tmp_path)


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ('.checkpoint:convert"', '.checkpoint:run"', "released.convert"),
        ('"Non-commercial use only."', '""', "released.licence_summary"),
        ("https://licence", "javascript://licence", "released.licence_url"),
        ("stored_bytes = 2500000000", "", "lacks “released.stored_bytes”"),
        ("stored_bytes = 2500000000", "stored_bytes = -1", "released.stored_bytes"),
        ("stored_bytes", "bytes_stored", "released.stored_bytes"),
        ('"https://hub.example/config.json"', '"http://hub.example/config.json"', "released.sources.url"),
        ('file = "config.json"', 'file = "../config.json"', "released.sources.file"),
        ('file = "config.json"', 'file = "/config.json"', "released.sources.file"),
        ('file = "config.json"', 'file = "epoch=000005.ckpt"', "two of one name"),
        ("size = 15500000000", "size = -1", "released.sources.size"),
        ('sha256 = ""', 'sha256 = "abc"', "released.sources.sha256"),
        ('sha256 = ""', "colour = 1", "unknown fields: “released.sources.colour”"),
        ("[[released.sources]]", "[[released.origins]]", "released.sources"),
        ("[released]", '[weights]\nfile = "a.safetensors"\n[released]', "both “weights” and “released”"),
    ],
)
def test_wrong_cards_are_refused_by_field(tmp_path: Path, right: str, wrong: str, says: str) -> None:
    assert right in RELEASED
    with pytest.raises(ProblemError) as caught:
        read_card(written(tmp_path, HEAD + RELEASED.replace(right, wrong)))
    assert says in str(caught.value)
    assert "big_one/card.toml" in str(caught.value)


LABELS = """
[labels]
size = 64
names = ["background", "body"]
colours = [[255, 255, 255], [204, 0, 0]]
"""


def test_a_card_with_labels_and_what_the_catalogue_says_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = read_card(written(tmp_path, HEAD + LABELS))
    assert card.labels == Labels(64, ("background", "body"), ((255, 255, 255), (204, 0, 0)))
    drawn = read_card(written(tmp_path, HEAD + "[labels]\nsize = 128\ndraws = true\n", "card_drawn.toml"))
    assert drawn.labels == Labels(128, draws=True)
    monkeypatch.setattr(registry, "cards", lambda: {"big": card, "drawn": drawn})
    told, told_of_drawings = registry.model_infos()
    assert told.labels == [LabelInfo("background", (255, 255, 255)), LabelInfo("body", (204, 0, 0))]
    assert (told.label_size, told.draws) == (64, False)
    assert (told_of_drawings.labels, told_of_drawings.label_size, told_of_drawings.draws) == ([], 128, True)


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("size = 64", "", "lacks “labels.size”"),
        ("size = 64", "size = 0", "labels.size"),
        ("size = 64", "size = 64\ndraws = true", "both or neither"),
        ('names = ["background", "body"]', "", "both or neither"),
        ('"body"]', "1]", "labels.names"),
        ('"body"]', '"background"]', "all different"),
        ("[204, 0, 0]", "[204, 0, 256]", "labels.colours"),
        (", [204, 0, 0]", "", "labels.colours"),
        ("size = 64", "size = 64\ncolors = 1", "unknown fields: “labels.colors”"),
    ],
)
def test_wrong_labels_are_refused_by_field(tmp_path: Path, right: str, wrong: str, says: str) -> None:
    assert right in LABELS
    with pytest.raises(ProblemError) as caught:
        read_card(written(tmp_path, HEAD + LABELS.replace(right, wrong)))
    assert says in str(caught.value)


@pytest.mark.parametrize("table", ["released = 1", "[released]\nsources = [1]", "[released]\nsources = []"])
def test_what_is_no_table_is_refused(tmp_path: Path, table: str) -> None:
    with pytest.raises(ProblemError, match="released"):
        read_card(written(tmp_path, HEAD + table))


def test_every_card_of_this_installation_names_its_family() -> None:
    assert cards()["u2netp"].family == "u2netp"
    assert cards()["symmetry-inpaint"].family == "symmetry-inpaint"
