"""Task `recognize`: which of some words fits the object best."""

from __future__ import annotations

from typing import Any

import numpy as np

from backend.pipelines.context import Context
from backend.pipelines.reconstruct import check_sizes
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Array, Image, Mask

MAX_LABELS = 1000


def run(context: Context, inputs: dict[str, Any], parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Info: the model, the ``labels`` best first, and the ``scores``, their probabilities.

    ProblemError: BAD_PARAMETER when there are no labels, BAD_INPUT when there is nothing to look at, UNKNOWN_MODEL or
    MODEL_FAILED when the model is not installed, with how to pull it.
    """
    labels = read_labels(parameters["labels"])
    image, alpha = _shown(inputs["image"], inputs.get("mask"), inputs.get("completed"))
    name = parameters["model"]
    context.stage("recognize", 1, "Comparing the picture with the words")
    found = _model(context, name).recognise(image, alpha, labels, context)
    context.step(1)
    order = np.argsort(-found, kind="stable")
    info = {"labels": [labels[number] for number in order], "scores": [round(float(found[n]), 6) for n in order]}
    return {"probabilities": Array(found[order])}, {"models": {"recognize": name}, **info}


def read_labels(text: str) -> list[str]:
    """The words between commas or line ends, each once. ProblemError (BAD_PARAMETER) for none or over 1000."""
    labels = list(dict.fromkeys(filter(None, (" ".join(part.split()) for part in text.replace("\n", ",").split(",")))))
    if not labels or len(labels) > MAX_LABELS:
        raise ProblemError(
            ErrorCode.BAD_PARAMETER,
            "There are no labels to choose from." if not labels else f"There are {len(labels)} labels.",
            f"Give 1 to {MAX_LABELS} with commas between them, e.g. cat, dog, coffee mug.",
        )
    return labels


def _shown(image: Image, mask: Mask | None, completed: Image | None) -> tuple[np.ndarray, np.ndarray | None]:
    """The pixels and how much each counts (uint8), None for all alike."""
    check_sizes(image, mask=mask)
    picture = image if completed is None else completed
    alpha = picture.pixels[..., 3] if picture.pixels.shape[2] == 4 else None
    if completed is None and mask is not None:
        alpha = mask.pixels if alpha is None else np.minimum(alpha, mask.pixels)
    if alpha is not None and not alpha.any():
        raise ProblemError(ErrorCode.BAD_INPUT, "There is nothing to look at.", "Point at the object first.")
    return picture.rgb, None if alpha is None or bool((alpha == 255).all()) else alpha


def _model(context: Context, name: str) -> Any:
    try:
        return context.model(name)
    except ProblemError as error:
        if error.problem.code is not ErrorCode.UNKNOWN_MODEL:
            raise
        hint = f"Pull one first: wholeform models pull {name}. {error.problem.hint}"
        raise ProblemError(ErrorCode.UNKNOWN_MODEL, f"There is no model “{name}” to recognise with.", hint) from error
