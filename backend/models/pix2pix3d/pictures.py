"""Label maps and drawings into the network, colours and labels out of it, to the value as the authors' tools do."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from PIL import Image as Picture
from torch import Tensor

from backend.imaging.drawings import ink_of
from backend.imaging.paper import on_white
from backend.models.pix2pix3d.generator import label_map_of

# By id; of both published label sets. Ids without a colour are black.
PALETTE: tuple[tuple[int, int, int], ...] = (
    *((255, 255, 255), (204, 0, 0), (76, 153, 0), (204, 204, 0), (51, 51, 255), (204, 0, 204), (0, 255, 255)),
    *((255, 204, 204), (102, 51, 0), (255, 0, 0), (102, 204, 0), (255, 255, 0), (0, 0, 153), (0, 0, 204)),
    *((255, 51, 153), (0, 204, 204), (0, 51, 0), (255, 153, 51), (0, 204, 0)),
)
_MIDDLE = 127.5
Rounding = Literal["tools", "editor", "scores"]
Ink = Literal["dark", "light"]


def painted(ids: np.ndarray, palette: tuple[tuple[int, int, int], ...] = PALETTE) -> np.ndarray:
    """uint8 … x 3: the colours of ``ids`` (integers, 0 and up)."""
    colours = np.array([*palette, (0, 0, 0)], np.uint8)
    return colours[np.minimum(ids, len(palette))]


def grey_of(drawing: np.ndarray) -> np.ndarray:
    """uint8 H x W of a drawing uint8 H x W, H x W x 3, or H x W x 4, which is laid on white."""
    if drawing.ndim == 2:
        return drawing
    colours = on_white(drawing) if drawing.shape[2] == 4 else drawing
    return np.array(Picture.fromarray(colours).convert("L"))


def ink_colour(grey: np.ndarray) -> Ink:
    """Whether a drawing (uint8 H x W) is "dark" on light or "light" on dark: most of it is paper."""
    return "dark" if np.median(grey) > _MIDDLE else "light"


def drawing_values(ink: np.ndarray) -> np.ndarray:
    """float32, 1 paper to -1 ink: what the network takes for ``ink`` (uint8, 0 paper to 255)."""
    return -(ink.astype(np.float32) / np.float32(_MIDDLE) - 1)


def drawing_to_network(drawing: np.ndarray, side: int, ink: Ink | None = None, blurred: bool = True) -> Tensor:
    """float32 1 x 1 x ``side`` x ``side``, 1 paper to -1 ink, of a drawing uint8 H x W (x 3 or 4).

    ``ink``: dark on light or light on dark; None looks. The networks were trained on ``blurred`` drawings, though the
    authors' tools do not blur what they read from files.
    """
    grey = grey_of(drawing)
    if (ink or ink_colour(grey)) == "light":
        grey = 255 - grey
    return torch.from_numpy(drawing_values(ink_of(grey, (side, side), blurred)))[None, None]


def colours_of(image: Tensor, rounding: Rounding = "tools") -> np.ndarray:
    """uint8 N x H x W x 3 of colours about -1 to 1 (N x 3 x H x W), rounded as the authors' "tools" do, their "editor",
    or what they compute "scores" of."""
    image = image.float()
    if rounding == "scores":
        scaled = (image * _MIDDLE + 128).clamp(0, 255)
    elif rounding == "editor":
        scaled = (image.clamp(-1, 1) * 0.5 + 0.5) * 255
    else:
        scaled = (image.clamp(-1, 1) + 1) * _MIDDLE
    return scaled.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def ids_of(semantic: Tensor) -> np.ndarray:
    """uint16 N x H x W: the likeliest labels of logits N x labels x H x W."""
    return label_map_of(semantic).cpu().numpy().astype(np.uint16)


def drawing_of(semantic: Tensor) -> np.ndarray:
    """uint8 N x H x W, dark ink on white, of a drawing about -1 to 1 (N x 1 x H x W)."""
    return ((semantic[:, 0].float() + 1) * _MIDDLE).clamp(0, 255).to(torch.uint8).cpu().numpy()
