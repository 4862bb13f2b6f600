"""The training loop: one for all models, on a CPU, a GPU or many processes."""

from __future__ import annotations

import contextlib
import datetime
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import InitProcessGroupKwargs
from torch import Tensor

from protocol.problems import ErrorCode, ProblemError

from . import checkpoints
from .batches import Part, Shares, batches
from .card import Run, hardware, round_to_half, write_cards, write_weights
from .config import TrainConfig
from .log import Log
from .phases import Phases, scalar
from .progress import Reporter, Silent, shown
from .randomness import BUILD, EVALUATE, seed_all
from .recipe import Recipe
from .recompute import recompute_activations
from .schedule import learning_rate
from .state import State
from .stopping import Stopping

Device = Literal["auto", "cpu", "cuda"]

# Other processes wait while the first one evaluates.
_PATIENCE = datetime.timedelta(hours=6)


@dataclass(frozen=True)
class Outcome:
    """How a run ended: ``stopped`` is the signal that ended it early, then with a checkpoint and no files."""

    step: int
    stopped: str = ""
    files: tuple[Path, ...] = ()
    scores: dict[str, float] = field(default_factory=dict)


def train(
    recipe: Recipe, config: TrainConfig, reporter: Reporter, *, resume: bool = False, device: Device = "auto"
) -> Outcome:
    """Train what ``recipe`` builds as ``config`` says, in all processes of a launcher or in this one alone.

    With ``resume`` the run goes on from the newest whole checkpoint in ``config.out``, where there is one, exactly as
    if it had never ended. ProblemError: BAD_PARAMETER when config, device and number of processes do not go together,
    BAD_INPUT when ``config.out`` holds another run, MODEL_FAILED when the loss is no longer a number, TOO_LARGE when
    the disk is full.
    """
    accelerator = _accelerator(config, device)
    try:
        return _Training(recipe, config, reporter, accelerator).run(resume)
    finally:
        accelerator.end_training()
        # So that the next run of this process may have another precision.
        AcceleratorState._reset_state(reset_partial_state=True)


def _accelerator(config: TrainConfig, device: Device) -> Accelerator:
    gpu = torch.cuda.is_available()
    if device == "cuda" and not gpu:
        raise ProblemError(ErrorCode.BAD_PARAMETER, "There is no CUDA device here.", "Use --device cpu.")
    cpu = device == "cpu" or not gpu
    if cpu and config.precision == "fp16":
        raise config.fault("precision", "is 'fp16', which needs a GPU", "On a CPU: “no” or “bf16”.")
    return Accelerator(
        cpu=cpu, mixed_precision=config.precision, kwargs_handlers=[InitProcessGroupKwargs(timeout=_PATIENCE)]
    )


