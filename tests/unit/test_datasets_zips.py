"""Zips of pictures with cameras: ours come back, the recorded items are met, hostile zips are refused."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from backend.datasets.eg3d import (
    AFHQ_CAT,
    CELEBAMASK,
    LabelledViews,
    afhq_seg,
    celebamask,
    shapenet_car_edge,
)
from backend.datasets.zips import PictureZip
from backend.imaging.paper import on_white
from backend.synthetic.writers import eg3d as eg3d_writer
from protocol.problems import ProblemError

from .test_datasets_pictures import REFERENCE, complaint, needs_reference, tree
from .tiny_scenes import PART_NAMES, tiny_views

OBJECTS = [tiny_views(seed, cameras=2 + seed) for seed in range(3)]


def png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Picture.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def make_zip(path: Path, entries: dict[str, bytes], packing: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return path


def entries_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_views_come_back(tmp_path: Path) -> None:
    eg3d_writer.write(iter(OBJECTS), tmp_path)
    names = tuple(json.loads((tmp_path / "labels.json").read_text("utf-8")))
    assert names == PART_NAMES
    labelled = LabelledViews(tmp_path / "images.zip", tmp_path / "labels.zip", names)
    drawn = LabelledViews(tmp_path / "images.zip", tmp_path / "edges.zip")
    shown = json.loads((tmp_path / "objects.json").read_text("utf-8"))
    wanted = [(views, view) for views in OBJECTS for view in range(len(views.cameras))]
    assert len(labelled) == len(drawn) == len(shown) == len(wanted)
    for index, (views, view) in enumerate(wanted):
        record = labelled[index]
        assert record.name == drawn[index].name == shown[index]["file"]
        assert (shown[index]["category"], shown[index]["model"]) == (views.category, views.model)
        assert np.array_equal(record.image, on_white(views.images[view]))
        assert record.labels.dtype == np.uint16
        assert np.array_equal(record.labels, views.parts[view])
        assert record.camera == views.cameras[view]
        ink = drawn[index].labels
        assert ink.dtype == np.uint8
        # Lines lie on the borders of parts and within a pixel of them.
        border = np.zeros(ink.shape, bool)
        border[:, :-1] |= np.diff(views.parts[view].astype(int), axis=1) != 0
        border[:-1] |= np.diff(views.parts[view].astype(int), axis=0) != 0
        assert (ink[border] > 0).all()
        rows, columns = np.nonzero(border)
        near = np.zeros(ink.shape, bool)
        near[rows.min() - 1 : rows.max() + 2, columns.min() - 1 : columns.max() + 2] = True
        assert (ink[~near] == 0).all()


def test_the_same_objects_give_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        eg3d_writer.write([tiny_views(seed) for seed in range(2)], tmp_path / folder)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_objects_with_other_parts_are_refused(tmp_path: Path) -> None:
    other = type(OBJECTS[0])(**{**OBJECTS[1].__dict__, "part_names": ("background", "leg")})
    with pytest.raises(ProblemError, match="other part names"):
        eg3d_writer.write([OBJECTS[0], other], tmp_path)
    with pytest.raises(ProblemError, match="to write"):
        eg3d_writer.write([], tmp_path)


@needs_reference
@pytest.mark.parametrize("kind", ["seg", "edge"])
def test_recorded_items_are_met(tmp_path: Path, kind: str) -> None:
    """The published loader's items of three pictures, whose names sort otherwise than they were written."""
    golden = np.load(REFERENCE / "pix2pix3d" / "prepost_metrics.npz")
    names = [f"0000{number % 2}/img{number:08d}.png" for number in range(3)]
    pictures = {name: png(golden["src_rgb"][number]) for number, name in enumerate(names)}
    order = np.argsort(names)
    poses = {names[number]: golden[f"ds_{kind}_pose"][place] for place, number in enumerate(order)}
    pictures["dataset.json"] = json.dumps({"labels": [[name, poses[name].tolist()] for name in names]}).encode()
    make_zip(tmp_path / "rgb.zip", pictures)
    sources = golden[f"src_{kind}"]
    make_zip(tmp_path / "labels.zip", {f"z{number}.png": png(sources[number]) for number in range(3)})
    read = LabelledViews(tmp_path / "rgb.zip", tmp_path / "labels.zip", AFHQ_CAT if kind == "seg" else ())
    assert len(read) == 3
    for index in range(3):
        record = read[index]
        assert np.array_equal(record.image.transpose(2, 0, 1), golden[f"ds_{kind}_image"][index])
        assert np.array_equal(record.labels, golden[f"ds_{kind}_mask"][index, 0])
        pose = golden[f"ds_{kind}_pose"][index][:16].reshape(4, 4)
        # The published camera looks along its +z, with y down.
        assert np.allclose(record.camera.cam2world[:3, 2], -pose[:3, 2])
        assert np.allclose(record.camera.cam2world[:3, 1], -pose[:3, 1])
        assert np.allclose(record.camera.cam2world[:3, [0, 3]], pose[:3, [0, 3]])


@needs_reference
def test_true_label_maps_are_read(tmp_path: Path) -> None:
    data = REFERENCE / "pix2pix3d" / "data"
    pose = [1.0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 4.2647, 0, 0.5, 0, 4.2647, 0.5, 0, 0, 1]
    entries = {
        "00000/a.png": (data / "seg2cat_1666_1_color.png").read_bytes(),
        "dataset.json": json.dumps({"labels": [["00000/a.png", pose]]}).encode(),
    }
    make_zip(tmp_path / "afhq_v2_train_cat_512.zip", entries)
    make_zip(tmp_path / "afhqcat_seg_6c.zip", {"a.png": (data / "example_input.png").read_bytes()})
    record = afhq_seg(tmp_path)[0]
    assert record.image.shape == (512, 512, 3)
    assert np.unique(record.labels).tolist() == list(range(6))
    make_zip(tmp_path / "cars_128.zip", entries)
    make_zip(tmp_path / "shapenet_car_contour.zip", {"a.png": (data / "example_input_edge2cat.png").read_bytes()})
    ink = shapenet_car_edge(tmp_path)[0].labels
    assert ink[0, 0] == 0  # paper
    assert ink.max() == 255


