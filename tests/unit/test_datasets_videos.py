"""MOVi and KITTI in EoRaS's layout: ours come back, the true miniature sets give what the published loaders gave."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture

from backend.datasets.axes import from_kubric, to_kubric
from backend.datasets.kitti import Kitti
from backend.datasets.movi import Movi, _in_pixels
from backend.datasets.records import Track
from backend.fields.cameras import from_opencv, intrinsics, look_at, orbit, project, to_opencv
from backend.imaging.boxes import box_of
from backend.synthetic.scene import Video
from backend.synthetic.writers import kitti as kitti_writer
from backend.synthetic.writers import movi as movi_writer
from backend.synthetic.writers.overhead import overhead_camera, seen_from
from protocol.problems import ProblemError
from protocol.values import Camera

from .test_datasets_pictures import REFERENCE, changed, complaint, needs_reference, tree
from .tiny_scenes import tiny_video

VIDEOS = [tiny_video(seed) for seed in range(2)]


def golden_bits(golden: Any, key: str) -> np.ndarray:
    shape = golden[f"{key}_shape"]
    return np.unpackbits(golden[f"{key}_bits"])[: shape.prod()].reshape(shape).astype(bool)[:, 0]


def check_pictures(golden: Any, index: int, images: np.ndarray) -> None:
    """``images`` against the loader's T x 3 x H x W from 0 to 1, of which every so many numbers were recorded."""
    floats = (images.astype(np.float32) / np.float32(255)).transpose(0, 3, 1, 2).ravel()
    samples = golden[f"{index}_input_obj_patches_sample"]
    stride = int(golden[f"{index}_input_obj_patches_stride"][0])
    mine = floats[::stride]
    assert np.allclose(mine, samples[: len(mine)], atol=1e-6)


@needs_reference
def test_true_movi_gives_what_the_published_loader_gave() -> None:
    golden = np.load(REFERENCE / "eoras" / "dataset_movi.npz")
    read = Movi(REFERENCE / "eoras" / "data" / "movi_mini" / "test")
    assert len(read) == len(golden["names"])
    for index, name in enumerate(golden["names"]):
        track = read[index]
        assert f"{track.video}-{track.object}" == name
        check_pictures(golden, index, track.images)
        assert np.array_equal(track.modal, golden_bits(golden, f"{index}_vm_nocrop"))
        assert np.array_equal(track.amodal, golden_bits(golden, f"{index}_fm_nocrop"))
        assert np.array_equal(track.calibration, golden[f"{index}_calib"])
        stride = int(golden[f"{index}_depth_stride"][0])
        assert np.array_equal(read.depth(index).ravel()[::stride], golden[f"{index}_depth_sample"])
        middle = (track.boxes[:, :2] + track.boxes[:, 2:]) // 2
        reach = (track.boxes[:, 2:] - track.boxes[:, :2]) * 2 // 2
        corners = np.concatenate([np.maximum(middle - reach, 0), np.minimum(middle + reach, [96, 128])], axis=1)
        assert np.array_equal(corners[:, [0, 2, 1, 3]], golden[f"{index}_obj_position"])
        place = golden[f"{index}_camera_position"][0]
        assert np.allclose(track.cameras[0].cam2world[:3, 3], place[[0, 2, 1]] * [1, 1, -1])
        overhead = read.overhead(index)
        assert overhead.images.shape == track.images.shape
        assert overhead.amodal.shape == track.amodal.shape


@needs_reference
def test_true_kitti_gives_what_the_published_loader_gave() -> None:
    golden = np.load(REFERENCE / "eoras" / "dataset_kitti.npz")
    read = Kitti(REFERENCE / "eoras" / "data" / "kitti_mini")
    assert len(read) == len(golden["names"])
    for index, name in enumerate(golden["names"]):
        track = read[index]
        count = int(golden[f"{index}_counts"].sum())  # the loader repeats the last frame of short tracks
        assert f"{track.video}-{track.object}" == name
        assert track.frames == tuple(golden[f"{index}_frame_ids"][:count].astype(int))
        assert np.array_equal(track.modal, golden_bits(golden, f"{index}_vm_nocrop")[:count])
        assert np.array_equal(track.amodal, golden_bits(golden, f"{index}_fm_nocrop")[:count])
        assert np.array_equal(track.counted, golden_bits(golden, f"{index}_loss_mask")[:count])
        assert np.array_equal(track.annotated, golden[f"{index}_fm_avail"][:count] > 0)
        assert np.array_equal(track.calibration, golden[f"{index}_calib"][:count])
        if count == len(golden[f"{index}_counts"]):
            check_pictures(golden, index, track.images)


