"""How examples are taken from scenes: several from each, as making one takes long, and several scenes in turn, so that
a batch sees many."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

_SPARE = 1 << 18  # between a scene and those that no other example begins with


@dataclass(frozen=True)
class Turns:
    """``per_scene`` examples from each scene, while ``scenes`` of them take turns."""

    per_scene: int
    scenes: int

    def scene_of(self, index: int) -> int:
        """The number of the scene that example ``index`` is taken from."""
        return self.first_of_turn(index) + index % self.scenes

    def numbers(self, index: int) -> Iterator[int]:
        """The number of that scene, then of others without end, for where it shows nothing to learn from."""
        return itertools.count(self.scene_of(index), _SPARE)

    def first_of_turn(self, index: int) -> int:
        """The number of the first of the scenes that take turns with that of example ``index``."""
        return index // (self.per_scene * self.scenes) * self.scenes

    def first_example(self, number: int) -> int:
        """The index of the first example of scene ``number``."""
        return number // self.scenes * self.scenes * self.per_scene + number % self.scenes
