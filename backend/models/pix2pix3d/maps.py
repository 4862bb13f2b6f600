"""Label maps as people give them, to the square of ids that a network takes."""

from __future__ import annotations

import numpy as np

from protocol.problems import ErrorCode, ProblemError

_NAMED = 8  # ids in a message


def checked_map(ids: np.ndarray, labels: tuple[str, ...], side: int) -> np.ndarray:
    """int64 ``side`` x ``side`` of ``ids`` (integers H x W): set into the middle of a square of background, and its
    nearest pixels. ProblemError (BAD_INPUT) when it has ids that there is no label for, or background alone."""
    unknown = np.unique(ids[ids >= len(labels)])
    if len(unknown):
        named = ", ".join(str(n) for n in unknown[:_NAMED]) + (", …" if len(unknown) > _NAMED else "")
        known = ", ".join(f"{number} {name}" for number, name in enumerate(labels))
        raise ProblemError(
            ErrorCode.BAD_INPUT, f"The label map has ids that this model does not know: {named}.", f"Allowed: {known}."
        )
    if not ids.any():
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            "The label map is empty: all of it is background.",
            f"Paint some of these: {', '.join(labels[1:])}.",
        )
    height, width = ids.shape
    longest = max(height, width)
    top, left = (longest - height) // 2, (longest - width) // 2
    # Straight from the map, so that a huge one is never copied whole.
    at = ((np.arange(side) + 0.5) * longest / side).astype(np.int64)
    rows, columns = at - top, at - left
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))[None, :]
    picked = ids[rows.clip(0, height - 1)[:, None], columns.clip(0, width - 1)[None, :]]
    found = np.where(inside, picked, 0).astype(np.int64)
    if not found.any():
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"What is painted on the label map is too small: at {side} x {side} pixels nothing of it is left.",
            "Paint it larger.",
        )
    return found
