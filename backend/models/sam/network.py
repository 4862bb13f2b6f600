"""The two halves of the network: one long look at the picture, and a quick answer to each prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from backend.models.sam.embeddings import Embedding
from backend.models.sam.families import Family


@dataclass(frozen=True)
class Question:
    """B prompts about one picture, in pixels of the network's square: ``points`` float32 B x N x 2 with ``labels``
    int64 B x N (1 on the object, 0 off it), ``boxes`` float32 B x 4; one of the two may be None."""

    points: np.ndarray | None
    labels: np.ndarray | None
    boxes: np.ndarray | None


class SamNetwork:
    """A transformers model of ``family`` on ``device``. With ``half`` its image encoder, where nearly all time goes,
    computes in that dtype; prompts stay in float32, whose positions half precision would blur."""

    def __init__(self, model: Any, family: Family, device: str, half: torch.dtype | None = None) -> None:
        self.family = family
        self.side = int(model.config.prompt_encoder_config.image_size)
        self._device = device
        self._half = half
        self._model = model.eval().to(device)
        if half is not None:
            self._model.vision_encoder.to(half)

    @torch.inference_mode()
    def encode(self, pixels: np.ndarray) -> Embedding:
        """What the encoder sees in ``pixels`` (float32 1 x 3 x side x side): one map, or from fine to coarse."""
        given = torch.from_numpy(pixels).to(self._device, self._half or torch.float32)
        with torch.autocast(torch.device(self._device).type, self._half, enabled=self._half is not None):
            found = self._model.get_image_embeddings(given)
        return (found,) if isinstance(found, torch.Tensor) else tuple(found)

    @torch.inference_mode()
    def decode(self, embedding: Embedding, question: Question, several: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Masks as logits in the square, float32 B x K x h x w, and the IoU that the network expects of each, float32
        B x K. ``several``: K = 3 readings of an ambiguous prompt; otherwise K = 1."""
        maps = [each.float() for each in embedding]
        found = self._model(
            image_embeddings=maps[0] if len(maps) == 1 else maps,
            input_points=self._given(question.points),
            input_labels=self._given(question.labels),
            input_boxes=self._given(question.boxes),
            multimask_output=several,
        )
        return found.pred_masks[0].float(), found.iou_scores[0].float()

    def _given(self, array: np.ndarray | None) -> torch.Tensor | None:
        return None if array is None else torch.from_numpy(array)[None].to(self._device)
