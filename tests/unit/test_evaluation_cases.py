"""Cases from folders and scenes, what models answer to them, and the sheets and sums of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from backend.evaluation import cases as cases_module
from backend.evaluation import completion, segmentation
from backend.evaluation.cases import Case, CaseFolder, cases_of_scene, find_cases, synthetic_cases
from backend.evaluation.report import TILE, mask_tile, run, sheet
from backend.imaging.masks import iou
from backend.pipelines.context import Context
from backend.synthetic import worlds
from backend.synthetic.splits import seed_of
from backend.synthetic.writers import cases as case_writer
from protocol.problems import ErrorCode, ProblemError

from .tiny_scenes import tiny_scene


class Perfect:
    """Answers with the truth for anything that it is asked, and remembers that."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.asked: list[tuple[list[Any], Any]] = []

    def segment(self, image: np.ndarray, points: Any, box: Any, context: Any) -> tuple[np.ndarray, np.ndarray]:
        self.asked.append((list(points), box))
        return self.case.modal, self.case.modal.astype(np.float32)

    def complete(
        self, image: np.ndarray, mask: np.ndarray, occluders: Any, samples: int, seed: int, context: Any, quality: str
    ) -> completion.Samples:
        assert self.case.whole is not None
        return [(self.case.whole, self.case.amodal, 1.0)]


class Clicked(Perfect):
    """Answers with discs at the positive clicks, so that further ones help."""

    def segment(self, image: np.ndarray, points: Any, box: Any, context: Any) -> tuple[np.ndarray, np.ndarray]:
        super().segment(image, points, box, context)
        y, x = np.mgrid[: image.shape[0], : image.shape[1]]
        discs = [(x - px) ** 2 + (y - py) ** 2 < 16 for px, py, label in points if label > 0]
        mask = np.any(discs, axis=0) & self.case.modal if discs else np.zeros(image.shape[:2], bool)
        return mask, mask.astype(np.float32)


class Nothing(Perfect):
    """Finds nothing and completes nothing."""

    def segment(self, image: np.ndarray, points: Any, box: Any, context: Any) -> tuple[np.ndarray, np.ndarray]:
        nothing = np.zeros(image.shape[:2], bool)
        return nothing, nothing.astype(np.float32)

    def complete(
        self, image: np.ndarray, mask: np.ndarray, occluders: Any, samples: int, seed: int, context: Any, quality: str
    ) -> completion.Samples:
        return []


@pytest.fixture
def case() -> Case:
    found = [each for seed in range(30) for each in cases_of_scene(tiny_scene(seed))]
    return max(found, key=lambda each: each.modal.sum())


# --- segmentation and completion ---


def test_a_perfect_segmentation(case: Case) -> None:
    model = Perfect(case)
    scores, mask = segmentation.segmentation_scores(model, case, Context())
    assert scores == dict.fromkeys(segmentation.METRICS, 1.0)
    assert (mask == case.modal).all()


def test_each_prompt_is_asked_for_once_and_clicks_follow_the_error(case: Case) -> None:
    model = Clicked(case)
    scores, _ = segmentation.segmentation_scores(model, case, Context())
    assert scores["iou_box"] == 0
    assert 0 < scores["iou_point"] == scores["iou_box_point"] < scores["iou_3_clicks"]
    prompts = sorted((len(points), box is not None) for points, box in model.asked)
    assert prompts == [(0, True), (1, False), (1, True), (2, False), (3, False)]
    clicks = max((points for points, _ in model.asked), key=len)
    assert clicks[0] == [*case.point, 1.0]
    y, x = np.mgrid[: case.modal.shape[0], : case.modal.shape[1]]
    found = (x - case.point[0]) ** 2 + (y - case.point[1]) ** 2 < 16
    px, py, label = clicks[1]
    assert label == 1
    assert (case.modal & ~found)[int(py), int(px)]


