"""The discriminators of pix2pix3D against the numbers that the authors' code gave."""

from __future__ import annotations

import json
import re
from pathlib import Path

import torch

from backend.models.pix2pix3d.config import PUBLISHED
from backend.models.pix2pix3d.discriminator import Discriminator, gradient_penalty, spread_in_batch

from .pix2pix3d import Recording, fill
from .recordings import recorded

_DEFAULT_GROUP = 4


def test_every_name_of_the_discriminators_has_its_place(golden: Path) -> None:
    for path in recorded(golden, "pix2pix3d/keys*.json"):
        for preset, networks in json.loads(path.read_text("utf-8")).items():
            config = PUBLISHED[preset]
            for name, channels in (("D", 3), ("D_semantic", 3 + config.labels)):
                with torch.device("meta"):
                    ours = Discriminator(channels, config.picture_size).state_dict()
                assert {key: list(tensor.shape) for key, tensor in ours.items()} == networks[name], (preset, name)


def test_how_much_a_batch_differs(golden: Path) -> None:
    for path in recorded(golden, "pix2pix3d/ops*.npz"):
        data = Recording(path)
        data.agrees("mbstd", spread_in_batch(data["mbstd_in"], 2))


def test_logits_and_their_gradients_length(golden: Path) -> None:
    for path in recorded(golden, "pix2pix3d/discriminator*.npz"):
        data = Recording(path)
        facts = data.manifest[path.name]
        for prefix in sorted({name.removesuffix("_logits") for name in data.names if name.endswith("_logits")}):
            picture, raw, camera = (data[f"{prefix}_{each}"] for each in ("image", "raw", "c"))
            network = Discriminator(
                picture.shape[1],
                facts["img_resolution"],
                facts["channel_base"],
                facts["channel_max"],
                facts.get("mbstd_group_size", _DEFAULT_GROUP),
                facts["conv_clamp"],
            )
            fill(network, data, facts["rule"])
            with torch.no_grad():
                data.agrees(f"{prefix}_logits", network(picture, raw, camera), 1e-4, 1e-4)
            data.agrees(f"{prefix}_r1", gradient_penalty(network, picture, raw, camera).detach(), 1e-4, 1e-4)
            assert re.fullmatch(r"D(_semantic_\w+)?", prefix)
