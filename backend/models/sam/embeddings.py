"""What the image encoder saw, kept by the content of the picture, so that a further click need not look again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import numpy as np
import torch

Embedding = tuple[torch.Tensor, ...]


def content_key(image: np.ndarray) -> str:
    """SHA-256 of the size and the pixels of ``image`` (uint8 H x W x 3)."""
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


class EmbeddingCache:
    """Keeps embeddings of at most ``limit`` bytes in all; those not used for longest go first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, Embedding] = OrderedDict()
        self.nbytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str) -> Embedding | None:
        """What was kept under ``key``, which now counts as used last."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: str, embedding: Embedding) -> None:
        """Keep ``embedding``, unless it alone exceeds the limit."""
        size = _bytes(embedding)
        if key in self._kept or size > self._limit:
            return
        self._kept[key] = embedding
        self.nbytes += size
        while self.nbytes > self._limit:
            self.nbytes -= _bytes(self._kept.popitem(last=False)[1])


def _bytes(embedding: Embedding) -> int:
    return sum(each.nbytes for each in embedding)
