"""What a training run is told: a TOML file with a common part and the tables [model] and [data] of the recipe."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from protocol.problems import ErrorCode, ProblemError

from .options import Range, fault, read_options

T = TypeVar("T")

_NAME = re.compile(r"[a-z0-9][a-z0-9_\-]{0,63}")
_COUNT = Range(1, 10**9)
_FROM_ZERO = Range(0, 10**9)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A training run. ``recipe`` is the model whose recipe runs and ``file`` where all else was read; docs/training.md
    explains each field.

    ``batch_size`` counts the examples of one optimiser step over all processes and all ``accumulate`` parts of it, so
    that the same file trains the same on any number of them. ``save_every`` and ``evaluate_every`` are in steps, 0
    evaluates at the end alone; ``clip`` is the greatest norm of the gradient, 0 leaves it as it is.
    """

    recipe: str
    file: Path
    name: str
    out: Path
    steps: Annotated[int, _COUNT]
    batch_size: Annotated[int, _COUNT]
    learning_rate: Annotated[float, Range(0.0, 10.0)]
    level: Literal["starter", "yours"] = "yours"
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup_steps: Annotated[int, _FROM_ZERO] = 0
    weight_decay: Annotated[float, Range(0.0, 10.0)] = 0.0
    ema_decay: Annotated[float, Range(0.0, 0.999999)] = 0.999
    precision: Literal["no", "fp16", "bf16"] = "no"
    accumulate: Annotated[int, _COUNT] = 1
    recompute: bool = False
    clip: Annotated[float, Range(0.0, 10.0**9)] = 1.0
    seed: Annotated[int, Range(0, 2**31 - 1)] = 0
    workers: Annotated[int, Range(0, 1024)] = 2
    save_every: Annotated[int, _COUNT] = 1000
    evaluate_every: Annotated[int, _FROM_ZERO] = 1000
    keep_checkpoints: Annotated[int, Range(1, 1000)] = 2
    model: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)

    def fault(self, field: str, what: str, hint: str) -> ProblemError:
        """The problem (BAD_PARAMETER) that ``field`` of this run's file is."""
        return fault(self.file, field, what, hint)

    def options(self, table: Literal["model", "data"], kind: type[T]) -> T:
        """The recipe's own table as its dataclass ``kind``, checked as `read_options` does."""
        return read_options(kind, getattr(self, table), self.file, f"{table}.")

    def plain(self) -> dict[str, Any]:
        """Everything that the training depends on, without where files lie, as JSON would give it back."""
        told = asdict(self)
        del told["file"], told["out"]
        return json.loads(json.dumps(told, default=str))


def read_config(file: Path, recipe: str, out: Path | None = None) -> TrainConfig:
    """The run that ``file`` asks for with the recipe of model ``recipe``; ``out`` replaces the file's own.

    ProblemError (BAD_PARAMETER) naming file and field when something in it is wrong, BAD_INPUT when it cannot be read.
    """
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ProblemError(
            ErrorCode.BAD_INPUT, f"{file} cannot be read: {error.strerror}.", "Name another: --config FILE."
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProblemError(ErrorCode.BAD_INPUT, f"{file} is no TOML: {error}.", "Mend the file.") from error
    table.setdefault("name", recipe.replace("_", "-"))
    table.setdefault("out", f"training-output/{table['name']}")
    if out is not None:
        table["out"] = str(out)
    config = read_options(TrainConfig, table, file, recipe=recipe, file=file)
    if not _NAME.fullmatch(config.name):
        raise config.fault("name", f"is {config.name!r}", f"Allowed: text matching {_NAME.pattern}.")
    if config.warmup_steps > config.steps:
        raise config.fault("warmup_steps", f"is {config.warmup_steps}", f"Allowed: up to “steps”, {config.steps}.")
    return config
