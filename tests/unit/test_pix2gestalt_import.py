"""`wholeform models import pix2gestalt`: a file in its authors' layout becomes a model that completes; a malicious one
runs nothing."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner, Result

from backend.cli.main import app
from backend.diffusion.schedule import stable_diffusion_schedule
from backend.hub import registry
from backend.hub.installed import is_ready, model_folder, models_dir
from backend.models.pix2gestalt.checkpoint import CONFIG, EMA_COUNTS, their_name
from backend.models.pix2gestalt.config import read_config
from backend.models.pix2gestalt.names import EMA, UNET
from backend.pipelines.context import Context
from protocol.problems import ProblemError
from tests.parity.filling import filled

from .foreign_classes import Runs, lightning_classes

NAME = "pix2gestalt"
FILE = "epoch=000005.ckpt"
KEYS = Path(__file__).parents[1] / "golden" / "pix2gestalt" / "keys_reduced.json"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Models go into the test's folder, which need not have room for the published size."""
    monkeypatch.setenv("WHOLEFORM_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("COLUMNS", "300")
    card = registry.cards()[NAME]
    assert card.released is not None
    small = replace(card, released=replace(card.released, stored_bytes=40_000_000))
    found = {**registry.cards(), NAME: small}
    monkeypatch.setattr(registry, "cards", lambda: found)
    return tmp_path


def imported(path: Path) -> Result:
    return CliRunner().invoke(app, ["models", "import", NAME, str(path), "--accept-licence"])


def state_dict() -> dict[str, Tensor]:
    """All tensors of the checkpoint at reduced width; the raw U-Net is nothing that anybody could use."""
    tables = stable_diffusion_schedule().tables()
    tensors: dict[str, Tensor] = {}
    for name, shape in json.loads(KEYS.read_text("utf-8")).items():
        if name in tables:
            tensors[name] = torch.from_numpy(tables[name])
        elif name in EMA_COUNTS:
            tensors[name] = torch.tensor(0.9999) if name.endswith("decay") else torch.tensor(40_000)
        elif name.startswith(UNET):
            tensors[name] = torch.full(shape, torch.nan)
        else:
            tensors[name] = filled(name, shape, "import/")
    return tensors


def lightning_checkpoint(path: Path, tensors: dict[str, Tensor], **more: Any) -> None:
    """As the authors' training framework saves."""
    with lightning_classes() as classes:
        moments = {"step": 40_000, "exp_avg": torch.zeros(8, 12, 3, 3), "exp_avg_sq": torch.zeros(8, 12, 3, 3)}
        content = {
            "epoch": 5,
            "global_step": 40_000,
            "pytorch-lightning_version": "1.4.2",
            "state_dict": tensors,
            "callbacks": {classes.ModelCheckpoint: {"best_model_score": torch.tensor(0.1), "best": "last.ckpt"}},
            "optimizer_states": [{"state": {0: moments}, "param_groups": [{"lr": 1e-4, "params": [0]}]}],
            "lr_schedulers": [{"base_lrs": [1e-4], "lr_lambdas": [None], "kept": classes.ModelCheckpoint()}],
            "hyper_parameters": classes.AttributeDict(scale_factor=0.18215),
            **more,
        }
        torch.save(content, path)


def test_the_authors_file_becomes_a_model_that_completes(tmp_path: Path) -> None:
    tensors = state_dict()
    lightning_checkpoint(tmp_path / FILE, tensors)
    done = imported(tmp_path / FILE)
    assert done.exit_code == 0, done.output
    folder = model_folder(NAME)
    assert done.stdout == f"{folder}\n"
    assert sorted(path.name for path in folder.iterdir()) == [CONFIG, "model.safetensors", "record.json"]
    config = read_config(folder / CONFIG)
    assert config.channels[0] == tensors[f"{UNET}input_blocks.0.0.weight"].shape[0] < 320
    assert config.clip_width < 1024

    completer = registry.load(NAME, "cpu")
    for name in ("unet.conv_in.weight", "unet.mid_block.resnets.0.conv1.weight", "vae.decoder.conv_in.weight"):
        theirs, _ = their_name(name, config)
        assert theirs.startswith((EMA, "first_stage_model."))
        found = completer._model.state_dict()[name]
        assert torch.equal(found, tensors[theirs].half().float().reshape(found.shape))
    image = np.full((40, 56, 3), 120, np.uint8)
    mask = np.zeros((40, 56), bool)
    mask[10:30, 8:30] = True
    image[mask] = (200, 40, 30)
    ((rgba, amodal, score),) = completer.complete(image, mask, None, 1, 0, Context(), "draft")
    assert rgba.shape == (40, 56, 4)
    assert (amodal | ~mask).all()
    assert 0 <= score <= 1


def test_a_malicious_file_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    lightning_checkpoint(tmp_path / FILE, {"a": torch.ones(1)}, callbacks=[Runs(os.system, f"touch {trace}")])
    done = imported(tmp_path / FILE)
    assert done.exit_code == 2
    assert FILE in done.stderr
    assert "posix.system" in done.stderr
    assert "Traceback" not in done.output
    assert not trace.exists()
    assert not is_ready(NAME)
    left = [path for path in models_dir().rglob("*") if path.is_file() and path.stat().st_size]
    assert left == []
    assert not model_folder(NAME).exists()
    with pytest.raises(ProblemError, match="not installed"):
        registry.load(NAME, "cpu")
    # The very file does its harm where it is trusted.
    with lightning_classes():
        torch.load(tmp_path / FILE, weights_only=False)
    assert trace.exists()


def test_another_model_s_checkpoint_is_refused_and_the_one_that_is_there_stays(tmp_path: Path) -> None:
    folder = model_folder(NAME)
    folder.mkdir(parents=True)
    (folder / "kept").write_text("kept")
    lightning_checkpoint(tmp_path / FILE, {f"{UNET}input_blocks.0.0.weight": torch.zeros(320, 4, 3, 3)})
    done = imported(tmp_path / FILE)
    assert done.exit_code == 2
    assert "takes 4 channels in place of 12" in done.stderr
    assert (folder / "kept").read_text() == "kept"
    assert [path.name for path in models_dir().glob(".unfinished*")] == []
