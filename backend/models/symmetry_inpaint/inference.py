"""`symmetry-inpaint`: completes a partly hidden object without any learned knowledge of objects."""

from __future__ import annotations

import cv2
import numpy as np

from backend.imaging.boxes import Box, box_of
from backend.imaging.crops import crop
from backend.imaging.masks import components, dilated, without_specks
from backend.imaging.scaling import resized, size_limited
from backend.models.symmetry_inpaint.fill import fill, with_soft_edge
from backend.models.symmetry_inpaint.shapes import Hypothesis, hypotheses
from backend.pipelines.context import Context

_AROUND = 0.6  # of the visible box's longer side: how far the whole may reach
_SHAPE_SIDE = 224  # shapes are searched at this size
_COLOUR_SIDE = 1280  # colours are made at most at this size
# How likely a pixel hides a part of the object when nobody says what stands before it.
_BEHIND, _MAYBE, _LIKELY = 0.15, 0.5, 0.92


class SymmetryInpaint:
    """Stateless; the same for every device."""

    def complete(
        self,
        image: np.ndarray,
        mask: np.ndarray,
        occluders: np.ndarray | None,
        samples: int,
        seed: int,
        context: Context,
        quality: str = "standard",
    ) -> list[tuple[np.ndarray, np.ndarray, float]]:
        """At most ``samples`` wholes of the object visible in ``mask``, the most plausible first.

        ``image`` uint8 H x W x 3, ``mask`` and ``occluders`` bool H x W; ``mask`` not empty. Each sample: RGBA uint8
        H x W x 4 (straight alpha), the amodal mask bool H x W, a score from 0 to 1. Nothing is drawn at random, so
        ``seed`` changes nothing, and there is one
        ``quality``. Where ``occluders`` are given, what is hidden lies behind them or outside the picture.
        """
        region = _region(mask)
        size = size_limited((region.height, region.width), _SHAPE_SIDE)
        visible = _cropped(mask, region, size) > 0.5
        if not visible.any():
            visible = _cropped(mask, region, size) > 0
        chosen = hypotheses(visible, _hidden(image, mask, occluders, region, size), context.check)[:samples]
        results = []
        for done, hypothesis in enumerate(chosen, 1):
            results.append(_painted(image, mask, occluders, region, hypothesis))
            context.step(done, f"Completing the hidden part, sample {done} of {len(chosen)}")
        return results


def load(device: str) -> SymmetryInpaint:
    """The model; ``device`` does not matter."""
    return SymmetryInpaint()


def _region(mask: np.ndarray) -> Box:
    """The part of the plane that the whole may cover; it may reach over the picture's border."""
    box = box_of(mask)
    margin = round(_AROUND * max(box.width, box.height)) + 2
    return Box(box.x0 - margin, box.y0 - margin, box.x1 + margin, box.y1 + margin)


def _cropped(mask: np.ndarray, region: Box, size: tuple[int, int], fill_value: float = 0) -> np.ndarray:
    return resized(crop(mask.astype(np.float32), region, fill_value), size)


def _hidden(
    image: np.ndarray, mask: np.ndarray, occluders: np.ndarray | None, region: Box, size: tuple[int, int]
) -> np.ndarray:
    """float32 h x w: how likely each pixel outside the visible mask hides a part of the object."""
    if occluders is not None:
        return _cropped(occluders, region, size, 1)
    inside = _cropped(np.ones(mask.shape), region, size) > 0.5
    visible = _cropped(mask, region, size) > 0.5
    behind = _like_far_background(image, mask, region, size)
    hidden = np.where(inside, np.where(behind, _BEHIND, _MAYBE), 1.0).astype(np.float32)
    hidden[_standing_before(visible, inside & ~behind & ~visible, _rim(inside))] = _LIKELY
    return hidden


def _rim(inside: np.ndarray) -> np.ndarray:
    """The outermost pixels of the part of the region that the picture covers."""
    return inside & ~cv2.erode(inside.astype(np.uint8), np.ones((9, 9), np.uint8), borderValue=0).astype(bool)


