"""Task `mix`: a labelled field between two of one model."""

from __future__ import annotations

from typing import Any

from backend.pipelines.context import Context
from backend.pipelines.labelled import begin, finish, labelled_object
from protocol.problems import ErrorCode, ProblemError


def run(context: Context, inputs: dict[str, Any], parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """As `synthesize`; both fields stay as they are.

    Raises ProblemError: NOT_FOUND when one is gone, BAD_INPUT when one has no labels or different models made them.
    """
    first, second = (labelled_object(context, inputs[name]) for name in ("first", "second"))
    if first.model != second.model:
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"The first object was made with {first.model}, the second with {second.model}.",
            "Mix two objects of one model.",
        )
    shape, style = parameters["shape"], parameters["style"]
    begin(context, "mix", "Mixing the objects")
    field = context.model(first.model).mix(first.field, second.field, shape, style, context)
    outputs, info = finish(context, "mix", first.model, field, parameters["size"])
    return outputs, info | {"shape": shape, "style": style}
