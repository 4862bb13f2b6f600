"""Scores by hand, cases from folders and scenes, and `wholeform evaluate`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture
from typer.testing import CliRunner

from backend.cli.main import app
from backend.evaluation.cases import Case, cases_of_scene, read_cases
from backend.evaluation.completion import ConvexHull, Visible, completion_scores, from_box_score
from backend.evaluation.features import frechet_distance, kernel_distance
from backend.evaluation.inpainting import inpaint_miou
from backend.evaluation.instances import named
from backend.evaluation.labels import label_miou, pixel_accuracy
from backend.evaluation.masks import eoras_score, hidden_iou, iou
from backend.evaluation.panoptic import PanopticScore, Segment, panoptic_score
from backend.evaluation.pictures import psnr, ssim
from backend.evaluation.report import run, sheet
from backend.evaluation.segmentation import segmentation_scores
from backend.evaluation.solids import surface_score, volume_iou
from backend.pipelines.context import Context
from backend.synthetic.writers import cases as case_writer
from protocol.problems import ProblemError

from .tiny_scenes import tiny_scene


def square(x0: int, x1: int, size: int = 20) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[5:15, x0:x1] = True
    return mask


def test_iou_and_hidden_iou_by_hand() -> None:
    assert iou(square(0, 10), square(5, 15)) == pytest.approx(50 / 150)
    assert iou(square(0, 0), square(0, 0)) == 1
    # Visible are columns 0 to 5; of the hidden 5 to 10 the guess has half.
    assert hidden_iou(square(0, 8), square(0, 10), square(0, 5)) == pytest.approx(30 / 50)
    assert hidden_iou(square(0, 10), square(0, 10), square(0, 10)) is None


def test_eoras_drops_perfect_frames_and_counts_empty_ones_as_nothing() -> None:
    whole, visible = square(0, 10)[None].astype(float), square(0, 5)[None].astype(float)
    assert eoras_score(whole, whole, visible).occluded_frames == 0
    assert eoras_score(whole, whole, whole).miou_occ == 0
    assert eoras_score(whole, whole, visible).miou_full == pytest.approx(1)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_a_perfect_answer_scores_everything(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 5, (12, 12))
    segments = {int(each): Segment(int((labels == each).sum())) for each in np.unique(labels) if each}
    score = panoptic_score(labels, labels, segments)
    assert (score.wrong, score.missed) == (0, 0)
    assert score.pq == pytest.approx(100 if segments else 0)
    assert label_miou(labels, labels) == pixel_accuracy(labels, labels) == 1
    picture = random.integers(0, 255, (16, 16, 3), dtype=np.uint8)
    assert psnr(picture, picture) == np.inf
    assert ssim(picture, picture) == pytest.approx(1)


def test_panoptic_quality_by_hand() -> None:
    wanted = np.zeros((10, 10), int)
    wanted[:, :4], wanted[:, 4:8] = 1, 2
    found = np.zeros_like(wanted)
    found[:, :5], found[:5, 5:8] = 7, 9
    score = panoptic_score(found, wanted, {1: Segment(40), 2: Segment(40)})
    # 7 covers all of 1 and ten pixels of 2: 40 / 50. 9 covers 15 of 2's 40: no match.
    assert score == PanopticScore(0.8, 1, 1, 1)
    assert (score.sq, score.rq, score.pq) == pytest.approx((80, 50, 40))
    with pytest.raises(ProblemError, match="same size"):
        panoptic_score(found[:5], wanted, {})


def test_label_iou_counts_the_classes_that_are_there() -> None:
    wanted = np.array([[0, 0, 3, 3]])
    assert label_miou(np.array([[0, 3, 3, 3]]), wanted) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert pixel_accuracy(np.array([[0, 3, 3, 3]]), wanted) == 0.75


def test_psnr_of_a_known_error_and_of_a_part() -> None:
    black = np.zeros((8, 8, 3), np.uint8)
    assert psnr(black + 10, black) == pytest.approx(20 * np.log10(25.5))
    spoiled = black.copy()
    spoiled[0] = 255
    where = np.ones((8, 8), bool)
    where[0] = False
    assert psnr(spoiled, black, where) == np.inf
    assert np.isnan(psnr(black, black, ~np.ones((8, 8), bool)))


def test_feature_distances_are_nothing_for_the_same_and_grow_with_a_shift() -> None:
    random = np.random.default_rng(0)
    first, second = random.normal(size=(2, 400, 6))
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(first, first + 2) == pytest.approx(24, abs=1e-6)  # |shift|² over six features
    assert abs(kernel_distance(first, second)) < 0.1
    assert kernel_distance(first, second + 1) > 1


def test_surfaces_and_volumes() -> None:
    ball = trimesh.creation.icosphere(4, 0.4)
    other = trimesh.creation.icosphere(4, 0.36)
    same = surface_score((ball.vertices, ball.faces), (ball.vertices, ball.faces))
    assert same.chamfer < 0.02
    assert same.fscore > 0.99
    assert same.normals > 0.99
    apart = surface_score((ball.vertices, ball.faces), (other.vertices, other.faces))
    assert apart.chamfer == pytest.approx(0.04, abs=0.003)
    assert apart.fscore == 0

    def inside(radius: float):
        return lambda points: np.linalg.norm(points, axis=1) < radius

    assert volume_iou(inside(0.4), inside(0.36)) == pytest.approx(0.9**3, abs=0.02)
    assert volume_iou(inside(0), inside(0)) == 1
    # A surface fills what is inside it, one turned inside out nothing.
    assert volume_iou((ball.vertices, ball.faces), inside(0.4)) > 0.97
    assert volume_iou((ball.vertices, ball.faces[:, ::-1]), inside(0.4)) == 0


def test_inpainted_segments_keep_their_ids_and_new_ones_may_have_any() -> None:
    wanted = np.zeros((6, 6), int)
    wanted[:, :2], wanted[:, 2:4], wanted[:, 4:] = 1, 2, 3
    known = np.zeros((6, 6), bool)
    known[:, :3] = True
    found = wanted.copy()
    found[:, 4:] = 9  # nothing told the id of 3
    assert inpaint_miou(found, wanted, known) == 1
    found[:, 3] = 9  # but that of 2 was told
    assert inpaint_miou(found, wanted, known) == pytest.approx((0 + 12 / 18) / 2)
    assert inpaint_miou(found, wanted, np.ones((6, 6), bool)) is None


def test_names_of_coco_s_numbers() -> None:
    assert named(np.linspace(0, 1, 12))["ap_occluded"] == pytest.approx(300 / 11)


class Perfect:
    """Answers with the truth for anything that it is asked."""

    def __init__(self, case: Case) -> None:
        self.case = case

    def segment(self, image, points, box, context):
        return self.case.modal, self.case.modal.astype(np.float32)


class Clicked(Perfect):
    """Answers with discs at the positive clicks, so that further ones help."""

    def segment(self, image, points, box, context):
        y, x = np.mgrid[: image.shape[0], : image.shape[1]]
        discs = [(x - px) ** 2 + (y - py) ** 2 < 16 for px, py, label in points if label > 0]
        mask = np.any(discs, axis=0) & self.case.modal if discs else np.zeros(image.shape[:2], bool)
        return mask, mask.astype(np.float32)


@pytest.fixture
def case() -> Case:
    cases = [each for seed in range(30) for each in cases_of_scene(tiny_scene(seed), (0.2, 0.6))]
    return max(cases, key=lambda each: each.modal.sum())


def test_segmentation_scores(case: Case) -> None:
    scores, mask = segmentation_scores(Perfect(case), case, Context())
    assert set(scores.values()) == {1.0}
    assert (mask == case.modal).all()
    scores, _ = segmentation_scores(Clicked(case), case, Context())
    assert scores["iou_box"] == 0
    assert 0 < scores["iou_point"] < scores["iou_3_clicks"]


def test_completion_baselines(case: Case) -> None:
    scores, mask = completion_scores(Visible(), case, Context())
    assert scores["hidden_miou"] == 0
    assert scores["amodal_miou"] == pytest.approx(1 - case.occlusion_rate, abs=1e-6)
    assert (mask == case.modal).all()
    hull, _ = completion_scores(ConvexHull(), case, Context())
    assert hull["hidden_miou"] > 0
    assert from_box_score(Perfect(case), Visible(), case, Context()) == pytest.approx(scores["amodal_miou"])


def test_reports_show_best_and_worst(case: Case) -> None:
    told: list[int] = []
    tallies = run([case] * 3, {"visible": lambda each: completion_scores(Visible(), each, Context())}, told.append)
    assert told == [1, 2, 3]
    assert tallies["visible"].means["hidden_miou"] == 0
    picture = sheet(tallies["visible"], lambda each: each.amodal)
    assert picture.dtype == np.uint8
    assert picture.shape == (600, 800, 3)


def test_a_folder_of_cases_is_read_as_it_was_written(tmp_path: Path) -> None:
    scenes = [tiny_scene(seed) for seed in range(3)]
    case_writer.write(scenes, tmp_path)
    cases = read_cases(tmp_path)
    expected = [each for scene in scenes for each in scene.instances if 0 < each.occlusion_rate < 1]
    assert len(cases) == len(expected)
    for case, instance in zip(cases, expected, strict=True):
        assert (case.modal == instance.modal).all()
        assert (case.amodal == instance.amodal).all()
        assert case.occlusion_rate == pytest.approx(instance.occlusion_rate)
        assert case.modal[int(case.point[1]), int(case.point[0])]
        assert case.front is not None
        assert case.whole is not None


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder, name: (folder / "cases.json").unlink(), "cases.json cannot be read"),
        (lambda folder, name: (folder / "cases.json").write_text("{"), "is no JSON"),
        (lambda folder, name: (folder / "cases.json").write_text("[]"), "no list of cases"),
        (lambda folder, name: (folder / "cases.json").write_text('[{"id": "../x"}]'), "usable id"),
        (lambda folder, name: (folder / "cases.json").write_text('[{"id": "x", "box": [1, 2]}]'), "wrong “box” for x"),
        (lambda folder, name: (folder / f"{name}.png").unlink(), "is missing"),
        (lambda folder, name: (folder / f"{name}_amodal.png").unlink(), "_amodal.png is missing"),
        (lambda folder, name: Picture.new("L", (3, 4)).save(folder / f"{name}_modal.png"), "is 3 x 4 pixels"),
        (lambda folder, name: (folder / f"{name}_modal.png").write_bytes(b"no"), "cannot be read"),
    ],
)
def test_wrong_folders_are_told_what_is_wrong(tmp_path: Path, spoil, says: str) -> None:
    case_writer.write([tiny_scene(1)], tmp_path)
    spoil(tmp_path, json.loads((tmp_path / "cases.json").read_text())[0]["id"])
    with pytest.raises(ProblemError, match=says):
        read_cases(tmp_path)


def test_the_command_scores_a_folder(tmp_path: Path) -> None:
    case_writer.write([tiny_scene(seed) for seed in range(2)], tmp_path / "cases")
    out, picture = tmp_path / "scores.json", tmp_path / "sheet.png"
    arguments = ["evaluate", "symmetry-inpaint", "--data", str(tmp_path / "cases"), "--count", "2"]
    done = CliRunner().invoke(app, [*arguments, "--json", str(out), "--sheet", str(picture)])
    assert done.exit_code == 0, done.output
    report = json.loads(out.read_text())
    assert (report["model"], report["level"], report["count"], report["seed"]) == (
        "symmetry-inpaint",
        "classical",
        2,
        0,
    )
    assert set(report["baselines"]) == {"visible", "convex_hull"}
    for scores in (report["metrics"], *report["baselines"].values()):
        assert set(scores) == {"amodal_miou", "hidden_miou", "amodal_miou_from_box"}
    assert report["baselines"]["visible"]["hidden_miou"] == 0
    assert Picture.open(picture).size == (800, 600)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nothing",), "no model “nothing”"),
        (("inflate",), "no score for “inflate” yet"),
        (("grabcut", "--level", "starter"), "not as starter"),
        (("grabcut", "--data", "nowhere"), "is no folder"),
        (("grabcut", "--split", "test"), "no split “test”"),
    ],
)
def test_wrong_commands_are_told_what_is_allowed(arguments: tuple[str, ...], says: str) -> None:
    done = CliRunner().invoke(app, ["evaluate", *arguments])
    assert done.exit_code == 2
    assert says in done.stderr