def _standing_before(visible: np.ndarray, other: np.ndarray, rim: np.ndarray) -> np.ndarray:
    """The parts of ``other`` (neither object nor background) that look like a thing in front: of some size, beside the
    object, and of a piece."""
    solid = cv2.morphologyEx(other.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    labels, areas = components(solid > 0)
    beside = np.bincount(labels[dilated(visible, 3)], minlength=len(areas))
    contact = 2 * np.sqrt(np.count_nonzero(visible))
    likely = (areas > 0.04 * np.count_nonzero(visible)) & (beside > 0.15 * contact)
    likely[np.unique(labels[rim])] = False  # what goes on beyond the region is surroundings rather than a thing
    likely[0] = False
    return likely[labels]


def _like_far_background(image: np.ndarray, mask: np.ndarray, region: Box, size: tuple[int, int]) -> np.ndarray:
    """Pixels in one piece with the surroundings: they have the colours found at the region's rim, and reach it.

    What stands before an object is mostly another thing near it; what goes on to the rim unchanged is behind it.
    """
    colours = cv2.cvtColor(resized(crop(image, region), size), cv2.COLOR_RGB2Lab).astype(np.float32)
    inside = _cropped(np.ones(mask.shape), region, size) > 0.99
    free = ~dilated(_cropped(mask, region, size) > 0.1, 1) & inside
    rim = free & _rim(inside)
    if np.count_nonzero(rim) < 32:
        return np.zeros(size, bool)
    samples = colours[rim]
    cv2.setRNGSeed(0)  # the same bytes for the same input
    labels = np.empty((len(samples), 1), np.int32)
    centres = cv2.kmeans(samples, 8, labels, (3, 10, 1.0), 1, cv2.KMEANS_PP_CENTERS)[2]
    distance = np.min(np.linalg.norm(colours[..., None, :] - centres, axis=-1), axis=-1)
    alike = (free & (distance < 22)).astype(np.uint8)
    pieces = cv2.connectedComponents(alike, connectivity=4)[1]
    return np.isin(pieces, np.unique(pieces[rim & (alike > 0)])) & (alike > 0)


def _painted(
    image: np.ndarray, mask: np.ndarray, occluders: np.ndarray | None, region: Box, hypothesis: Hypothesis
) -> tuple[np.ndarray, np.ndarray, float]:
    """One hypothesis at the picture's own size."""
    height, width = mask.shape
    small = hypothesis.mask.shape
    soft = cv2.GaussianBlur(hypothesis.mask.astype(np.float32), (0, 0), 1.0)
    grown = cv2.resize(soft, (region.width, region.height), interpolation=cv2.INTER_CUBIC) > 0.5
    back = Box(-region.x0, -region.y0, width - region.x0, height - region.y0)
    whole = crop(grown, back)
    if occluders is not None:
        whole &= occluders | mask
    whole = without_specks(whole | mask, 0.02)
    view = box_of(whole | mask).grown(8, mask.shape)
    twins = [_at_full_size(twin, small, region, view) for twin in hypothesis.twins]
    picture, visible, wanted = image[view.slices], mask[view.slices], whole[view.slices]
    work = size_limited(picture.shape[:2], _COLOUR_SIDE)
    scale = work[1] / picture.shape[1]
    colours = fill(
        resized(picture, work),
        resized(visible.astype(np.float32), work) > 0.5,
        resized(wanted.astype(np.float32), work) > 0.5,
        [np.column_stack([twin[:, :2], twin[:, 2] * scale]) for twin in twins],
    )
    full = np.where(visible[..., None], picture, resized(colours, picture.shape[:2]))
    rgba = np.zeros((height, width, 4), np.uint8)
    rgba[view.slices] = with_soft_edge(full, wanted)
    return rgba, whole | mask, hypothesis.score


def _at_full_size(twin: np.ndarray, small: tuple[int, int], region: Box, view: Box) -> np.ndarray:
    """An affine map of the small working copy as one of the part ``view`` of the picture."""
    scale = np.array([region.width / small[1], region.height / small[0]])
    corner = np.array([region.x0 - view.x0, region.y0 - view.y0], float)
    # full = small * scale + corner, so the map is conjugated by that.
    matrix = np.diag(scale) @ twin[:, :2] @ np.diag(1 / scale)
    offset = scale * twin[:, 2] + corner - matrix @ corner
    return np.column_stack([matrix, offset])
