"""Training in two processes on a CPU (gloo): the same gradients as one process with the whole batch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from backend.hub.cards import read_card
from backend.training import checkpoints
from backend.training.config import read_config
from backend.training.loop import train
from backend.training.progress import Silent

from .test_training_runs import ROOT, started
from .tiny_training import Tiny, losses, write_config

LAUNCH = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
BETA1 = 0.9  # AdamW's


def _one(file: Path, resume: bool = False) -> None:
    config = read_config(file, "tiny")
    train(Tiny(config), config, Silent(), resume=resume, device="cpu")


def in_two(file: Path, program: str = "tiny_training") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *LAUNCH, "-m", f"tests.unit.{program}", str(file)]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120
    )


def test_two_processes_have_the_gradients_of_one(tmp_path: Path) -> None:
    told = {"steps": 12, "save_every": 1, "keep_checkpoints": 20, "clip": 0, "accumulate": 2, "workers": 1}
    one, both = (write_config(tmp_path / f"{name}.toml", **told) for name in ("one", "two"))
    _one(one)
    done = in_two(both)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("ended 12") == 2
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), rel=1e-5)
    gradients = []
    for name in ("one", "two"):
        folder = tmp_path / name / "checkpoints"
        assert list(checkpoints.found(folder)) == list(range(12, 0, -1))
        for path in list(checkpoints.found(folder).values())[:-1]:
            path.unlink()
        first = checkpoints.newest(folder, print)
        assert first is not None
        assert first.step == 1
        # After one step the first moment is (1 - beta1) times the gradient.
        moments = {key: tensor for key, tensor in first.tensors.items() if key.endswith(".exp_avg")}
        gradients.append({key: tensor / (1 - BETA1) for key, tensor in moments.items()})
    assert len(gradients[0]) == 4
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-5, atol=1e-7)
    assert all(float(gradient.abs().max()) > 1e-4 for gradient in gradients[0].values())
    card = read_card(tmp_path / "two" / "card.toml")
    assert card.measured["steps"] == 12


def test_two_processes_stop_together_and_one_goes_on(tmp_path: Path) -> None:
    """The signal reaches one process alone; both end after the same step."""
    told = {"steps": 40, "save_every": 1000}
    file = write_config(tmp_path / "run.toml", **told, data={"pause": 0.1})
    process = started(file, *LAUNCH, after=4)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 2
    os.kill(int(children[1]), signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    (step,) = checkpoints.found(tmp_path / "run" / "checkpoints")
    assert sorted(output.splitlines()) == [f"ended {step} A signal to another process", f"ended {step} SIGTERM"]
    assert 4 <= step < 40
    write_config(file, **told)
    _one(file, resume=True)
    assert list(losses(tmp_path / "run")) == list(range(1, 41))
