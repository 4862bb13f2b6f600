"""Scores of masks, maps and pictures, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from backend.evaluation.features import features_of, frechet_distance, kernel_distance
from backend.evaluation.inpainting import inpaint_miou
from backend.evaluation.labels import class_ious, label_miou, pixel_accuracy
from backend.evaluation.masks import eoras_score, hidden_iou
from backend.evaluation.panoptic import PanopticScore, Segment, panoptic_score
from backend.evaluation.pictures import psnr, ssim
from backend.imaging.masks import iou
from protocol.problems import ErrorCode, ProblemError

seeds = st.integers(0, 2**32 - 1)


def square(x0: int, x1: int, size: int = 20) -> np.ndarray:
    """Ten rows high, columns ``x0`` to ``x1``."""
    mask = np.zeros((size, size), bool)
    mask[5:15, x0:x1] = True
    return mask


def test_iou_and_hidden_iou_by_hand() -> None:
    assert iou(square(0, 10), square(5, 15)) == pytest.approx(50 / 150)
    # Visible are columns 0 to 5; of the hidden 5 to 10 the guess has three.
    assert hidden_iou(square(0, 8), square(0, 10), square(0, 5)) == pytest.approx(30 / 50)
    # What is claimed where nothing is counts against it.
    assert hidden_iou(square(0, 15), square(0, 10), square(0, 5)) == pytest.approx(50 / 100)


def test_iou_of_empty_masks() -> None:
    assert iou(square(0, 0), square(0, 0)) == 1
    assert iou(square(0, 0), square(0, 9)) == 0
    assert hidden_iou(square(0, 10), square(0, 10), square(0, 10)) is None
    assert hidden_iou(square(0, 5), square(0, 10), square(0, 5)) == 0


def test_eoras_drops_perfect_frames_and_counts_empty_ones_as_nothing() -> None:
    whole, visible = square(0, 10)[None].astype(float), square(0, 5)[None].astype(float)
    assert eoras_score(whole, whole, visible).occluded_frames == 0
    assert eoras_score(whole, whole, whole).miou_occ == 0
    assert eoras_score(whole, whole, visible).miou_full == pytest.approx(1)
    both = eoras_score(whole, whole, visible) + eoras_score(visible, whole, visible)
    assert (both.frames, both.occluded_frames) == (2, 1)
    assert both.miou_full == pytest.approx(0.75)


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_a_perfect_answer_scores_everything(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 5, (12, 12))
    score = panoptic_score(labels, labels)
    assert (score.wrong, score.missed) == (0, 0)
    assert score.pq == score.sq == score.rq == 100
    assert label_miou(labels, labels) == pixel_accuracy(labels, labels) == 1
    known = random.random(labels.shape) < 0.5
    assert inpaint_miou(labels, labels, known) == pytest.approx(1)
    picture = random.integers(0, 255, (16, 16, 3), dtype=np.uint8)
    assert psnr(picture, picture) == np.inf
    assert ssim(picture, picture) == pytest.approx(1)


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_scores_without_a_side_are_the_same_both_ways(seed: int) -> None:
    random = np.random.default_rng(seed)
    one, other = random.integers(0, 4, (2, 12, 12))
    assert iou(one > 1, other > 1) == iou(other > 1, one > 1)
    assert label_miou(one, other) == pytest.approx(label_miou(other, one))
    there, back = panoptic_score(one, other), panoptic_score(other, one)
    # Void in the truth excuses, so the two ways agree where there is none.
    if one.min() and other.min():
        assert (there.pq, there.wrong, there.missed) == pytest.approx((back.pq, back.missed, back.wrong))
    pictures = random.integers(0, 255, (2, 16, 16, 3), dtype=np.uint8)
    assert psnr(*pictures) == psnr(*pictures[::-1])
    assert ssim(*pictures) == pytest.approx(ssim(*pictures[::-1]))
    features = random.normal(size=(2, 20, 3))
    assert frechet_distance(*features) == pytest.approx(frechet_distance(*features[::-1]))


def test_panoptic_quality_by_hand() -> None:
    wanted = np.zeros((10, 10), int)
    wanted[:, :4], wanted[:, 4:8] = 1, 2
    found = np.zeros_like(wanted)
    found[:, :5], found[:5, 5:8] = 7, 9
    score = panoptic_score(found, wanted)
    # 7 covers all of 1 and ten pixels of 2: 40 / 50. 9 covers 15 of 2's 40: no match.
    assert score == PanopticScore(0.8, 1, 1, 1)
    assert (score.sq, score.rq, score.pq) == pytest.approx((80, 50, 40))
    assert score + PanopticScore() == score
    # The same map where 2 is a crowd: neither missed, nor is 9, most of which lies in it, wrong.
    assert panoptic_score(found, wanted, {1: Segment(40), 2: Segment(40, crowd=True)}) == PanopticScore(0.8, 1, 0, 0)


def test_panoptic_quality_of_nothing() -> None:
    nothing, something = np.zeros((4, 4), int), np.ones((4, 4), int)
    assert panoptic_score(nothing, nothing).pq == 0
    assert panoptic_score(nothing, something) == PanopticScore(missed=1)
    # All that was found lies where the truth is void: it is not judged.
    assert panoptic_score(something, nothing) == PanopticScore()
    with pytest.raises(ProblemError, match="same size"):
        panoptic_score(nothing[:2], nothing)


def test_an_iou_of_one_half_is_no_match() -> None:
    wanted = np.repeat([1, 2], 8).reshape(4, 4)
    assert panoptic_score(wanted[:, :2].repeat(2, 1) * (np.arange(4) < 2), wanted).matched == 0


def test_panoptic_ids_may_be_as_large_as_coco_s() -> None:
    wanted = np.where(np.arange(100).reshape(10, 10) < 50, 1, 2**24 - 1).astype(np.uint32)
    assert panoptic_score(wanted, wanted).pq == 100


def test_label_iou_counts_the_classes_that_are_there() -> None:
    wanted, found = np.array([[0, 0, 3, 3]]), np.array([[0, 3, 3, 3]])
    assert label_miou(found, wanted) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert pixel_accuracy(found, wanted) == 0.75
    assert class_ious(found, wanted, 5) == pytest.approx([1 / 2, 0, 0, 2 / 3, 0])


def test_ignored_labels_are_not_judged() -> None:
    wanted, found = np.array([[0, 0, 3, 3]]), np.array([[1, 1, 3, 2]])
    assert class_ious(found, wanted, 4, ignore=0) == pytest.approx([0, 0, 0, 1 / 2])
    assert label_miou(found, wanted, ignore=0) == pytest.approx((0 + 1 / 2) / 2)
    assert pixel_accuracy(found, wanted, ignore=0) == 0.5
    nothing = np.zeros((2, 2), int)
    assert label_miou(nothing, nothing, ignore=0) == pixel_accuracy(nothing, nothing, ignore=0) == 1


def test_labels_that_are_no_class_are_misses() -> None:
    assert class_ious(np.array([0, 9, -1, 1]), np.array([0, 0, 0, 1]), 2) == pytest.approx([1 / 3, 1])


def test_inpainting_by_hand() -> None:
    wanted = np.array([[1, 1, 1, 1], [2, 2, 2, 2], [3, 3, 3, 3], [0, 0, 0, 0]])
    known = np.zeros((4, 4), bool)
    known[:2, 0] = True
    found = np.array([[1, 1, 1, 2], [2, 2, 2, 2], [8, 8, 8, 5], [5, 5, 5, 5]])
    # 1 has two of its three unknown pixels; 2 all three and one too many; 3, of which nothing was known, is 8 whatever
    # it is called; the void row is not judged.
    assert inpaint_miou(found, wanted, known) == pytest.approx((2 / 3 + 3 / 4 + 3 / 4) / 3)
    # An id that was known keeps its meaning: 1 and 2 exchanged find nothing.
    swapped = np.choose(wanted, [0, 2, 1, 3])
    assert inpaint_miou(swapped, wanted, known) == pytest.approx(1 / 3)
    # A new id cannot be void.
    assert inpaint_miou(np.where(wanted == 3, 0, wanted), wanted, known) == pytest.approx(2 / 3)
    assert inpaint_miou(found, wanted, np.ones((4, 4), bool)) is None
    with pytest.raises(ProblemError, match="same size"):
        inpaint_miou(found[:2], wanted, known)


def test_psnr_of_a_known_error_and_of_a_part() -> None:
    black = np.zeros((8, 8, 3), np.uint8)
    assert psnr(black + 10, black) == pytest.approx(20 * np.log10(25.5))
    spoiled = black.copy()
    spoiled[0] = 255
    where = np.ones((8, 8), bool)
    where[0] = False
    assert psnr(spoiled, black, where) == np.inf
    assert np.isnan(psnr(black, black, ~np.ones((8, 8), bool)))
    with pytest.raises(ProblemError, match="same shape"):
        psnr(black[:4], black)


def test_ssim_is_the_published_formula() -> None:
    """Against the formula itself, at the pixels whose window lies inside, of which the mean is taken."""
    random = np.random.default_rng(0)
    one, other = random.integers(0, 255, (2, 24, 20)).astype(np.uint8)
    reach = np.arange(-5, 6)
    bell = np.exp(-(reach**2) / (2 * 1.5**2))
    window = np.outer(bell, bell) / bell.sum() ** 2

    def mean(array: np.ndarray) -> np.ndarray:
        return (sliding_window_view(array, (11, 11)) * window).sum(axis=(-2, -1))

    x, y = one.astype(float), other.astype(float)
    first, second = mean(x), mean(y)
    spreads, shared = mean(x * x) - first**2 + mean(y * y) - second**2, mean(x * y) - first * second
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    formula = (2 * first * second + c1) * (2 * shared + c2) / ((first**2 + second**2 + c1) * (spreads + c2))
    assert ssim(one, other) == pytest.approx(float(formula.mean()), abs=1e-6)
    with pytest.raises(ProblemError, match="too small"):
        ssim(one[:10], other[:10])


def test_feature_distances_are_nothing_for_the_same_and_grow_with_a_shift() -> None:
    random = np.random.default_rng(0)
    first, second = random.normal(size=(2, 400, 6))
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(first, first + 2) == pytest.approx(24, abs=1e-6)  # |shift|² over six features
    assert frechet_distance(first, first * 3) == pytest.approx(_frechet_of_scaled(first, 3), abs=1e-6)
    assert abs(kernel_distance(first, second)) < 0.1
    assert kernel_distance(first, second + 1) > 1


def _frechet_of_scaled(features: np.ndarray, factor: float) -> float:
    """Of one set and itself ``factor`` times as large, whose covariances commute."""
    shift = (factor - 1) * features.mean(axis=0)
    return float((shift**2).sum() + (factor - 1) ** 2 * features.var(axis=0).sum())


def test_kernel_distance_by_hand() -> None:
    one, other = np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]])
    # (x y + 1)³ of pairs within: 1 and 27; across: 1, 1, 8, 27, a quarter each, twice.
    assert kernel_distance(one, other) == pytest.approx(1 + 27 - 2 * (1 + 1 + 8 + 27) / 4)


def test_features_are_whatever_the_function_gives() -> None:
    pictures = [np.full((4, 4, 3), value, np.uint8) for value in (0, 50, 100)]
    features = features_of(pictures, lambda picture: picture[:1, :2].mean(axis=-1))
    assert features.tolist() == [[0, 0], [50, 50], [100, 100]]
    for wrong in (features[:1], features[:, :1], features[0]):
        with pytest.raises(ProblemError) as told:
            frechet_distance(wrong, features)
        assert told.value.problem.code is ErrorCode.BAD_INPUT
