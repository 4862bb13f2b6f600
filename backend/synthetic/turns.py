"""How examples are taken from scenes: several from each, as making one takes long, and several scenes in turn, so that
a batch sees many."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Turns:
    """``per_scene`` examples from each scene, while ``scenes`` of them take turns."""

    per_scene: int
    scenes: int

    def scene_of(self, index: int) -> int:
        """The number of the scene that example ``index`` is taken from."""
        return self.first_of_turn(index) + index % self.scenes

    def first_of_turn(self, index: int) -> int:
        """The number of the first of the scenes that take turns with that of example ``index``."""
        return index // (self.per_scene * self.scenes) * self.scenes

    def first_example(self, number: int) -> int:
        """The index of the first example of scene ``number``."""
        return number // self.scenes * self.scenes * self.per_scene + number % self.scenes
