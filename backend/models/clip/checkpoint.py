"""Checks the published files of a CLIP model and keeps them in half precision."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from backend.models.clip.tokens import MERGES, VOCABULARY, read_tokenizer
from backend.nn import pretrained
from protocol.problems import ErrorCode, ProblemError

FAMILIES = ("clip",)
_PARTS = ("text_config", "vision_config", "projection_dim", "logit_scale_init_value")


def _kept(name: str) -> str | None:
    """Older files also hold the numbers 0, 1, 2, … of positions, which the class makes itself."""
    return None if name.endswith(".position_ids") else name


def convert(sources: dict[str, Path], folder: Path, report: Callable[[float], None]) -> None:
    """Write model.safetensors (float16), config.json, vocab.json and merges.txt into ``folder``.

    ``sources``: those files as openai publishes them on Hugging Face; in place of "model.safetensors" also
    "pytorch_model.bin", which is read as tensors alone. ProblemError (MODEL_FAILED) names what does not fit.
    """
    described = pretrained.source(sources, pretrained.CONFIG)
    weights = pretrained.source(sources, pretrained.WEIGHTS, "pytorch_model.bin")
    vocabulary, merges = (pretrained.source(sources, name) for name in (VOCABULARY, MERGES))
    config = pretrained.read_config(described, dict.fromkeys(FAMILIES))
    from transformers import CLIPConfig, CLIPModel

    options = {name: config[name] for name in _PARTS if name in config}
    model = pretrained.skeleton(CLIPModel, CLIPConfig, options, described)
    text = model.config.text_config
    tokenizer = read_tokenizer(vocabulary, merges, text.vocab_size)
    # Where a sentence is read off: at its end mark, which for 2 (as published) is the piece of the highest number.
    if tokenizer.eos_token_id != (text.vocab_size - 1 if text.eos_token_id == 2 else text.eos_token_id):
        raise ProblemError(
            ErrorCode.MODEL_FAILED,
            f"{described.name} and {vocabulary.name} number the end of a sentence differently.",
            "Use files of the same model.",
        )
    pretrained.write_half(weights, model, _kept, {}, folder / pretrained.WEIGHTS, report)
    model.config.save_pretrained(folder)
    shutil.copyfile(vocabulary, folder / VOCABULARY)
    shutil.copyfile(merges, folder / MERGES)
