"""A model's card: `backend/models/NAME/card.toml`, read and checked without importing anything heavy."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from protocol.problems import ErrorCode, ProblemError

LEVELS = ("classical", "starter", "released", "yours")

_NAME = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,63}")
_ENTRY = re.compile(r"backend\.models\.[a-z0-9_]+(\.[a-z0-9_]+)*:[a-z_][a-z0-9_]*")
_FILE = re.compile(r"[A-Za-z0-9_\-]+\.safetensors")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Weights:
    """The weight file of a model: its ``file`` name in backend/weights, SHA-256 of its bytes, licence and origin."""

    file: str
    sha256: str
    licence: str
    origin: str


@dataclass(frozen=True)
class Card:
    """What a card says. ``entry`` is "module:function", called as function(device) or, with weights,
    function(device, tensors). ``measured`` holds figures with how they were measured, for people."""

    name: str
    title: str
    tasks: tuple[str, ...]
    level: str
    good_for: str
    licence: str
    origin: str
    entry: str
    memory_bytes: int = 0
    weights: Weights | None = None
    measured: dict[str, Any] = field(default_factory=dict)


class _Reader:
    """Takes typed, required fields from one table of a card; every complaint names the file and the field."""

    def __init__(self, path: Path, table: dict[str, Any], where: str = "") -> None:
        self.path = path
        self.table = dict(table)
        self.where = where

    def fault(self, what: str, hint: str) -> ProblemError:
        place = f"{self.path.parent.name}/{self.path.name}"
        return ProblemError(ErrorCode.INTERNAL, f"The model card {place} {what}.", hint)

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        value = self.table.pop(key, default)
        if not isinstance(value, kind) or isinstance(value, bool) or (kind is str and not value):
            problem = "lacks" if value is None or value == "" else "has a wrong"
            raise self.fault(f"{problem} “{self.where}{key}”", f"Allowed: a {kind.__name__}, not empty.")
        return value

    def take_matching(self, key: str, pattern: re.Pattern[str]) -> str:
        value = self.take(key, str)
        if not pattern.fullmatch(value):
            raise self.fault(f"has “{self.where}{key}” = {value!r}", f"Allowed: text matching {pattern.pattern}.")
        return value

    def finish(self) -> None:
        if self.table:
            unknown = ", ".join(f"“{self.where}{key}”" for key in sorted(self.table))
            raise self.fault(f"has unknown fields: {unknown}", "Remove them or mend their spelling.")


def read_card(path: Path) -> Card:
    """The card in ``path``; ProblemError (INTERNAL) naming file and field when it is unreadable or wrong."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _Reader(path, {}).fault(f"cannot be read: {error}", "Mend the file.") from error
    reader = _Reader(path, table)
    tasks = reader.take("tasks", list)
    if not tasks or not all(isinstance(task, str) and task for task in tasks):
        raise reader.fault(f"has “tasks” = {tasks!r}", "Allowed: a list of task names, not empty.")
    level = reader.take("level", str)
    if level not in LEVELS:
        raise reader.fault(f"has “level” = {level!r}", f"Allowed: {', '.join(LEVELS)}.")
    weights = reader.table.pop("weights", None)
    card = Card(
        name=reader.take_matching("name", _NAME),
        title=reader.take("title", str),
        tasks=tuple(tasks),
        level=level,
        good_for=reader.take("good_for", str),
        licence=reader.take("licence", str),
        origin=reader.take("origin", str),
        entry=reader.take_matching("entry", _ENTRY),
        memory_bytes=reader.take("memory_bytes", int, 0),
        weights=None if weights is None else _read_weights(path, weights),
        measured=reader.take("measured", dict, {}),
    )
    reader.finish()
    return card


def _read_weights(path: Path, table: Any) -> Weights:
    if not isinstance(table, dict):
        raise _Reader(path, {}).fault("has “weights” that is no table", "Write it as [weights].")
    reader = _Reader(path, table, "weights.")
    weights = Weights(
        file=reader.take_matching("file", _FILE),
        sha256=reader.take_matching("sha256", _SHA256),
        licence=reader.take("licence", str),
        origin=reader.take("origin", str),
    )
    reader.finish()
    return weights
