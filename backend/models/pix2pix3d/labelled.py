"""A data set of labelled pictures as the networks take it."""

from __future__ import annotations

import functools

import cv2
import numpy as np
import torch
from torch import Tensor

from backend.datasets.eg3d import LabelledView, LabelledViews
from backend.models.pix2pix3d.cameras import numbers_of
from backend.models.pix2pix3d.config import Config
from backend.models.pix2pix3d.pictures import drawing_values
from protocol.problems import ErrorCode, ProblemError


class LabelledPictures:
    """``views`` at the sizes of ``config``, the last ``judged`` kept for scores: a ValueError if that leaves none."""

    def __init__(self, views: LabelledViews, config: Config, judged: int) -> None:
        self._views = views
        self._config = config
        self.judged = judged
        if len(views) <= judged:
            raise ValueError(f"has {len(views)} pictures, and {judged} of them are to be kept for scores")

    def __len__(self) -> int:
        """How many there are to learn from."""
        return len(self._views) - self.judged

    @functools.cached_property
    def cameras(self) -> Tensor:
        """float32 N x 25: of all that is learned from."""
        # Their world is the field's own, so nothing is scaled.
        return numbers_of(self._views.cameras[: len(self)], 1.0)

    def example(self, index: int) -> dict[str, Tensor]:
        """ "image" float32 3 x P x P from -1 to 1, "labels" as `Generator.forward` takes them but for the batch, and
        "camera" float32 25, of picture ``index``; those from `len` on are the ones kept for scores. ProblemError
        (BAD_INPUT) naming a picture that is not square."""
        view = self._views[index]
        height, width = view.image.shape[:2]
        if height != width:
            what = f"The picture {view.name} of the data set has {width} x {height} pixels."
            raise ProblemError(ErrorCode.BAD_INPUT, what, "Crop all pictures and label maps to squares.")
        side = self._config.picture_size
        smaller = cv2.INTER_AREA if side < height else cv2.INTER_LINEAR
        image = view.image if side == height else cv2.resize(view.image, (side, side), interpolation=smaller)
        return {
            "image": torch.from_numpy(image.astype(np.float32) / 127.5 - 1).permute(2, 0, 1),
            "labels": self._labels(view),
            "camera": numbers_of([view.camera], 1.0)[0],
        }

    def _labels(self, view: LabelledView) -> Tensor:
        side = self._config.map_size
        labels = view.labels
        if labels.shape != (side, side):
            labels = cv2.resize(labels, (side, side), interpolation=cv2.INTER_NEAREST)
        if self._config.draws:
            return torch.from_numpy(drawing_values(labels))[None]
        return torch.from_numpy(labels.astype(np.int64))
