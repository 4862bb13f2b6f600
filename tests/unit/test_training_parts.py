"""The parts of the training loop, each against a closed form or against its purpose."""

from __future__ import annotations

import copy
import io
import json
import math
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import nn

from backend.training import checkpoints
from backend.training.batches import Shares, batches
from backend.training.card import round_to_half, write_weights
from backend.training.checkpoints import Checkpoint
from backend.training.config import TrainConfig, read_config
from backend.training.ema import Ema, decay_at
from backend.training.files import write_whole
from backend.training.log import Log
from backend.training.progress import PlainLines, duration
from backend.training.randomness import seed_all
from backend.training.recompute import recompute_activations
from backend.training.schedule import learning_rate
from backend.training.state import State
from protocol.problems import ErrorCode, ProblemError

from .tiny_training import Tiny, write_config


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    return read_config(write_config(tmp_path / "run.toml", learning_rate=0.5, steps=110, warmup_steps=10), "tiny")


def test_cosine_with_warm_up(config: TrainConfig) -> None:
    rates = [learning_rate(config, step) for step in range(110)]
    assert rates[:10] == pytest.approx([0.05 * k for k in range(1, 11)])
    assert rates[10] == 0.5
    assert rates[60] == pytest.approx(0.25)
    assert rates[10 + 25] == pytest.approx(0.25 * (1 + math.sqrt(0.5)))
    assert rates[109] == pytest.approx(0.25 * (1 + math.cos(math.pi * 0.99)))
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_constant_with_and_without_warm_up(config: TrainConfig) -> None:
    constant = replace(config, schedule="constant")
    assert [learning_rate(constant, step) for step in (0, 9, 10, 109)] == [0.05, 0.5, 0.5, 0.5]
    assert learning_rate(replace(constant, warmup_steps=0), 0) == 0.5
    assert learning_rate(replace(config, warmup_steps=110), 109) == 0.5


def test_the_average_of_weights_is_its_closed_form() -> None:
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).double()
    ema = Ema(module, decay=0.25)
    first = copy.deepcopy(module.state_dict())
    seen = []
    for step in range(12):
        module(torch.rand(4, 3, dtype=torch.float64))  # moves the running statistics
        with torch.no_grad():
            for weight in module.parameters():
                weight.add_(torch.rand_like(weight))
        seen.append(copy.deepcopy(module.state_dict()))
        ema.update(module, step)
    decays = [min(0.25, (1 + step) / (10 + step)) for step in range(12)]
    assert [decay_at(0.25, step) for step in range(12)] == decays
    for name, _ in module.named_parameters():
        expected = first[name] * math.prod(decays)
        for step in range(12):
            expected += seen[step][name] * (1 - decays[step]) * math.prod(decays[step + 1 :])
        torch.testing.assert_close(ema.module.state_dict()[name], expected, rtol=1e-12, atol=0)
    for name, buffer in module.named_buffers():
        assert torch.equal(ema.module.state_dict()[name], buffer)
    assert not any(weight.requires_grad for weight in ema.module.parameters())


def test_recomputing_gives_the_same_gradients_and_keeps_less() -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Linear(6, 6), nn.Sequential(nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 6), nn.Tanh()))
    again = copy.deepcopy(plain)
    recompute_activations([again[1]])
    runs = []
    next(again[1].children()).register_forward_hook(lambda *_: runs.append(1))
    kept = []
    for module in (plain, again):
        sizes: list[int] = []
        torch.manual_seed(1)
        with torch.autograd.graph.saved_tensors_hooks(lambda t, s=sizes: s.append(t.numel()) or t, lambda t: t):
            loss = module(torch.ones(50, 6)).square().mean()
        loss.backward()
        kept.append(sum(sizes))
    for one, other in zip(plain.parameters(), again.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)  # type: ignore[arg-type]
    assert len(runs) == 2
    assert kept[1] < kept[0]


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_shares_cover_every_index_once_and_start_where_told(processes: int) -> None:
    def all_of(start: int) -> list[int]:
        shares = [list(Shares(7, 12, 2, rank, processes, start)) for rank in range(processes)]
        assert {len(own) for own in shares} == {(7 - start) * 2}
        assert len(Shares(7, 12, 2, 0, processes, start)) == (7 - start) * 2
        # Step by step: what all processes take in one step are that step's indices.
        for number in range(7 - start):
            taken = {index for own in shares for part in own[2 * number : 2 * number + 2] for index in part}
            assert taken == set(range(12 * (start + number), 12 * (start + number + 1)))
        return [index for own in shares for part in own for index in part]

    assert sorted(all_of(0)) == list(range(84))
    assert sorted(all_of(3)) == list(range(36, 84))


