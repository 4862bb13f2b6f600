"""CLIP with random weights and a small vocabulary, and its files as they are published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

_LETTERS = "abcdefghijklmnopqrstuvwxyz.,0123456789"
_PIECES = ["ca", "cat</w>", "do", "dog</w>", "ph", "ot", "phot", "photo</w>", "of</w>"]
PAIRS = ["c a", "ca t</w>", "d o", "do g</w>", "p h", "o t", "ph ot", "phot o</w>", "o f</w>"]
SIDE = 32
FILES = ("config.json", "model.safetensors", "vocab.json", "merges.txt")


def vocabulary() -> dict[str, int]:
    pieces = [*_LETTERS, *(letter + "</w>" for letter in _LETTERS), *_PIECES, "<|startoftext|>", "<|endoftext|>"]
    return {piece: number for number, piece in enumerate(pieces)}


def tiny_clip(end: int = 2) -> Any:
    """A CLIPModel; ``end`` is what its configuration says of the end of a sentence (2 as published)."""
    from transformers import CLIPConfig, CLIPModel

    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = size | {"vocab_size": len(vocabulary()), "max_position_embeddings": 20, "eos_token_id": end}
    vision = size | {"image_size": SIDE, "patch_size": 8}
    torch.manual_seed(0)
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=12))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name != "logit_scale":
                parameter += torch.randn(parameter.shape, generator=generator) * 0.2
    return model.eval()


def publish(folder: Path, end: int = 2) -> Any:
    """Writes the published files into ``folder``; gives the model."""
    model = tiny_clip(end)
    model.save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps(vocabulary()), "utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *PAIRS, ""]), "utf-8")
    return model
