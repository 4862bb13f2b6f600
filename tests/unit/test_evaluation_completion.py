"""Completion scored as its papers do: several samples, hidden colours, published data sets, recognition by CLIP."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from typer.testing import CliRunner, Result

from backend.cli.main import app
from backend.datasets.regions import encode
from backend.evaluation.cases import Case, cases_of_scene, find_cases
from backend.evaluation.completion import Asked, Samples, Visible, completion_scores, hidden_psnr
from backend.evaluation.recognition import METRICS, Recognition, as_photographed
from backend.models.clip.checkpoint import convert
from backend.pipelines.context import Context
from backend.synthetic.writers import cases as case_writer
from backend.synthetic.writers import coco_amodal, pix2gestalt
from protocol.problems import ErrorCode, ProblemError

from .tiny_clip import FILES, publish
from .tiny_scenes import tiny_scene

SCENES = [tiny_scene(seed) for seed in range(3)]


def evaluate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


@pytest.fixture
def case() -> Case:
    found = [each for seed in range(30) for each in cases_of_scene(tiny_scene(seed))]
    return max(found, key=lambda each: (each.amodal & ~each.modal).sum())


class Guesses:
    """Its first sample is what is visible, its second the truth without a row, its third far too much."""

    def __init__(self, case: Case) -> None:
        assert case.whole is not None
        self.asked: list[tuple[int, str]] = []
        short = case.amodal.copy()
        short[np.flatnonzero(short.any(axis=1))[-1]] = False
        self._masks = [case.modal, short, np.ones_like(short)]

    def complete(
        self, image: np.ndarray, mask: np.ndarray, occluders: Any, samples: int, seed: int, context: Any, quality: str
    ) -> Samples:
        self.asked.append((samples, quality))
        return [(np.dstack([image, each * np.uint8(255)]), each, 0.0) for each in self._masks[:samples]]


def test_the_best_of_several_stands_beside_the_first(case: Case) -> None:
    model = Guesses(case)
    alone, _ = completion_scores(model, case, Context())
    scores, mask = completion_scores(model, case, Context(), Asked(3, "draft"))
    assert model.asked == [(1, "standard"), (1, "draft"), (3, "draft")]
    assert {name: scores[name] for name in alone} == alone
    assert (mask == case.modal).all()
    assert scores["hidden_miou"] == 0
    assert 0.5 < scores["hidden_miou_best"] < scores["amodal_miou_best"] < 1
    assert scores["amodal_miou_best"] > scores["amodal_miou"]
    few, _ = completion_scores(model, case, Context(), Asked(2))
    assert few["amodal_miou_best"] == scores["amodal_miou_best"]


def test_hidden_colours_are_compared_where_something_is_hidden_and_nowhere_else() -> None:
    wanted = np.full((6, 6, 4), 255, np.uint8)
    wanted[..., :3] = 100
    hidden = np.zeros((6, 6), bool)
    hidden[:, 3:] = True
    found = wanted.copy()
    found[:, :3, :3] = 0
    assert hidden_psnr(found, wanted, hidden) == 60
    found[:, 3:, :3] = 110
    assert hidden_psnr(found, wanted, hidden) == pytest.approx(20 * np.log10(255 / 10))
    found[:, 3:] = (100, 100, 100, 0)
    assert hidden_psnr(found, wanted, hidden) == pytest.approx(20 * np.log10(255 / 155)), "not completed is white"


def test_without_a_whole_there_are_no_hidden_colours(case: Case) -> None:
    bare = Case(case.id, case.image, case.modal, case.amodal, case.box, case.point, case.occlusion_rate)
    assert set(completion_scores(Visible(), bare, Context())[0]) == {"amodal_miou", "hidden_miou"}


# --- published data sets ---


@pytest.mark.parametrize("flavour", ["kins", "d2sa", "cocoa"])
@pytest.mark.parametrize("split", ["train", "held-out"])
def test_amodal_data_sets_are_cases(tmp_path: Path, flavour: str, split: str) -> None:
    coco_amodal.write(SCENES, tmp_path, flavour, "train" if split == "train" else "val")
    expected = [(scene, one) for scene in SCENES for one in scene.instances if one.modal.any()]
    source = find_cases(str(tmp_path), split, 0, None)
    cases = list(source.cases)
    assert len(cases) == source.count == len(expected)
    assert len({each.id for each in cases}) == len(cases)
    for found, (scene, one) in zip(cases, expected, strict=True):
        assert np.array_equal(found.modal, one.modal)
        assert np.array_equal(found.amodal, one.amodal)
        assert found.occlusion_rate == pytest.approx(one.occlusion_rate)
        assert np.abs(found.image.astype(int) - scene.image).mean() < 6  # JPEG
        assert found.modal[int(found.point[1]), int(found.point[0])]
        assert found.whole is None
        assert flavour == "d2sa" or found.name == one.category
    assert set(source.names) == (set() if flavour == "d2sa" else {one.category for _, one in expected})
    few = find_cases(str(tmp_path), split, 0, 2)
    assert few.count == 2
    assert [each.id for each in few.cases] == [each.id for each in cases[:2]]


def coco_a(folder: Path) -> Path:
    """COCO-A's files with one picture of 20 x 30: a cup before a table, and a thread of one pixel at the border."""
    front, back = np.zeros((20, 30), bool), np.zeros((20, 30), bool)
    front[4:12, 6:16], back[8:18, 10:22] = True, True
    regions = [
        {"segmentation": [6, 4, 16, 4, 16, 12, 6, 12], "name": "cup"},
        {
            "segmentation": [10, 8, 22, 8, 22, 18, 10, 18],
            "name": "table",
            "isStuff": 1,
            "visible_mask": {"size": [20, 30], "counts": encode(back & ~front).counts},
        },
        {"segmentation": [29, 0, 30, 0, 30, 19, 29, 19], "name": "thread"},
    ]
    images = [{"id": 5, "file_name": "5.png", "height": 20, "width": 30}]
    content = {"images": images, "annotations": [{"image_id": 5, "regions": regions}]}
    (folder / "annotations").mkdir()
    (folder / "annotations" / "COCO_amodal_val2014.json").write_text(json.dumps(content), "utf-8")
    (folder / "val2014").mkdir()
    image = np.full((20, 30, 3), 120, np.uint8)
    image[back], image[front] = (40, 200, 60), (200, 40, 30)
    Picture.fromarray(image).save(folder / "val2014" / "5.png")
    return folder


