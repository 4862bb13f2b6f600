"""CLIP: how well each of some labels fits a picture (Radford et al., "Learning Transferable Visual Models From
Natural Language Supervision", 2021, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from backend.models.clip.pictures import alone, normalised, photo
from backend.models.clip.tokens import MERGES, VOCABULARY, read_tokenizer
from backend.nn import pretrained

SENTENCE = "a photo of a {}."
_AT_ONCE = 64  # sentences, which bounds memory; between them a job can be cancelled


class ClipRecogniser:
    """Says which label fits. With ``half`` the network computes in that dtype."""

    def __init__(self, model: Any, tokenizer: Any, device: str, half: torch.dtype | None = None) -> None:
        self._model = model.eval().to(device, half or torch.float32)
        self._tokenizer = tokenizer
        self._device = device
        self._dtype = half or torch.float32
        self.side = int(model.config.vision_config.image_size)
        self._length = int(model.config.text_config.max_position_embeddings)
        self._said: tuple[list[str], torch.Tensor] | None = None  # the last labels, which often come again

    def recognise(self, image: np.ndarray, alpha: np.ndarray | None, labels: Sequence[str], context: Any) -> np.ndarray:
        """Probabilities of ``labels`` (float32, one each, sum 1) for ``image`` (uint8 H x W x 3).

        With ``alpha`` (uint8 H x W, not all 0) it is the object there, alone on white, that is looked at. Each label
        stands in the sentence "a photo of a LABEL."; longer ones than the network reads are cut. The probabilities
        are softmax(exp(t) cos) over the labels, with the learned temperature t and the cosines between picture and
        sentences: they say which label fits best, not whether any does. ``context`` offers check().
        """
        context.check()
        shown = photo(image, self.side) if alpha is None else alone(image, alpha, self.side)
        seen = self._of_picture(shown)
        if self._said is None or self._said[0] != list(labels):
            said = []
            for start in range(0, len(labels), _AT_ONCE):
                context.check()
                said.append(self._of_texts([SENTENCE.format(label) for label in labels[start : start + _AT_ONCE]]))
            self._said = list(labels), torch.cat(said)
        scale = self._model.logit_scale.detach().float().exp()
        return torch.softmax(scale * (self._said[1] @ seen), dim=0).cpu().numpy()

    @torch.inference_mode()
    def _of_picture(self, shown: np.ndarray) -> torch.Tensor:
        pixels = torch.from_numpy(normalised(shown)).to(self._device, self._dtype)
        return torch.nn.functional.normalize(self._model.get_image_features(pixels).pooler_output.float(), dim=-1)[0]

    @torch.inference_mode()
    def _of_texts(self, sentences: list[str]) -> torch.Tensor:
        tokens = self._tokenizer(
            sentences, padding=True, truncation=True, max_length=self._length, return_tensors="pt"
        ).to(self._device)
        found = self._model.get_text_features(tokens["input_ids"], tokens["attention_mask"]).pooler_output
        return torch.nn.functional.normalize(found.float(), dim=-1)


def load(device: str, folder: Path) -> ClipRecogniser:
    """The model that checkpoint.py wrote into ``folder``, on ``device``: half precision on a GPU, float32 on a CPU.
    ProblemError (MODEL_FAILED) when its files are not what they should be."""
    from transformers import CLIPModel

    model = pretrained.load(CLIPModel, folder)
    tokenizer = read_tokenizer(folder / VOCABULARY, folder / MERGES, model.config.text_config.vocab_size)
    return ClipRecogniser(model, tokenizer, device, torch.float16 if device.startswith("cuda") else None)
