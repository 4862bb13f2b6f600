"""Whether what a client gives fits a task of the catalogue: ranges of parameters, kinds of inputs."""

from __future__ import annotations

from typing import Any

from .messages import ParameterInfo, TaskInfo
from .problems import ErrorCode, ProblemError
from .values import Value

MAX_POINTS = 256


def _bad(message: str, hint: str) -> ProblemError:
    return ProblemError(ErrorCode.BAD_PARAMETER, message, hint)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


def _coordinates(parameter: ParameterInfo, value: Any, count: int, example: str) -> list[float]:
    if not isinstance(value, list | tuple) or len(value) != count or not all(_is_number(n) for n in value):
        raise _bad(f"Parameter “{parameter.name}” is {value!r:.80}.", f"Allowed: {example}.")
    return [float(n) for n in value]


def check_parameter(parameter: ParameterInfo, value: Any) -> Any:
    """``value`` in its canonical type, or a ProblemError (BAD_PARAMETER) naming the allowed range."""
    what = f"Parameter “{parameter.name}” is {value!r:.80}."
    match parameter.kind:
        case "boolean":
            if isinstance(value, bool):
                return value
            raise _bad(what, "Allowed: true or false.")
        case "integer" | "number":
            low, high = parameter.minimum, parameter.maximum
            span = f" from {low:g} to {high:g}" if low is not None and high is not None else ""
            good = _is_number(value)
            if good and parameter.kind == "integer":
                good = float(value).is_integer()
            if not good or (low is not None and value < low) or (high is not None and value > high):
                unit = f" {parameter.unit}" if parameter.unit else ""
                raise _bad(
                    what,
                    f"Allowed: {'a whole number' if parameter.kind == 'integer' else 'a number'}{span}{unit}.",
                )
            return int(value) if parameter.kind == "integer" else float(value)
        case "choice":
            if value in parameter.choices:
                return value
            raise _bad(what, f"Allowed: {', '.join(parameter.choices)}.")
        case "text" | "model":
            if isinstance(value, str) and len(value) <= 4096:
                return value
            raise _bad(what, "Allowed: a text.")
        case "points":
            if not isinstance(value, list | tuple) or len(value) > MAX_POINTS:
                raise _bad(
                    what,
                    f"Allowed: a list of at most {MAX_POINTS} points [x, y, label].",
                )
            points = [_coordinates(parameter, point, 3, "points [x, y, label], label 1 or 0") for point in value]
            if any(label not in (0, 1) for _, _, label in points):
                raise _bad(what, "A point's label is 1 (on the object) or 0 (not on it).")
            return points
        case "box":
            if value is None:
                return None
            x0, y0, x1, y1 = _coordinates(parameter, value, 4, "[x0, y0, x1, y1]")
            if x1 <= x0 or y1 <= y0:
                raise _bad(what, "A box is [x0, y0, x1, y1] with x0 < x1 and y0 < y1.")
            return [x0, y0, x1, y1]


def check_parameters(task: TaskInfo, given: dict[str, Any]) -> dict[str, Any]:
    """All parameters of ``task`` with defaults filled in; ProblemError (BAD_PARAMETER) for a wrong or unknown one."""
    known = {parameter.name: parameter for parameter in task.parameters}
    for name in given:
        if name not in known:
            raise _bad(
                f"Task “{task.name}” has no parameter “{name}”.",
                f"It has: {', '.join(known) or 'no parameters'}.",
            )
    return {
        name: check_parameter(parameter, given[name]) if name in given else parameter.default
        for name, parameter in known.items()
    }


def check_inputs(task: TaskInfo, kinds: dict[str, str | list[str]]) -> None:
    """ProblemError (BAD_INPUT) unless ``kinds`` (the kind of each input, or of each item) fits the task's ports."""
    known = {port.name: port for port in task.inputs}
    for name, kind in kinds.items():
        if name not in known:
            raise ProblemError(
                ErrorCode.BAD_INPUT,
                f"Task “{task.name}” has no input “{name}”.",
                f"It takes: {', '.join(known) or 'no inputs'}.",
            )
        port = known[name]
        wrong = [k for k in (kind if isinstance(kind, list) else [kind]) if k != port.kind]
        if wrong or isinstance(kind, list) != port.many:
            expected = f"a list of {port.kind} values" if port.many else f"a value of kind {port.kind}"
            got = f"a list of {len(kind)} values" if isinstance(kind, list) else kind
            raise ProblemError(
                ErrorCode.BAD_INPUT,
                f"Input “{name}” is {wrong[0] if wrong else got}.",
                f"It takes {expected}.",
            )
    for name, port in known.items():
        if port.required and name not in kinds:
            raise ProblemError(
                ErrorCode.BAD_INPUT,
                f"Task “{task.name}” needs the input “{name}”.",
                f"Give it: {port.help}",
            )


def kinds_of(inputs: dict[str, Any]) -> dict[str, str | list[str]]:
    """The kind of each value in ``inputs``, for check_inputs; ProblemError (BAD_INPUT) for what is no value."""

    def kind(name: str, value: Any) -> str:
        if isinstance(value, Value):
            return value.kind
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"Input “{name}” is a {type(value).__name__}.",
            "Wrap it, e.g. Image(pixels) or Mask(pixels).",
        )

    return {
        name: [kind(name, item) for item in value] if isinstance(value, list | tuple) else kind(name, value)
        for name, value in inputs.items()
    }