def test_batches_that_cannot_be_shared_are_refused(config: TrainConfig) -> None:
    assert list(Shares.of(replace(config, batch_size=12, accumulate=3, steps=1), 1, 2, 0)) == [
        range(2, 4),
        range(6, 8),
        range(10, 12),
    ]
    with pytest.raises(ProblemError, match="“batch_size” is 7, which does not divide into 6 equal parts"):
        Shares.of(replace(config, batch_size=7, accumulate=3), 0, 2, 0)


def test_batches_are_the_same_from_any_number_of_workers_and_from_any_start(config: TrainConfig) -> None:
    def made(workers: int, start: int) -> list[tuple[int, torch.Tensor]]:
        told = replace(config, workers=workers, steps=9, data={"noise": 1.0})
        shares = Shares(9, 8, 2, 0, 1, start)
        return [(part.first, part.batch["y"]) for part in batches(Tiny(told), told, shares, torch.device("cpu"))]

    whole, later = made(0, 0), made(2, 4)
    assert [first for first, _ in whole] == list(range(0, 72, 4))
    for (one, expected), (other, given) in zip(whole[8:], later, strict=True):
        assert one == other
        assert torch.equal(expected, given)


def test_seeds_reach_all_generators_and_do_not_repeat() -> None:
    def drawn(*key: int) -> tuple[float, float, float]:
        seed_all(*key)
        return random.random(), float(np.random.random()), float(torch.rand(()))  # noqa: NPY002

    assert drawn(3, 1, 5) == drawn(3, 1, 5)
    for position in range(3):
        keys = [(3, 1), (3, 1, 5), (4, 1, 5), (3, 2, 5), (3, 1, 6), (5, 1, 3)]
        assert len({drawn(*key)[position] for key in keys}) == len(keys)


def _checkpoint(step: int) -> Checkpoint:
    tied = torch.arange(6.0).reshape(2, 3)
    tensors = {
        "module.a": tied,
        "module.b": tied.T,
        "optimizer.a.step": torch.tensor(float(step)),
        "module.count": torch.tensor(7),
        "module.none": torch.zeros(0, 3),
        "ema.half": torch.full((2,), 1 / 3, dtype=torch.bfloat16),
    }
    return Checkpoint(step, tensors, {"seconds": 1 / 3, "config": {"ä": [1, None, True]}})


def test_checkpoints_come_back_as_they_were_and_the_last_are_kept(tmp_path: Path) -> None:
    (tmp_path / ".unfinished-step-000000001.safetensors").write_bytes(b"half")
    for step in (5, 10, 15, 100):
        path = checkpoints.save(tmp_path, _checkpoint(step), keep=2)
        assert path.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "step-000000015.safetensors",
        "step-000000100.safetensors",
    ]
    said: list[str] = []
    read, written = checkpoints.newest(tmp_path, said.append), _checkpoint(100)
    assert not said
    assert read is not None
    assert (read.step, read.facts) == (100, written.facts)
    assert read.tensors.keys() == written.tensors.keys()
    for name, tensor in written.tensors.items():
        assert read.tensors[name].dtype == tensor.dtype
        assert torch.equal(read.tensors[name], tensor)


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _empty(content: bytes) -> bytes:
    return b""


def _changed(content: bytes) -> bytes:
    """One bit of the last tensor."""
    return content[:-1] + bytes([content[-1] ^ 1])


def _foreign(content: bytes) -> bytes:
    from safetensors.torch import save

    return save({"x": torch.zeros(2)})


def _newer(content: bytes) -> bytes:
    return content.replace(b'\\"version\\": 1', b'\\"version\\": 9')


