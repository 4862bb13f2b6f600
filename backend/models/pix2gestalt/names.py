"""The authors' names of all tensors, from ours.

The U-Net and auto-encoder of latent diffusion count blocks where diffusers nests them; CLIP of OpenAI keeps queries,
keys and values of a layer in one tensor.
"""

from __future__ import annotations

import re

from backend.models.pix2gestalt.config import Config

UNET, EMA, VAE, CLIP = "model.diffusion_model.", "model_ema.", "first_stage_model.", "cond_stage_model.model."

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
_CLIP_LAYER = {
    "self_attn.out_proj": "attn.out_proj",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_CLIP_ENDS = {
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm.weight": "visual.ln_pre.weight",
    "vision_model.pre_layrnorm.bias": "visual.ln_pre.bias",
    "vision_model.post_layernorm.weight": "visual.ln_post.weight",
    "vision_model.post_layernorm.bias": "visual.ln_post.bias",
    "visual_projection.weight": "visual.proj",
}


def unet_name(name: str, config: Config) -> str:
    """The authors' name within the U-Net of our ``name`` there."""
    module, _, leaf = name.rpartition(".")
    if module in _ENDS:
        return f"{_ENDS[module]}.{leaf}"
    match = re.fullmatch(r"mid_block\.(resnets|attentions)\.(\d)\.(.+)", name)
    if match:
        kind, block, inner = match[1], f"middle_block.{1 if match[1] == 'attentions' else 2 * int(match[2])}", match[3]
        return f"{block}.{_within(inner, _RESNET) if kind == 'resnets' else inner}"
    match = re.fullmatch(r"(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)\.(.+)", name)
    if not match:
        raise KeyError(name)
    way, level, kind, index, inner = match[1], int(match[2]), match[3], int(match[4]), match[5]
    per_level = config.layers + 1
    if kind == "downsamplers":
        return f"input_blocks.{per_level * (level + 1)}.0.op.{leaf}"
    if kind == "upsamplers":
        # After the residual and, but in the deepest level, the attention.
        return f"output_blocks.{per_level * (level + 1) - 1}.{1 if level == 0 else 2}.conv.{leaf}"
    number = per_level * level + index
    block = f"input_blocks.{1 + number}" if way == "down" else f"output_blocks.{number}"
    return f"{block}.0.{_within(inner, _RESNET)}" if kind == "resnets" else f"{block}.1.{inner}"


def vae_name(name: str, config: Config) -> str:
    """The authors' name within the auto-encoder of our ``name`` there."""
    name = name.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")
    match = re.fullmatch(r"(encoder|decoder)\.(down|up)_blocks\.(\d+)\.(.+)", name)
    if match:
        part, way, level, rest = match[1], match[2], int(match[3]), match[4]
        if way == "up":
            level = len(config.vae_channels) - 1 - level
        rest = re.sub(r"^resnets\.(\d+)", r"block.\1", rest)
        rest = re.sub(r"^(down|up)samplers\.0", r"\1sample", rest)
        return f"{part}.{way}.{level}.{rest}"
    match = re.fullmatch(r"(encoder|decoder)\.mid_block\.(resnets|attentions)\.(\d)\.(.+)", name)
    if match:
        if match[2] == "resnets":
            return f"{match[1]}.mid.block_{int(match[3]) + 1}.{match[4]}"
        return f"{match[1]}.mid.attn_1.{_within(match[4], _VAE_ATTENTION)}"
    return name


def clip_name(name: str) -> tuple[str, int | None]:
    """The authors' name within CLIP of our ``name`` there, and which third of its rows ours are, or None for all."""
    if name in _CLIP_ENDS:
        return _CLIP_ENDS[name], None
    match = re.fullmatch(r"vision_model\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias)", name)
    if not match:
        raise KeyError(name)
    layer = f"visual.transformer.resblocks.{match[1]}"
    if match[2] in _CLIP_LAYER:
        return f"{layer}.{_CLIP_LAYER[match[2]]}.{match[3]}", None
    third = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj").index(match[2])
    return f"{layer}.attn.in_proj_{match[3]}", third


def ema_name(unet: str) -> str:
    """The name in the checkpoint of the averaged tensor of the U-Net's ``unet`` (the authors' name within it)."""
    return f"{EMA}diffusion_model{unet.replace('.', '')}"


def _within(inner: str, names: dict[str, str]) -> str:
    module, _, leaf = inner.rpartition(".")
    return f"{names.get(module, module)}.{leaf}"
