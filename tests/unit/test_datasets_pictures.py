"""COCO panoptic, KINS, D2SA, COCOA-cls, COCO-A and pix2gestalt: what our writers wrote comes back exactly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from backend.datasets.coco_amodal import CocoAmodal, coco_amodal
from backend.datasets.coco_panoptic import CocoPanoptic, coco_panoptic
from backend.datasets.cocoa import CocoA
from backend.datasets.pix2gestalt import Occlusions
from backend.datasets.regions import encode
from backend.imaging.paper import on_white
from backend.synthetic.writers import cases, pix2gestalt
from backend.synthetic.writers import coco_amodal as amodal_writer
from backend.synthetic.writers import coco_panoptic as panoptic_writer
from protocol.problems import ErrorCode, ProblemError

from .tiny_scenes import SIZE, tiny_scene

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason="the true miniature data sets are not here")
SCENES = [tiny_scene(seed) for seed in range(4)]
FLAVOURS = ("kins", "d2sa", "cocoa")


def changed(path: Path, change: Callable[[Any], object]) -> None:
    """Rewrite a JSON file after ``change`` was made to it."""
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content), "utf-8")


def complaint(read: Callable[[], object]) -> str:
    with pytest.raises(ProblemError) as caught:
        read()
    assert caught.value.problem.code == ErrorCode.BAD_INPUT
    assert caught.value.problem.hint.startswith("Expected: ")
    return str(caught.value)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file under ``folder`` and its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


WRITERS: dict[str, Callable[[Path], None]] = {
    "coco-panoptic": lambda folder: panoptic_writer.write(iter(SCENES), folder),
    **{name: lambda folder, name=name: amodal_writer.write(iter(SCENES), folder, name) for name in FLAVOURS},
    "pix2gestalt": lambda folder: pix2gestalt.write(iter(SCENES), folder),
    "cases": lambda folder: cases.write(iter(SCENES), folder),
}


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_scenes_give_the_same_bytes(tmp_path: Path, name: str) -> None:
    for folder in ("one", "two"):
        WRITERS[name](tmp_path / folder)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


@pytest.mark.parametrize("split", ["train", "val"])
def test_coco_panoptic_comes_back(tmp_path: Path, split: str) -> None:
    panoptic_writer.write(SCENES, tmp_path, split)
    read = coco_panoptic(tmp_path, split)
    assert len(read) == len(SCENES)
    for scene, record in zip(SCENES, (read[index] for index in range(len(read))), strict=True):
        ids = np.array([0, *(segment.id for segment in record.panoptic.segments)], np.uint16)
        assert record.panoptic.ids.dtype == np.uint16
        assert np.array_equal(ids[record.panoptic.ids], scene.panoptic)
        assert np.abs(record.image.astype(int) - scene.image).mean() < 6  # JPEG
        seen = {instance.id: instance for instance in scene.instances if instance.modal.any()}
        assert {segment.id for segment in record.panoptic.segments} == set(seen)
        for segment in record.panoptic.segments:
            x, y, width, height = (int(edge) for edge in segment.box)
            modal = seen[segment.id].modal
            assert (segment.category, segment.thing, segment.crowd) == (seen[segment.id].category, True, False)
            assert segment.area == modal.sum() == modal[y : y + height, x : x + width].sum()


def test_panoptic_ids_beyond_a_byte_come_back(tmp_path: Path) -> None:
    scene = tiny_scene(1, first_id=700)
    panoptic_writer.write([scene], tmp_path)
    panoptic = coco_panoptic(tmp_path).panoptic(0)
    assert sorted(segment.id for segment in panoptic.segments) == sorted(set(scene.panoptic.ravel().tolist()) - {0})


@needs_reference
def test_true_coco_panoptic_is_read() -> None:
    data = REFERENCE / "ldmseg" / "data"
    read = CocoPanoptic(data / "panoptic_examples.json", data, data)
    assert [len(read.panoptic(index).segments) for index in range(len(read))] == [18, 32]
    for index in range(len(read)):
        panoptic = read.panoptic(index)
        counts = np.bincount(panoptic.ids.ravel(), minlength=len(panoptic.segments) + 1)
        assert counts[1:].tolist() == [segment.area for segment in panoptic.segments]
    assert read.panoptic(0).segments[0].category == "person"
    assert "000000142238.jpg is missing" in complaint(lambda: read[0])


def test_panoptic_pictures_with_crowds_alone_are_left_out(tmp_path: Path) -> None:
    panoptic_writer.write(SCENES, tmp_path)
    path = tmp_path / "annotations" / "panoptic_val2017.json"
    changed(path, lambda content: [each.update(iscrowd=1) for each in content["annotations"][1]["segments_info"]])
    changed(path, lambda content: content["annotations"][2].update(segments_info=[]))
    read = coco_panoptic(tmp_path)
    assert [read[index].image_id for index in range(len(read))] == [1, 4]


def test_wrong_panoptic_files_are_named(tmp_path: Path) -> None:
    def fresh() -> Path:
        panoptic_writer.write(SCENES, tmp_path)
        return tmp_path / "annotations" / "panoptic_val2017.json"

    path = fresh()
    path.write_bytes(path.read_bytes()[:-40])
    assert f"{path} is no whole JSON file" in complaint(lambda: coco_panoptic(tmp_path))
    changed(fresh(), lambda content: content["annotations"][2]["segments_info"][0].pop("category_id"))
    told = complaint(lambda: coco_panoptic(tmp_path))
    assert str(path) in told
    assert "`category_id`" in told
    assert "$.annotations[2].segments_info[0]" in told
    changed(fresh(), lambda content: content["images"].pop(0))
    assert "has no image 1 for $.annotations[0]" in complaint(lambda: coco_panoptic(tmp_path))
    changed(fresh(), lambda content: content["categories"].pop(0))
    assert "has no category" in complaint(lambda: coco_panoptic(tmp_path))
    changed(fresh(), lambda content: content["annotations"][0]["segments_info"][0].update(id=99))
    assert "000000000001.png has the segment" in complaint(lambda: coco_panoptic(tmp_path)[0])

    fresh()
    picture = tmp_path / "annotations" / "panoptic_val2017" / "000000000001.png"
    Picture.fromarray(np.zeros((10, 12, 3), np.uint8)).save(picture)
    told = complaint(lambda: coco_panoptic(tmp_path)[0])
    assert f"{picture} is 12 pixels wide and 10 high" in told
    assert f"{SIZE[1]} wide and {SIZE[0]} high" in told
    picture.write_bytes(picture.read_bytes()[:45])
    assert f"{picture} cannot be read as a picture" in complaint(lambda: coco_panoptic(tmp_path)[0])
    picture.unlink()
    assert f"{picture} is missing" in complaint(lambda: coco_panoptic(tmp_path)[0])
    path.unlink()
    assert f"{path} is missing" in complaint(lambda: coco_panoptic(tmp_path))


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_amodal_json_comes_back(tmp_path: Path, flavour: str, split: str) -> None:
    amodal_writer.write(SCENES, tmp_path, flavour, split)
    read = coco_amodal(flavour, tmp_path, split)
    assert len(read) == len(SCENES)
    for scene, record in zip(SCENES, (read[index] for index in range(len(read))), strict=True):
        seen = [instance for instance in scene.instances if instance.modal.any()]
        assert len(record.instances) == len(seen)
        if flavour == "kins":
            assert np.array_equal(record.image, scene.image)
        for wrote, got in zip(seen, record.instances, strict=True):
            assert np.array_equal(got.modal, wrote.modal)
            assert np.array_equal(got.amodal, wrote.amodal)
            assert got.occlusion_rate == pytest.approx(wrote.occlusion_rate, abs=1e-12)
            assert got.category == (wrote.category if flavour != "d2sa" else str(got.category_id))
            x0, y0, x1, y1 = (int(edge) for edge in got.box)
            assert wrote.amodal[y0:y1, x0:x1].sum() == wrote.amodal.sum()
            assert wrote.amodal[y0, x0:x1].any()
    assert sorted(read.contiguous.values()) == list(range(len(read.categories)))


@needs_reference
@pytest.mark.parametrize("flavour", ["kins", "d2sa"])
def test_true_amodal_json_is_read(tmp_path: Path, flavour: str) -> None:
    """The recorded evaluations hold the annotations that the published code was given, and what it made of them."""
    recorded = json.loads((REFERENCE / "vrsp" / f"metrics_{flavour}.json").read_text("utf-8"))
    (tmp_path / "annotations.json").write_text(json.dumps(recorded["dataset"]), "utf-8")
    read = CocoAmodal(flavour, tmp_path / "annotations.json", tmp_path)
    instances = {each.id: each for index in range(len(read)) for each in read.instances(index)}
    assert instances.keys() == {annotation["id"] for annotation in recorded["dataset"]["annotations"]}
    for annotation in recorded["dataset"]["annotations"]:
        assert instances[annotation["id"]].amodal.sum() == annotation["area"]
    for number, visible_share in recorded["gt_visibility_used_as_area"].items():
        assert 1 - instances[int(number)].occlusion_rate == pytest.approx(visible_share, abs=1e-9)


def test_what_nobody_sees_is_left_out(tmp_path: Path) -> None:
    amodal_writer.write(SCENES, tmp_path, "kins")
    path = tmp_path / "annotations" / "instances_val.json"
    nothing = {"size": list(SIZE), "counts": encode(np.zeros(SIZE, bool)).counts}
    before = len(coco_amodal("kins", tmp_path).instances(0))
    changed(path, lambda content: content["annotations"][0].update(inmodal_seg=nothing))
    assert len(coco_amodal("kins", tmp_path).instances(0)) == before - 1


def test_polygons_of_visible_parts_are_not_the_whole(tmp_path: Path) -> None:
    amodal_writer.write(SCENES, tmp_path, "cocoa")
    path = tmp_path / "annotations" / "COCO_amodal_val2014_with_classes.json"
    square = [[2.0, 3.0, 9.0, 3.0, 9.0, 7.0, 2.0, 7.0]]
    changed(path, lambda content: content["annotations"][0].update(visible_mask=square, iscrowd=1))
    first = coco_amodal("cocoa", tmp_path).instances(0)[0]
    assert first.modal.sum() == 7 * 4
    assert first.modal[3:7, 2:9].all()
    assert first.crowd


def test_wrong_amodal_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "annotations" / "instances_val.json"

    def told_after(change: Callable[[Any], object], read: Callable[[CocoAmodal], object] = len) -> str:
        amodal_writer.write(SCENES, tmp_path, "kins")
        changed(path, change)
        told = complaint(lambda: read(coco_amodal("kins", tmp_path)))
        assert str(path) in told
        return told

    told = told_after(lambda content: content["annotations"][3].pop("inmodal_seg"))
    assert "lacks “inmodal_seg” in $.annotations[3]" in told
    assert "`segmentation`" in told_after(lambda content: content["annotations"][3].pop("segmentation"))
    assert "$.images" in told_after(lambda content: content["images"][0].update(height="forty"))
    assert "has no image 7" in told_after(lambda content: content["annotations"][0].update(image_id=7))
    assert "has no category 7" in told_after(lambda content: content["annotations"][0].update(category_id=7))
    smaller = {"size": [10, 12], "counts": encode(np.ones((10, 12), bool)).counts}
    told = told_after(lambda content: content["annotations"][0].update(inmodal_seg=smaller), lambda read: read[0])
    assert "a mask of 12 x 10 in $.annotations[0].inmodal_seg" in told
    path.write_bytes(path.read_bytes()[:200])
    assert f"{path} is no whole JSON file" in complaint(lambda: coco_amodal("kins", tmp_path))
    path.unlink()
    assert f"{path} is missing" in complaint(lambda: coco_amodal("kins", tmp_path))
    with pytest.raises(ProblemError, match="no flavour “kitti”"):
        coco_amodal("kitti", tmp_path)


@pytest.fixture
def coco_a(tmp_path: Path) -> Path:
    """A file of COCO-A's form, one picture of 10 x 12 with a region behind another."""
    front, back = np.zeros((10, 12), bool), np.zeros((10, 12), bool)
    front[2:6, 3:8], back[4:9, 5:11] = True, True
    regions = [
        {"segmentation": [3, 2, 8, 2, 8, 6, 3, 6], "name": "cup", "order": 1, "isStuff": 0, "occlude_rate": 0},
        {
            "segmentation": [5, 4, 11, 4, 11, 9, 5, 9],
            "name": "table",
            "order": 2,
            "isStuff": 1,
            "visible_mask": {"size": [10, 12], "counts": encode(back & ~front).counts},
            "invisible_mask": {"size": [10, 12], "counts": encode(back & front).counts},
        },
    ]
    images = [{"id": 5, "file_name": "5.png", "height": 10, "width": 12}]
    annotation = {"id": 1, "image_id": 5, "regions": regions, "depth_constraint": "1-2", "size": 2}
    content = {"images": images, "annotations": [annotation]}
    (tmp_path / "amodal.json").write_text(json.dumps(content), "utf-8")
    Picture.fromarray(np.full((10, 12, 3), 7, np.uint8)).save(tmp_path / "5.png")
    return tmp_path


