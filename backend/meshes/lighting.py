"""The light in which both renderers show an object: soft key from the upper left, fill from the right, some of all."""

from __future__ import annotations

import numpy as np

from .normals import unit

AMBIENT = 0.34  # in linear light; a surface that faces the camera comes out at about its own colour
LIGHTS = (((-0.45, 0.65, 0.75), 0.62), ((0.8, 0.1, 0.55), 0.2))  # direction towards the light in camera axes, strength
GREY = 0.72  # sRGB base colour of a mesh without colours
BACKDROP = 0.94  # sRGB grey behind a picture that is not to be transparent


def facing(normals: np.ndarray) -> np.ndarray:
    """Unit normals (k x 3, camera axes) from any: what shows its back, as open meshes do, is turned to the camera."""
    normals = unit(normals)
    return normals * np.where(normals[:, 2:] < -0.3, -1, 1)


def shade(normals: np.ndarray) -> np.ndarray:
    """float k x 1: what to multiply sRGB colours with on surfaces with these unit normals (k x 3, camera axes)."""
    light = np.full((len(normals), 1), AMBIENT)
    for direction, strength in LIGHTS:
        towards = np.asarray(direction) / np.linalg.norm(direction)
        light += strength * np.clip(normals @ towards, 0, None)[:, None]
    # sRGB is near enough a power law, so light may be multiplied in after the same power.
    return light ** (1 / 2.2)


def straightened(premultiplied: np.ndarray) -> np.ndarray:
    """RGBA float 0..255 whose colours were blended with black, as uint8 with straight alpha."""
    alpha = premultiplied[..., 3:]
    colours = premultiplied[..., :3] * (255 / np.maximum(alpha, 1e-6))
    return np.rint(np.clip(np.concatenate([colours, alpha], axis=-1), 0, 255)).astype(np.uint8)


def on_backdrop(rgba: np.ndarray) -> np.ndarray:
    """uint8 RGBA laid over the backdrop, opaque."""
    alpha = rgba[..., 3:].astype(np.float32) / 255
    colours = rgba[..., :3] * alpha + 255 * BACKDROP * (1 - alpha)
    return np.concatenate([np.rint(colours).astype(np.uint8), np.full_like(rgba[..., 3:], 255)], axis=-1)
