"""Whole training runs: they learn, and whatever ends them early they go on as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from backend.cli.main import app
from backend.hub.cards import read_card
from backend.training import checkpoints
from backend.training.config import read_config
from backend.training.loop import Outcome, train
from protocol.problems import ErrorCode, ProblemError

from .tiny_training import Tiny, losses, write_config

ROOT = Path(__file__).parents[2]
START_LIMIT_S = 120.0

# Running statistics, dropout, noise in data and loss, accumulation, worker processes: all that a resume may get wrong.
HARD = {
    "accumulate": 2,
    "workers": 2,
    "warmup_steps": 5,
    "weight_decay": 0.1,
    "recompute": True,
    "evaluate_every": 4,
    "model": {"normalised": True, "dropout": 0.3},
    "data": {"noise": 0.1},
}


class Told:
    """A reporter that keeps what it was told."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.steps: list[int] = []

    def message(self, text: str) -> None:
        self.messages.append(text)

    def step(self, step: int, steps: int, numbers: dict[str, float]) -> None:
        self.steps.append(step)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums are the same bit for bit for the same number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(file: Path, resume: bool = False, told: Told | None = None) -> Outcome:
    config = read_config(file, "tiny")
    return train(Tiny(config), config, told or Told(), resume=resume, device="cpu")


def started(file: Path, *launcher: str, after: int, program: str = "tiny_training") -> subprocess.Popen[str]:
    """The same in a process group of its own, once ``after`` steps are in its log."""
    command = [sys.executable, *launcher, "-m", f"tests.unit.{program}", str(file)]
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, cwd=ROOT, env=surroundings, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    until = time.monotonic() + START_LIMIT_S
    while len(losses(file.with_suffix(""))) < after:
        assert process.poll() is None, "it ended before it was to be stopped"
        assert time.monotonic() < until
        time.sleep(0.02)
    return process


def same(one: Path, other: Path) -> None:
    """Both runs have the same losses, the same last checkpoint and the same weight file, bit for bit."""
    assert losses(one) == losses(other)
    ends = [checkpoints.newest(folder / "checkpoints", print) for folder in (one, other)]
    assert ends[0] is not None
    assert ends[1] is not None
    assert ends[0].step == ends[1].step
    assert ends[0].tensors.keys() == ends[1].tensors.keys()
    assert {name.partition(".")[0] for name in ends[0].tensors} == {"module", "ema", "optimizer"}
    for name, tensor in ends[0].tensors.items():
        assert torch.equal(tensor, ends[1].tensors[name]), name
    assert (one / "tiny.safetensors").read_bytes() == (other / "tiny.safetensors").read_bytes()


def test_losses_fall_and_all_files_are_written(tmp_path: Path) -> None:
    file = write_config(tmp_path / "run.toml", steps=150, evaluate_every=60, save_every=40, level="starter")
    told = Told()
    outcome = run(file, told=told)
    out = tmp_path / "run"
    seen = losses(out)
    assert list(seen) == list(range(1, 151)) == told.steps
    assert sum(list(seen.values())[-20:]) < 0.2 * sum(list(seen.values())[:20])
    assert sorted(checkpoints.found(out / "checkpoints")) == [120, 150]
    assert sorted(path.name for path in (out / "samples").iterdir()) == [
        f"step-{step:09}.png" for step in (60, 120, 150)
    ]
    assert list((out / "tensorboard").iterdir())
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert rows[-1] == {"step": 150, "scores": outcome.scores}

    weights, toml, markdown = outcome.files
    tensors = load_file(weights)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    card = read_card(toml)
    assert (card.name, card.level, card.entry) == ("tiny", "starter", "backend.models.tiny.inference:load")
    assert card.good_for == 'Tests: quotes ", backslashes \\ and\nlines.'
    assert card.weights is not None
    assert (out / card.weights.file) == weights
    measured = card.measured
    assert (measured["steps"], measured["seeds"], measured["data"]) == (150, "0 to 99", "uniform noise")
    assert measured["scores"] == outcome.scores
    assert outcome.scores["error"] < 0.2 * measured["baselines"]["input"]["error"]
    assert "CPU" in measured["hardware"]
    assert measured["minutes"] >= 0
    assert "| **this model** |" in markdown.read_text("utf-8")

    # The scores are those of the file, not of the weights before they were rounded.
    recipe = Tiny(read_config(file, "tiny"))
    module = recipe.build().eval()
    module.load_state_dict({name.removeprefix("net."): tensor.float() for name, tensor in tensors.items()})
    with torch.no_grad():
        assert recipe.evaluate(module) == outcome.scores


