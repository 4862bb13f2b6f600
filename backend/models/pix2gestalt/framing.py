"""Which part of a picture the network sees, and how what it made becomes a completion of the picture's own size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.imaging.boxes import Box, box_of, whole
from backend.imaging.crops import crop, crop_going_on, put_back
from backend.imaging.masks import closed, eroded, opened, soft_edged, touched
from backend.imaging.scaling import resized
from backend.imaging.spreading import diffused
from backend.models.pix2gestalt.config import Config
from backend.models.pix2gestalt.pictures import enlarged, not_white, squashed

REACH = 0.5  # of the visible part's longer side: how far the whole may go on to every side of it
_NEAR = 4  # pixels of the network's picture over which its edges may be soft
_RIM = 2 * _NEAR  # pixels next to the white, of which the object may cover a part
_FAINT = 20.0  # the least distance from white, of 255, that is an object's colour
_STRONG = 200.0  # colours farther from white than this count as so far
_SEAM = 1.5  # pixels of the network's picture over which the seen picture fades into the made one


@dataclass(frozen=True, eq=False)
class Whole:
    """``rgba`` uint8 H x W x 4, ``amodal`` bool H x W, ``likeness`` 0 to 1: how well the completion agrees with what
    is visible of the object."""

    rgba: np.ndarray
    amodal: np.ndarray
    likeness: float


def frame_of(mask: np.ndarray) -> Box:
    """A square around the visible part of the object (bool H x W), with room for the hidden part; it may reach over
    the picture's border. The authors squash the whole picture, which costs small objects their details."""
    box = box_of(mask)
    side = round((1 + 2 * REACH) * max(box.width, box.height))
    x, y = (box.x0 + box.x1 - side) // 2, (box.y0 + box.y1 - side) // 2
    return Box(x, y, x + side, y + side)


def seen(image: np.ndarray, mask: np.ndarray, frame: Box, side: int) -> tuple[np.ndarray, np.ndarray]:
    """What the network is told of ``frame``: picture uint8 side x side x 3, mask uint8 side x side of 0 and 255."""
    part = squashed(crop(mask.astype(np.uint8) * 255, frame), side)
    # A line thinner than a pixel of the small picture is still there.
    small = part > 127 if (part > 127).any() else part > 0
    return squashed(crop_going_on(image, frame), side), small.astype(np.uint8) * 255


def as_published(made: np.ndarray, image: np.ndarray, mask: np.ndarray) -> Whole:
    """From the network's picture of the whole (uint8 side x side x 3 on white), squashed as the authors do: their
    enlargement and threshold, nothing of the picture or the visible mask put back."""
    large = enlarged(made, image.shape[:2])
    amodal = not_white(large)
    alpha = amodal.astype(np.uint8) * 255
    return Whole(np.dstack([large, alpha]), amodal, _likeness(made, *seen(image, mask, whole(mask.shape), len(made))))


def placed(made: np.ndarray, image: np.ndarray, mask: np.ndarray, frame: Box, config: Config) -> Whole:
    """From the network's picture of ``frame``: what is visible stays as it is in ``image``, the rest is as made, as far
    as ``config`` (its white, rim and colours) trusts it."""
    side, size = len(made), (frame.height, frame.width)
    pixel = size[0] / side
    small_image, small_mask = seen(image, mask, frame, side)
    visible = small_mask > 0
    # The object is of a piece with what is visible of it; other marks on the white are none of it.
    inside = touched(not_white(made, config.white) | visible, np.argwhere(visible)[:, ::-1])
    # A white part of an object is no hole in it.
    alpha = np.where(eroded(inside, _RIM) | visible, 1, np.where(inside, _cover(made), 0)).astype(np.float32)

    def at_home(part: np.ndarray) -> np.ndarray:
        return put_back(resized(part, size), frame, mask.shape, 0)

    soft = at_home(alpha)
    amodal = (soft > 0.5) | mask
    place = frame.grown(0, mask.shape).slices
    if config.rim:
        amodal[place] = _without_rim(amodal[place], mask[place], config.rim * pixel)
    if config.colours == "seen":
        colours = np.zeros(image.shape, np.float32)
        colours[place] = _carried(image[place], mask[place])
        # As soft at its edge as a pixel of what was made, and solid within.
        within = cv2.distanceTransform(amodal.astype(np.uint8), cv2.DIST_L2, 5)
        soft = np.maximum(soft, np.clip(0.5 + within / (2 * _SEAM * pixel), 0, 1))
    else:
        # Enlarged without the white that they are mixed with at the rim.
        colours = at_home((made - 255 * (1 - alpha[..., None])).clip(0)) / np.maximum(soft, 1e-3)[..., None]
    shown = np.where(mask, soft_edged(amodal), np.where(amodal, soft, 0))
    near = cv2.distanceTransform((~(amodal & ~mask)).astype(np.uint8), cv2.DIST_L2, 3)
    own = (mask * np.clip(near / (_SEAM * pixel), 0, 1))[..., None]
    colours = own * image + (1 - own) * colours
    rgba = np.dstack([colours, shown * 255]).round().clip(0, 255).astype(np.uint8)
    return Whole(rgba, amodal, _likeness(made, small_image, small_mask))


def _carried(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """float32 H x W x 3: the colours of what is visible, carried everywhere. Its outermost pixels are mixed with what
    is around it."""
    trusted = eroded(mask, 2)
    return diffused(image, trusted if trusted.any() else mask)


def _without_rim(amodal: np.ndarray, mask: np.ndarray, rim: float) -> np.ndarray:
    """``amodal`` without strips of up to twice ``rim`` pixels along ``mask``, the part that is visible (bool H x W).
    Narrow things in front are another matter: gaps of the mask stay filled."""
    added = amodal & ~mask
    return mask | (added & (opened(added, rim) | closed(mask, rim)))


def _cover(made: np.ndarray) -> np.ndarray:
    """float S x S, 0 to 1: the share of each pixel of ``made`` that is object, whose colour is the one farthest from
    white that is near."""
    off = 255 - made.min(axis=2).astype(np.float32)
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _NEAR + 1, 2 * _NEAR + 1))
    colour = cv2.dilate(off, around).clip(0, _STRONG)
    return np.where(colour > _FAINT, off / np.maximum(colour, 1), 0).clip(0, 1)


def _likeness(made: np.ndarray, image: np.ndarray, mask: np.ndarray) -> float:
    visible = mask > 0
    off = np.abs(made[visible].astype(np.float32) - image[visible]).mean() / 255
    covered = float(not_white(made)[visible].mean())
    return float(np.clip(covered * (1 - 2 * off), 0, 1))