def test_completion_baselines(case: Case) -> None:
    scores, mask = completion.completion_scores(completion.Visible(), case, Context())
    assert scores["hidden_miou"] == 0
    assert scores["amodal_miou"] == pytest.approx(1 - case.occlusion_rate, abs=1e-6)
    assert (mask == case.modal).all()
    hull, mask = completion.completion_scores(completion.ConvexHull(), case, Context())
    assert hull["hidden_miou"] > 0
    assert (case.modal & ~mask).sum() == 0
    perfect, _ = completion.completion_scores(Perfect(case), case, Context())
    assert perfect == {"amodal_miou": 1, "hidden_miou": 1, "hidden_psnr": 60}


def test_a_whole_object_has_no_hidden_score(case: Case) -> None:
    whole = Case(case.id, case.image, case.amodal, case.amodal, case.box, case.point, 0.0)
    assert completion.completion_scores(completion.Visible(), whole, Context())[0] == {"amodal_miou": 1}


def test_the_whole_path_segments_each_case_once(case: Case) -> None:
    segmenter = Perfect(case)
    path = completion.FromBox(segmenter, Context())
    assert path.score(completion.Visible(), case) == pytest.approx(iou(case.modal, case.amodal))
    assert path.score(Perfect(case), case) == 1
    assert segmenter.asked == [([], list(case.box))]


def test_a_model_without_an_answer_scores_as_if_it_did_nothing(case: Case) -> None:
    nothing = Nothing(case)
    assert completion.completion_scores(nothing, case, Context())[0]["hidden_miou"] == 0
    assert completion.FromBox(nothing, Context()).score(completion.ConvexHull(), case) == 0
    scores, _ = segmentation.segmentation_scores(nothing, case, Context())
    assert set(scores.values()) == {0.0}


# --- reports ---


def test_means_are_over_the_cases_that_have_a_score(case: Case) -> None:
    told: list[int] = []
    given = iter([{"first": 1.0}, {"first": 0.5, "second": 0.2}])
    tallies = run([case] * 2, {"model": lambda each: (next(given), each.modal)}, told.append)
    assert told == [1, 2]
    assert tallies["model"].means == {"first": 0.75, "second": 0.2}
    assert tallies["model"].tiles == []