@pytest.mark.parametrize(("fields", "after"), [({}, 7), (HARD, 13)], ids=["plain", "hard"])
def test_a_killed_run_goes_on_as_if_it_had_not_been(tmp_path: Path, fields: dict[str, Any], after: int) -> None:
    slow = {**fields, "data": {**fields.get("data", {}), "pause": 0.05}}
    whole, killed = (
        write_config(tmp_path / f"{name}.toml", **told) for name, told in (("whole", fields), ("killed", slow))
    )
    run(whole)
    process = started(killed, after=after)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert max(checkpoints.found(tmp_path / "killed" / "checkpoints")) < 24
    told = Told()
    write_config(killed, **fields)
    run(killed, resume=True, told=told)
    assert told.steps[0] == max(step for step in range(0, 24, 5) if step < told.steps[0]) + 1
    assert told.steps[0] > 1
    same(tmp_path / "whole", tmp_path / "killed")


def test_a_terminated_run_saves_and_goes_on(tmp_path: Path) -> None:
    slow = {**HARD, "save_every": 1000, "data": {"noise": 0.1, "pause": 0.1}}
    whole, ended = write_config(tmp_path / "whole.toml", **HARD), write_config(tmp_path / "ended.toml", **slow)
    run(whole)
    process = started(ended, after=7)
    os.killpg(process.pid, signal.SIGTERM)  # the worker processes get it too
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    (step,) = checkpoints.found(tmp_path / "ended" / "checkpoints")
    assert output == f"ended {step} SIGTERM\n"
    assert 7 <= step < 24
    assert not (tmp_path / "ended" / "tiny.safetensors").exists()
    told = Told()
    write_config(ended, **HARD)
    run(ended, resume=True, told=told)
    assert told.steps[0] == step + 1
    same(tmp_path / "whole", tmp_path / "ended")


def test_ctrl_c_in_this_process_and_an_end_that_was_reached(tmp_path: Path) -> None:
    file = write_config(tmp_path / "run.toml")

    class Impatient(Told):
        def step(self, step: int, steps: int, numbers: dict[str, float]) -> None:
            super().step(step, steps, numbers)
            if step == 3:
                signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    outcome = run(file, told=Impatient())
    assert (outcome.stopped, outcome.step, outcome.files) == ("SIGINT", 4, ())
    assert signal.getsignal(signal.SIGINT) is before
    first = run(file, resume=True)
    again = run(file, resume=True)
    assert (first.step, first.scores) == (again.step, again.scores) == (24, first.scores)


def test_a_damaged_checkpoint_is_passed_over_and_the_run_is_still_the_same(tmp_path: Path) -> None:
    whole, damaged = write_config(tmp_path / "whole.toml", **HARD), write_config(tmp_path / "damaged.toml", **HARD)
    run(whole)
    run(damaged)
    found = checkpoints.found(tmp_path / "damaged" / "checkpoints")
    assert list(found) == [24, 20]
    found[24].write_bytes(found[24].read_bytes()[:-1])
    (tmp_path / "damaged" / "tiny.safetensors").unlink()
    told = Told()
    run(damaged, resume=True, told=told)
    assert any(str(found[24]) in message and "damaged" in message for message in told.messages)
    assert told.steps == [21, 22, 23, 24]
    same(tmp_path / "whole", tmp_path / "damaged")
    for path in found.values():
        path.write_bytes(b"")
    with pytest.raises(ProblemError, match=r"No checkpoint in .* can be read"):
        run(damaged, resume=True)


