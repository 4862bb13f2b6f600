"""Points and boxes as typed on the command line."""

from __future__ import annotations

from protocol.problems import ErrorCode, ProblemError


def _numbers(text: str, counts: tuple[int, ...], example: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in counts:
        raise ProblemError(ErrorCode.BAD_PARAMETER, f"“{text}” is not understood.", f"Write it like {example}.")
    return numbers


def parse_points(texts: list[str]) -> list[list[float]]:
    """[[x, y, label]] from "X,Y" or "X,Y,LABEL" texts. ProblemError (BAD_PARAMETER) otherwise."""
    return [[*_numbers(text, (2, 3), "--point 420,310"), 1.0][:3] for text in texts]


def parse_box(text: str | None) -> list[float] | None:
    """[x0, y0, x1, y1] from "X0,Y0,X1,Y1". ProblemError (BAD_PARAMETER) otherwise."""
    return None if text is None else _numbers(text, (4,), "--box 120,80,460,390")
