"""Label maps, films and labelled meshes as the command line reads and writes them."""

from __future__ import annotations

from pathlib import Path

import imageio.v2
import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageSequence

from backend.cli.label_pictures import load_label_picture, palettes_for, save_label_map
from backend.cli.saving import Saved, labels_in
from backend.cli.task_options import default_folder, inputs_of, signature
from backend.pipelines.labelled import told
from backend.sheets import save_film
from protocol import Outputs
from protocol.labels import painted
from protocol.messages import Catalogue, LabelInfo, ModelInfo
from protocol.problems import ErrorCode, ProblemError
from protocol.tasks import TASKS
from protocol.values import Camera, Frames, Handle, LabelMap, Mesh
from tests.unit.tiny_labelled import FRONT, LABELS, BallField, Balls, two_parts

IDS = two_parts(24)
FACE = [LabelInfo("background", (255, 255, 255)), LabelInfo("skin", (10, 20, 30))]


def written(picture: PillowImage.Image, folder: Path, name: str = "map.png") -> Path:
    picture.save(folder / name)
    return folder / name


def in_palette(ids: np.ndarray, colours: np.ndarray) -> PillowImage.Image:
    picture = PillowImage.fromarray(ids.astype(np.uint8))
    picture.putpalette(colours.astype(np.uint8).tobytes())
    return picture


@pytest.mark.parametrize(
    "picture",
    [
        PillowImage.fromarray(IDS.astype(np.uint8)),
        PillowImage.fromarray(IDS),
        PillowImage.fromarray(painted(IDS, LABELS)),
        PillowImage.fromarray(painted(IDS, LABELS)).convert("RGBA"),
        in_palette(IDS, np.array([label.colour for label in LABELS])),
        # A painting program's own order of colours: what it shows counts.
        in_palette(3 - IDS, np.array([label.colour for label in LABELS[::-1]])),
        PillowImage.fromarray(painted(IDS, LABELS)).quantize(8),
        # Colours that no label has: the numbers are ids, as published data sets have them.
        in_palette(IDS, np.array([(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0)])),
    ],
    ids=["8 bits", "16 bits", "rgb", "rgba", "palette", "other order", "quantised", "other colours"],
)
def test_a_label_map_in_any_form(picture: PillowImage.Image, tmp_path: Path) -> None:
    assert load_label_picture(written(picture, tmp_path)).label_map([LABELS]) == LabelMap(IDS)


def test_what_is_written_is_read_and_seen_in_its_colours(tmp_path: Path) -> None:
    path = save_label_map(tmp_path / "labels.png", LabelMap(IDS), LABELS)
    assert load_label_picture(path).label_map([LABELS]) == LabelMap(IDS)
    with PillowImage.open(path) as picture:
        assert picture.mode == "P"
        assert (np.array(picture.convert("RGB")) == painted(IDS, LABELS)).all()
    large = LabelMap(np.array([[0, 40_000]], np.uint16))
    assert np.array(PillowImage.open(save_label_map(tmp_path / "ids.png", large, LABELS))).tolist() == [[0, 40_000]]


def test_the_palette_that_fits_is_taken(tmp_path: Path) -> None:
    path = written(PillowImage.fromarray(painted(IDS, LABELS)), tmp_path)
    assert load_label_picture(path).label_map([FACE, LABELS]) == LabelMap(IDS)


def test_a_picture_that_is_none_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    soft = PillowImage.fromarray(painted(IDS, LABELS)).resize((50, 50), PillowImage.Resampling.BILINEAR)
    with pytest.raises(ProblemError) as caught:
        load_label_picture(written(soft, tmp_path)).label_map([LABELS])
    assert caught.value.problem.code is ErrorCode.BAD_INPUT
    assert "and " in caught.value.problem.message
    assert "hard edges" in caught.value.problem.hint
    assert "3 wheel #3333ff" in caught.value.problem.hint
    with pytest.raises(ProblemError, match="the ids 9"):
        load_label_picture(written(PillowImage.fromarray(np.full((2, 2), 9, np.uint8)), tmp_path)).label_map([LABELS])
    with pytest.raises(ProblemError, match="no model that knows labels"):
        load_label_picture(written(soft, tmp_path)).label_map([])
    with pytest.raises(ProblemError, match="no file"):
        load_label_picture(tmp_path / "nowhere.png")
    (tmp_path / "short.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\x04IHDR\x00\x00\x00\x08\xfc\xd5aR")
    with pytest.raises(ProblemError, match="cannot be read"):
        load_label_picture(tmp_path / "short.png")


