"""A generator of any size as one file of tensors: what training writes, and loading it again."""

from __future__ import annotations

from typing import Any

import msgspec
import torch
from torch import Tensor

from backend.models.pix2pix3d.cameras import camera_of
from backend.models.pix2pix3d.config import Config
from backend.models.pix2pix3d.generator import Generator
from backend.models.pix2pix3d.inference import Model
from protocol.problems import ErrorCode, ProblemError

_ABOUT = "about"


class _About(msgspec.Struct):
    config: Config
    labels: tuple[str, ...]
    home: list[float]


def stored(generator: Generator, labels: tuple[str, ...], home: Tensor) -> dict[str, Tensor]:
    """The generator's tensors, and its sizes with the names of its ``labels`` (none if it takes drawings) and the
    camera of maps that come without (``home``, 25) as JSON: uint8 "about"."""
    about = msgspec.json.encode(_About(generator.config, labels, home.tolist()))
    return {**generator.state_dict(), _ABOUT: torch.frombuffer(bytearray(about), dtype=torch.uint8)}


def load(device: str, tensors: dict[str, Any]) -> Model:
    """The model of such a file's tensors. ProblemError (MODEL_FAILED) when they do not belong together."""
    try:
        about = msgspec.json.decode(bytes(tensors[_ABOUT].numpy()), type=_About)
        network = Generator(about.config)
        network.load_state_dict({name: each.float() for name, each in tensors.items() if name != _ABOUT})
        home = camera_of(torch.tensor(about.home), about.config.box)
    except (KeyError, ValueError, RuntimeError, msgspec.DecodeError) as error:
        raise ProblemError(
            ErrorCode.MODEL_FAILED, f"The weights are not those of a pix2pix3D: {error}.", "Train or copy them again."
        ) from None
    return Model(network.to(device), about.labels, home)