def test_a_sheet_goes_from_best_to_worst() -> None:
    grey = iter(range(10, 130, 10))
    scores = iter(np.linspace(0, 1, 12))

    def drawn(case: Any, answer: Any) -> np.ndarray:
        return np.full((TILE, TILE, 3), next(grey), np.uint8)

    scorers = {
        "model": lambda each: ({"score": float(next(scores))}, None),
        "other": lambda each: ({"score": 0.0}, None),
    }
    tallies = run(range(12), scorers, lambda done: None, drawn)
    assert tallies["other"].tiles == []
    picture = sheet(tallies["model"])
    assert picture.shape == (3 * TILE, 4 * TILE, 3)
    shown = picture[TILE // 2 :: TILE, TILE // 2 :: TILE, 0]
    assert shown.tolist() == [[120, 110, 100, 90], [80, 70, 60, 50], [40, 30, 20, 10]]


def test_a_sheet_of_one_case_is_filled_with_paper() -> None:
    black = np.zeros((TILE, TILE, 3), np.uint8)
    tallies = run([0], {"model": lambda each: ({"score": 1.0}, None)}, lambda done: None, lambda *_: black)
    shown = sheet(tallies["model"])[TILE // 2 :: TILE, TILE // 2 :: TILE, 0]
    assert shown.tolist() == [[0, 240, 240, 240]] * 3


def test_a_tile_shows_answer_and_truth() -> None:
    image, answer, truth = np.zeros((400, 200, 3), np.uint8), np.zeros((400, 200), bool), np.zeros((400, 200), bool)
    answer[100:300, 50:150] = True
    truth[20:380, 20:180] = True
    tile = mask_tile(image, answer, truth)
    assert tile.shape == (TILE, TILE, 3)
    assert tile[100, 100, 2] > 100 > tile[100, 100, 0]  # blue
    assert tile[100, 60, 0] > 80 > tile[100, 60, 2]  # yellow
    assert tile[100, 10].tolist() == [240, 240, 240]
    assert not image.any()


# --- cases ---


def test_cases_of_a_scene_point_at_what_is_visible() -> None:
    for seed in range(10):
        scene = tiny_scene(seed)
        for case in cases_of_scene(scene, (0.2, 0.6)):
            instance = next(each for each in scene.instances if case.id == f"{seed}-{each.id}")
            assert 0.2 <= case.occlusion_rate == instance.occlusion_rate <= 0.6
            x, y = (int(each) for each in case.point)
            assert case.modal[y, x]
            x0, y0, x1, y1 = (int(each) for each in case.box)
            assert case.modal[y0:y1, x0:x1].sum() == case.modal.sum()
            assert case.modal[y0].any()
            assert case.modal[y0:y1, x1 - 1].any()
            assert case.front is not None
            # Every hidden pixel shows something of what is in front.
            assert case.front[case.amodal & ~case.modal].all()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    case_writer.write([tiny_scene(seed) for seed in range(3)], tmp_path)
    return tmp_path


def test_a_folder_of_cases_is_read_as_it_was_written(folder: Path) -> None:
    scenes = [tiny_scene(seed) for seed in range(3)]
    cases = CaseFolder(folder)
    expected = [each for scene in scenes for each in scene.instances if 0 < each.occlusion_rate < 1]
    assert len(cases) == len(expected)
    for case, instance in zip(cases, expected, strict=True):
        assert (case.modal == instance.modal).all()
        assert (case.amodal == instance.amodal).all()
        assert case.occlusion_rate == pytest.approx(instance.occlusion_rate)
        assert case.modal[int(case.point[1]), int(case.point[0])]
        assert case.front is not None
        assert case.whole is not None
        assert (case.whole == instance.whole).all()
    assert [each.id for each in cases[1:3]] == [cases[1].id, cases[2].id]


def test_jpegs_are_taken_and_optional_files_may_be_missing(folder: Path) -> None:
    listed = json.loads((folder / "cases.json").read_text())
    entry = listed[0]
    del entry["occlusion_rate"]
    (folder / "cases.json").write_text(json.dumps(listed[:1]))
    before = CaseFolder(folder)[0]
    Picture.open(folder / f"{entry['id']}.png").save(folder / f"{entry['id']}.jpg", quality=95)
    for name in (".png", "_front.png", "_whole.png"):
        (folder / f"{entry['id']}{name}").unlink()
    case = CaseFolder(folder)[0]
    assert case.front is None
    assert case.whole is None
    assert np.abs(case.image.astype(int) - before.image).mean() < 20
    assert case.occlusion_rate == pytest.approx(before.occlusion_rate, abs=1e-3)


def _edit(**fields: Any) -> Callable[[Path, str], None]:
    def edit(folder: Path, name: str) -> None:
        listed = json.loads((folder / "cases.json").read_text())
        listed[0] = {key: value for key, value in {**listed[0], **fields}.items() if value is not None}
        (folder / "cases.json").write_text(json.dumps(listed))

    return edit


def _double(folder: Path, name: str) -> None:
    listed = json.loads((folder / "cases.json").read_text())
    (folder / "cases.json").write_text(json.dumps([*listed, listed[0]]))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder, name: (folder / "cases.json").unlink(), r"cases\.json is missing"),
        (lambda folder, name: (folder / "cases.json").write_text("[{"), r"cases\.json is no whole JSON"),
        (lambda folder, name: (folder / "cases.json").write_text("[]"), r"cases\.json holds an empty list"),
        (_edit(id="../x"), r"cases\.json has the id “\.\./x”"),
        (_edit(id=""), r"cases\.json has the id “”"),
        (_edit(id=7), r"cases\.json is not as it should be: .*\$\[0\]\.id"),
        (_edit(box=[1, 2]), r"cases\.json is not as it should be: .*\$\[0\]\.box"),
        (_edit(point=["1", 2]), r"cases\.json is not as it should be: .*\$\[0\]\.point\[0\]"),
        (_edit(point=None), r"cases\.json is not as it should be: .*point"),
        (_edit(occlusion_rate="half"), r"cases\.json is not as it should be: .*occlusion_rate"),
        (_double, "more than once"),
        (lambda folder, name: (folder / f"{name}.png").unlink(), r"\.jpg is missing"),
        (lambda folder, name: (folder / f"{name}_amodal.png").unlink(), r"_amodal\.png is missing"),
    ],
)
def test_a_wrong_list_or_a_missing_file_is_told_at_once(folder: Path, spoil: Any, says: str) -> None:
    spoil(folder, json.loads((folder / "cases.json").read_text())[0]["id"])
    with pytest.raises(ProblemError, match=says) as told:
        CaseFolder(folder)
    assert told.value.problem.code is ErrorCode.BAD_INPUT


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            lambda folder, name: Picture.new("L", (3, 4)).save(folder / f"{name}_modal.png"),
            "_modal.png is 3 pixels wide",
        ),
        (lambda folder, name: Picture.new("L", (56, 40)).save(folder / f"{name}_modal.png"), "_modal.png is empty"),
        (lambda folder, name: Picture.new("L", (56, 40)).save(folder / f"{name}_amodal.png"), "_amodal.png is empty"),
        (lambda folder, name: Picture.new("RGBA", (3, 4)).save(folder / f"{name}_whole.png"), "_whole.png is 3 pixels"),
        (lambda folder, name: (folder / f"{name}_modal.png").write_bytes(b"no"), "_modal.png cannot be read"),
        (_edit(point=[99, 2]), r"cases\.json has a wrong prompt for “.*”: The point \(99, 2\) is outside the picture"),
        (_edit(box=[1, 1, 2, 2]), r"cases\.json has a wrong prompt for “.*”: .*outside the box|The box is 1 x 1"),
    ],
)
def test_a_wrong_file_is_told_when_its_case_is_read(folder: Path, spoil: Any, says: str) -> None:
    spoil(folder, json.loads((folder / "cases.json").read_text())[0]["id"])
    cases = CaseFolder(folder)
    with pytest.raises(ProblemError, match=says) as told:
        cases[0]
    assert told.value.problem.code is ErrorCode.BAD_INPUT