def test_coco_a_is_scored_at_its_own_size(tmp_path: Path) -> None:
    out = tmp_path / "scores.json"
    done = evaluate("symmetry-inpaint", "--data", coco_a(tmp_path), "--samples", 3, "--json", out)
    assert done.exit_code == 0, done.output
    report = json.loads(out.read_text())
    assert (report["count"], report["samples"], report["quality"]) == (3, 3, "standard")
    metrics = {"amodal_miou", "hidden_miou", "amodal_miou_best", "hidden_miou_best", "amodal_miou_from_box"}
    assert set(report["baselines"]) == {"visible", "convex_hull"}
    for scores in (report["metrics"], *report["baselines"].values()):
        assert set(scores) == metrics
        assert scores["amodal_miou_best"] >= scores["amodal_miou"]
    # The table lacks 24 of its 120 pixels; cup and thread are whole.
    assert report["baselines"]["visible"]["amodal_miou"] == pytest.approx((1 + 0.8 + 1) / 3)
    few = list(find_cases(str(tmp_path), "val", 0, None).cases)
    assert [each.name for each in few] == ["cup", "table", "thread"]
    assert few[2].box == (26, 0, 30, 20)


def test_the_occlusion_set_has_wholes(tmp_path: Path) -> None:
    pix2gestalt.write(SCENES, tmp_path)
    expected = [one for scene in SCENES for one in scene.instances if 0 < one.occlusion_rate < 1]
    found = list(find_cases(str(tmp_path), "train", 0, None).cases)
    assert len(found) == int(0.99 * len(expected))
    for each, one in zip(found, expected, strict=False):
        assert each.occlusion_rate == pytest.approx(one.occlusion_rate, abs=1e-6)
        assert each.whole is not None
        assert np.array_equal(each.whole[one.amodal], one.whole[one.amodal])
        assert np.array_equal(each.whole[..., 3] > 0, one.amodal)


def test_folders_that_hold_nothing_to_score_are_told(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="holds no cases") as caught:
        find_cases(str(tmp_path), "val", 0, None)
    assert "COCO-A" in caught.value.problem.hint
    coco_a(tmp_path)
    path = tmp_path / "annotations" / "COCO_amodal_val2014.json"
    content = json.loads(path.read_text())
    content["annotations"] = []
    path.write_text(json.dumps(content))
    with pytest.raises(ProblemError, match=r"val2014\.json has no object"):
        find_cases(str(tmp_path), "val", 0, None)


