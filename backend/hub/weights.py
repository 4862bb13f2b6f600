"""Weight files: found, checked against the SHA-256 of their card, and read as safetensors, which hold numbers only."""

from __future__ import annotations

import hashlib
import importlib.resources
from pathlib import Path
from typing import Any

from backend.hub.cards import Weights
from protocol.problems import ErrorCode, ProblemError


def weights_path(weights: Weights) -> Path:
    """Where the file lies in this installation, whether it is there or not."""
    return Path(str(importlib.resources.files("backend") / "weights" / weights.file))


def read_weights(weights: Weights, folder: Path | None = None) -> dict[str, Any]:
    """The file's tensors (torch, on the CPU, in the file's dtypes) by name.

    ``folder`` replaces the installation's own. ProblemError (MODEL_FAILED) when the file is missing, is not the one
    that the card names, or is no safetensors file; nothing of a wrong file is parsed.
    """
    path = weights_path(weights) if folder is None else folder / weights.file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ProblemError(
            ErrorCode.MODEL_FAILED, f"The weights {weights.file} are missing.", "Install Wholeform's backend again."
        ) from error
    if hashlib.sha256(content).hexdigest() != weights.sha256:
        raise ProblemError(
            ErrorCode.MODEL_FAILED,
            f"The weights {weights.file} are not those that the model's card names.",
            "The file is damaged or was replaced: install Wholeform's backend again.",
        )
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(content)
    except SafetensorError as error:
        raise ProblemError(
            ErrorCode.MODEL_FAILED, f"The weights {weights.file} cannot be read: {error}.", "Make the file again."
        ) from error
