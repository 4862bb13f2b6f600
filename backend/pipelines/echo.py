"""The task `echo`: waits in steps and gives back what it got, for tests and measurements of the server."""

from __future__ import annotations

import time
from typing import Any

from backend.pipelines.context import Context
from backend.pipelines.registry import Values
from protocol.problems import ErrorCode, ProblemError

_LOOK_S = 0.05  # how often a waiting step looks whether it was cancelled


def run(context: Context, inputs: Values, parameters: dict[str, Any]) -> tuple[Values, dict[str, Any]]:
    """Parameters: ``seconds`` in ``steps``; ``stubborn`` never looks at a cancel; ``fail`` ends with that message."""
    steps = parameters["steps"]
    stubborn = parameters["stubborn"]
    began = time.monotonic()
    if not stubborn:
        context.stage("echo", steps, "Waiting")
    for done in range(1, steps + 1):
        _sleep_until(began + parameters["seconds"] * done / steps, None if stubborn else context)
        if not stubborn:
            context.step(done)
    if parameters["fail"]:
        raise ProblemError(ErrorCode.MODEL_FAILED, parameters["fail"], "The echo task was told to fail.")
    outputs: Values = {"value": inputs["value"]} if parameters["give_back"] and "value" in inputs else {}
    return outputs, {"seconds": {"echo": time.monotonic() - began}}


def _sleep_until(end: float, context: Context | None) -> None:
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, _LOOK_S) if context else left)
        if context:
            context.check()
