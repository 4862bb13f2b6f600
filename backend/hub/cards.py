"""A model's card: `backend/models/FAMILY/card*.toml`, read and checked without importing anything heavy."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from protocol.problems import ErrorCode, ProblemError
from protocol.values import MAX_SIDE

LEVELS = ("classical", "starter", "released", "yours")

_NAME = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,63}")
_ENTRY = re.compile(r"backend\.models\.[a-z0-9_]+(\.[a-z0-9_]+)*:[a-z_][a-z0-9_]*")
_FILE = re.compile(r"[A-Za-z0-9_\-]+\.safetensors")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CONVERT = re.compile(r"backend\.models\.[a-z0-9_]+(\.[a-z0-9_]+)*:convert")
_SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_=+.\-]{0,127}")
# Not every source has a known SHA-256, so nobody on the way may change it.
_URL = re.compile(r"https://[^\s/]+/\S+")
_LABELS = (("size", int, None), ("names", list, []), ("colours", list, []))


@dataclass(frozen=True)
class Weights:
    """The weight file of a model: its ``file`` name in backend/weights, SHA-256 of its bytes, licence and origin."""

    file: str
    sha256: str
    licence: str
    origin: str


@dataclass(frozen=True)
class Source:
    """A file that the authors of a model offer at ``url``: ``file`` is its name, ``size`` in bytes is 0 and ``sha256``
    empty where they are not known."""

    file: str
    url: str
    size: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class Released:
    """Weights that are fetched and then converted by ``convert``, "module:function", called as
    function(sources: dict[str, Path], folder: Path, report: Callable[[float], None]); what it makes takes
    ``stored_bytes``. ``licence_summary`` is what a person is asked to accept."""

    convert: str
    licence_summary: str
    licence_url: str
    stored_bytes: int
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Labels:
    """What a model makes objects from: label maps of ``size`` pixels a side whose ids are the places in ``names``, the
    background first, shown in ``colours`` (sRGB); or, where it ``draws``, drawings, and there are no names."""

    size: int
    names: tuple[str, ...] = ()
    colours: tuple[tuple[int, int, int], ...] = ()
    draws: bool = False


@dataclass(frozen=True)
class Card:
    """What a card says. ``entry`` is "module:function", called as function(device); with weights, as
    function(device, tensors); released, as function(device, folder) with the folder of the converted files.
    ``family`` is the folder of the model's code, with "-" for "_"; ``labels`` is what it makes objects from, where it
    does; ``measured`` holds figures with how they were measured, for people."""

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
    released: Released | None = None
    family: str = ""
    labels: Labels | None = None
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

    def take_bytes(self, key: str, default: int | None = None) -> int:
        value = self.take(key, int, default)
        if value < 0:
            raise self.fault(f"has “{self.where}{key}” = {value}", "Allowed: a number of bytes, not negative.")
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
    released = reader.table.pop("released", None)
    labels = reader.table.pop("labels", None)
    if weights is not None and released is not None:
        raise reader.fault("has both “weights” and “released”", "Weights either come with Wholeform or are fetched.")
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
        released=None if released is None else _read_released(path, released),
        family=path.parent.name.replace("_", "-"),
        labels=None if labels is None else _read_labels(path, labels),
        measured=reader.take("measured", dict, {}),
    )
    reader.finish()
    return card


def _table(path: Path, name: str, table: Any) -> _Reader:
    if not isinstance(table, dict):
        raise _Reader(path, {}).fault(f"has “{name}” that is no table", f"Write it as [{name}].")
    return _Reader(path, table, f"{name}.")


def _read_weights(path: Path, table: Any) -> Weights:
    reader = _table(path, "weights", table)
    weights = Weights(
        file=reader.take_matching("file", _FILE),
        sha256=reader.take_matching("sha256", _SHA256),
        licence=reader.take("licence", str),
        origin=reader.take("origin", str),
    )
    reader.finish()
    return weights


def _read_labels(path: Path, table: Any) -> Labels:
    reader = _table(path, "labels", table)
    size, names, colours = (reader.take(key, kind, default) for key, kind, default in _LABELS)
    draws = reader.table.pop("draws", False)
    reader.finish()
    if not 1 <= size <= MAX_SIDE:
        raise reader.fault(f"has “labels.size” = {size}", f"Allowed: 1 to {MAX_SIDE:,} pixels.")
    if not isinstance(draws, bool) or draws == bool(names):
        raise reader.fault("has both or neither of “labels.names” and “labels.draws”", "Allowed: one of them.")
    if not all(isinstance(name, str) and 1 <= len(name) <= 64 for name in names) or len(set(names)) < len(names):
        raise reader.fault(f"has “labels.names” = {names!r}", "Allowed: texts of 1 to 64 characters, all different.")
    if len(colours) != len(names) or not all(_is_colour(colour) for colour in colours):
        raise reader.fault("has wrong “labels.colours”", "Allowed: [red, green, blue] of 0 to 255, one a name.")
    return Labels(size, tuple(names), tuple((red, green, blue) for red, green, blue in colours), draws)


def _is_colour(colour: Any) -> bool:
    return isinstance(colour, list) and len(colour) == 3 and all(type(n) is int and 0 <= n <= 255 for n in colour)


def _read_released(path: Path, table: Any) -> Released:
    reader = _table(path, "released", table)
    sources = tuple(_read_source(path, each) for each in reader.take("sources", list))
    if not sources or len({source.file for source in sources}) < len(sources):
        raise reader.fault("has no sources or two of one name", "Write each as [[released.sources]].")
    released = Released(
        convert=reader.take_matching("convert", _CONVERT),
        licence_summary=reader.take("licence_summary", str),
        licence_url=reader.take_matching("licence_url", _URL),
        stored_bytes=reader.take_bytes("stored_bytes"),
        sources=sources,
    )
    reader.finish()
    return released


def _read_source(path: Path, table: Any) -> Source:
    reader = _table(path, "released.sources", table)
    known = bool(reader.table.get("sha256"))
    if not known:
        reader.table.pop("sha256", None)
    source = Source(
        file=reader.take_matching("file", _SOURCE),
        url=reader.take_matching("url", _URL),
        size=reader.take_bytes("size", 0),
        sha256=reader.take_matching("sha256", _SHA256) if known else "",
    )
    reader.finish()
    return source
