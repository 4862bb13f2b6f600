"""Weights for an auto-encoder to begin with: its latents are small pictures, and it enlarges them.

From random weights a small auto-encoder learns light and shape in minutes, but colours only after hours. Here colours
are passed on from the first step, and what is learned is the rest.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

# Each colour goes as a pair of opposites: SiLU(x) - SiLU(-x) = x, so what follows can have it back exactly. A pair of
# constants outweighs the others in the normalisation at the end, which else would even out dark and light pictures.
_CARRIED = 8
_CONSTANT = 4.0
_LITTLE = 0.02  # of the latents' spread, as long as nothing else has been learned
_NOISE = -6.0  # the logarithm of the posterior's variance
_SIDE = 64  # of the pictures that the output is scaled by


@torch.no_grad()
def pass_colours(vae: Any) -> None:
    """Changes ``vae`` (AutoencoderKL, 8 channels and more in a group) so that the first three latent channels are the
    picture's means over a latent pixel, and what is decoded has the same means. The other channels are random."""
    colours = vae.config.out_channels
    for part in (vae.encoder, vae.decoder):
        for module in part.modules():
            for name, inner in module.named_children():
                if name in ("conv2", "to_out"):  # residuals, which begin with nothing
                    _nothing(inner[0] if name == "to_out" else inner)
                elif name == "conv_shortcut" or (name == "conv" and isinstance(inner, nn.Conv2d)):
                    _carry(inner)
        _take_up(part.conv_in, colours)
        _nothing(part.conv_out)
    _one_to_one(vae.quant_conv)
    _one_to_one(vae.post_quant_conv)
    latents = vae.config.latent_channels
    _hand_over(vae.encoder.conv_out, colours)
    nn.init.normal_(vae.encoder.conv_out.weight[colours:latents], std=_LITTLE)
    nn.init.constant_(vae.encoder.conv_out.bias[latents:], _NOISE)
    _hand_over(vae.decoder.conv_out, colours)
    few = torch.rand(4, colours, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    pictures = nn.functional.interpolate(few, (_SIDE, _SIDE), mode="bilinear")
    latent = vae.encode(pictures).latent_dist.mode()
    small = nn.functional.adaptive_avg_pool2d(pictures, latent.shape[2:])
    vae.encoder.conv_out.weight[:colours] /= _slope(latent[:, :colours], small)
    vae.decoder.conv_out.weight /= _slope(vae.decode(vae.encode(pictures).latent_dist.mode()).sample, pictures)


def _carry(conv: nn.Conv2d) -> None:
    """The carried channels go through as they are; where ``conv`` halves, as means of two by two."""
    _clear(conv, slice(_CARRIED))
    taps = (slice(0, 2), slice(0, 2)) if conv.stride[0] == 2 else (conv.kernel_size[0] // 2, conv.kernel_size[1] // 2)
    for channel in range(_CARRIED):
        conv.weight[channel, channel][taps] = 0.25 if conv.stride[0] == 2 else 1.0


def _take_up(conv: nn.Conv2d, colours: int) -> None:
    _clear(conv, slice(_CARRIED))
    for colour in range(colours):
        conv.weight[2 * colour, colour, 1, 1] = 1.0
        conv.weight[2 * colour + 1, colour, 1, 1] = -1.0
    _bias(conv)[_CARRIED - 2 : _CARRIED] = torch.tensor([_CONSTANT, -_CONSTANT])


def _hand_over(conv: nn.Conv2d, colours: int) -> None:
    for colour in range(colours):
        conv.weight[colour, 2 * colour, 1, 1] = 1.0
        conv.weight[colour, 2 * colour + 1, 1, 1] = -1.0


def _one_to_one(conv: nn.Conv2d) -> None:
    _nothing(conv)
    for channel in range(conv.in_channels):
        conv.weight[channel, channel] = 1.0


def _nothing(layer: nn.Conv2d | nn.Linear) -> None:
    _clear(layer, slice(None))


def _clear(layer: nn.Conv2d | nn.Linear, rows: slice) -> None:
    layer.weight[rows] = 0.0
    _bias(layer)[rows] = 0.0


def _bias(layer: nn.Conv2d | nn.Linear) -> Tensor:
    assert layer.bias is not None
    return layer.bias


def _slope(found: Tensor, wanted: Tensor) -> Tensor:
    """How many times ``wanted`` is ``found``, by least squares."""
    return (found * wanted).sum() / wanted.square().sum()
