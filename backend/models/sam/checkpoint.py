"""Checks the published files of a Segment Anything model and keeps what pictures need, in half precision."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from backend.models.sam.families import FAMILIES, TWINS, options_of, renamed
from backend.nn import pretrained


def convert(sources: dict[str, Path], folder: Path, report: Callable[[float], None]) -> None:
    """Write model.safetensors (float16) and config.json of the picture's network into ``folder``.

    ``sources``: "config.json" and "model.safetensors" as facebook publishes them on Hugging Face, for pictures or for
    videos. ProblemError (MODEL_FAILED) names what is missing, left over or of another shape.
    """
    described = pretrained.source(sources, pretrained.CONFIG)
    weights = pretrained.source(sources, pretrained.WEIGHTS)
    config = pretrained.read_config(described, FAMILIES)
    model_class, config_class = FAMILIES[config["model_type"]].classes()
    model = pretrained.skeleton(model_class, config_class, options_of(config), described)
    pretrained.write_half(weights, model, renamed, TWINS, folder / pretrained.WEIGHTS, report)
    model.config.save_pretrained(folder)
