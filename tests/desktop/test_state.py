"""What the window works on, without Qt: prompts, views, outlines, cameras, the job list, exports."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from hypothesis import given
from hypothesis import strategies as st

from desktop_gui.export import MESH_FORMATS, save_mesh, save_picture
from desktop_gui.label_files import load_label_map
from desktop_gui.panels.command_palette import matches
from desktop_gui.state import paintings
from desktop_gui.state.document import safe_name
from desktop_gui.state.drawing import LabelDocument
from desktop_gui.state.jobs import JobEntry, JobList
from desktop_gui.state.orbit import Orbit
from desktop_gui.state.outlines import hidden_outlines, outlines
from desktop_gui.state.pictures import agreement, bounds, cut_out, striped, tinted
from desktop_gui.state.prompts import Box, Point, PromptHistory, Prompts
from desktop_gui.state.servers import ServerChoice, ServerSettings
from desktop_gui.state.view import MAX_SCALE, View
from desktop_gui.viewer.geometry import build, normals
from protocol import ErrorCode, Image, JobState, Mask, Mesh, Problem, ProblemError
from protocol.messages import LabelInfo

_numbers = st.floats(-1e3, 1e3, allow_nan=False)
_points = st.builds(Point, _numbers, _numbers, st.booleans())


@given(st.lists(_points, max_size=12))
def test_undo_of_everything_is_where_it_began(points: list[Point]) -> None:
    history = PromptHistory()
    states = [history.current]
    for point in points:
        if history.put(history.current.with_point(point, add=point.positive)):
            states.append(history.current)
    for state in reversed(states):
        assert history.current == state
        history.undo()
    assert not history.can_undo
    while history.redo():
        pass
    assert history.current == states[-1]


@given(st.lists(_points, max_size=5), st.booleans())
def test_prompts_survive_their_parameters(points: list[Point], boxed: bool) -> None:
    prompts = Prompts(tuple(points), Box(1, 2, 30, 40) if boxed else None)
    assert Prompts.from_parameters(prompts.parameters()) == prompts


def test_the_newest_paintings_are_kept_and_damaged_ones_left(tmp_path: Path) -> None:
    labels = [LabelInfo("background", (0, 0, 0)), LabelInfo("body", (255, 0, 0))]
    ids = np.zeros((8, 8), np.uint16)
    ids[2:5, 3:6] = 1
    for number in range(paintings.KEPT + 3):
        document = LabelDocument(f"car {number}", "seg2vehicle", labels, ids, seed=number, id=f"{number:03d}")
        painting = paintings.painting_of(document, document.current, now=1000.0 + number)
        paintings.write(tmp_path / "kept", painting, document.ids, document.palette)
    found = paintings.kept(tmp_path / "kept")
    assert [each.name for each in found] == [f"car {number}" for number in range(14, 2, -1)]
    assert len(list((tmp_path / "kept").iterdir())) == 2 * paintings.KEPT
    assert found[0].camera is None
    assert found[0].seed == 14
    assert found[0].suits(labels)
    assert not found[0].suits(labels[:1])
    path = paintings.picture_path(tmp_path / "kept", found[0])
    assert np.array_equal(load_label_map(path, labels).ids, ids)
    path.unlink()
    (tmp_path / "kept" / "013.json").write_text("{", "utf-8")
    (tmp_path / "kept" / "012.json").rename(tmp_path / "kept" / "other.json")
    assert paintings.kept(tmp_path / "kept")[0].name == "car 11"
    assert (tmp_path / "kept" / "013.json").exists()


def test_a_box_is_cut_to_the_picture_and_specks_are_none() -> None:
    assert Box.spanning(90, 50, -10, 10, 80, 60) == Box(0, 10, 80, 50)
    assert Box.spanning(5, 5, 6, 30, 80, 60) is None


@given(_numbers, _numbers, st.floats(0.1, 10))
def test_zoom_keeps_the_place_under_the_pointer(x: float, y: float, factor: float) -> None:
    view = View.fitting((640, 480), (800, 600)).zoomed(factor, x, y)
    before = View.fitting((640, 480), (800, 600)).to_picture(x, y)
    assert view.to_picture(x, y) == pytest.approx(before, abs=1e-6 * (1 + abs(x) + abs(y)))
    assert view.zoomed(1e9, x, y).scale == MAX_SCALE


def test_fitting_shows_all_of_the_picture() -> None:
    view = View.fitting((4000, 1000), (800, 600))
    left, top = view.to_widget(0, 0)
    right, bottom = view.to_widget(4000, 1000)
    assert left >= 0
    assert top >= 0
    assert right <= 800
    assert bottom <= 600


def _disc(size: int = 200, radius: float = 60.0) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    return (x + 0.5 - size / 2) ** 2 + (y + 0.5 - size / 2) ** 2 < radius**2


def test_the_outline_of_a_disc_is_its_circle() -> None:
    (curve,) = outlines(_disc())
    distance = np.linalg.norm(curve.points - 100, axis=1)
    assert curve.closed
    assert np.abs(distance - 60).max() < 1.5


def test_a_hole_has_an_outline_of_its_own_and_specks_have_none() -> None:
    ring = _disc() & ~_disc(radius=30)
    ring[3, 3] = True
    assert len(outlines(ring)) == 2


def test_large_masks_are_outlined_at_the_right_place() -> None:
    big = np.kron(_disc(), np.ones((16, 16), bool))
    (curve,) = outlines(big)
    assert np.abs(np.linalg.norm(curve.points - 1600, axis=1) - 960).max() < 24


def test_only_the_hidden_part_is_dashed() -> None:
    disc = _disc()
    seen = disc.copy()
    seen[:, 120:] = False
    (curve,) = hidden_outlines(disc, seen)
    assert not curve.closed
    assert curve.points[:, 0].min() > 115
    assert hidden_outlines(disc, disc) == []
    assert all(curve.closed for curve in hidden_outlines(disc, np.zeros_like(disc)))


def test_cutting_out_and_tinting() -> None:
    rgba = np.zeros((50, 80, 4), np.uint8)
    rgba[10:30, 20:60, 3] = 255
    assert cut_out(rgba).shape == (26, 46, 4)
    assert bounds(np.zeros((5, 7), bool)) == (0, 0, 7, 5)
    tint = tinted(rgba[..., 3] > 0, (255, 128, 0), 0.5)
    assert tint[20, 30].tolist() == [0, 64, 128, 128]
    assert not tint[0, 0].any()


def test_the_camera_starts_before_the_front_and_sees_everything() -> None:
    vertices = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.3, 0.3) for z in (-0.2, 0.2)], np.float32)
    orbit = Orbit.framing(vertices)
    assert orbit.eye[2] > 1
    matrix = orbit.projection_matrix(1.0) @ orbit.view_matrix()
    clip = np.c_[vertices, np.ones(8)] @ matrix.T
    assert np.abs(clip[:, :3] / clip[:, 3:]).max() < 1
    right = Orbit(azimuth=0, elevation=0).view_matrix() @ np.array([0.5, 0, 0, 1])
    assert right[0] == pytest.approx(0.5)  # not mirrored
    assert Orbit().turned(0, 99).elevation < math.pi / 2


def test_the_job_list_survives_a_restart_and_damage(tmp_path: Path) -> None:
    jobs = JobList()
    problem = Problem(ErrorCode.BUSY, "The queue is full.")
    jobs.add(JobEntry("job-0001", "cup", "/a/cup.png", {"points": [[1.0, 2.0, 1.0]], "seed": 3}, state=JobState.DONE))
    jobs.add(JobEntry("job-0002", "cup", parent="job-0001", sample=2, state=JobState.FAILED, problem=problem))
    jobs.add(JobEntry("job-0003", "hat"))
    jobs.remove("job-0003")
    path = tmp_path / "jobs.json"
    path.write_bytes(jobs.to_bytes())
    again = JobList()
    again.load(path)
    assert [entry.id for entry in again] == ["job-0001", "job-0002"]
    assert [entry.id for entry in again.shown()] == ["job-0001"]
    assert again.removed == {"job-0003"}
    entry = again.get("job-0002")
    assert entry is not None
    assert entry.problem == problem
    path.write_text("{ not json")
    empty = JobList()
    empty.load(path)
    assert len(empty) == 0
    assert path.with_suffix(".unreadable.json").exists()
    empty.load(tmp_path / "none.json")


def test_server_settings_survive_and_fall_back() -> None:
    settings = ServerSettings([ServerChoice("gpu", "tcp://gpu:5555", "k" * 40)], "gpu", start_local=False)
    assert ServerSettings.from_text(settings.to_text()) == settings
    assert settings.current().address == "tcp://gpu:5555"
    assert ServerSettings.from_text("rubbish").current().is_local
    assert ServerSettings(chosen="gone").current().is_local


def test_names_of_files_are_safe() -> None:
    assert safe_name("a/b:c*d?.mug") == "a_b_c_d_.mug"
    assert safe_name("  ..  ") == "picture"


def test_commands_are_found_by_their_letters() -> None:
    assert matches("fit", "Fit the picture")
    assert matches("mk wh", "Make whole")
    assert not matches("xyz", "Make whole")


def _ball() -> Mesh:
    ball = trimesh.creation.icosphere(3, radius=0.5)
    vertices = ball.vertices.astype(np.float32)
    uvs = (vertices[:, :2] + 0.5).astype(np.float32)
    colours = np.full((len(vertices), 4), (10, 200, 30, 255), np.uint8)
    texture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    return Mesh(vertices, ball.faces.astype(np.int32), colours, uvs, texture)


@pytest.mark.parametrize("kind", MESH_FORMATS)
def test_exports_come_back(kind: str, tmp_path: Path) -> None:
    mesh = _ball()
    written = save_mesh(tmp_path / f"my mug.{kind}", mesh)
    assert all(path.exists() for path in written)
    assert not list(tmp_path.glob(".*"))
    back: Any = trimesh.load(written[0], force="mesh", process=False)
    assert len(back.faces) == len(mesh.faces)
    assert np.abs(back.bounds - [[-0.5] * 3, [0.5] * 3]).max() < 0.01
    if kind == "ply":
        assert back.visual.vertex_colors[0].tolist() == [10, 200, 30, 255]
    elif kind == "glb":
        assert mesh.texture is not None
        assert np.array_equal(np.asarray(back.visual.material.baseColorTexture)[..., :3], mesh.texture)


def test_exports_that_cannot_be_written_say_so(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="no mesh format"):
        save_mesh(tmp_path / "mug.fbx", _ball())
    with pytest.raises(ProblemError, match="could not be written"):
        save_picture(tmp_path / "none" / "mug.png", Image(np.zeros((4, 4, 3), np.uint8)))
    save_picture(tmp_path / "mask.png", Mask.of(np.eye(5, dtype=bool)))


def test_shading_normals_point_outwards_across_seams() -> None:
    mesh = _ball()
    unit = mesh.vertices / np.linalg.norm(mesh.vertices, axis=1, keepdims=True)
    assert (normals(mesh.vertices, mesh.faces) * unit).sum(1).min() > 0.99
    doubled = mesh.vertices[mesh.faces].reshape(-1, 3)
    faces = np.arange(len(doubled), dtype=np.int32).reshape(-1, 3)
    assert np.allclose(normals(doubled, faces), normals(mesh.vertices, mesh.faces)[mesh.faces.reshape(-1)], atol=1e-3)
    built = build(mesh)
    assert built.vertices.shape == (len(mesh.vertices), 8)
    assert built.texture is not None
    assert built.texture.shape == (64, 64, 4)


def test_the_desktop_imports_neither_the_backend_nor_torch() -> None:
    code = (
        "import sys, desktop_gui.app\n"
        "heavy = [m for m in sys.modules if m.split('.')[0] in ('backend', 'torch', 'trimesh', 'PIL', 'scipy')]\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_agreement_is_plain_and_doubt_is_striped() -> None:
    first, second = _disc(), _disc(radius=90)
    share, agreed = agreement([first, second])
    assert agreed == pytest.approx(first.sum() / second.sum())
    drawn = striped(share, (10, 200, 30), (200, 10, 30))
    sure, doubt = drawn[first], drawn[second & ~first]
    assert len(np.unique(sure, axis=0)) == 1
    assert len(np.unique(doubt[:, 3])) == 2
    assert sure[0, 1] > sure[0, 2]
    assert (doubt[:, 2] > doubt[:, 1]).all()
    assert not drawn[~second].any()
    assert agreement([first, first])[1] == 1.0
