"""How wide the networks are: as published, or smaller."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import msgspec

from protocol.problems import ErrorCode, ProblemError

LATENT = 4  # channels
WHITE = 250  # greys up to this one are object, as published


@dataclass(frozen=True)
class Config:
    """The published widths unless said otherwise.

    ``channels`` of the U-Net's levels, of which those in ``attends`` attend, ``layers`` a level, ``heads`` of each
    attention, ``groups`` of each normalisation (few, where there are few channels: a group's mean is lost, and with it
    colours); ``token``, the width of the picture's embedding and of what the U-Net attends to; ``vae_channels`` of the
    auto-encoder's levels, each but the last halving the picture, its ``vae_layers`` a level and its ``vae_groups``;
    ``clip_width``, ``clip_layers`` and ``clip_patch`` of the vision transformer, which has a head for every 64 channels
    and looks at ``clip_side`` pixels; ``side`` of the picture that is completed; ``latent_scale`` brings latents to a
    spread of about 1; ``predicts`` says what the U-Net gives: the noise, or the velocity (Salimans and Ho 2022,
    appendix D), from which small networks learn the coarse shape sooner; how many times ``noisier`` than Stable
    Diffusion's the schedule is; greys up to ``white`` are object in what is made, where a network that is not sure
    leaves a haze; strips of no more than twice ``rim`` pixels along what is visible are such a network's doubt about
    an edge that is there to be seen, and no hidden part; ``colours`` of the hidden part are as ``made``, or those of
    what is ``seen`` carried over it, which a small network does not reach.
    """

    channels: tuple[int, ...] = (320, 640, 1280, 1280)
    attends: tuple[int, ...] = (0, 1, 2)
    layers: int = 2
    heads: int = 8
    groups: int = 32
    token: int = 768
    vae_channels: tuple[int, ...] = (128, 256, 512, 512)
    vae_layers: int = 2
    vae_groups: int = 32
    clip_width: int = 1024
    clip_layers: int = 24
    clip_patch: int = 14
    clip_side: int = 224
    side: int = 256
    latent_scale: float = 0.18215
    predicts: Literal["noise", "velocity"] = "noise"
    noisier: float = 1.0
    white: int = WHITE
    rim: float = 0.0
    colours: Literal["made", "seen"] = "made"

    @property
    def latent_side(self) -> int:
        """Of the latent picture."""
        return self.side >> (len(self.vae_channels) - 1)

    @property
    def clip_heads(self) -> int:
        """Of the vision transformer."""
        return max(1, self.clip_width // 64)


STARTER = Config(
    channels=(32, 64, 96),
    attends=(1,),  # over the 24 x 24 of the first, attention would take most of the time
    layers=1,
    heads=4,
    groups=4,
    token=64,
    vae_channels=(16, 32, 48),
    vae_layers=1,
    vae_groups=2,
    clip_width=64,
    clip_layers=2,
    clip_patch=16,
    clip_side=64,
    side=96,
    latent_scale=1.0,
    predicts="velocity",
    noisier=4.0,
    white=230,
    rim=1.0,
    colours="seen",
)


def write_config(config: Config, path: Path) -> None:
    """As JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(asdict(config))))


def read_config(path: Path) -> Config:
    """ProblemError (MODEL_FAILED) naming the file when it is missing or no such config."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Config)
    except (OSError, msgspec.DecodeError) as error:
        raise ProblemError(
            ErrorCode.MODEL_FAILED,
            f"{path.name} of pix2gestalt cannot be read: {error}.",
            "Import or pull the model again.",
        ) from error


def config_of(shapes: dict[str, tuple[int, ...]]) -> Config:
    """The widths of a checkpoint of the authors, from the ``shapes`` of its tensors by their names. Raises KeyError
    where the tensors that tell are not there."""
    unet = "model.diffusion_model."
    first = shapes[f"{unet}input_blocks.0.0.weight"][0]
    # One level in three blocks: two of residuals and the one that halves.
    levels = [1, 4, 7, 10]
    channels = tuple(shapes[f"{unet}input_blocks.{level}.0.out_layers.3.weight"][0] for level in levels)
    if channels[0] != first:
        raise KeyError(f"{unet}input_blocks.0.0.weight")
    vae = "first_stage_model.encoder.down."
    vae_channels = tuple(shapes[f"{vae}{level}.block.0.conv1.weight"][0] for level in range(4))
    visual = "cond_stage_model.model.visual."
    width, _, patch, _ = shapes[f"{visual}conv1.weight"]
    tokens = shapes[f"{visual}positional_embedding"][0] - 1
    layers = sum(name.startswith(f"{visual}transformer") and name.endswith("ln_1.weight") for name in shapes)
    return Config(
        channels=channels,
        vae_channels=vae_channels,
        clip_width=width,
        clip_layers=layers,
        clip_patch=patch,
        clip_side=patch * round(tokens**0.5),
    )
