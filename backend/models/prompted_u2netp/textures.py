"""Patterns on what a scene shows, so that a thing is not known by being of one colour: fur, print, leaves, rubble."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from backend.imaging.clicks import Random

_SHARE = 0.5  # of the things and grounds that get a pattern


def patterned(random: Random, image: np.ndarray, masks: Sequence[np.ndarray]) -> np.ndarray:
    """``image`` (uint8 H x W x 3) with patterns of their own on some of ``masks`` (bool H x W) and on the rest."""
    rest = ~np.logical_or.reduce([np.zeros(image.shape[:2], bool), *masks])
    out = image.astype(np.float32)
    for mask in (rest, *masks):
        if random.random() < _SHARE and mask.any():
            pattern = _pattern(random, len(image))
            strength = random.uniform(0.15, 0.75)
            # Shading stays: the pattern is lit as the thing beneath it is.
            light = out.mean(axis=2, keepdims=True) / max(1.0, float(out[mask].mean()))
            mixed = (1 - strength) * out + strength * pattern * np.clip(light, 0.3, 2)
            out[mask] = mixed[mask]
    return np.clip(out, 0, 255).astype(np.uint8)


def _pattern(random: Random, side: int) -> np.ndarray:
    """Colours (float32 S x S x 3, 0 to 255): clouds of noise, cut into patches or stripes more often than not."""
    field = _noise(random, side)
    kind = random.choice(["cloud", "patches", "stripes"])
    if kind == "cloud":
        share = np.clip(0.5 + field / 4, 0, 1)[:, :, None]
        first, last = _colours(random, 2)
        return first * (1 - share) + last * share + 20 * _noise(random, side)[:, :, None]
    if kind == "stripes":
        angle, waves = random.uniform(0, np.pi), random.uniform(3, 18)
        y, x = np.mgrid[:side, :side].astype(np.float32) / side
        field = np.sin(2 * np.pi * waves * (x * np.cos(angle) + y * np.sin(angle)) + random.uniform(0, 3) * field)
    colours = _colours(random, int(random.integers(2, 6)))
    edges = np.quantile(field, np.sort(random.random(len(colours) - 1)))
    return colours[np.digitize(field, edges)]


def _colours(random: Random, count: int) -> np.ndarray:
    """float32 N x 3, 0 to 255: kin to each other, as those of one thing are."""
    middle = random.uniform(0, 255, 3)
    return (middle + random.normal(0, 55, (count, 3))).clip(0, 255).astype(np.float32)


def _noise(random: Random, side: int) -> np.ndarray:
    """float32 S x S of mean 0 and spread 1: noise of several grains, the coarse ones the stronger."""
    field = np.zeros((side, side), np.float32)
    finest = random.uniform(4, 7)
    fall = random.uniform(0.5, 1.1)
    for octave in range(1, int(finest) + 1):
        cells = 2**octave + int(random.integers(0, 2**octave))
        coarse = random.normal(0, fall**octave, (cells, cells)).astype(np.float32)
        field += cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    return (field - field.mean()) / max(1e-6, float(field.std()))
