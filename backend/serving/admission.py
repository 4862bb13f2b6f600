"""Whether a job can be taken in at all: judged from its description, before any of its bytes travel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from protocol.checks import check_inputs, check_parameters
from protocol.frames import check_wire, raw_bytes, wire_items, wire_kinds
from protocol.messages import Limits, ModelInfo, Submit, TaskInfo
from protocol.problems import ErrorCode, ProblemError
from protocol.tasks import find_task


def check_submit(
    message: Submit,
    frame_sizes: Sequence[int],
    tasks: dict[str, TaskInfo],
    models: list[ModelInfo],
    limits: Limits,
    waiting: int,
) -> None:
    """ProblemError unless the job may join the ``waiting`` ones; ``frame_sizes`` are the bytes of its array frames."""
    task = find_task(tasks, message.task)
    _check_models(task, check_parameters(task, message.parameters), models)
    check_inputs(task, wire_kinds(message.inputs))
    check_wire(message.inputs, frame_sizes)
    _check_limits(message, frame_sizes, limits, waiting)


def _check_models(task: TaskInfo, parameters: dict[str, Any], models: list[ModelInfo]) -> None:
    for parameter in task.parameters:
        if parameter.kind == "model":
            able = [model.name for model in models if parameter.model_task in model.tasks]
            if parameters[parameter.name] not in able:
                raise ProblemError(
                    ErrorCode.UNKNOWN_MODEL,
                    f"There is no model “{parameters[parameter.name]}” for {parameter.model_task}.",
                    f"This server has: {', '.join(able) or 'none'}.",
                )


def _check_limits(message: Submit, frame_sizes: Sequence[int], limits: Limits, waiting: int) -> None:
    if max(frame_sizes, default=0) > limits.inline_bytes:
        raise ProblemError(
            ErrorCode.TOO_LARGE,
            f"An array of {max(frame_sizes):,} bytes came inside the message.",
            f"Allowed: {limits.inline_bytes:,} bytes; upload larger ones.",
        )
    # What is packed counts by its size when unpacked.
    refs = [ref for _, item in wire_items(message.inputs) for ref in item.arrays.values()]
    sizes = [max(ref.nbytes, raw_bytes(ref)) for ref in refs]
    largest, total = max(sizes, default=0), sum(sizes)
    if largest > limits.max_blob_bytes or total > limits.max_job_bytes:
        raise ProblemError(
            ErrorCode.TOO_LARGE,
            f"This job's inputs have {total / 2**20:,.0f} MiB.",
            f"Allowed: {limits.max_blob_bytes / 2**20:,.0f} MiB an array,"
            f" {limits.max_job_bytes / 2**20:,.0f} MiB a job.",
        )
    if waiting >= limits.max_queued_jobs:
        raise ProblemError(
            ErrorCode.BUSY, f"The server has {limits.max_queued_jobs} jobs waiting.", "Try again in a few minutes."
        )