def test_coco_a_is_read(coco_a: Path) -> None:
    read = CocoA(coco_a / "amodal.json", coco_a)
    assert len(read) == 1
    cup, table = read[0].instances
    assert (read[0].image == 7).all()
    assert (cup.category, cup.stuff, table.category, table.stuff) == ("cup", False, "table", True)
    assert np.array_equal(cup.modal, cup.amodal)
    assert np.array_equal(table.modal, table.amodal & ~cup.amodal)
    assert (cup.occlusion_rate, table.occlusion_rate) == (0, pytest.approx(6 / 30))
    assert table.box == (5, 4, 11, 9)


def test_wrong_coco_a_is_named(coco_a: Path) -> None:
    path = coco_a / "amodal.json"
    changed(path, lambda content: content["annotations"][0]["regions"][1]["visible_mask"].update(size=[9, 9]))
    told = complaint(lambda: CocoA(path, coco_a)[0])
    assert "amodal.json has a mask of 9 x 9 in $.annotations[0].regions[1].visible_mask" in told
    changed(path, lambda content: content["annotations"][0].pop("regions"))
    assert "`regions`" in complaint(lambda: CocoA(path, coco_a))


def hidden() -> list[tuple[Any, Any]]:
    return [(scene, one) for scene in SCENES for one in scene.instances if 0 < one.occlusion_rate < 1]


