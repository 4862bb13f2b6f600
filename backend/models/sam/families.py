"""In what the generations of Segment Anything differ for a picture with points and a box."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_PARTS = ("vision_config", "prompt_encoder_config", "mask_decoder_config")

# In the authors' code one matrix of random frequencies serves the picture's grid and the prompts.
TWINS = {"prompt_encoder.shared_embedding.positional_embedding": "shared_image_embedding.positional_embedding"}

# What follows objects through videos, or finds them by words, is no part of the network for a picture and prompts.
_VIDEO = re.compile(
    r"memory_|mask_downsample|object_pointer_proj|temporal_positional_encoding_projection_layer"
    r"|no_memory_positional_encoding|no_object_pointer|occlusion_spatial_embedding_parameter|detector_model\."
)
_MOVED = (
    ("detector_model.vision_encoder.backbone.", "vision_encoder.backbone."),
    ("tracker_neck.", "vision_encoder.neck."),
    ("tracker_model.", ""),
)


@dataclass(frozen=True)
class Family:
    """``model`` and ``config`` name classes of transformers. Colours from 0 to 1 are normalised by ``mean`` and
    ``std``. With ``keeps_shape`` the picture is scaled to fit into the network's square and padded on the right and
    below; otherwise it is squashed to the square. ``half`` is torch's dtype for the image encoder on a GPU: the one
    that the authors run it in. ``min_iou`` is what a mask's predicted IoU must exceed in everything-mode."""

    model: str
    config: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    keeps_shape: bool
    half: str
    min_iou: float

    def classes(self) -> tuple[Any, Any]:
        """transformers' model and configuration class."""
        import transformers

        return getattr(transformers, self.model), getattr(transformers, self.config)


# Kirillov et al., "Segment Anything", 2023: ResizeLongestSide and SamAutomaticMaskGenerator of its repository.
SAM = Family("SamModel", "SamConfig", *_IMAGENET, True, "float16", 0.88)
# Ravi et al., "SAM 2", 2024: SAM2Transforms and SAM2AutomaticMaskGenerator of its repository.
SAM2 = Family("Sam2Model", "Sam2Config", *_IMAGENET, False, "bfloat16", 0.8)
# Carion et al., "SAM 3", 2025: its tracker, which takes points and boxes; everything-mode as for SAM 2.
SAM3 = Family("Sam3TrackerModel", "Sam3TrackerConfig", *_HALF, False, "bfloat16", 0.8)

# By the "model_type" of config.json. SAM 2.1 and SAM 3 are published as their video models.
FAMILIES: dict[str, Family] = {
    "sam": SAM,
    "sam2": SAM2,
    "sam2_video": SAM2,
    "sam3_tracker": SAM3,
    "sam3_tracker_video": SAM3,
    "sam3_video": SAM3,
}


def options_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the picture's network in a config.json, which may describe the video model around it."""
    inner = config.get("tracker_config", config)
    return {name: inner[name] for name in _PARTS if name in inner}


def renamed(name: str) -> str | None:
    """The picture network's name for a published tensor; None for one that belongs to the rest of a video model."""
    for old, new in _MOVED:
        if name.startswith(old):
            name = new + name.removeprefix(old)
            break
    return None if _VIDEO.match(name) else name
