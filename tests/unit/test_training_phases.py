"""Networks that learn against each other: whose weights learn when, and that runs of theirs go on and spread as others
do."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator

from backend.training import checkpoints
from backend.training.checkpoints import Checkpoint
from backend.training.config import read_config
from backend.training.loop import Outcome, train
from backend.training.progress import Silent
from backend.training.state import State

from .test_training_processes import in_two
from .test_training_runs import losses, same, started
from .tiny_rivals import Rivals
from .tiny_training import write_config


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    """Sums are the same bit for bit for the same number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(file: Path, resume: bool = False) -> tuple[Rivals, Outcome]:
    config = read_config(file, "tiny")
    rivals = Rivals(config)
    return rivals, train(rivals, config, Silent(), resume=resume, device="cpu")


def last(folder: Path) -> Checkpoint:
    found = checkpoints.newest(folder / "checkpoints", print)
    assert found is not None
    return found


def test_each_phase_has_its_own_weights_and_turn(tmp_path: Path) -> None:
    rivals, _ = run(write_config(tmp_path / "run.toml", steps=5, accumulate=2))
    names = [name for name, _ in rivals.seen]
    plain, third = ["maker"] * 2 + ["judge"] * 2, ["steady"] * 2
    assert names == [*plain, *third, *plain, *plain, *plain, *third, *plain]
    for phase, learning in rivals.seen:
        start = "maker." if phase == "maker" else "judge."
        assert learning
        assert all(name.startswith(start) for name in learning)
        assert len(learning) == 4
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    with_all, without = rows[0], rows[1]
    assert list(with_all)[:5] == ["step", "loss", "maker_loss", "maker_logit", "maker_gradient_norm"]
    assert {"judge_loss", "judge_gradient_norm", "steady_loss", "steady_gradient_norm"} <= with_all.keys()
    assert without.keys() == with_all.keys() - {"steady_loss", "steady_gradient_norm"}
    parts = [with_all[f"{name}_loss"] for name in ("maker", "judge", "steady")]
    assert with_all["loss"] == pytest.approx(sum(parts), rel=1e-6)


def test_rates_and_moments_are_those_asked_for(tmp_path: Path) -> None:
    config = read_config(write_config(tmp_path / "run.toml", weight_decay=0.1), "tiny")
    rivals = Rivals(config)
    state = State(rivals.build(), config, Accelerator(cpu=True), rivals.rates())
    judging = {id(weight) for weight in state.weights("judge.")}
    assert len(judging) == 4
    for group in state.optimizer.param_groups:
        (whose,) = {id(weight) in judging for weight in group["params"]}
        assert (group["times"], group["betas"]) == ((0.5, (0.0, 0.99)) if whose else (1.0, (0.9, 0.999)))
        (free,) = {weight.ndim == 1 for weight in group["params"]}
        assert group["weight_decay"] == (0.0 if free else 0.1)


def test_rivals_learn(tmp_path: Path) -> None:
    _, outcome = run(write_config(tmp_path / "run.toml", steps=150))
    untrained = Rivals(read_config(tmp_path / "run.toml", "tiny"))
    torch.manual_seed(0)
    with torch.no_grad():
        before = untrained.evaluate(untrained.build().eval())
    assert outcome.scores["error"] < 0.5 * before["error"]


def test_a_killed_run_of_rivals_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"accumulate": 2, "workers": 1, "data": {"noise": 0.1}}
    whole = write_config(tmp_path / "whole.toml", **fields)
    killed = write_config(tmp_path / "killed.toml", **{**fields, "data": {"noise": 0.1, "pause": 0.05}})
    run(whole)
    process = started(killed, after=7, program="tiny_rivals")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    write_config(killed, **fields)
    run(killed, resume=True)
    same(tmp_path / "whole", tmp_path / "killed")


def test_two_processes_of_rivals_have_the_gradients_of_one(tmp_path: Path) -> None:
    told = {"steps": 1, "save_every": 1, "clip": 0, "accumulate": 2}
    one, both = (write_config(tmp_path / f"{name}.toml", **told) for name in ("one", "both"))
    run(one)
    done = in_two(both, "tiny_rivals")
    assert done.returncode == 0, done.stderr
    assert losses(tmp_path / "both") == pytest.approx(losses(tmp_path / "one"), rel=1e-5)
    found = [last(tmp_path / name).tensors for name in ("one", "both")]
    moments = [{key: each for key, each in part.items() if key.startswith("optimizer.")} for part in found]
    assert len(moments[0]) == 8 * 3
    torch.testing.assert_close(moments[0], moments[1], rtol=1e-4, atol=1e-7)


def test_a_gradient_that_is_no_number_is_left_out(tmp_path: Path) -> None:
    file = write_config(tmp_path / "run.toml", steps=6, clip=0, data={"spoiled": 3})
    _, outcome = run(file)
    assert outcome.step == 6
    assert all(tensor.isfinite().all() for tensor in last(tmp_path / "run").tensors.values())