def expected_tracks(video: Video) -> dict[int, list[int]]:
    """By id, the frames in which an instance is visible."""
    ids = sorted({one.id for frame in video.frames for one in frame.instances})
    return {
        each: [
            number
            for number, frame in enumerate(video.frames)
            if any(one.id == each and one.modal.any() for one in frame.instances)
        ]
        for each in ids
    }


def check_track(track: Track, video: Video, each: int) -> None:
    for place, number in enumerate(track.frames):
        (wrote,) = (one for one in video.frames[number].instances if one.id == each)
        assert np.array_equal(track.images[place], video.frames[number].image)
        assert np.array_equal(track.modal[place], wrote.modal)
        assert np.array_equal(track.amodal[place], wrote.amodal)
    assert track.annotated.all()


def test_the_videos_have_what_the_tests_need() -> None:
    runs = [frames for video in VIDEOS for frames in expected_tracks(video).values()]
    assert any(0 < len(frames) < 5 for frames in runs)
    assert any(len(frames) == 5 for frames in runs)


@pytest.mark.parametrize(("split", "part"), [("train", "train"), ("val", "test")])
def test_movi_comes_back(tmp_path: Path, split: str, part: str) -> None:
    movi_writer.write(iter(VIDEOS), tmp_path, split)
    read = Movi(tmp_path / part)
    wanted = [(number, each) for number, video in enumerate(VIDEOS) for each, f in expected_tracks(video).items() if f]
    assert len(read) == len(wanted)
    for index, (number, each) in enumerate(wanted):
        track, video = read[index], VIDEOS[number]
        assert track.video == str(number)
        assert list(track.frames) == expected_tracks(video)[each]
        check_track(track, video, each)
        assert track.counted.all()
        boxes = [box_of(mask) for mask in track.modal]
        assert track.boxes.tolist() == [[box.y0, box.x0, box.y1, box.x1] for box in boxes]
        depth = np.stack([video.frames[frame].depth for frame in track.frames])
        assert np.array_equal(read.depth(index), depth)
        for frame, camera in zip(track.frames, track.cameras, strict=True):
            assert np.allclose(camera.cam2world, video.frames[frame].camera.cam2world, atol=1e-6)
            assert np.allclose(camera.intrinsics, video.frames[frame].camera.intrinsics)


def test_movi_from_above_is_where_the_objects_are(tmp_path: Path) -> None:
    movi_writer.write(VIDEOS, tmp_path)
    read = Movi(tmp_path / "test")
    video, track, overhead = VIDEOS[0], read[0], read.overhead(0)
    each = min(expected_tracks(video))
    camera = overhead_camera(video)
    for place, number in enumerate(track.frames):
        frame = video.frames[number]
        assert np.array_equal(overhead.amodal[place], seen_from(camera, frame).masks[each])
        (one,) = (one for one in frame.instances if one.id == each)
        row, column = np.argwhere(one.amodal)[0]
        height, width = frame.size
        flat = np.array([(column + 0.5) / width, (row + 0.5) / height, 1.0])
        local = np.linalg.inv(frame.camera.intrinsics) @ flat * one.depth[row, column] * [1, -1, -1]
        point = frame.camera.cam2world[:3, :3] @ local + frame.camera.cam2world[:3, 3]
        u, v, _ = project(camera, point[None])[0]
        assert overhead.amodal[place, int(v * height), int(u * width)]
        top, left, bottom, right = overhead.boxes[place]
        assert overhead.amodal[place, top:bottom, left:right].sum() == overhead.amodal[place].sum() > 0
    assert camera.cam2world[:3, 1].tolist() == [0, 0, -1]


@pytest.mark.parametrize("split", ["train", "val"])
def test_kitti_comes_back(tmp_path: Path, split: str) -> None:
    kitti_writer.write(iter(VIDEOS), tmp_path, split)
    read = Kitti(tmp_path, split)
    wanted = [(video, each) for video in VIDEOS for each, frames in expected_tracks(video).items() if frames]
    assert len(read) == len(wanted)
    for index, (video, each) in enumerate(wanted):
        track = read[index]
        assert list(track.frames) == expected_tracks(video)[each]
        check_track(track, video, each)
        for place, number in enumerate(track.frames):
            assert np.array_equal(~track.counted[place], (video.frames[number].panoptic > 0) & ~track.modal[place])
            box = box_of(track.modal[place])
            assert track.boxes[place].tolist() == [box.y0, box.x0, box.y1 - 1, box.x1 - 1]
        lens = video.frames[0].camera.intrinsics * np.array([[56], [40], [1]])
        assert np.allclose(track.calibration, lens, rtol=1e-6)
        assert track.cameras == ()