# --- recognition ---


class Judge:
    """Likes every label as much as it says."""

    def __init__(self, likes: dict[str, float]) -> None:
        self.likes = likes

    def recognise(self, image: np.ndarray, alpha: np.ndarray | None, labels: Sequence[str], context: Any) -> np.ndarray:
        return np.array([self.likes[label] for label in labels], np.float32)


@pytest.mark.parametrize(
    ("name", "first", "three"), [("a", 1, 1), ("b", 0, 1), ("c", 0, 1), ("d", 0, 0), ("e", 0, 0), ("f", 0, 0)]
)
def test_a_name_counts_by_its_place_and_ties_against_it(case: Case, name: str, first: int, three: int) -> None:
    judge = Judge({"a": 0.5, "b": 0.2, "c": 0.15, "d": 0.05, "e": 0.05, "f": 0.05})
    recognition = Recognition(judge, list(judge.likes), Context())
    named = Case(case.id, case.image, case.modal, case.amodal, case.box, case.point, 0.5, name=name)
    assert recognition.scores(named, case.image, None) == dict(zip(METRICS, (first, three), strict=True))
    empty = np.zeros(case.modal.shape, np.uint8)
    assert recognition.scores(named, case.image, empty) == dict.fromkeys(METRICS, 0)
    assert recognition.scores(case, case.image, None) == {}, "“mug” is not among the names"


def test_one_name_is_no_choice(case: Case) -> None:
    with pytest.raises(ProblemError, match="what its objects are called") as caught:
        Recognition(Judge({}), ["cat"], Context())
    assert caught.value.problem.code is ErrorCode.BAD_INPUT


def test_the_picture_around_the_object_is_square_and_has_what_hides_it(case: Case) -> None:
    shown = as_photographed(case)
    x0, y0, x1, y1 = (int(each) for each in case.box)
    assert shown.shape == (max(x1 - x0, y1 - y0),) * 2 + (3,)
    colours = {tuple(each) for each in case.image[y0:y1, x0:x1].reshape(-1, 3).tolist()}
    assert colours <= {tuple(each) for each in shown.reshape(-1, 3).tolist()}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A converted CLIP with random weights."""
    published, folder = tmp_path_factory.mktemp("published"), tmp_path_factory.mktemp("clip")
    publish(published)
    convert({name: published / name for name in FILES}, folder, lambda _: None)
    return folder


def test_recognition_is_scored_for_all_and_for_the_occluded_picture(tmp_path: Path, clip: Path) -> None:
    case_writer.write(SCENES, tmp_path)
    path, out = tmp_path / "cases.json", tmp_path / "scores.json"
    listed = json.loads(path.read_text())
    for number, entry in enumerate(listed):
        entry["name"] = ("cat", "dog", "cot", "photo")[number % 4]
    path.write_text(json.dumps(listed))
    done = evaluate("symmetry-inpaint", "--data", tmp_path, "--clip", clip, "--json", out)
    assert done.exit_code == 0, done.output
    report = json.loads(out.read_text())
    assert set(report["baselines"]) == {"visible", "convex_hull", "occluded"}
    assert set(report["baselines"]["occluded"]) == set(METRICS)
    for scores in (report["metrics"], *report["baselines"].values()):
        assert 0 <= scores["recognition_top1"] <= scores["recognition_top3"] <= 1
        assert scores["recognition_top3"] > 0


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("complete", "--clip", "clip-vit-base-patch32"), 4, "models pull clip-vit-base-patch32"),
        (("complete", "--clip", "grabcut"), 2, "cannot do recognize"),
        (("complete", "--quality", "finest"), 2, "no quality “finest”"),
        (("grabcut", "--samples", "3"), 2, "“grabcut” completes nothing"),
    ],
)
def test_what_cannot_be_asked_is_told(tmp_path: Path, arguments: tuple[str, ...], status: int, says: str) -> None:
    case_writer.write(SCENES[:1], tmp_path)
    done = evaluate(*arguments, "--data", tmp_path)
    assert done.exit_code == status
    assert says in done.stderr


def test_data_without_names_cannot_be_recognised(tmp_path: Path, clip: Path) -> None:
    case_writer.write(SCENES[:1], tmp_path)
    done = evaluate("complete", "--data", tmp_path, "--clip", clip)
    assert done.exit_code == 2
    assert "what its objects are called" in done.stderr