def test_pix2gestalt_comes_back(tmp_path: Path) -> None:
    pix2gestalt.write(SCENES, tmp_path)
    read = Occlusions(tmp_path)
    assert len(read) == len(hidden()) > 3
    for index, (scene, instance) in enumerate(hidden()):
        record = read[index]
        assert np.array_equal(record.occluded, scene.image)
        assert np.array_equal(record.whole, on_white(instance.whole))
        assert (record.whole[~instance.amodal] == 255).all()
        assert np.array_equal(record.amodal, instance.amodal)
        assert np.array_equal(record.modal, instance.modal)
    parts = [Occlusions(tmp_path, part) for part in ("train", "val")]
    assert [len(part) for part in parts] == [int(0.99 * len(read)), len(read) - int(0.99 * len(read))]
    assert parts[1][0].name == read[len(parts[0])].name


def test_wrong_pix2gestalt_folders_are_named(tmp_path: Path) -> None:
    assert f"{tmp_path / 'occlusion'} is missing" in complaint(lambda: Occlusions(tmp_path))
    pix2gestalt.write(SCENES, tmp_path)
    picture = sorted((tmp_path / "whole").iterdir())[0]
    Picture.fromarray(np.zeros((10, 12, 3), np.uint8)).save(picture)
    assert f"{picture} is 12 pixels wide" in complaint(lambda: Occlusions(tmp_path)[0])
    picture.unlink()
    assert f"{tmp_path / 'whole'} holds {len(hidden()) - 1} pictures" in complaint(lambda: Occlusions(tmp_path))
    pix2gestalt.write(SCENES, tmp_path)
    assert "train, val or all" in complaint(lambda: Occlusions(tmp_path, "test"))


