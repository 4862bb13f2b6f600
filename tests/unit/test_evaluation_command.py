"""`wholeform evaluate` on tiny folders of cases."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from PIL import Image as Picture
from safetensors.torch import save_file
from typer.testing import CliRunner, Result

from backend.cli.main import app
from backend.evaluation.segmentation import METRICS
from backend.hub.registry import cards
from backend.hub.weights import read_weights
from backend.synthetic.writers import cases as case_writer

from .tiny_scenes import tiny_scene


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    case_writer.write([tiny_scene(seed) for seed in range(2)], folder)
    return folder


def evaluate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def test_segmentation_of_a_folder(folder: Path, tmp_path: Path) -> None:
    out, picture = tmp_path / "new" / "scores.json", tmp_path / "sheet.png"
    done = evaluate("grabcut", "--data", folder, "--count", 2, "--seed", 5, "--json", out, "--sheet", picture)
    assert done.exit_code == 0, done.output
    report = json.loads(out.read_text())
    assert [report[key] for key in ("model", "level", "count", "seed", "data")] == [
        "grabcut",
        "classical",
        2,
        5,
        str(folder),
    ]
    assert set(report["baselines"]) == {"u2netp"}
    for scores in (report["metrics"], *report["baselines"].values()):
        assert set(scores) == set(METRICS)
        assert all(0 <= score <= 1 for score in scores.values())
    # Coloured ellipses on grey are easy.
    assert report["metrics"]["iou_box"] > 0.3
    assert Picture.open(picture).size == (800, 600)
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["MODEL", *METRICS]
    assert lines[1].split() == ["grabcut", *(f"{report['metrics'][name]:.3f}" for name in METRICS)]
    assert lines[2].split()[0] == "u2netp"


def test_a_task_means_its_default_model_and_all_cases_are_taken(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores.json"
    done = evaluate("complete", "--data", folder, "--json", out)
    assert done.exit_code == 0, done.output
    report = json.loads(out.read_text())
    assert (report["model"], report["count"]) == (
        "starter-and-symmetry",
        len(json.loads((folder / "cases.json").read_text())),
    )
    assert set(report["baselines"]) == {"visible", "convex_hull", "symmetry-inpaint"}
    for scores in (report["metrics"], *report["baselines"].values()):
        assert set(scores) == {"amodal_miou", "hidden_miou", "hidden_psnr", "amodal_miou_from_box"}
    assert report["baselines"]["visible"]["hidden_miou"] == 0


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """What `wholeform train` leaves: a card, and weights that it names. The network is u2netp's, with its last layers
    set to nothing, so that it answers otherwise."""
    card = cards()["u2netp"]
    assert card.weights is not None
    tensors = {name: tensor.contiguous() for name, tensor in read_weights(card.weights).items()}
    for name in tensors:
        if name.startswith(("outconv", "side")):
            tensors[name] = torch.zeros_like(tensors[name])
    save_file(tensors, tmp_path / "mine.safetensors")
    digest = hashlib.sha256((tmp_path / "mine.safetensors").read_bytes()).hexdigest()
    fields = {"name": "mine", "title": "Mine", "level": "yours", "good_for": "x", "licence": "x", "origin": "x"}
    weights = {"file": "mine.safetensors", "sha256": digest, "licence": "x", "origin": "x"}
    lines = [f'{key} = "{value}"' for key, value in {**fields, "entry": card.entry}.items()]
    lines += ['tasks = ["segment"]', "[weights]", *(f'{key} = "{value}"' for key, value in weights.items())]
    (tmp_path / "card.toml").write_text("\n".join(lines))
    return tmp_path


def test_a_trained_model_is_scored_from_its_folder(folder: Path, trained: Path) -> None:
    out = trained / "scores.json"
    done = evaluate("mine", "--level", trained, "--data", folder, "--count", 1, "--json", out)
    assert done.exit_code == 0, done.output
    report = json.loads(out.read_text())
    assert (report["model"], report["level"]) == ("mine", "yours")
    assert set(report["baselines"]) == {"grabcut", "u2netp"}
    assert report["metrics"] != report["baselines"]["u2netp"]
    done = evaluate("complete", "--level", trained, "--data", folder)
    assert done.exit_code == 2
    assert "holds the model “mine”" in done.stderr
    (trained / "mine.safetensors").write_bytes(b"")
    done = evaluate("mine", "--level", trained, "--data", folder)
    assert done.exit_code == 4
    assert "mine.safetensors are not those" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nothing",), "no model “nothing”"),
        (("clip-vit-base-patch32",), "no score for “clip-vit-base-patch32” yet"),
        (("grabcut", "--level", "starter"), "not as starter"),
        (("grabcut", "--data", "nowhere"), "is no folder"),
        (("grabcut", "--data", "synthetic:bricks"), "no objects “bricks”"),
        (("grabcut", "--data", "synthetic:procedural", "--split", "test"), "no split “test”"),
        (("grabcut", "--json", "."), "is a folder"),
    ],
)
def test_wrong_commands_are_told_what_is_allowed(arguments: tuple[str, ...], says: str) -> None:
    done = evaluate(*arguments)
    assert done.exit_code == 2
    assert says in done.stderr


def test_a_solid_is_scored_on_objects_seen_from_one_side(tmp_path: Path) -> None:
    done = evaluate("reconstruct", "--data", "synthetic:procedural", "--count", 2, "--json", tmp_path / "scores.json")
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "scores.json").read_text("utf-8"))
    assert told["model"] == "inflate"
    assert told["count"] == 2
    assert set(told["metrics"]) == {"volume_iou", "chamfer", "fscore", "normal_consistency"}
    assert 0.1 < told["metrics"]["volume_iou"] < 1
    assert 0 < told["metrics"]["chamfer"] < 0.2
    assert told["baselines"] == {}
