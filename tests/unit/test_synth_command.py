"""`wholeform synth`: every format is written and can be read again; wrong wishes are told what is allowed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sized
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image as Picture
from typer.testing import CliRunner, Result

from backend import synthetic
from backend.cli.main import app
from backend.cli.synth import FORMATS
from backend.datasets.coco_amodal import coco_amodal
from backend.datasets.coco_panoptic import coco_panoptic
from backend.datasets.eg3d import LabelledViews
from backend.datasets.kitti import Kitti
from backend.datasets.movi import Movi
from backend.datasets.pix2gestalt import Occlusions
from backend.sheets import coloured, contact_sheet

from .test_datasets_pictures import tree
from .tiny_scenes import PART_NAMES, tiny_scene, tiny_video, tiny_views

READERS: dict[str, Callable[[Path, str], Sized]] = {
    "coco-panoptic": coco_panoptic,
    "kins": lambda folder, split: coco_amodal("kins", folder, split),
    "d2sa": lambda folder, split: coco_amodal("d2sa", folder, split),
    "cocoa": lambda folder, split: coco_amodal("cocoa", folder, split),
    "pix2gestalt": lambda folder, split: Occlusions(folder),
    "cases": lambda folder, split: list(folder.glob("*_modal.png")),
    "movi": lambda folder, split: Movi(folder / ("train" if split == "train" else "test")),
    "kitti": Kitti,
    "eg3d": lambda folder, split: LabelledViews(folder / "images.zip", folder / "labels.zip", PART_NAMES),
}
COUNTS = {"coco-panoptic": 3, "kins": 3, "d2sa": 3, "cocoa": 3, "eg3d": 3 * 2}


@pytest.fixture
def seeds(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """What was asked of the worlds, which are tiny ones here."""
    asked: list[tuple[str, int, int]] = []
    worlds, splits = ModuleType("backend.synthetic.worlds"), ModuleType("backend.synthetic.splits")

    def seed_of(split: str, seed: int, index: int) -> int:
        asked.append((split, seed, index))
        return 10 * seed + index

    made = {
        "make_scene": lambda seed, size, objects: tiny_scene(seed, size=(size, size)),
        "make_video": lambda seed, frames, size, objects: tiny_video(seed, frames, (size, size)),
        "make_views": lambda seed, cameras, size, objects: tiny_views(seed, cameras, size),
    }
    for name, make in made.items():
        setattr(worlds, name, make)
    splits.seed_of = seed_of  # type: ignore[attr-defined]
    for module in (worlds, splits):
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(synthetic, module.__name__.rsplit(".", 1)[1], module, raising=False)
    return asked


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["synth", *map(str, arguments)], env={"COLUMNS": "200", "TERM": "dumb"})


@pytest.mark.parametrize("split", ["train", "held-out"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_can_be_read_again(
    tmp_path: Path, seeds: list[tuple[str, int, int]], name: str, split: str
) -> None:
    out = tmp_path / "deep" / "out"
    kind = FORMATS[name].kind
    done = run(
        *(kind, "--format", name, "--count", 3, "--seed", 5, "--size", 48),
        *("--split", split, "--out", out, "--frames", 4, "--views", 2),
    )
    assert done.exit_code == 0, done.output
    assert seeds == [(split, 5, index) for index in range(3)]
    read = READERS[name](out, "train" if split == "train" else "val")
    assert len(read) == COUNTS.get(name, len(read)) >= 3
    assert done.stdout.splitlines() == [f"3 {kind} in {out}", str(out / "contact.png")]
    assert np.array(Picture.open(out / "contact.png")).std() > 20


@pytest.mark.parametrize("kind", ["scenes", "videos", "objects"])
def test_the_same_seed_gives_the_same_files(tmp_path: Path, seeds: object, kind: str) -> None:
    for folder, seed in (("one", 1), ("two", 1), ("three", 2)):
        assert run(kind, "--out", tmp_path / folder, "--seed", seed, "--count", 2, "--size", 40).exit_code == 0
    assert tree(tmp_path / "one") == tree(tmp_path / "two") != tree(tmp_path / "three")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["meshes"], "There is no kind “meshes”."),
        (["scenes", "--split", "test"], "Allowed: train, val, held-out."),
        (["scenes", "--format", "movi"], "There is no format “movi” for scenes."),
        (["videos", "--format", "nothing"], "Allowed: movi, kitti."),
    ],
)
def test_wrong_wishes_are_told_what_is_allowed(seeds: object, arguments: list[str], told: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert told in done.stderr


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path, seeds: object) -> None:
    (tmp_path / "file").write_text("")
    done = run("scenes", "--out", tmp_path / "file" / "out")
    assert done.exit_code == 2
    assert "cannot be made" in done.stderr


def test_a_contact_sheet_shows_every_picture_in_its_place() -> None:
    red = np.full((10, 20, 3), (255, 0, 0), np.uint8)
    clear = np.zeros((300, 300, 4), np.uint8)
    sheet = contact_sheet([("red", red), ("clear", clear), ("", red), ("", red)], columns=3, side=100)
    assert sheet.shape == (2 * 128 + 8, 3 * 108 + 8, 3)
    where = (sheet == (255, 0, 0)).all(axis=2)
    assert where.sum() == 3 * 50 * 100  # five times as large
    assert where[8 + 20 + 25 : 8 + 20 + 75, 8:108].all()
    assert where[128 + 8 + 20 + 25 : 128 + 8 + 20 + 75, 8:108].all()
    assert (sheet[8:28, 8:60] < 100).any()  # the title
    assert (sheet[40:120, 120:210] == 240).all()  # what is clear shows the paper


def test_ids_have_colours_of_their_own() -> None:
    ids = np.arange(12, dtype=np.uint16).reshape(3, 4)
    colours = coloured(ids)
    assert colours.shape == (3, 4, 3)
    assert len(np.unique(colours.reshape(-1, 3), axis=0)) == 12
    assert np.array_equal(coloured(ids[:, ::-1]), colours[:, ::-1])
