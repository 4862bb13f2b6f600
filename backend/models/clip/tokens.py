"""CLIP's tokenizer, from the two files that define it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from protocol.problems import ErrorCode, ProblemError

VOCABULARY = "vocab.json"
MERGES = "merges.txt"
_MARKS = ("<|startoftext|>", "<|endoftext|>")


def _reject(path: Path, what: str) -> ProblemError:
    hint = "Use the vocab.json and merges.txt published beside the weights."
    return ProblemError(ErrorCode.MODEL_FAILED, f"{path.name} {what}.", hint)


def read_tokenizer(vocabulary: Path, merges: Path, words: int) -> Any:
    """transformers' CLIPTokenizer of ``vocabulary`` (a JSON object, piece to number) and ``merges`` (a pair a line),
    for a network that knows ``words`` pieces. ProblemError (MODEL_FAILED) when the files do not fit it or each other.
    """
    numbers = _read_vocabulary(vocabulary)
    if sorted(numbers.values()) != list(range(words)):
        raise _reject(vocabulary, f"does not number {words} pieces, one each")
    if missing := [mark for mark in _MARKS if mark not in numbers]:
        raise _reject(vocabulary, f"lacks {' and '.join(missing)}")
    pairs = _read_merges(merges)
    known = numbers.keys()
    if strange := next((f"{a} {b}" for a, b in pairs if not {a, b, a + b} <= known), None):
        raise _reject(merges, f"joins pieces that {vocabulary.name} does not have: {strange!r:.80}")
    from transformers import CLIPTokenizer

    return CLIPTokenizer(vocab=numbers, merges=pairs)  # type: ignore[arg-type]


def _read_vocabulary(path: Path) -> dict[str, int]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _reject(path, f"cannot be read as JSON ({error})") from error
    if not isinstance(found, dict) or not all(type(number) is int for number in found.values()):
        raise _reject(path, "is no table from pieces of words to numbers")
    return found


def _read_merges(path: Path) -> list[tuple[str, str]]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _reject(path, f"cannot be read ({error})") from error
    rows = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]
    if any(len(row) != 2 for row in rows):
        raise _reject(path, "has a line that is no pair of pieces")
    return [(row[0], row[1]) for row in rows]
