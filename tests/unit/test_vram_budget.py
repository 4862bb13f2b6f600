"""`wholeform serve --vram-budget`: how it is written, and that it reaches the workers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from backend.cli.main import app
from backend.cli.sizes import read_size
from backend.serving import server, worker
from backend.serving.memory import HandleStore, ModelCache
from backend.serving.options import ServeOptions
from backend.serving.worker_context import WorkerContext
from protocol.problems import ErrorCode, ProblemError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("6GB", 6 * 10**9),
        ("6 gib", 6 * 2**30),
        ("5.5G", 5_500_000_000),
        (" 800 MB ", 800_000_000),
        ("64k", 64_000),
        ("12345", 12_345),
    ],
)
def test_amounts_of_memory(text: str, size: int) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "0.0GB", "-6GB", "6TB", "six", "6GB6", "nan", "1e9", "6 B B"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ProblemError, match="no amount of memory") as caught:
        read_size(text)
    assert caught.value.problem.code is ErrorCode.BAD_PARAMETER


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[ServeOptions]:
    """The options of servers that would have been started."""
    found: list[ServeOptions] = []

    def serve(options: ServeOptions, told: Any) -> int:
        found.append(options)
        return 0

    monkeypatch.setattr(server, "serve", serve)
    return found


@pytest.mark.parametrize(("device", "said"), [("cpu", True), ("cuda:0", False)])
def test_the_option_is_taken_everywhere_and_explained_without_a_gpu(
    started: list[ServeOptions], device: str, said: bool
) -> None:
    done = CliRunner().invoke(app, ["serve", "--vram-budget", "6GB", "--device", device])
    assert done.exit_code == 0, done.output
    assert started[0].vram_budget == 6 * 10**9
    assert ("changes nothing without a GPU" in done.stderr) is said


def test_without_it_nothing_is_held_and_a_wrong_one_starts_nothing(started: list[ServeOptions]) -> None:
    assert CliRunner().invoke(app, ["serve"]).exit_code == 0
    assert started.pop().vram_budget == 0
    done = CliRunner().invoke(app, ["serve", "--vram-budget", "much"])
    assert done.exit_code == 2
    assert "“much” is no amount of memory" in done.stderr
    assert started == []


def test_a_job_knows_it() -> None:
    models, handles = ModelCache(lambda name, device: None, "cuda:0", 1.0), HandleStore(100, "x")
    context = WorkerContext("job-0001", "cuda:0", models, handles, lambda *_: None, 5)
    assert (context.device, context.vram_budget) == ("cuda:0", 5)


@pytest.mark.parametrize(("budget", "share"), [(6 * 10**9, 0.25), (10**12, 1.0)])
def test_a_worker_holds_all_models_to_it(monkeypatch: pytest.MonkeyPatch, budget: int, share: float) -> None:
    held: list[tuple[float, str]] = []
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=24 * 10**9))
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda *given: held.append(given))
    worker.hold_to_budget("cuda:1", budget)
    assert held == [(share, "cuda:1")]