def test_kitti_tracks_have_no_gaps(tmp_path: Path) -> None:
    gone = tiny_video(1)
    frames = list(gone.frames)
    frames[2] = type(frames[2])(**{**frames[2].__dict__, "instances": frames[2].instances[1:]})
    kitti_writer.write([Video(1, tuple(frames))], tmp_path, "test")
    read = Kitti(tmp_path)
    assert [read[0].frames, read[1].frames] == [(0, 1), (3, 4)]
    assert [read[0].object, read[1].object] == [1, 2]


@pytest.mark.parametrize("writer", [movi_writer, kitti_writer])
def test_the_same_videos_give_the_same_bytes(tmp_path: Path, writer: Any) -> None:
    for folder in ("one", "two"):
        writer.write([tiny_video(seed) for seed in range(2)], tmp_path / folder)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


@pytest.mark.parametrize("writer", [movi_writer, kitti_writer])
def test_videos_that_do_not_fit_are_refused(tmp_path: Path, writer: Any) -> None:
    frame = VIDEOS[0].frames[0]
    zoomed = Camera(frame.camera.cam2world, intrinsics(20.0, 1.4))
    other = type(frame)(**{**frame.__dict__, "camera": zoomed})
    with pytest.raises(ProblemError, match="lens changes"):
        writer.write([Video(0, (frame, other))], tmp_path)
    with pytest.raises(ProblemError, match="to write"):
        writer.write([], tmp_path)


def test_kitti_has_a_day_for_every_lens(tmp_path: Path) -> None:
    frame = VIDEOS[0].frames[0]

    def videos(count: int) -> list[Video]:
        lenses = [Camera(frame.camera.cam2world, intrinsics(20.0 + number)) for number in range(count)]
        return [Video(0, (type(frame)(**{**frame.__dict__, "camera": lens}),)) for lens in lenses]

    kitti_writer.write(videos(31), tmp_path, "test")
    read = Kitti(tmp_path)
    focal = {read[index].calibration[0, 1, 1] for index in range(len(read))}
    assert len(focal) == 31
    with pytest.raises(ProblemError, match="31 different lenses"):
        kitti_writer.write(videos(32), tmp_path, "test")


@given(st.integers(1, 4000).flatmap(lambda side: st.tuples(st.integers(0, side), st.just(side))))
def test_shares_of_a_side_come_back_as_pixels(pixel_and_side: tuple[int, int]) -> None:
    pixel, side = pixel_and_side
    share = movi_writer._share(pixel, side)
    assert _in_pixels([(share, share, share, share)], (side, side)).tolist() == [[pixel] * 4]


def movi_complaint(folder: Path, change: Callable[[Any], object], file: str = "metadata.json") -> str:
    movi_writer.write(VIDEOS, folder)
    path = folder / "test" / "0" / file
    changed(path, change)
    told = complaint(lambda: Movi(folder / "test")[0])
    assert str(path) in told
    return told


def test_wrong_movi_files_are_named(tmp_path: Path) -> None:
    root = tmp_path / "test"
    assert f"{root / 'instance_list.npy'} is missing" in complaint(lambda: Movi(root))
    assert "`K`" in movi_complaint(tmp_path, lambda content: content["camera"].pop("K"))
    told = movi_complaint(tmp_path, lambda content: content["instances"][0]["bboxes"].pop())
    assert "$.instances[0]" in told
    assert "$.instances" in movi_complaint(tmp_path, lambda content: content["instances"].clear())
    told = movi_complaint(tmp_path, lambda content: content["instances"][0]["bbox_frames"].__setitem__(0, 9))
    assert "beyond the video" in told
    assert "num_frames" in movi_complaint(tmp_path, lambda content: content["metadata"].update(num_frames=9))

    movi_writer.write(VIDEOS, tmp_path)
    picture = root / "0" / "segmentation_0_00001.png"
    Picture.fromarray(np.zeros((7, 9), np.uint8)).save(picture)
    assert f"{picture} is 9 pixels wide and 7 high" in complaint(lambda: Movi(root)[0])
    Picture.fromarray(np.zeros((40, 56, 3), np.uint8)).save(picture)
    assert f"{picture} is a picture of mode RGB" in complaint(lambda: Movi(root)[0])
    picture.unlink()
    assert f"{picture} is missing" in complaint(lambda: Movi(root)[0])
    depth = root / "0" / "depth_full_00000.tiff"
    Picture.fromarray(np.zeros((40, 56), np.uint8)).save(depth)
    assert f"{depth} is a picture of mode L" in complaint(lambda: Movi(root).depth(0))
    for names in (np.array([["0-0"]]), np.array([0.5]), np.array(["00"]), np.array(["../0-1"])):
        np.save(root / "instance_list.npy", names)
        assert "instance_list.npy" in complaint(lambda: Movi(root))
    np.save(root / "instance_list.npy", np.array(["0-0", {}], object), allow_pickle=True)
    assert "instance_list.npy cannot be read" in complaint(lambda: Movi(root))


