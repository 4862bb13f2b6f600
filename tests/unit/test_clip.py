"""CLIP: the same probabilities as transformers' own path, objects shown whole, published files converted."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from backend.models.clip.checkpoint import convert
from backend.models.clip.inference import ClipRecogniser, load
from backend.models.clip.pictures import alone, photo
from backend.models.clip.tokens import read_tokenizer
from backend.pipelines.context import Cancelled, Context
from protocol.problems import ErrorCode, ProblemError
from tests.unit.tiny_clip import FILES, SIDE, publish, tiny_clip, vocabulary
from tests.unit.tiny_sam import picture

LABELS = ["cat", "dog", "a small brown teapot", "7"]


def converted(published: Path, folder: Path, files: tuple[str, ...] = FILES) -> None:
    folder.mkdir()
    convert({name: published / name for name in files}, folder, lambda _: None)


def recogniser(folder: Path) -> ClipRecogniser:
    publish(folder)
    tokenizer = read_tokenizer(folder / "vocab.json", folder / "merges.txt", len(vocabulary()))
    return ClipRecogniser(tiny_clip(), tokenizer, "cpu")


@pytest.mark.parametrize("size", [(40, 70), (90, 33), (20, 20), (200, 63)])
def test_probabilities_are_those_of_transformers_own_path(size: tuple[int, int], tmp_path: Path) -> None:
    from transformers import CLIPImageProcessorPil, CLIPTokenizer

    image = picture(*size)
    found = recogniser(tmp_path).recognise(image, None, LABELS, Context())
    prepare: Any = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    tokens: Any = CLIPTokenizer.from_pretrained(tmp_path)(
        [f"a photo of a {label}." for label in LABELS],
        padding=True,
        truncation=True,
        max_length=20,
        return_tensors="pt",
    )
    with torch.no_grad():
        told = tiny_clip()(pixel_values=prepare(image, return_tensors="pt")["pixel_values"], **tokens)
    assert found == pytest.approx(told.logits_per_image.softmax(-1)[0].numpy(), abs=2e-5)
    assert found.sum() == pytest.approx(1, abs=1e-5)
    assert np.ptp(found) > 0.01, "labels that all fit alike would say nothing"


def test_pieces_are_joined_by_the_merges(tmp_path: Path) -> None:
    publish(tmp_path)
    tokenizer = read_tokenizer(tmp_path / "vocab.json", tmp_path / "merges.txt", len(vocabulary()))
    numbers = vocabulary()
    wanted = ["<|startoftext|>", "photo</w>", "of</w>", "cat</w>", ".</w>", "<|endoftext|>"]
    assert tokenizer("Photo  of CAT.")["input_ids"] == [numbers[piece] for piece in wanted]


def test_many_and_long_labels(tmp_path: Path) -> None:
    labels = [f"thing {number} " + "very long " * 40 for number in range(130)]
    found = recogniser(tmp_path).recognise(picture(), None, labels, Context())
    assert found.shape == (130,)
    assert found.sum() == pytest.approx(1, abs=1e-4)


def test_labels_that_come_again_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, read = recogniser(tmp_path), []
    texts = model._of_texts
    monkeypatch.setattr(model, "_of_texts", lambda sentences: read.append(len(sentences)) or texts(sentences))
    first = model.recognise(picture(), None, LABELS, Context())
    assert np.array_equal(model.recognise(picture(), None, tuple(LABELS), Context()), first)
    turned = model.recognise(picture(), None, LABELS[::-1], Context())
    assert turned[::-1] == pytest.approx(first, abs=1e-5)
    assert read == [4, 4]


def test_cancelling_ends_it(tmp_path: Path) -> None:
    context = Context()
    context.cancelled = True
    with pytest.raises(Cancelled):
        recogniser(tmp_path).recognise(picture(), None, LABELS, context)


@pytest.mark.parametrize("size", [(30, 10), (10, 30), (1, 1), (50, 50)])
def test_an_object_is_shown_whole_on_white(size: tuple[int, int]) -> None:
    """A wide or tall object at the picture's edge keeps all four of its ends, and nothing around it is seen."""
    image = np.zeros((60, 90, 3), np.uint8)
    alpha = np.zeros((60, 90), np.uint8)
    image[-size[0] :, -size[1] :] = (200, 30, 30)
    alpha[-size[0] :, -size[1] :] = 255
    shown = alone(image, alpha, 64).astype(int)
    red = np.abs(shown - (200, 30, 30)).max(axis=-1) < 40
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    ratio = (rows[-1] - rows[0] + 1) / (columns[-1] - columns[0] + 1)
    assert ratio == pytest.approx(size[0] / size[1], rel=0.15)
    assert max(len(rows), len(columns)) >= 52
    assert abs((rows[0] + rows[-1]) / 2 - 31.5) < 4
    assert abs((columns[0] + columns[-1]) / 2 - 31.5) < 4
    assert shown.min() >= 0
    assert not (shown.max(axis=-1) < 100).any(), "the black around the object"


