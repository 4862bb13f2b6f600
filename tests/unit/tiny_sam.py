"""Segment Anything of all three generations with random weights, small enough for tests, and the published forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

_DECODER = {"hidden_size": 16, "mlp_dim": 16, "num_attention_heads": 2, "iou_head_hidden_dim": 16}
_FINE_TO_COARSE = [[16, 16], [8, 8], [4, 4]]


def _prompts(side: int, patch: int) -> dict[str, Any]:
    return {"hidden_size": 16, "image_size": side, "patch_size": patch, "mask_input_channels": 4}


def sam_options() -> dict[str, Any]:
    vision = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 64, "patch_size": 16}
    vision |= {"window_size": 2, "global_attn_indexes": [1], "output_channels": 16, "mlp_dim": 32, "num_pos_feats": 8}
    return {"vision_config": vision, "prompt_encoder_config": _prompts(64, 16), "mask_decoder_config": _DECODER}


def sam2_options() -> dict[str, Any]:
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 8,
        "image_size": [64, 64],
        "blocks_per_stage": [1, 1, 2, 1],
        "embed_dim_per_stage": [8, 16, 32, 64],
        "window_size_per_stage": [4, 4, 4, 2],
        "global_attention_blocks": [3],
        "window_positional_embedding_background_size": [2, 2],
    }
    vision = {"model_type": "sam2_vision_model", "backbone_config": backbone, "fpn_hidden_size": 16}
    vision |= {"backbone_channel_list": [64, 32, 16, 8], "backbone_feature_sizes": _FINE_TO_COARSE}
    return {"vision_config": vision, "prompt_encoder_config": _prompts(64, 16), "mask_decoder_config": _DECODER}


def sam3_options() -> dict[str, Any]:
    backbone = {
        "model_type": "sam3_vit_model",
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 56,
        "patch_size": 14,
        "window_size": 2,
        "global_attn_indexes": [1],
        "pretrain_image_size": 28,
    }
    vision = {"model_type": "sam3_vision_model", "backbone_config": backbone, "fpn_hidden_size": 16}
    vision |= {"backbone_feature_sizes": _FINE_TO_COARSE}
    return {"vision_config": vision, "prompt_encoder_config": _prompts(56, 14), "mask_decoder_config": _DECODER}


def tiny(kind: str) -> Any:
    """The model of ``kind`` ("sam", "sam2", "sam3") with random weights large enough that masks have edges."""
    import transformers

    names = {"sam": "Sam", "sam2": "Sam2", "sam3": "Sam3Tracker"}
    options = {"sam": sam_options, "sam2": sam2_options, "sam3": sam3_options}[kind]()
    torch.manual_seed(0)
    config = getattr(transformers, f"{names[kind]}Config")(**options)
    return lively(getattr(transformers, f"{names[kind]}Model")(config)).eval()


def lively(model: nn.Module) -> Any:
    """Random weights as large as trained ones, in place of the tiny first ones, so that outputs depend on inputs."""
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in model.parameters():
            fan = parameter[0].numel() if parameter.ndim > 1 else 4
            parameter += torch.randn(parameter.shape, generator=generator) * fan**-0.5
    return model


def published_sam2(folder: Path) -> Any:
    """SAM 2 as it is published, inside its video model: writes the files, gives the picture's model."""
    from transformers import Sam2Config, Sam2Model, Sam2VideoConfig, Sam2VideoModel

    options = sam2_options()
    video = lively(Sam2VideoModel(Sam2VideoConfig(**options, image_size=64)))
    video.save_pretrained(folder)
    model = Sam2Model(Sam2Config(**options))
    model.load_state_dict(video.state_dict(), strict=False)
    return model.eval()


def published_sam3(folder: Path) -> Any:
    """SAM 3 as it is published, detector and tracker together: writes the files, gives the picture's model."""
    from transformers import Sam3TrackerConfig, Sam3TrackerModel, Sam3VideoConfig, Sam3VideoModel

    options = sam3_options()
    part = {"hidden_size": 16, "num_attention_heads": 2}
    layer = part | {"num_layers": 1, "intermediate_size": 16}
    text = part | {"num_hidden_layers": 1, "intermediate_size": 16, "vocab_size": 32, "projection_dim": 16}
    detector = {"vision_config": options["vision_config"], "text_config": text | {"bos_token_id": 0, "eos_token_id": 1}}
    detector |= {"geometry_encoder_config": layer, "detr_encoder_config": layer}
    detector |= {"detr_decoder_config": layer | {"num_queries": 4}, "mask_decoder_config": part}
    memory = {f"memory_{name}": 16 for name in ("attention_hidden_size", "encoder_hidden_size", "fuser_embed_dim")}
    memory |= {"memory_attention_num_layers": 1, "memory_fuser_num_layers": 1, "memory_fuser_intermediate_dim": 16}
    config = Sam3VideoConfig(
        detector_config=detector, tracker_config=options | memory | {"mask_downsampler_embed_dim": 16, "image_size": 56}
    )
    video = lively(Sam3VideoModel(config))
    config.save_pretrained(folder)
    # Not by save_pretrained, which prefixes the tracker's names twice.
    tensors = {name: tensor.clone() for name, tensor in video.state_dict().items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    model: Any = Sam3TrackerModel(Sam3TrackerConfig(**options))
    model.load_state_dict(video.tracker_model.state_dict(), strict=False)
    model.vision_encoder.backbone.load_state_dict(video.detector_model.vision_encoder.backbone.state_dict())
    model.vision_encoder.neck.load_state_dict(video.tracker_neck.state_dict())
    return model.eval()


def picture(height: int = 40, width: int = 70) -> np.ndarray:
    """uint8 H x W x 3, wider than high and unlike its mirror images."""
    y, x = np.mgrid[:height, :width]
    red = 255 * x / width
    green = 255 * (y / height) ** 2
    blue = 200 * ((x - 15) ** 2 + (y - 12) ** 2 < 90)
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)