def test_cases_say_what_is_in_the_scene(tmp_path: Path) -> None:
    cases.write(SCENES, tmp_path)
    listed = json.loads((tmp_path / "cases.json").read_text("utf-8"))
    assert len(listed) == len(hidden())
    for case, (scene, instance) in zip(listed, hidden(), strict=True):
        pictures = {
            name: np.array(Picture.open(tmp_path / f"{case['id']}{name}.png"))
            for name in ("", "_modal", "_amodal", "_front", "_whole")
        }
        assert np.array_equal(pictures[""], scene.image)
        assert np.array_equal(pictures["_modal"] == 255, instance.modal)
        assert np.array_equal(pictures["_amodal"] == 255, instance.amodal)
        assert np.array_equal(pictures["_whole"], instance.whole)
        assert (pictures["_front"][instance.amodal & ~instance.modal] == 255).all()
        assert (pictures["_front"][instance.modal] == 0).all()
        assert case["occlusion_rate"] == instance.occlusion_rate
        x0, y0, x1, y1 = case["box"]
        inside = instance.modal[y0:y1, x0:x1]
        assert inside.sum() == instance.modal.sum()
        assert inside[0].any()
        assert inside[-1].any()
        assert inside[:, 0].any()
        assert inside[:, -1].any()
        assert instance.modal[case["point"][1], case["point"][0]]


@pytest.mark.parametrize("name", WRITERS)
def test_nothing_to_write_is_said(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.SCENES", [])
    with pytest.raises(ProblemError, match="to write"):
        WRITERS[name](tmp_path)