@pytest.mark.parametrize("damage", [_cut, _empty, _changed, _foreign, _newer])
def test_a_damaged_checkpoint_is_passed_over_with_a_message(tmp_path: Path, damage) -> None:
    for step in (5, 10):
        path = checkpoints.save(tmp_path, _checkpoint(step), keep=3)
    content = path.read_bytes()
    assert damage(content) != content
    path.write_bytes(damage(content))
    said: list[str] = []
    read = checkpoints.newest(tmp_path, said.append)
    assert read is not None
    assert read.step == 5
    assert len(said) == 1
    assert str(path) in said[0]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fails(file: Path) -> None:
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(ProblemError, match="No space left on device") as caught:
        write_whole(path, fails)
    assert caught.value.problem.code is ErrorCode.TOO_LARGE
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"


def test_weights_are_half_precision_and_what_does_not_fit_is_told(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    module = nn.Linear(5, 5)
    exact = module.weight.detach().clone()
    round_to_half(module)
    assert module.weight.dtype == torch.float32
    assert torch.equal(module.weight, exact.half().float())
    write_weights(tmp_path / "w.safetensors", {"w": module.weight, "n": torch.tensor([70000])})
    stored = load_file(tmp_path / "w.safetensors")
    assert (stored["w"].dtype, stored["n"].dtype) == (torch.float16, torch.int64)
    assert torch.equal(stored["w"].float(), module.weight)
    with pytest.raises(ProblemError, match="“big”"):
        write_weights(tmp_path / "w.safetensors", {"big": torch.tensor([70000.0])})


def test_the_log_forgets_what_comes_after_a_checkpoint(tmp_path: Path) -> None:
    with Log(tmp_path, 0, print) as log:
        for step in (1, 2, 3):
            log.step(step, {"loss": 1 / step, "norm": math.inf})
        log.evaluation(3, {"miou": 0.5}, np.zeros((4, 6, 3), np.uint8))
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 1, "lo')
    with Log(tmp_path, 2, print) as log:
        log.step(3, {"loss": 7.0})
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert rows == [
        {"step": 1, "loss": 1.0, "norm": None},
        {"step": 2, "loss": 0.5, "norm": None},
        {"step": 3, "loss": 7.0},
    ]
    assert (tmp_path / "samples" / "step-000000003.png").exists()


def test_without_tensorboard_the_log_is_still_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    said: list[str] = []
    with Log(tmp_path, 0, said.append) as log:
        log.step(1, {"loss": 0.5})
    assert "pip install" in said[0]
    assert (tmp_path / "log.jsonl").read_text() == '{"step": 1, "loss": 0.5}\n'


@pytest.fixture
def own_accelerator() -> Iterator[None]:
    """Accelerate keeps one state for a process: other tests get their own."""
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.usefixtures("own_accelerator")
def test_the_scale_of_mixed_precision_is_part_of_the_state(config: TrainConfig, tmp_path: Path) -> None:
    def state(scale: float) -> tuple[State, torch.amp.GradScaler]:
        accelerator = Accelerator(cpu=True)
        scaler = accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        return State(nn.Linear(2, 2), config, accelerator, {}), scaler

    (one, _), (other, scaler) = state(8.0), state(2.0)
    checkpoints.save(tmp_path, one.checkpoint(config), keep=1)
    read = checkpoints.newest(tmp_path, print)
    assert read is not None
    other.restore(read)
    assert scaler.get_scale() == 8.0
    wrong = replace(read, tensors={**read.tensors, "module.weight": torch.zeros(3, 3)})
    with pytest.raises(ProblemError, match="of another network"):
        other.restore(wrong)


def test_lines_come_seldom_and_tell_the_time_left() -> None:
    now = [100.0]
    stream = io.StringIO()
    lines = PlainLines(stream, every=10, clock=lambda: now[0])
    for step in range(41, 101):
        lines.step(step, 100, {"loss": 0.125})
        now[0] += 2
    told = stream.getvalue().splitlines()
    assert told[0] == "step 41 of 100: loss 0.125"
    assert told[1] == "step 46 of 100: loss 0.125, 0.5 steps/s, 2 min left"
    assert told[-1].startswith("step 100 of 100")
    assert len(told) == 13
    assert [duration(seconds) for seconds in (5, 600, 3 * 3600 + 300)] == ["5 s", "10 min", "3 h 05 min"]
