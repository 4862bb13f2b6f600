"""A pix2pix3D of a few channels that has learned nothing: its fields fill the cube."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from backend.fields.cameras import orbit
from backend.models.pix2pix3d.config import PUBLISHED, STARTER, Config
from backend.models.pix2pix3d.generator import Generator
from backend.models.pix2pix3d.inference import Model

LABELS = ("background", "left", "right")
TINY = replace(
    STARTER,
    labels=3,
    label_size=16,
    z_dim=7,
    w_dim=8,
    encoder_base=64,
    encoder_most=8,
    plane_size=32,
    plane_base=64,
    plane_most=8,
    plane_channels=4,
    decoder_hidden=8,
    super_widths=(4, 4),
    palettes=4,
)
TINY_DRAWING = replace(
    PUBLISHED["edge2car"],
    label_size=16,
    z_dim=16,
    w_dim=16,
    encoder_base=64,
    encoder_most=8,
    plane_size=256,
    plane_base=256,
    plane_most=4,
    super_widths=(4, 4),
    coarse=6,
    fine=6,
)
# The published form, as small as it can be made.
SMALL = Config(
    labels=3,
    label_size=16,
    z_dim=4,
    w_dim=4,
    encoder_base=64,
    encoder_most=4,
    plane_size=16,
    plane_base=16,
    plane_most=2,
    plane_channels=4,
    decoder_hidden=4,
    label_layers=3,
    render_size=8,
    picture_size=128,
    super_resolution="2x",
    super_widths=(2, 2),
    coarse=4,
    fine=4,
)


def network(config: Config = TINY, seed: int = 0) -> Generator:
    """Freshly drawn weights, of which all of the cube is made something."""
    torch.manual_seed(seed)
    made = Generator(config).eval()
    with torch.no_grad():
        density: Any = made.decoder.net_semantic[2]
        density.bias[0] = 30
    return made


def model(config: Config = TINY, seed: int = 0) -> Model:
    made = network(config, seed)
    palettes = torch.rand(config.palettes, 3, 3) if config.palettes else None
    return Model(made, () if config.draws else LABELS, orbit(40, 15, 31.9), palettes)


def painted(side: int = 32) -> np.ndarray:
    """uint16: two parts in the middle."""
    ids = np.zeros((side, side), np.uint16)
    ids[side // 4 : -side // 4, side // 4 : side // 2] = 1
    ids[side // 4 : -side // 4, side // 2 : -side // 4] = 2
    return ids
