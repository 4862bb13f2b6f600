"""The networks of pix2gestalt: a latent U-Net that is told the picture's embedding, the picture and the visible mask.

Shapes: pictures float N x 3 x S x S in -1 to 1, latents N x 4 x s x s, embeddings N x 1 x token (768 as published).
"""

from __future__ import annotations

import functools
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from backend.diffusion.schedule import Schedule, noisier_schedule
from backend.models.pix2gestalt.config import LATENT, Config

_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


class Pix2Gestalt(nn.Module):
    """``unet`` denoises, ``vae`` makes and reads latents, ``clip`` looks at the whole picture, ``cc_projection`` turns
    what it saw into what the U-Net attends to."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        # The libraries' types do not say what their calls return.
        self.unet: Any = _unet(config)
        self.vae: Any = _vae(config)
        self.clip: Any = _clip(config)
        self.cc_projection = nn.Linear(config.token, config.token)

    @property
    def schedule(self) -> Schedule:
        return noisier_schedule(self.config.noisier)

    def embedding(self, image: Tensor) -> Tensor:
        """CLIP's embedding of the whole picture, not normalised; neither crop nor antialiasing, as in training."""
        small = F.interpolate(image.float(), (self.config.clip_side,) * 2, mode="bicubic", align_corners=True)
        mean, std = (torch.tensor(each, device=image.device)[None, :, None, None] for each in (_CLIP_MEAN, _CLIP_STD))
        pixels = ((small + 1) / 2 - mean) / std
        return self.clip(pixel_values=pixels.to(self.clip.dtype)).image_embeds[:, None]

    def condition(self, picture: Tensor) -> Tensor:
        """The latent of a picture or mask as the U-Net is told it: the posterior's mode, NOT scaled."""
        return self.vae.encode(picture.to(self.vae.dtype)).latent_dist.mode()

    def latent(self, picture: Tensor, noise: Tensor) -> Tensor:
        """A draw of the posterior, scaled: what diffusion starts from in training."""
        posterior = self.vae.encode(picture.to(self.vae.dtype)).latent_dist
        return self.config.latent_scale * (posterior.mean + posterior.std * noise)

    def picture(self, latent: Tensor) -> Tensor:
        """float N x 3 x S x S of scaled latents, 0 to 1; one at a time, as the decoder needs most memory of all."""
        scaled = (latent / self.config.latent_scale).to(self.vae.dtype)
        parts = [self.vae.decode(part).sample.float() for part in scaled.split(1)]
        return ((torch.cat(parts) + 1) / 2).clamp(0, 1)

    def noise(self, x: Tensor, time: Tensor, concat: Tensor, context: Tensor) -> Tensor:
        """The noise in ``x`` at ``time`` (int64 N), given the latents ``concat`` (picture, then mask: N x 8 x s x s)
        and the ``context`` (N x 1 x token)."""
        found = self.prediction(x, time, concat, context)
        if self.config.predicts == "noise":
            return found
        kept, added = shares(self.schedule, time, x)
        return kept * found.to(x.dtype) + added * x

    def prediction(self, x: Tensor, time: Tensor, concat: Tensor, context: Tensor) -> Tensor:
        """What the U-Net gives for the same: noise or velocity, as the config says."""
        dtype = self.unet.dtype
        told = torch.cat([x.to(dtype), concat.to(dtype)], dim=1)
        return self.unet(told, time, encoder_hidden_states=context.to(dtype), return_dict=False)[0]


def shares(schedule: Schedule, time: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """How much of the latent and of the noise there is at ``time`` (int64 N), each N x 1 x 1 x 1 as ``x`` is (Ho et
    al. 2020, equation 4)."""
    kept, added = (table.to(x)[time][:, None, None, None] for table in _tables(schedule))
    return kept, added


@functools.cache
def _tables(schedule: Schedule) -> tuple[Tensor, Tensor]:
    tables = schedule.tables()
    return torch.from_numpy(tables["sqrt_alphas_cumprod"]), torch.from_numpy(tables["sqrt_one_minus_alphas_cumprod"])


class OneToken:
    """Cross-attention to a single token. The softmax over one key is 1, so queries and keys do not matter and every
    pixel gets the same: exactly what full attention gives, without its cost."""

    def __call__(self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Tensor, **_: Any) -> Tensor:
        assert encoder_hidden_states.shape[1] == 1
        out = attn.to_out[0](attn.to_v(encoder_hidden_states))
        return out.expand(-1, hidden_states.shape[1], -1)


def _unet(config: Config) -> UNet2DConditionModel:
    attends = [level in config.attends for level in range(len(config.channels))]
    unet = UNet2DConditionModel(
        sample_size=config.latent_side,
        in_channels=3 * LATENT,
        out_channels=LATENT,
        block_out_channels=config.channels,
        layers_per_block=config.layers,
        down_block_types=tuple("CrossAttnDownBlock2D" if each else "DownBlock2D" for each in attends),
        up_block_types=tuple("CrossAttnUpBlock2D" if each else "UpBlock2D" for each in reversed(attends)),
        cross_attention_dim=config.token,
        attention_head_dim=config.heads,  # in diffusers the number of heads
        norm_num_groups=config.groups,
    )
    processors: dict[str, Any] = {
        name: OneToken() if name.endswith("attn2.processor") else processor
        for name, processor in unet.attn_processors.items()
    }
    unet.set_attn_processor(processors)
    return unet


def _vae(config: Config) -> AutoencoderKL:
    levels = len(config.vae_channels)
    options: dict[str, Any] = {
        "in_channels": 3,
        "out_channels": 3,
        "latent_channels": LATENT,
        "block_out_channels": config.vae_channels,
        "layers_per_block": config.vae_layers,
        "norm_num_groups": config.vae_groups,
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "scaling_factor": config.latent_scale,
    }
    return AutoencoderKL(**options)


def _clip(config: Config) -> CLIPVisionModelWithProjection:
    return CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=config.clip_width,
            intermediate_size=4 * config.clip_width,
            projection_dim=config.token,
            num_hidden_layers=config.clip_layers,
            num_attention_heads=config.clip_heads,
            image_size=config.clip_side,
            patch_size=config.clip_patch,
            hidden_act="quick_gelu",
        )
    )
