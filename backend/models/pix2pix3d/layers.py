"""What all of pix2pix3D's networks are made of: StyleGAN2's layers (Karras and others 2020) in plain PyTorch.

Weights are stored at unit variance and scaled when they are used, so that all learn at one rate. Names of parameters
and buffers are those of the authors' files.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Activation = Literal["linear", "lrelu"]
Noise = Literal["const", "random", "none"]  # what the planes have as published: the same each time, drawn anew, or none
Padding = tuple[int, int, int, int]
_SLOPE = 0.2
_GAIN: dict[str, float] = {"linear": 1.0, "lrelu": math.sqrt(2)}
_EPSILON = 1e-8


def fir() -> Tensor:
    """float32 4 x 4: the low-pass filter [1, 3, 3, 1] in both directions, summing to 1."""
    row = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return torch.outer(row, row) / 64


def biased(
    x: Tensor, bias: Tensor | None, activation: Activation = "linear", gain: float = 1.0, clamp: float | None = None
) -> Tensor:
    """``x`` (N x C x …) plus ``bias`` (C), activated, then scaled by the activation's own gain times ``gain``, then
    cut off at ±``clamp`` times ``gain``."""
    if bias is not None:
        x = x + bias.view(1, -1, *[1] * (x.ndim - 2))
    if activation == "lrelu":
        x = functional.leaky_relu(x, _SLOPE)
    scale = _GAIN[activation] * gain
    if scale != 1:
        x = x * scale
    return x if clamp is None else x.clamp(-clamp * gain, clamp * gain)


def filtered(
    x: Tensor,
    kernel: Tensor,
    up: int | tuple[int, int] = 1,
    down: int | tuple[int, int] = 1,
    padding: Padding = (0, 0, 0, 0),
    gain: float = 1.0,
    correlate: bool = False,
) -> Tensor:
    """``x`` (N x C x H x W) with ``up`` - 1 zeros after each sample, padded (left, right, top, bottom; less than 0
    crops), convolved with ``kernel`` (h x w) times ``gain``, every ``down``-th sample kept. ``up`` and ``down`` may be
    given for x and y."""
    (up_x, up_y), (down_x, down_y) = (n if isinstance(n, tuple) else (n, n) for n in (up, down))
    count, channels, height, width = x.shape
    if up_x > 1 or up_y > 1:
        spread = x.new_zeros(count, channels, height, up_y, width, up_x)
        spread[:, :, :, 0, :, 0] = x
        x = spread.reshape(count, channels, height * up_y, width * up_x)
    x = functional.pad(x, padding)
    if not correlate:
        kernel = kernel.flip((0, 1))
    weight = (kernel * gain).to(x.dtype).expand(channels, 1, *kernel.shape)
    return functional.conv2d(x, weight, stride=(down_y, down_x), groups=channels)


def upsampled(x: Tensor, kernel: Tensor) -> Tensor:
    """N x C x H x W at twice the size, smoothly."""
    return filtered(x, kernel, up=2, padding=(2, 1, 2, 1), gain=4)


def normalised(x: Tensor) -> Tensor:
    """Each row of ``x`` (N x C) divided by the root of its mean square."""
    return x * (x.square().mean(dim=1, keepdim=True) + _EPSILON).rsqrt()


def convolved(x: Tensor, weight: Tensor, kernel: Tensor, up: int = 1, down: int = 1) -> Tensor:
    """``x`` (N x I x H x W) convolved with ``weight`` (O x I x k x k) at ``up`` or 1 / ``down`` times the size.

    A 3 x 3 convolution that scales up is a true convolution (its weight is not flipped inside the transposed one), all
    others are correlations: as published.
    """
    size = weight.shape[-1]
    if up == 2 and size == 1:
        return upsampled(functional.conv2d(x, weight), kernel)
    if up == 2:
        grown = functional.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
        return filtered(grown, kernel, padding=(1, 1, 1, 1), gain=4)
    if down == 2 and size == 1:
        return functional.conv2d(filtered(x, kernel, down=2, padding=(1, 1, 1, 1)), weight)
    if down == 2:
        return functional.conv2d(filtered(x, kernel, padding=(2, 2, 2, 2)), weight, stride=2)
    return functional.conv2d(x, weight, padding=size // 2)


def modulated(
    x: Tensor, weight: Tensor, styles: Tensor, kernel: Tensor, up: int = 1, demodulate: bool = True
) -> Tensor:
    """`convolved`, the input's channels scaled by ``styles`` (N x I) and, with ``demodulate``, each output channel
    brought back to unit variance. The scales are put on the pictures, so one convolution serves the whole batch."""
    if demodulate and x.dtype == torch.float16:
        # Demodulation takes every scale away again; half precision could not hold the sums without.
        weight = weight / (weight.abs().amax(dim=(1, 2, 3), keepdim=True) * math.sqrt(weight[0].numel()))
        styles = styles / styles.abs().amax(dim=1, keepdim=True)
    x = convolved(x * styles[:, :, None, None].to(x.dtype), weight.to(x.dtype), kernel, up)
    if not demodulate:
        return x
    power = weight.square().sum(dim=(2, 3))  # O x I
    scale = (styles.square() @ power.T + _EPSILON).rsqrt()
    return x * scale[:, :, None, None].to(x.dtype)


class FullyConnected(nn.Module):
    """``rate``: how much slower than others it learns."""

    def __init__(
        self,
        wide_in: int,
        wide_out: int,
        activation: Activation = "linear",
        rate: float = 1.0,
        bias: float = 0.0,
    ) -> None:
        super().__init__()
        self.activation: Activation = activation
        self.rate = rate
        self.weight = nn.Parameter(torch.randn(wide_out, wide_in) / rate)
        self.bias = nn.Parameter(torch.full((wide_out,), bias))

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight * (self.rate / math.sqrt(self.weight.shape[1]))
        return biased(functional.linear(x, weight, self.bias * self.rate), None, self.activation)


class Convolution(nn.Module):
    """A convolution of the encoder and the discriminators; ``down`` halves the size."""

    resample_filter: Tensor

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        size: int,
        activation: Activation = "linear",
        bias: bool = True,
        down: int = 1,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.activation: Activation = activation
        self.down = down
        self.clamp = clamp
        self.weight = nn.Parameter(torch.randn(channels_out, channels_in, size, size))
        self.bias = nn.Parameter(torch.zeros(channels_out)) if bias else None
        self.register_buffer("resample_filter", fir())

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        weight = self.weight / math.sqrt(self.weight[0].numel())
        made = convolved(x, weight.to(x.dtype), self.resample_filter, down=self.down)
        bias = None if self.bias is None else self.bias.to(x.dtype)
        return biased(made, bias, self.activation, gain, self.clamp)


class ResidualBlock(nn.Module):
    """Half the size: two convolutions beside one, of the label encoder and of the discriminators (StyleGAN2's
    "resnet"). The first block of a network takes the picture, of ``colours`` channels."""

    def __init__(self, channels_in: int, channels_out: int, colours: int = 0, clamp: float | None = None) -> None:
        super().__init__()
        self.fromrgb = Convolution(colours, channels_in, 1, "lrelu", clamp=clamp) if colours else None
        self.conv0 = Convolution(channels_in, channels_in, 3, "lrelu", clamp=clamp)
        self.conv1 = Convolution(channels_in, channels_out, 3, "lrelu", down=2, clamp=clamp)
        self.skip = Convolution(channels_in, channels_out, 1, bias=False, down=2)
        self.register_buffer("resample_filter", fir())

    def forward(self, x: Tensor) -> Tensor:
        if self.fromrgb is not None:
            x = self.fromrgb(x)
        half = math.sqrt(0.5)
        beside = self.skip(x, half)
        return beside + self.conv1(self.conv0(x), half)


class StyledConvolution(nn.Module):
    """A 3 x 3 convolution by a style, with noise and bias; ``up`` doubles the size."""

    noise_const: Tensor
    resample_filter: Tensor

    def __init__(
        self, channels_in: int, channels_out: int, w_dim: int, side: int, up: int = 1, clamp: float | None = None
    ) -> None:
        super().__init__()
        self.up = up
        self.clamp = clamp
        self.affine = FullyConnected(w_dim, channels_in, bias=1.0)
        self.weight = nn.Parameter(torch.randn(channels_out, channels_in, 3, 3))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.bias = nn.Parameter(torch.zeros(channels_out))
        self.register_buffer("noise_const", torch.randn(side, side))
        self.register_buffer("resample_filter", fir())

    def forward(self, x: Tensor, style: Tensor, noise: Noise) -> Tensor:
        x = modulated(x, self.weight, self.affine(style), self.resample_filter, self.up)
        if noise != "none":
            drawn = self.noise_const if noise == "const" else torch.randn_like(x[:, :1])
            x = x + (drawn * self.noise_strength).to(x.dtype)
        return biased(x, self.bias.to(x.dtype), "lrelu", clamp=self.clamp)


class ToPicture(nn.Module):
    """A 1 x 1 convolution by a style, to the channels of the picture."""

    def __init__(self, channels_in: int, channels_out: int, w_dim: int, clamp: float | None = None) -> None:
        super().__init__()
        self.clamp = clamp
        self.affine = FullyConnected(w_dim, channels_in, bias=1.0)
        self.weight = nn.Parameter(torch.randn(channels_out, channels_in, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels_out))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        styles = self.affine(style) / math.sqrt(self.weight.shape[1])
        x = functional.conv2d(x * styles[:, :, None, None].to(x.dtype), self.weight.to(x.dtype))
        return biased(x, self.bias.to(x.dtype), clamp=self.clamp)
