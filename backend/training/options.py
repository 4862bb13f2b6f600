"""Tables of a TOML file as frozen dataclasses: every field checked against its annotation."""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from protocol.problems import ErrorCode, ProblemError

T = TypeVar("T")

_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", dict: "a table"}


@dataclass(frozen=True)
class Range:
    """For ``Annotated[int, Range(1, 9)]``: the least and the most that are allowed."""

    least: float
    most: float


def fault(file: Path, field: str, what: str, hint: str) -> ProblemError:
    """The problem (BAD_PARAMETER) that ``field`` of ``file`` is."""
    return ProblemError(ErrorCode.BAD_PARAMETER, f"{file}: “{field}” {what}.", hint)


def read_options(kind: type[T], table: dict[str, Any], file: Path, where: str = "", /, **given: Any) -> T:
    """A ``kind`` (a dataclass) with the fields of ``table``; ``given`` fields are the caller's and not the table's.

    A field's annotation says what is allowed: int, float, str, bool, dict, Path, Literal, tuple[X, ...], and
    Annotated[X, Range(least, most)]. ``where`` ("data.") goes before names in messages. ProblemError (BAD_PARAMETER)
    naming file and field when a field is unknown, missing, of another type or out of range.
    """
    known = {field.name: field for field in fields(kind) if field.name not in given}  # type: ignore[arg-type]
    hints = get_type_hints(kind, include_extras=True)
    for name in table:
        if name not in known:
            raise fault(file, where + name, "is no known field", f"Known: {', '.join(sorted(known)) or 'none'}.")
    values: dict[str, Any] = {}
    for name, field in known.items():
        if name in table:
            values[name] = _checked(table[name], hints[name], file, where + name)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise fault(file, where + name, "is missing", f"Allowed: {_allowed(hints[name])}.")
    return kind(**values, **given)


def _checked(value: Any, hint: Any, file: Path, name: str) -> Any:
    wrong = fault(file, name, f"is {value!r}", f"Allowed: {_allowed(hint)}.")
    if get_origin(hint) is Annotated:
        base, limits = get_args(hint)
        value = _checked(value, base, file, name)
        if not limits.least <= value <= limits.most:
            raise wrong
        return value
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise wrong
        return value
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise wrong
        return tuple(_checked(item, get_args(hint)[0], file, f"{name}[{k}]") for k, item in enumerate(value))
    kind = get_origin(hint) or hint
    if kind is Path and isinstance(value, str) and value:
        return Path(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    # bool is a kind of int for Python, not for people.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise wrong
    if isinstance(value, float) and not math.isfinite(value):
        raise wrong
    return value


def _allowed(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        base, limits = get_args(hint)
        return f"{_allowed(base)} from {limits.least:g} to {limits.most:g}"
    if get_origin(hint) is Literal:
        return ", ".join(f"“{choice}”" for choice in get_args(hint))
    if get_origin(hint) is tuple:
        return f"a list, each {_allowed(get_args(hint)[0])}"
    kind = get_origin(hint) or hint
    return _WORDS.get(kind, "a path" if kind is Path else str(kind))
