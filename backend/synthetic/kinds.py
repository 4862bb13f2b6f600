"""The kinds of things that an artist paints the parts of: families of synthetic objects, their parts as labels, and the
cameras they are seen by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from backend.fields.cameras import from_numbers
from backend.fields.poses import on_sphere, vertical_of
from backend.fields.rays import camera_label
from protocol.values import Camera

_HOME = (40.0, 15.0)  # degrees: turn and elevation


@dataclass(frozen=True)
class Kind:
    """``families``, each as often; ``parts``: the label that each of their parts is painted with. Cameras stand at
    ``radius`` from the middle of the cube, between ``lowest`` and ``highest`` degrees of elevation."""

    families: tuple[str, ...]
    labels: tuple[str, ...]
    parts: Mapping[str, str] = field(hash=False)
    radius: float
    focal: float
    lowest: float
    highest: float

    def family_of(self, seed: int) -> str:
        return self.families[seed % len(self.families)]

    @property
    def home(self) -> Camera:
        """Through which label maps are painted unless told otherwise: from the front left, a little above."""
        return from_numbers(self.cameras(*(np.radians([angle]) for angle in _HOME))[0])

    def label_of(self, part: str) -> int:
        return self.labels.index(self.parts[part])

    def drawn_cameras(self, random: np.random.Generator, count: int) -> np.ndarray:
        """float32 count x 25, from all around."""
        turn = random.uniform(0, 2 * np.pi, count)
        rise = np.radians(random.uniform(self.lowest, self.highest, count))
        return self.cameras(turn, rise)

    def cameras(self, turn: np.ndarray, rise: np.ndarray) -> np.ndarray:
        """float32 N x 25: ``turn`` from the front to the object's left, ``rise`` above the horizon, both radians."""
        numbers = [torch.from_numpy(np.asarray(each, np.float32)) for each in (np.pi / 2 + turn, vertical_of(rise))]
        poses = on_sphere(numbers[0], numbers[1], torch.zeros(3), self.radius)
        lens = torch.tensor([[self.focal, 0, 0.5], [0, self.focal, 0.5], [0, 0, 1]])
        return camera_label(poses, lens.expand(len(poses), 3, 3)).numpy()


KINDS: dict[str, Kind] = {
    "seg2vehicle": Kind(
        families=("car", "truck"),
        labels=("background", "body", "window", "load", "chassis", "wheel"),
        parts={
            "body": "body",
            "cabin": "body",
            "lamp": "body",
            "cab": "body",
            "window": "window",
            "box": "load",
            "bumper": "chassis",
            "chassis": "chassis",
            "grille": "chassis",
            "wheel": "wheel",
            "hub": "wheel",
        },
        radius=2.2,
        focal=1.75,
        lowest=-5.0,
        highest=40.0,
    )
}
