"""Meshes as files, their check, their decimation and their colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from backend.meshes.checks import check_mesh
from backend.meshes.colour import to_linear, to_srgb
from backend.meshes.decimate import decimate
from backend.meshes.files import FORMATS, load_mesh, save_mesh
from backend.meshes.texture import planar_texture, sample_colours
from backend.models.inflate.inference import load
from backend.pipelines.context import Context
from protocol.messages import LabelInfo
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Mesh
from tests.unit import shapes_samples as samples


@pytest.fixture(scope="module")
def textured() -> Mesh:
    rgba = samples.painted(samples.ring())
    return load().reconstruct(rgba, rgba[..., 3] > 0, None, rgba, "draft", Context()).mesh(3_000, 128, Context())


@pytest.fixture(scope="module")
def coloured(textured: Mesh) -> Mesh:
    return Mesh(textured.vertices, textured.faces, textured.colours)


@pytest.mark.parametrize("suffix", FORMATS)
def test_written_files_are_watertight_as_loaded(textured: Mesh, suffix: str, tmp_path: Path) -> None:
    files = save_mesh(textured, tmp_path / f"mug{suffix}")
    loaded = trimesh.load(files[0], force="mesh")
    assert isinstance(loaded, trimesh.Trimesh)
    assert loaded.is_watertight
    assert loaded.is_winding_consistent
    assert loaded.volume > 0
    assert len(loaded.faces) == len(textured.faces)
    assert [file.name for file in files] == (
        ["mug.obj", "mug.png", "mug.mtl"] if suffix == ".obj" else [f"mug{suffix}"]
    )


def test_glb_keeps_everything(textured: Mesh, tmp_path: Path) -> None:
    back = load_mesh(save_mesh(textured, tmp_path / "a.glb")[0])
    assert textured.uvs is not None
    assert back.uvs is not None
    np.testing.assert_array_equal(back.vertices, textured.vertices)
    np.testing.assert_array_equal(back.faces, textured.faces)
    np.testing.assert_allclose(back.uvs, textured.uvs, atol=1e-6)
    np.testing.assert_array_equal(back.texture, textured.texture)
    np.testing.assert_array_equal(back.colours, textured.colours)


def test_glb_material_is_plain_and_smooth(textured: Mesh, tmp_path: Path) -> None:
    scene = trimesh.load_scene(save_mesh(textured, tmp_path / "a.glb", "mug")[0])
    assert list(scene.geometry) == ["mug"]
    material = scene.geometry["mug"].visual.material  # type: ignore[union-attr]
    assert material.metallicFactor == 0
    assert material.roughnessFactor == pytest.approx(0.8)
    content = (tmp_path / "a.glb").read_bytes()
    assert b'"NORMAL"' in content
    # COLOR_0 would be multiplied with the texture.
    assert b'"COLOR_0"' not in content


@pytest.mark.parametrize("suffix", FORMATS)
def test_vertex_colours_come_back_exactly(coloured: Mesh, suffix: str, tmp_path: Path) -> None:
    back = load_mesh(save_mesh(coloured, tmp_path / f"a{suffix}")[0])
    np.testing.assert_array_equal(back.colours, coloured.colours)
    np.testing.assert_allclose(back.vertices, coloured.vertices, atol=1e-6)


def test_glb_vertex_colours_are_linear_in_the_file(tmp_path: Path) -> None:
    """A viewer that follows the glTF specification shows middle grey as middle grey."""
    mesh = samples.box_mesh(np.full((8, 4), (188, 188, 188, 255), np.uint8))
    scene = trimesh.load_scene(save_mesh(mesh, tmp_path / "a.glb")[0])
    stored = next(iter(scene.geometry.values())).visual.vertex_attributes["color"]  # type: ignore[union-attr]
    assert stored.dtype == np.uint16
    assert stored[0, 0] / 65535 == pytest.approx(0.5, abs=0.01)


def test_obj_texture_file_is_the_texture(textured: Mesh, tmp_path: Path) -> None:
    save_mesh(textured, tmp_path / "cup.obj")
    back = load_mesh(tmp_path / "cup.obj")
    np.testing.assert_array_equal(back.texture, textured.texture)
    assert "map_Kd cup.png" in (tmp_path / "cup.mtl").read_text()


def test_grey_mesh_can_be_written(tmp_path: Path) -> None:
    for suffix in FORMATS:
        assert len(load_mesh(save_mesh(samples.box_mesh(), tmp_path / f"a{suffix}")[0]).faces) == 12


def test_foreign_scene_of_several_parts_becomes_one_mesh(tmp_path: Path) -> None:
    scene = trimesh.Scene([trimesh.creation.box(), trimesh.creation.icosphere(2).apply_translation((2, 0, 0))])
    (tmp_path / "two.glb").write_bytes(scene.export(file_type="glb"))  # type: ignore[arg-type]
    assert check_mesh(load_mesh(tmp_path / "two.glb")).faces == 12 + 320


@pytest.mark.parametrize("name", ["a.stl", "missing.glb", "empty.ply"])
def test_unusable_files_are_refused_with_a_hint(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty.ply").write_bytes(b"not a ply")
    with pytest.raises(ProblemError) as caught:
        load_mesh(tmp_path / name)
    assert caught.value.problem.code is ErrorCode.BAD_INPUT
    assert caught.value.problem.hint


def test_writing_into_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="could not be written"):
        save_mesh(samples.box_mesh(), tmp_path / "none" / "a.glb")


def test_check_finds_faults() -> None:
    box = samples.box_mesh()
    assert check_mesh(box).sound
    assert check_mesh(box).volume == pytest.approx(0.24, rel=1e-5)
    assert not check_mesh(Mesh(box.vertices, box.faces[1:])).watertight
    assert not check_mesh(Mesh(box.vertices, np.ascontiguousarray(box.faces[:, ::-1]))).sound


def test_decimation_keeps_a_ball_round_and_closed() -> None:
    ball = trimesh.creation.icosphere(5)

    def project(points: np.ndarray) -> np.ndarray:
        return points / np.linalg.norm(points, axis=1, keepdims=True)

    vertices, faces = decimate(np.array(ball.vertices), np.array(ball.faces), 1_000, project)
    report = check_mesh(Mesh(vertices.astype(np.float32), faces.astype(np.int32)))
    assert report.faces == 1_000
    assert report.sound
    assert report.volume == pytest.approx(4 / 3 * np.pi, rel=0.02)
    assert report.thinnest > 15


def test_decimation_stops_before_it_breaks_something() -> None:
    ring = trimesh.creation.torus(1.0, 0.3)
    vertices, faces = decimate(np.array(ring.vertices), np.array(ring.faces), 4, lambda points: points)
    shape = trimesh.Trimesh(vertices, faces, process=False)
    assert shape.is_watertight
    assert shape.euler_number == 0
    assert len(faces) < 200


def test_decimation_can_be_stopped() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    ball = trimesh.creation.icosphere(3)
    with pytest.raises(KeyboardInterrupt):
        decimate(np.array(ball.vertices), np.array(ball.faces), 100, lambda points: points, stop)


@pytest.mark.parametrize("half", [20, 200])
def test_texture_shows_the_picture_in_its_place(half: int) -> None:
    rgba = np.zeros((2 * half, 2 * half, 4), np.uint8)
    rgba[..., 3] = 255
    rgba[:half, :half, 0] = 250
    rgba[half:, half:, 2] = 250
    texture = planar_texture(rgba, (half, half), 2 * half, 128)
    assert texture.shape == (128, 128, 3)
    assert texture[30, 30].tolist() == [250, 0, 0]
    assert texture[97, 97].tolist() == [0, 0, 250]
    assert texture[97, 30].tolist() == [0, 0, 0]


def test_sampled_colours_are_those_of_the_texels() -> None:
    texture = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    centres = np.array([[0.1, 1 - 0.125], [0.9, 1 - 0.875], [0.5, 1 - 0.375]])
    wanted = [texture[0, 0], texture[3, 4], texture[1, 2]]
    np.testing.assert_array_equal(sample_colours(texture, centres)[:, :3], wanted)


def test_colour_space_round_trip() -> None:
    every = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(np.rint(to_srgb(to_linear(every))).astype(int), every)


# --- meshes with labels ---


@pytest.fixture(scope="module")
def labelled() -> Mesh:
    """A box whose upper faces are a roof (2), the rest body (1), the upper vertices red."""
    colours = np.where(samples.box_mesh().vertices[:, 1:2] > 0, (200, 10, 10, 255), (10, 10, 10, 255)).astype(np.uint8)
    box = samples.box_mesh(colours)
    above = (box.vertices[box.faces][:, :, 1] > 0).all(axis=1)
    return Mesh(box.vertices, box.faces, box.colours, face_labels=np.where(above, 2, 1).astype(np.uint16))


PARTS = [
    LabelInfo("background", (255, 255, 255)),
    LabelInfo("body", (204, 0, 0)),
    LabelInfo("sun roof", (0, 0, 204)),
]


def test_glb_has_a_mesh_and_a_material_for_each_part(labelled: Mesh, tmp_path: Path) -> None:
    scene = trimesh.load_scene(save_mesh(labelled, tmp_path / "car.glb", labels=PARTS)[0])
    assert {name: len(shape.faces) for name, shape in scene.geometry.items()} == {"body": 10, "sun roof": 2}  # type: ignore[union-attr]
    assert {shape.visual.material.name for shape in scene.geometry.values()} == {"body", "sun roof"}  # type: ignore[union-attr]


def test_a_part_without_vertex_colours_has_that_of_the_palette(labelled: Mesh, tmp_path: Path) -> None:
    plain = Mesh(labelled.vertices, labelled.faces, face_labels=labelled.face_labels)
    scene = trimesh.load_scene(save_mesh(plain, tmp_path / "car.glb", labels=PARTS)[0])
    factor = scene.geometry["sun roof"].visual.material.baseColorFactor  # type: ignore[union-attr]
    assert factor.tolist() == [0, 0, round(255 * ((204 / 255 + 0.055) / 1.055) ** 2.4), 255]  # linear, as glTF has it


@pytest.mark.parametrize("suffix", [".glb", ".ply"])
def test_labels_and_colours_come_back(labelled: Mesh, suffix: str, tmp_path: Path) -> None:
    back = load_mesh(save_mesh(labelled, tmp_path / f"car{suffix}", labels=PARTS)[0])
    assert back.face_labels is not None
    assert back.colours is not None

    def faces_of(mesh: Mesh) -> set[tuple[object, ...]]:
        assert mesh.face_labels is not None
        assert mesh.colours is not None
        corners = np.concatenate([mesh.vertices[mesh.faces], mesh.colours[mesh.faces]], axis=2).round(5)
        return {
            (label, *map(tuple, face)) for label, face in zip(mesh.face_labels.tolist(), corners.tolist(), strict=True)
        }

    assert faces_of(back) == faces_of(labelled)


def test_obj_has_a_group_and_a_material_for_each_part_on_shared_vertices(labelled: Mesh, tmp_path: Path) -> None:
    files = save_mesh(labelled, tmp_path / "car.obj", labels=PARTS)
    assert [file.name for file in files] == ["car.obj", "car.mtl"]
    text = files[0].read_text()
    assert text.count("\nv ") == len(labelled.vertices)
    assert [line for line in text.splitlines() if line.startswith("usemtl")] == ["usemtl body", "usemtl sun_roof"]
    assert text.index("g sun_roof") < text.index("usemtl sun_roof") < text.rindex("\nf ")
    assert "newmtl sun_roof\nKd 0.78431373 0.039215686 0.039215686" in files[1].read_text()
    corners = [
        [int(corner.split("/")[0]) - 1 for corner in line.split()[1:]] for line in text.splitlines() if line[0] == "f"
    ]
    assert check_mesh(Mesh(labelled.vertices, np.array(corners, np.int32))).sound
    assert len(load_mesh(files[0]).faces) == 12


def test_a_label_that_nobody_named_has_its_number(labelled: Mesh, tmp_path: Path) -> None:
    scene = trimesh.load_scene(save_mesh(labelled, tmp_path / "car.glb", labels=PARTS[:2])[0])
    assert set(scene.geometry) == {"body", "part 2"}


def test_a_labelled_mesh_with_a_texture_keeps_it(textured: Mesh, tmp_path: Path) -> None:
    halves = (textured.vertices[textured.faces][:, 0, 0] > 0).astype(np.uint16)
    both = Mesh(textured.vertices, textured.faces, None, textured.uvs, textured.texture, halves)
    files = save_mesh(both, tmp_path / "a.obj", labels=PARTS)
    assert [file.name for file in files] == ["a.obj", "a.mtl", "a.png"]
    assert files[1].read_text().count("map_Kd a.png") == 2
    shapes = trimesh.load_scene(save_mesh(both, tmp_path / "a.glb", labels=PARTS)[0]).geometry.values()
    assert all(shape.visual.material.baseColorTexture.size == (128, 128) for shape in shapes)  # type: ignore[union-attr]