def test_synthetic_cases_come_from_their_split_alone_one_of_a_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def make_scene(seed: int, size: int, objects: str) -> Any:
        asked.append(seed)
        return tiny_scene(seed % 1000)

    monkeypatch.setattr(worlds, "make_scene", make_scene)
    found = list(synthetic_cases("held-out", 3, 5))
    assert len(found) == 5
    assert len({case.id.split("-")[0] for case in found}) == 5
    assert set(asked) <= {seed_of("held-out", 3, index) for index in range(10 * len(asked))}
    again = [case.id for case in synthetic_cases("held-out", 3, 5)]
    assert again == [case.id for case in found]
    assert [case.id for case in synthetic_cases("held-out", 4, 5)] != again
    with pytest.raises(ProblemError, match="hold no object that is 99% to 100% hidden"):
        next(synthetic_cases("held-out", 3, 1, rates=(0.99, 1.0)))


def test_what_data_names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    total = len(CaseFolder(folder))
    every, first = find_cases(str(folder), "held-out", 0, None), find_cases(str(folder), "held-out", 0, 2)
    assert (every.count, len(list(every.cases))) == (total, total)
    assert (first.count, len(list(first.cases))) == (2, 2)
    assert find_cases("synthetic:procedural", "val", 0, None).count == 300
    monkeypatch.setattr(cases_module, "_installed", lambda: "procedural")
    assert find_cases("synthetic", "val", 0, 7).name == "synthetic:procedural"
    with pytest.raises(ProblemError, match="no objects “bricks”"):
        find_cases("synthetic:bricks", "val", 0, 7)
    with pytest.raises(ProblemError, match="is no folder"):
        find_cases(str(folder / "nowhere"), "val", 0, 7)