class _Training:
    def __init__(self, recipe: Recipe, config: TrainConfig, reporter: Reporter, accelerator: Accelerator) -> None:
        self.recipe = recipe
        self.config = config
        self.accelerator = accelerator
        self.first = accelerator.is_main_process
        self.reporter = reporter if self.first else Silent()
        self.folder = config.out / "checkpoints"

    def run(self, resume: bool) -> Outcome:
        config, accelerator = self.config, self.accelerator
        seed_all(config.seed, BUILD)
        self.state = State(self.recipe.build(), config, accelerator, self.recipe.rates())
        self._restore(resume)
        if config.recompute:
            recompute_activations(self.recipe.recomputed(self.state.module))
        self.phases = Phases(self.recipe.phases(), self.state, config, accelerator)
        shares = Shares.of(config, accelerator.process_index, accelerator.num_processes, self.state.step)
        # Nobody writes before everybody has read.
        accelerator.wait_for_everyone()
        with (
            Stopping(alone=accelerator.num_processes == 1) as stopping,
            Log(config.out, self.state.step, self.reporter.message) if self.first else contextlib.nullcontext() as log,
        ):
            parts = batches(self.recipe, config, shares, accelerator.device)
            stopped = self._steps(parts, stopping, log)
            if stopped:
                self.reporter.message(f"{stopped}: stopped after step {self.state.step}; go on with --resume.")
                outcome = Outcome(self.state.step, stopped)
            else:
                outcome = self._finish(log) if log else Outcome(self.state.step)
            accelerator.wait_for_everyone()
        return outcome

    def _restore(self, resume: bool) -> None:
        """Take in the newest whole checkpoint, where there is one and it is wanted."""
        config = self.config
        there = checkpoints.found(self.folder)
        if not resume:
            if there:
                raise ProblemError(
                    ErrorCode.BAD_INPUT,
                    f"{config.out} holds a training run already.",
                    "Go on with it: --resume; or train into another folder: --out DIR.",
                )
            return
        checkpoint = checkpoints.newest(self.folder, self.reporter.message)
        if checkpoint is None:
            if there:
                raise ProblemError(
                    ErrorCode.BAD_INPUT,
                    f"No checkpoint in {self.folder} can be read.",
                    "Remove that folder to train from the beginning, or train into another: --out DIR.",
                )
            self.reporter.message("There is no checkpoint yet: starting from the beginning.")
            return
        self._compare(checkpoint)
        self.state.restore(checkpoint)
        self.reporter.message(f"Going on after step {checkpoint.step}.")

    def _compare(self, checkpoint: checkpoints.Checkpoint) -> None:
        """Refuse a checkpoint of another network; say what else in the config is not as it was."""
        config = self.config
        was, now = checkpoint.facts["config"], config.plain()
        for name in ("recipe", "model"):
            if was.get(name) != now[name]:
                raise config.fault(
                    name,
                    f"is {now[name]!r} but was {was.get(name)!r} in {config.out}",
                    "Use another folder: --out DIR.",
                )
        if config.steps < checkpoint.step:
            raise config.fault(
                "steps", f"is {config.steps}, but {checkpoint.step} are done in {config.out}", "Allowed: that or more."
            )
        for name in now:
            if was.get(name) != now[name]:
                self.reporter.message(f"“{name}” was {was.get(name)!r} and is {now[name]!r} from here on.")

    def _steps(self, parts: Iterator[Part], stopping: Stopping, log: Log | None) -> str:
        """All steps that are left; returns what ended them early, or an empty text."""
        config, state = self.config, self.state
        began = time.monotonic() - state.seconds
        while state.step < config.steps:
            numbers, stop = self._step(parts, bool(stopping.asked))
            state.seconds = time.monotonic() - began
            if log:
                log.step(state.step, numbers)
            self.reporter.step(state.step, config.steps, numbers)
            if not math.isfinite(numbers["loss"]):
                raise ProblemError(
                    ErrorCode.MODEL_FAILED,
                    f"The loss of step {state.step} is not a number.",
                    "Lower “learning_rate”, then go on from the last checkpoint: --resume.",
                )
            last = state.step == config.steps
            due = config.evaluate_every and state.step % config.evaluate_every == 0
            if log and due and not stop and not last:
                self._evaluate(log)
            if log and (stop or last or state.step % config.save_every == 0):
                checkpoints.save(self.folder, state.checkpoint(config), config.keep_checkpoints)
            if stop:
                return stopping.asked or "A signal to another process"
        return ""

    def _step(self, parts: Iterator[Part], stop: bool) -> tuple[dict[str, float], bool]:
        """One step of the optimiser: its numbers, and whether any process was asked to stop, the same in all."""
        config, accelerator, state = self.config, self.accelerator, self.state
        rate = learning_rate(config, state.step)
        for group in state.optimizer.param_groups:
            group["lr"] = rate * group["times"]
        numbers = self.phases.step([next(parts) for _ in range(config.accumulate)])
        state.ema.update(state.module, state.step)
        state.step += 1
        # One exchange between processes, and one wait for the device, for all that is wanted of a step.
        own = torch.stack([*numbers.values(), scalar(float(stop), accelerator.device)])
        means: list[float] = cast(Tensor, accelerator.reduce(own, "mean")).tolist()
        return {**dict(zip(numbers, means[:-1], strict=True)), "learning_rate": rate}, means[-1] > 0

    def _evaluate(self, log: Log) -> dict[str, float]:
        """Scores of the averaged weights, logged with a sheet of samples."""
        seed_all(self.config.seed, EVALUATE)
        with torch.no_grad():
            scores = self.recipe.evaluate(self.state.ema.module)
            sheet: np.ndarray = self.recipe.samples(self.state.ema.module)
        log.evaluation(self.state.step, scores, sheet)
        self.reporter.message(f"After step {self.state.step}: {shown(scores)}.")
        return scores

    def _finish(self, log: Log) -> Outcome:
        """Evaluate the weights as they will be stored, store them and write the cards."""
        config, state = self.config, self.state
        round_to_half(state.ema.module)
        scores = self._evaluate(log)
        seed_all(config.seed, EVALUATE)
        run = Run(
            state.step,
            state.seconds,
            hardware(self.accelerator.device, self.accelerator.num_processes),
            scores,
            self.recipe.baselines(),
        )
        weights = config.out / f"{config.name}.safetensors"
        sha256 = write_weights(weights, self.recipe.tensors(state.ema.module))
        cards = write_cards(config.out, config, self.recipe.facts(), run, weights, sha256)
        return Outcome(state.step, files=(weights, *cards), scores=scores)