def test_label_names_are_complete(tmp_path: Path) -> None:
    assert (len(CELEBAMASK), len(AFHQ_CAT)) == (19, 6)
    assert (CELEBAMASK[13], CELEBAMASK[18]) == ("hair", "cloth")
    assert "celebamask_train.zip is missing" in complaint(lambda: celebamask(tmp_path))


def change_entries(path: Path, change: Callable[[dict[str, bytes]], Any]) -> None:
    entries = entries_of(path)
    change(entries)
    make_zip(path, entries)


def test_wrong_zips_are_named(tmp_path: Path) -> None:
    images, labels = tmp_path / "images.zip", tmp_path / "labels.zip"

    def told_after(path: Path, change: Callable[[dict[str, bytes]], Any], names: tuple[str, ...] = PART_NAMES) -> str:
        eg3d_writer.write(OBJECTS, tmp_path)
        change_entries(path, change)
        return complaint(lambda: LabelledViews(images, labels, names)[0])

    first = "00000/img00000000.png"
    told = told_after(images, lambda entries: entries.pop("dataset.json"))
    assert f"{images} lacks the entry dataset.json" in told
    told = told_after(images, lambda entries: entries.update({"dataset.json": entries["dataset.json"][:-50]}))
    assert f"{images}/dataset.json is not as it should be" in told
    told = told_after(images, lambda entries: entries.update({"dataset.json": b'{"labels": [["a", [1, 2]]]}'}))
    assert "has 2 numbers in $.labels[0]" in told
    told = told_after(images, lambda entries: entries.update({"dataset.json": b'{"label": []}'}))
    assert "`labels`" in told
    told = told_after(images, lambda entries: entries.update({"dataset.json": b'{"labels": []}'}))
    assert f"has no camera for {first}" in told
    assert f"{labels} holds 8 pictures" in told_after(labels, lambda entries: entries.pop(first))
    told = told_after(labels, lambda entries: entries.update({first: png(np.zeros((8, 9), np.uint8))}))
    assert f"{labels}/{first} is 9 pixels wide and 8 high" in told
    told = told_after(labels, lambda entries: entries.update({first: png(np.full((32, 32), 7, np.uint8))}))
    assert f"{labels}/{first} has the label 7" in told
    told = told_after(labels, lambda entries: entries.update({first: entries[first][:40]}))
    assert f"{labels}/{first} cannot be read as a picture" in told
    labels.write_bytes(labels.read_bytes()[:100])
    assert f"{labels} cannot be read as a zip" in complaint(lambda: LabelledViews(images, labels, PART_NAMES))
    labels.unlink()
    assert f"{labels} is missing" in complaint(lambda: LabelledViews(images, labels, PART_NAMES))


@pytest.mark.parametrize("name", ["../out.png", "/etc/out.png", "a/../../out.png", "C:\\out.png", "a\\..\\out.png"])
def test_paths_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    path = make_zip(tmp_path / "bad.zip", {name: b"x"})
    assert "bad.zip has an entry" in complaint(lambda: PictureZip(path))


def test_absurd_sizes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = make_zip(tmp_path / "bomb.zip", {"a.png": bytes(50 << 20)}, zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 1 << 20
    assert "bomb.zip has an entry a.png that unpacks" in complaint(lambda: PictureZip(bomb))
    large = make_zip(tmp_path / "large.zip", {"a.png": os.urandom(2000), "b.png": b""})
    monkeypatch.setattr("backend.datasets.zips.MAX_ENTRY_BYTES", 1999)
    assert "large.zip has an entry a.png that unpacks" in complaint(lambda: PictureZip(large))
    monkeypatch.setattr("backend.datasets.zips.MAX_ENTRY_BYTES", 2000)
    assert PictureZip(large).pictures == ["a.png", "b.png"]
    monkeypatch.setattr("backend.datasets.zips.MAX_ENTRIES", 1)
    assert "large.zip has 2 entries" in complaint(lambda: PictureZip(large))


def test_broken_and_locked_entries_are_named(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "data.zip", {"a.png": b"0123456789" * 20})
    content = bytearray(path.read_bytes())
    content[content.index(b"0123456789")] ^= 1
    path.write_bytes(content)
    assert "data.zip has a broken entry a.png" in complaint(lambda: PictureZip(path).read("a.png"))
    assert "data.zip lacks the entry b.png" in complaint(lambda: PictureZip(path).read("b.png"))
    content = bytearray(make_zip(path, {"a.png": b"x"}).read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # says that it has a password
    path.write_bytes(content)
    assert "data.zip has a broken entry a.png" in complaint(lambda: PictureZip(path).read("a.png"))


def test_other_processes_have_files_of_their_own(tmp_path: Path) -> None:
    entries = {f"{number}.png": bytes([number]) * 5000 for number in range(40)}
    opened = PictureZip(make_zip(tmp_path / "data.zip", entries))
    assert opened.read("3.png") == entries["3.png"]
    assert pickle.loads(pickle.dumps(opened)).read("4.png") == entries["4.png"]
    child = os.fork()
    if child == 0:
        fine = all(opened.read(name) == content for name, content in list(entries.items()) * 20)
        os._exit(0 if fine else 1)
    assert all(opened.read(name) == content for name, content in list(entries.items()) * 20)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
