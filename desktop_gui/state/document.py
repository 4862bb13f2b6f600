"""The picture in work: pixels, prompts, mask and result."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from protocol import Image, Mask

from .prompts import PromptHistory, Prompts
from .results import Result


@dataclass(frozen=True, eq=False)
class Picture:
    """An opened picture. ``name`` is the file's stem, by which exports are called."""

    name: str
    path: Path | None
    image: Image

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.width, self.image.height

    @property
    def pixels(self) -> np.ndarray:
        """uint8, H x W x 3."""
        return self.image.rgb


@dataclass
class Document:
    """``mask`` answers ``prompts`` unless ``mask_stale``; ``result`` is what is shown of the jobs' results."""

    picture: Picture
    prompts: PromptHistory = field(default_factory=PromptHistory)
    mask: Mask | None = None
    mask_stale: bool = False
    result: Result | None = None
    result_prompts: Prompts | None = None  # those that `result` answers
    job_id: str = ""  # the job that works on this picture now, or that gave the result

    @property
    def result_answers(self) -> bool:
        """Whether `result` is of the object that the prompts point at, and not of one pointed at before."""
        return self.result is not None and self.result_prompts == self.prompts.current


def safe_name(text: str) -> str:
    """``text`` as a file name's stem on every system; "picture" when nothing is left."""
    return re.sub(r"[^\w\-. ]+", "_", text).strip(" ._") or "picture"
