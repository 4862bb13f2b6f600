"""From a task's name to the module that does it; nothing is imported before it is needed."""

from __future__ import annotations

import importlib
from typing import Any

from backend.pipelines.context import Context
from protocol.tasks import TASKS, find_task
from protocol.values import Value

Values = dict[str, Value | list[Value]]


def run(task: str, inputs: Values, parameters: dict[str, Any], context: Context) -> tuple[Values, dict[str, Any]]:
    """Run ``task`` on inputs and parameters that the gateway has checked (protocol.tasks) and filled with defaults.

    Gives the outputs that the catalogue names, and ``info``: plain data about how they came to be (models, seed,
    scores, seconds). Raises ProblemError for what the person can mend, Cancelled when asked to stop.
    """
    module = importlib.import_module(f"backend.pipelines.{find_task(TASKS, task).name}")
    return module.run(context, inputs, parameters)