def kitti_complaint(folder: Path, change: Callable[[Any], object], file: str = "test_data.pkl") -> str:
    kitti_writer.write(VIDEOS, folder, "test")
    path = folder / "car_data" / file
    content = pickle.loads(path.read_bytes())
    change(content)
    path.write_bytes(pickle.dumps(content))
    told = complaint(lambda: Kitti(folder)[0])
    assert str(path) in told
    return told


def first(content: Any) -> Any:
    """The frames of the first object of the first drive."""
    return next(iter(content.values()))[1]


def test_wrong_kitti_files_are_named(tmp_path: Path) -> None:
    assert f"{tmp_path / 'car_data' / 'test_data.pkl'} is missing" in complaint(lambda: Kitti(tmp_path))
    assert "[1][0]['VM']" in kitti_complaint(tmp_path, lambda content: first(content)[0].pop("VM"))
    assert "[1][0]['VM_bbox']" in kitti_complaint(tmp_path, lambda content: first(content)[0].update(VM_bbox=[1, 2]))
    assert "gaps between the frames" in kitti_complaint(tmp_path, lambda content: first(content).pop(1))
    assert "has frame 6" in kitti_complaint(
        tmp_path, lambda content: first(content).update({5: first(content)[0], 6: first(content)[0]})
    )
    assert "a mask of 9 x 8" in kitti_complaint(tmp_path, lambda content: first(content)[0]["VM"].update(size=[8, 9]))
    assert "run lengths" in kitti_complaint(tmp_path, lambda content: first(content)[0]["VM"].update(counts=b"k0"))
    assert "has a drive '../../x" in kitti_complaint(tmp_path, lambda content: content.update({"../../x": {}}))
    assert "has something else" in kitti_complaint(tmp_path, lambda content: content.update({"2011_10_03_x": [1]}))
    whole = "test_data_full_mask.pkl"
    assert "[1][0]['FM']" in kitti_complaint(tmp_path, lambda content: first(content)[0].pop("FM"), whole)
    assert "lacks ['2011_10_26_drive_0001_sync'][1]" in kitti_complaint(
        tmp_path, lambda content: next(iter(content.values())).pop(1), whole
    )
    kitti_writer.write(VIDEOS, tmp_path, "test")
    calibration = tmp_path / "Kitti" / "calib" / "26.txt"
    calibration.write_text("P0: 1\nP1: 2\nP2: 1 2 3\n")
    assert f"{calibration} has no P2" in complaint(lambda: Kitti(tmp_path)[0])
    calibration.unlink()
    assert f"{calibration} is missing" in complaint(lambda: Kitti(tmp_path)[0])


@given(st.floats(-180, 180), st.floats(-85, 85), st.floats(10, 100))
def test_cameras_come_back_from_other_conventions(azimuth: float, elevation: float, fov: float) -> None:
    camera = orbit(azimuth, elevation, fov)
    place, turn, matrix = to_kubric(camera)
    again = from_kubric(np.array(place), np.array(turn), np.array(matrix))
    assert np.allclose(again.cam2world, camera.cam2world, atol=1e-6)
    assert np.allclose(again.intrinsics, camera.intrinsics, atol=1e-6)
    assert from_opencv(*to_opencv(camera)) == camera


def test_kubrics_numbers_mean_what_they_say() -> None:
    """A camera on Kubric's +x, 2 up, that looks along -x projects a point as K says."""
    camera = Camera(look_at((5.0, 2.0, 0.0), (0.0, 2.0, 0.0)), intrinsics(50.0))
    place, _, matrix = to_kubric(camera)
    assert np.allclose(place, [5, 0, 2])
    assert matrix[0][2] == matrix[1][2] == -0.5
    assert matrix[2] == [0, 0, -1]
    # In the camera's own axes the point is at (1, 1, -5): Kubric's y is this camera's right.
    u, v, w = np.array(matrix) @ [1.0, 1.0, -5.0]
    seen = project(camera, np.array([[0.0, 3.0, -1.0]]))[0]
    assert np.allclose(seen[:2], [u / w, v / w])


def test_every_json_is_sorted(tmp_path: Path) -> None:
    movi_writer.write(VIDEOS[:1], tmp_path)
    text = (tmp_path / "test" / "0" / "metadata.json").read_text("utf-8")
    assert json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")) == text.strip()
