"""Python reads this first where this folder is on its path: a server started so has one more model, of exact balls."""

from __future__ import annotations

from typing import Any

from backend.hub import registry
from backend.hub.cards import Card, Labels

NAME = "balls"
# Those of tests.unit.tiny_labelled, which takes long to import and is for the worker alone.
LABELS = ("background", "body", "window", "wheel")
COLOURS = ((255, 255, 255), (204, 0, 0), (76, 153, 0), (51, 51, 255))
_CARD = Card(
    name=NAME,
    title="Balls",
    tasks=("synthesize", "edit"),
    level="starter",
    good_for="One ball a part.",
    licence="Apache-2.0",
    origin="tests",
    entry=f"{__name__}:load",
    labels=Labels(64, LABELS, COLOURS),
)
_shipped = registry.cards


def load(device: str) -> Any:
    """The model; it needs no device."""
    from tests.unit.tiny_labelled import Balls

    del device
    return Balls()


def cards() -> dict[str, Card]:
    """Those that are shipped, and this one."""
    return {**_shipped(), NAME: _CARD}


registry.cards = cards
