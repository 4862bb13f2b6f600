"""Which seeds belong to training, validation and held-out: never a scene, nor an object in it, in two of them."""

from __future__ import annotations

from protocol.problems import ErrorCode, ProblemError

SPLITS = ("train", "val", "held-out")

_LENGTH = 1 << 40  # seeds a split
_RUN = 1 << 20  # cases that one run may take before the next run's begin


def seed_of(split: str, seed: int, index: int) -> int:
    """The seed of case ``index`` of run ``seed`` in ``split``. Other runs have other cases, equally hard.

    ProblemError (BAD_PARAMETER) for an unknown split or a negative number.
    """
    if split not in SPLITS:
        raise ProblemError(ErrorCode.BAD_PARAMETER, f"There is no split “{split}”.", f"Allowed: {', '.join(SPLITS)}.")
    if seed < 0 or index < 0:
        raise ProblemError(
            ErrorCode.BAD_PARAMETER, f"Seed {seed} and index {index} do not go together.", "Allowed: 0 and up."
        )
    return SPLITS.index(split) * _LENGTH + (seed * _RUN + index) % _LENGTH


def split_of(seed: int) -> str:
    """The split that a scene's seed belongs to; ProblemError (BAD_PARAMETER) for one that belongs to none."""
    number = seed // _LENGTH
    if not 0 <= number < len(SPLITS):
        raise ProblemError(
            ErrorCode.BAD_PARAMETER, f"Seed {seed} is out of range.", f"Allowed: 0 to {len(SPLITS) * _LENGTH - 1}."
        )
    return SPLITS[number]
