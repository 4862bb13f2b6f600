"""The models of this installation: one card each, backend/models/FAMILY/card.toml or card_*.toml.

`cards` and `model_infos` read TOML only, so the gateway can use them; `load` imports the model's own code and is for
the worker.
"""

from __future__ import annotations

import functools
import importlib
import importlib.resources
from pathlib import Path
from typing import Any

from backend.hub.cards import Card, read_card
from backend.hub.installed import how_to_get, is_ready, ready_folder
from backend.hub.weights import read_weights, weights_path
from protocol.messages import LabelInfo, ModelInfo
from protocol.problems import ErrorCode, ProblemError


def read_cards(folder: Path) -> dict[str, Card]:
    """The cards in ``folder``/*/card.toml and card_*.toml by model name; ProblemError (INTERNAL) for a wrong card or a
    name twice."""
    found: dict[str, Card] = {}
    for path in sorted([*folder.glob("*/card.toml"), *folder.glob("*/card_*.toml")]):
        card = read_card(path)
        if card.name in found:
            raise ProblemError(
                ErrorCode.INTERNAL,
                f"Two model cards are named “{card.name}”.",
                f"Rename the one in {path.parent.name}/{path.name}.",
            )
        found[card.name] = card
    return found


@functools.cache
def cards() -> dict[str, Card]:
    """The cards of this installation by model name."""
    return read_cards(Path(str(importlib.resources.files("backend") / "models")))


def model_infos() -> list[ModelInfo]:
    """The catalogue's entries as they are now: a model whose files are missing is not ready, and says what to do."""
    infos = []
    for card in cards().values():
        missing = _missing(card)
        infos.append(
            ModelInfo(
                name=card.name,
                title=card.title,
                tasks=list(card.tasks),
                level=card.level,
                good_for=card.good_for,
                licence=card.licence,
                origin=card.origin,
                memory_bytes=card.memory_bytes,
                ready=not missing,
                missing=missing,
                **_labels(card),
            )
        )
    return infos


def _labels(card: Card) -> dict[str, Any]:
    """What the catalogue says of a model's labels."""
    if card.labels is None:
        return {}
    known = zip(card.labels.names, card.labels.colours, strict=True)
    infos = [LabelInfo(name, colour) for name, colour in known]
    return {"labels": infos, "label_size": card.labels.size, "draws": card.labels.draws}


def _missing(card: Card) -> str:
    """What to do before the model can be used, or an empty text."""
    if card.released is not None:
        return "" if is_ready(card.name) else how_to_get(card.name)
    if card.weights is not None and not weights_path(card.weights).is_file():
        return "Its weights are missing: install Wholeform's backend again."
    return ""


def find_card(name: str, task: str | None = None) -> Card:
    """The card of model ``name``; ProblemError (UNKNOWN_MODEL) when there is none or it cannot do ``task``."""
    able = sorted(card.name for card in cards().values() if task is None or task in card.tasks)
    if name in able:
        return cards()[name]
    what = f"The model “{name}” cannot do {task}." if name in cards() else f"There is no model “{name}”."
    raise ProblemError(ErrorCode.UNKNOWN_MODEL, what, f"This server has: {', '.join(able) or 'none for it'}.")


def load(name: str, device: str) -> Any:
    """Model ``name`` ready for use on ``device`` ("cpu", "cuda:0").

    ProblemError: UNKNOWN_MODEL, or MODEL_FAILED when its weights are missing or not those of its card; one that is
    fetched may not be there yet, which the hint says how to change.
    """
    return load_card(find_card(name), device)


def shipped_code() -> list[str]:
    """The modules that hold the models which come with Wholeform: importing them takes seconds, which the first job
    need not wait for."""
    return sorted({card.entry.partition(":")[0] for card in cards().values() if card.released is None})


def load_card(card: Card, device: str, folder: Path | None = None) -> Any:
    """The model of ``card`` ready for use on ``device``, its weights or converted files from ``folder`` in place of the
    installation's. ProblemError (MODEL_FAILED) when they are missing or weights are not those of the card. Converted
    files are looked at by their sizes alone; `wholeform models verify` reads them."""
    if card.released is not None and folder is None:
        folder = ready_folder(card.name)  # before the model's code is imported, which takes seconds
    module, _, function = card.entry.partition(":")
    entry = getattr(importlib.import_module(module), function)
    if card.released is not None:
        return entry(device, folder)
    return entry(device) if card.weights is None else entry(device, read_weights(card.weights, folder))