def test_half_transparent_edges_mix_with_white() -> None:
    shown = alone(np.zeros((8, 8, 3), np.uint8), np.full((8, 8), 128, np.uint8), 8)
    assert np.abs(shown[3:5, 3:5].astype(int) - 127).max() <= 1


@pytest.mark.parametrize("size", [(1, 4000), (4000, 1), (3, 13)])
def test_very_long_pictures_show_their_middle(size: tuple[int, int]) -> None:
    image = np.zeros((*size, 3), np.uint8)
    image[size[0] // 2 - size[0] // 4 : size[0] // 2 + size[0] // 4 + 1, :] = 255
    image[:, size[1] // 2 - size[1] // 4 : size[1] // 2 + size[1] // 4 + 1] = 255
    shown = photo(image, 32)
    assert shown.shape == (32, 32, 3)
    assert shown[12:20, 12:20].min() == 255


@pytest.mark.parametrize("end", [2, len(vocabulary()) - 1])
def test_published_files_become_the_same_network(end: int, tmp_path: Path) -> None:
    model = publish(tmp_path / "published", end)
    converted(tmp_path / "published", tmp_path / "kept")
    kept = load_file(tmp_path / "kept" / "model.safetensors")
    assert kept.keys() == model.state_dict().keys()
    assert all(torch.equal(tensor, model.state_dict()[name].half()) for name, tensor in kept.items())
    one = recogniser(tmp_path / "whole").recognise(picture(), None, LABELS, Context())
    other = load("cpu", tmp_path / "kept").recognise(picture(), None, LABELS, Context())
    assert other == pytest.approx(one, abs=0.02)


def test_the_older_file_is_read_as_tensors_and_its_positions_left_out(tmp_path: Path) -> None:
    model = publish(tmp_path / "published")
    positions = {f"{part}_model.embeddings.position_ids": torch.arange(9)[None] for part in ("text", "vision")}
    torch.save(model.state_dict() | positions, tmp_path / "published" / "pytorch_model.bin")
    converted(tmp_path / "published", tmp_path / "kept", ("config.json", "pytorch_model.bin", *FILES[2:]))
    assert load_file(tmp_path / "kept" / "model.safetensors").keys() == model.state_dict().keys()


class Command:
    """What a malicious pickle holds."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_that_would_run_a_command_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    publish(tmp_path / "published")
    torch.save({"weight": Command(tmp_path / "was here")}, tmp_path / "published" / "pytorch_model.bin")
    with pytest.raises(ProblemError, match=r"pytorch_model\.bin cannot be read as weights") as caught:
        converted(tmp_path / "published", tmp_path / "kept", ("config.json", "pytorch_model.bin", *FILES[2:]))
    assert caught.value.problem.code is ErrorCode.MODEL_FAILED
    assert not (tmp_path / "was here").exists()
    assert not list((tmp_path / "kept").iterdir())


def test_a_file_of_other_things_than_tensors_is_refused(tmp_path: Path) -> None:
    publish(tmp_path / "published")
    torch.save({"weight": [1.0]}, tmp_path / "published" / "pytorch_model.bin")
    with pytest.raises(ProblemError, match="something other than tensors"):
        converted(tmp_path / "published", tmp_path / "kept", ("config.json", "pytorch_model.bin", *FILES[2:]))


def _gap(numbers: dict[str, Any]) -> None:
    numbers["cat</w>"] = 10_000


def _unmarked(numbers: dict[str, Any]) -> None:
    numbers["end"] = numbers.pop("<|endoftext|>")


def _worded(numbers: dict[str, Any]) -> None:
    numbers["cat</w>"] = "many"


def _swapped(numbers: dict[str, Any]) -> None:
    numbers["<|startoftext|>"], numbers["<|endoftext|>"] = numbers["<|endoftext|>"], numbers["<|startoftext|>"]


@pytest.mark.parametrize(
    ("change", "said"),
    [(_gap, "does not number"), (_unmarked, "lacks"), (_worded, "no table"), (_swapped, "the end of a sentence")],
)
def test_a_wrong_vocabulary_is_named(change: Callable[[dict[str, Any]], None], said: str, tmp_path: Path) -> None:
    publish(tmp_path / "published")
    numbers: dict[str, Any] = dict(vocabulary())
    change(numbers)
    (tmp_path / "published" / "vocab.json").write_text(json.dumps(numbers), "utf-8")
    with pytest.raises(ProblemError, match=said) as caught:
        converted(tmp_path / "published", tmp_path / "kept")
    assert "vocab.json" in str(caught.value.problem)


@pytest.mark.parametrize(("text", "said"), [("c a t", "no pair"), ("c z", "does not have: 'c z'")])
def test_wrong_merges_are_named(text: str, said: str, tmp_path: Path) -> None:
    publish(tmp_path / "published")
    (tmp_path / "published" / "merges.txt").write_text(text, "utf-8")
    with pytest.raises(ProblemError, match=said) as caught:
        converted(tmp_path / "published", tmp_path / "kept")
    assert "merges.txt" in str(caught.value.problem)
