"""Amounts of memory as people write them."""

from __future__ import annotations

import re

from protocol.problems import ErrorCode, ProblemError

_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


def read_size(text: str) -> int:
    """Bytes of "6GB", "5.5 GiB", "800 MB" or "800000000". ProblemError (BAD_PARAMETER) for anything else, and 0."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]i?)?b?", text.strip().lower())
    size = int(float(match[1]) * _FACTORS[match[2] or ""]) if match else 0
    if not size:
        raise ProblemError(ErrorCode.BAD_PARAMETER, f"“{text}” is no amount of memory.", "Write it so: 6GB, 800MB.")
    return size
