"""What the parity tests of all metrics share: finding the recorded files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def recorded(golden: Path, pattern: str) -> list[Path]:
    """Every file of the kind; where there is none the test is skipped."""
    found = sorted(golden.glob(pattern))
    if not found:
        pytest.skip(f"no {pattern} in {golden}")
    return found


def unpacked(bits: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """bool N x H x W from `packbits` of an array whose last two axes are H x W."""
    size = tuple(int(each) for each in shape)
    return np.unpackbits(bits)[: int(np.prod(size))].reshape(-1, *size[-2:]).astype(bool)


def told(golden: Path, system: str) -> dict[str, Any]:
    """What the files of ``system`` leave to their README: from a parity.json that the folder brings, and where that
    says nothing from ours."""
    facts = json.loads(Path(__file__).with_name("parity.json").read_text("utf-8"))[system]
    shared, own = golden / "parity.json", golden / system / "parity.json"
    if own.is_file():
        return facts | json.loads(own.read_text("utf-8"))
    if shared.is_file():
        return facts | json.loads(shared.read_text("utf-8")).get(system, {})
    return facts