def test_whose_palette_a_task_means() -> None:
    models = [
        ModelInfo("seg2vehicle", "Cars", ["synthesize"], labels=LABELS),
        ModelInfo("seg2face", "Faces", ["synthesize"], labels=FACE),
        ModelInfo("u2netp", "Masks", ["segment"]),
    ]
    catalogue = Catalogue(list(TASKS.values()), models)
    assert palettes_for(catalogue, TASKS["synthesize"], {}) == [LABELS]
    assert palettes_for(catalogue, TASKS["synthesize"], {"model": "seg2face"}) == [FACE]
    assert palettes_for(catalogue, TASKS["edit"], {}) == [LABELS, FACE]


def test_the_label_map_is_the_argument_of_the_command(tmp_path: Path) -> None:
    path = written(PillowImage.fromarray(painted(IDS, LABELS)), tmp_path, "car.png")
    task = TASKS["synthesize"]
    given = {parameter.name: None for parameter in signature(task)} | {"label_map": str(path)}
    assert default_folder(task, given) == Path("car-synthesize")
    assert inputs_of(task, given)["label_map"].label_map([LABELS]) == LabelMap(IDS)


def films() -> Outputs:
    frames = np.random.default_rng(0).integers(0, 255, (5, 33, 40, 3)).astype(np.uint8)
    parts = np.broadcast_to(painted(two_parts(40)[:33], LABELS), (5, 33, 40, 3)).copy()
    return Outputs({"frames": Frames(frames, 10.0), "label_frames": Frames(parts, 10.0)})


def test_films_are_mp4_in_a_folder(tmp_path: Path) -> None:
    saved = Saved(films(), tmp_path / "turn")
    assert [path.name for path in saved.files] == ["frames.mp4", "label_frames.mp4"]
    read = imageio.v2.mimread(saved.files[1], "FFMPEG")
    assert len(read) == 5
    assert read[0].shape == (34, 40, 3)  # an even number of rows
    assert np.abs(read[0][16, 12].astype(int) - (204, 0, 0)).max() < 30
    reader = imageio.v2.get_reader(saved.files[0])
    assert reader.get_meta_data()["fps"] == 10
    assert reader.get_meta_data()["codec"] == "h264"


def test_the_ending_of_out_says_the_format(tmp_path: Path) -> None:
    saved = Saved(films(), tmp_path / "turn.gif")
    assert [path.name for path in saved.files] == ["turn.gif", "turn_label_frames.gif"]
    assert saved.names["frames"] == str(tmp_path / "turn.gif")
    with PillowImage.open(saved.files[1]) as film:
        shown = [np.array(frame.convert("RGB")) for frame in ImageSequence.Iterator(film)]
    assert shown[0][16, 12].tolist() == [204, 0, 0]
    with pytest.raises(ProblemError, match="no film format"):
        save_film(np.zeros((1, 4, 4, 3), np.uint8), tmp_path / "turn.avi", 10)


def test_a_synthesis_as_files(tmp_path: Path) -> None:
    outputs = Outputs({"field": Handle("f" * 8, "field"), "labels": LabelMap(IDS), "camera": FRONT})
    info = {"labels": told(LABELS)}
    saved = Saved(outputs, tmp_path / "v1.car", labels_in(info))
    assert saved.names["field"] == "field:ffffffff"
    assert [path.name for path in saved.files] == ["labels.png", "camera.npz"]
    assert PillowImage.open(saved.files[0]).mode == "P"
    with np.load(saved.files[1]) as camera:
        assert Camera(camera["cam2world"], camera["intrinsics"]) == FRONT


def test_words_are_no_palette() -> None:
    assert labels_in({"labels": ["cat", "dog"]}) == []
    assert labels_in({}) == []
    assert labels_in({"labels": told(LABELS)}) == LABELS


@pytest.mark.parametrize(
    ("out", "files"),
    [("car", ["mesh.glb", "mesh.ply"]), ("car.obj", ["car.obj", "car.mtl"]), ("car.GLB", ["car.glb"])],
)
def test_a_labelled_mesh_as_files(tmp_path: Path, out: str, files: list[str]) -> None:
    field = Balls().synthesize(IDS, None, 0, 1.0, _Quiet())
    assert isinstance(field, BallField)
    mesh: Mesh = field.mesh(0, 0, None)
    saved = Saved(Outputs({"mesh": mesh, "mesh_handle": Handle("m" * 8, "mesh")}), tmp_path / out, LABELS)
    assert [path.name for path in saved.files] == files


class _Quiet:
    def check(self) -> None: ...
