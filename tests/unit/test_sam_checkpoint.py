"""Published files of Segment Anything: converted one to one, and what does not fit is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from backend.models.sam.checkpoint import convert
from backend.models.sam.inference import load
from backend.pipelines.context import Context
from protocol.problems import ErrorCode, ProblemError
from tests.unit.tiny_sam import picture, published_sam2, published_sam3, tiny

CLICK = [[61, 7, 1]]
FILES = ("config.json", "model.safetensors")


def converted(published: Path, folder: Path) -> list[float]:
    """Converts the files in ``published`` into ``folder``; gives the fractions that were reported."""
    heard: list[float] = []
    folder.mkdir()
    convert({name: published / name for name in FILES}, folder, heard.append)
    return heard


def published_sam(folder: Path) -> Any:
    model = tiny("sam")
    model.save_pretrained(folder)
    return model


@pytest.mark.parametrize("publish", [published_sam, published_sam2, published_sam3])
def test_published_files_become_the_same_network_in_half_precision(publish: Any, tmp_path: Path) -> None:
    model = publish(tmp_path / "published")
    heard = converted(tmp_path / "published", tmp_path / "kept")
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    kept = load_file(tmp_path / "kept" / "model.safetensors")
    wanted = model.state_dict()
    assert kept.keys() == wanted.keys()
    for name, tensor in kept.items():
        assert tensor.dtype == torch.float16
        assert torch.equal(tensor, wanted[name].half())
    assert {path.name for path in (tmp_path / "kept").iterdir()} == set(FILES)
    mask, confidence = load("cpu", tmp_path / "kept").segment(picture(), CLICK, None, Context())
    assert mask.shape == (40, 70)
    assert np.unique(confidence).size > 100


def test_what_was_converted_answers_as_the_original(tmp_path: Path) -> None:
    from backend.models.sam.families import SAM
    from backend.models.sam.inference import SamSegmenter
    from backend.models.sam.network import SamNetwork

    model = published_sam(tmp_path / "published")
    converted(tmp_path / "published", tmp_path / "kept")
    _, one = SamSegmenter(SamNetwork(model, SAM, "cpu")).segment(picture(), CLICK, None, Context())
    _, other = load("cpu", tmp_path / "kept").segment(picture(), CLICK, None, Context())
    assert np.abs(one - other).max() < 0.01


def spoilt(folder: Path, change: Any) -> None:
    """SAM's files in ``folder``, the tensors changed by ``change``."""
    published_sam(folder)
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def without(tensors: dict[str, torch.Tensor]) -> None:
    del tensors["mask_decoder.iou_token.weight"]


def surplus(tensors: dict[str, torch.Tensor]) -> None:
    tensors["head.weight"] = torch.zeros(2)


def reshaped(tensors: dict[str, torch.Tensor]) -> None:
    tensors["mask_decoder.iou_token.weight"] = torch.zeros(1, 7)


def infinite(tensors: dict[str, torch.Tensor]) -> None:
    tensors["mask_decoder.iou_token.weight"] = torch.full((1, 16), 1e6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without, "missing: mask_decoder.iou_token.weight"),
        (surplus, "left over: head.weight"),
        (reshaped, "mask_decoder.iou_token.weight is 1 x 7 instead of 1 x 16"),
        (infinite, "not finite in half precision"),
    ],
)
def test_weights_that_do_not_fit_are_named(change: Any, said: str, tmp_path: Path) -> None:
    spoilt(tmp_path / "published", change)
    with pytest.raises(ProblemError, match=said) as caught:
        converted(tmp_path / "published", tmp_path / "kept")
    assert caught.value.problem.code is ErrorCode.MODEL_FAILED
    assert "model.safetensors" in str(caught.value.problem)
    assert not list((tmp_path / "kept").iterdir())


def test_a_shared_matrix_may_be_stored_once_under_either_name(tmp_path: Path) -> None:
    names = ("shared_image_embedding.positional_embedding", "prompt_encoder.shared_embedding.positional_embedding")

    def renamed(tensors: dict[str, torch.Tensor]) -> None:
        tensors[names[1]] = tensors.pop(names[0])

    spoilt(tmp_path / "published", renamed)
    converted(tmp_path / "published", tmp_path / "kept")
    kept = load_file(tmp_path / "kept" / "model.safetensors")
    assert torch.equal(kept[names[0]], kept[names[1]])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "describes a model of type None"),
        ('{"model_type": "clip"}', "describes a model of type 'clip'"),
        ('{"model_type": ["sam"]}', "describes a model of type"),
        ('{"model_type": "sam", "vision_config": {"hidden_size": "wide"}}', "no network that can be built"),
        ('{"model_type": "sam", "vision_config": 7}', "no network that can be built"),
    ],
)
def test_a_wrong_configuration_is_named(text: str, said: str, tmp_path: Path) -> None:
    published_sam(tmp_path / "published")
    (tmp_path / "published" / "config.json").write_text(text, "utf-8")
    with pytest.raises(ProblemError, match=said) as caught:
        converted(tmp_path / "published", tmp_path / "kept")
    assert "config.json" in str(caught.value.problem)


def test_a_configuration_of_another_size_does_not_fit(tmp_path: Path) -> None:
    published_sam(tmp_path / "published")
    path = tmp_path / "published" / "config.json"
    config = json.loads(path.read_text("utf-8"))
    config["vision_config"]["num_hidden_layers"] = 1
    path.write_text(json.dumps(config), "utf-8")
    with pytest.raises(ProblemError, match="left over: vision_encoder"):
        converted(tmp_path / "published", tmp_path / "kept")


@pytest.mark.parametrize("content", [b"", b"\x80\x04cos\nsystem\n", b"\xff" * 64])
def test_a_file_that_is_no_safetensors_is_named(content: bytes, tmp_path: Path) -> None:
    published_sam(tmp_path / "published")
    (tmp_path / "published" / "model.safetensors").write_bytes(content)
    with pytest.raises(ProblemError, match=r"model\.safetensors cannot be read as weights"):
        converted(tmp_path / "published", tmp_path / "kept")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match=r"config\.json is missing"):
        convert({}, tmp_path, lambda _: None)


def test_a_damaged_installation_is_named(tmp_path: Path) -> None:
    published_sam(tmp_path / "published")
    converted(tmp_path / "published", tmp_path / "kept")
    spoilt(tmp_path / "other", without)
    (tmp_path / "other" / "model.safetensors").replace(tmp_path / "kept" / "model.safetensors")
    with pytest.raises(ProblemError, match=r"mask_decoder\.iou_token"):
        load("cpu", tmp_path / "kept")