def test_what_does_not_fit_the_run_that_is_there_is_refused_or_told(tmp_path: Path) -> None:
    file = write_config(tmp_path / "run.toml", steps=6)
    told = Told()
    run(file, resume=True, told=told)  # nothing to go on with is no fault
    assert "starting from the beginning" in told.messages[0]
    with pytest.raises(ProblemError, match="holds a training run already") as caught:
        run(file)
    assert "--resume" in caught.value.problem.hint
    write_config(file, steps=5)
    with pytest.raises(ProblemError, match="“steps” is 5, but 6 are done"):
        run(file, resume=True)
    write_config(file, steps=8, model={"width": 9})
    with pytest.raises(ProblemError, match=r"“model” is \{'width': 9\} but was \{\}"):
        run(file, resume=True)
    write_config(file, steps=8, learning_rate=0.02)
    told = Told()
    assert run(file, resume=True, told=told).step == 8
    assert "“learning_rate” was 0.01 and is 0.02 from here on." in told.messages


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_its_checkpoints(tmp_path: Path) -> None:
    file = write_config(tmp_path / "run.toml", data={"spoiled": 12})
    with pytest.raises(ProblemError, match="loss of step 13 is not a number") as caught:
        run(file)
    assert caught.value.problem.code is ErrorCode.MODEL_FAILED
    assert list(checkpoints.found(tmp_path / "run" / "checkpoints")) == [10, 5]


def test_precision_on_a_cpu(tmp_path: Path) -> None:
    exact, half = (
        write_config(tmp_path / f"{name}.toml", precision=precision, steps=60, clip=0)
        for name, precision in (("exact", "no"), ("half", "bf16"))
    )
    run(exact)
    run(half)
    one, other = losses(tmp_path / "exact"), losses(tmp_path / "half")
    assert one != other
    assert other[60] == pytest.approx(one[60], rel=0.3)
    with pytest.raises(ProblemError, match="“precision” is 'fp16'"):
        run(write_config(tmp_path / "bad.toml", precision="fp16"))


@pytest.fixture
def tiny_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A model named tiny among the installation's, with its own train.toml."""
    import backend.models

    folder = tmp_path / "models" / "tiny"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "training.py").write_text("from tests.unit.tiny_training import recipe\n")
    write_config(folder / "train.toml", steps=5)
    monkeypatch.setattr(backend.models, "__path__", [*backend.models.__path__, str(folder.parent)])
    yield folder
    for name in [name for name in sys.modules if name.startswith("backend.models.tiny")]:
        del sys.modules[name]


def test_the_command(tiny_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["train", "tiny", "--out", str(out), "--device", "cpu"])
    assert done.exit_code == 0, done.output
    files = [str(out / name) for name in ("tiny.safetensors", "card.toml", "card.md")]
    assert done.stdout.split() == files
    assert "step 5 of 5: loss" in done.stderr
    again = CliRunner().invoke(app, ["train", "tiny", "--out", str(out), "--device", "cpu"])
    assert again.exit_code == 2
    assert "--resume" in again.stderr
    resumed = CliRunner().invoke(app, ["train", "tiny", "--out", str(out), "--device", "cpu", "--resume"])
    assert resumed.exit_code == 0, resumed.output
    assert "Going on after step 5." in resumed.stderr


def test_the_command_s_mistakes(tiny_model: Path, tmp_path: Path) -> None:
    unknown = CliRunner().invoke(app, ["train", "grabcut"])
    assert unknown.exit_code == 2
    assert "There is no training for “grabcut”." in unknown.stderr
    assert "tiny" in unknown.stderr
    config = write_config(tmp_path / "bad.toml", steps=0)
    wrong = CliRunner().invoke(app, ["train", "tiny", "--config", str(config)])
    assert wrong.exit_code == 2
    assert f"{config}: “steps” is 0." in wrong.stderr
