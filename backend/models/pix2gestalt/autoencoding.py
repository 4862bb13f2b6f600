"""The first half of a starter's training: the auto-encoder whose latents diffusion works on."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from backend.imaging.masks import iou
from backend.models.pix2gestalt.examples import Example
from backend.models.pix2gestalt.learning import Told, batch_of
from backend.models.pix2gestalt.network import Pix2Gestalt
from backend.models.pix2gestalt.pictures import from_network, not_white
from backend.models.pix2gestalt.small_picture import pass_colours
from backend.training.recipe import Facts, Phase, Rate

_COARSE = 1.0  # weight of the error of means over 4 x 4 pixels, without which colours are learned late
_EDGES = 1.0  # weight of the error of differences between neighbours, which keeps edges sharp
_ANCHOR = 0.1  # weight of the error of the first three latent channels, which are to be coarse colours
_PRIOR = 1e-5  # weight of the divergence from the prior, per number; with more, a channel is given up
_BEYOND = 0.04  # how far beyond white and black is aimed, so that white is white after cutting off
_EXTREME = 0.995  # what is beyond it, is white or black
_MEASURED = 256  # examples that the latents' spread is measured on
_SHOWN = 24


class AutoencoderRecipe:
    """See backend/training/recipe.py. Learns to give back pictures, masks and wholes."""

    def __init__(self, told: Told) -> None:
        self._told = told

    def build(self) -> nn.Module:
        vae = Pix2Gestalt(self._told.config).vae
        pass_colours(vae)
        return vae

    def batch(self, seed: int, indices: Sequence[int]) -> dict[str, Tensor]:
        return batch_of([self._told.example("train", seed, index) for index in indices])

    def loss(self, module: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, Mapping[str, Tensor | float]]:
        network: Any = getattr(module, "module", module)  # as several processes wrap it
        wanted = torch.cat([batch["image"], batch["mask"], batch["whole"]])
        posterior = network.encode(wanted).latent_dist
        found = network.decode(posterior.sample()).sample.float()
        error = _off(found, wanted).mean()
        edges = sum((found.diff(dim=dim) - wanted.diff(dim=dim)).abs().mean() for dim in (2, 3) if found.shape[dim] > 1)
        means = [nn.functional.avg_pool2d(each, 4) for each in (found, wanted)]
        coarse = (means[0] - means[1]).abs().mean()
        # A latent that begins as a small picture is learned at once by the decoder, and by diffusion after it.
        small = nn.functional.adaptive_avg_pool2d(wanted, posterior.mean.shape[2:])
        anchor = (posterior.mean[:, :3] - small).abs().mean()
        prior = posterior.kl().mean() / posterior.mean[0].numel()
        total = error + _COARSE * coarse + _EDGES * edges + _ANCHOR * anchor + _PRIOR * prior
        return total, {"error": error.detach(), "anchor": anchor.detach(), "prior": prior.detach()}

    def phases(self) -> Sequence[Phase]:
        return [Phase(self.loss)]

    def recomputed(self, module: nn.Module) -> Sequence[nn.Module]:
        network: Any = module
        return [*network.encoder.down_blocks, *network.decoder.up_blocks]

    def rates(self) -> Mapping[str, Rate]:
        return {}

    def evaluate(self, module: nn.Module) -> dict[str, float]:
        """PSNR of what is given back, and IoU of the wholes' masks by threshold."""
        examples = self._judged
        batch = batch_of(examples)
        scores: dict[str, float] = {}
        for name, wanted in batch.items():
            scores[f"psnr_{name}"] = _psnr(_given_back(module, wanted), (wanted + 1) / 2)
        found = from_network(_given_back(module, batch["whole"]))
        masks = [iou(not_white(own), not_white(each.whole)) for own, each in zip(found, examples, strict=True)]
        return {**scores, "whole_iou": float(np.mean(masks))}

    @functools.cached_property
    def _judged(self) -> list[Example]:
        return self._told.apart(self._told.data.judged)

    def baselines(self) -> dict[str, dict[str, float]]:
        """A picture a quarter as large, enlarged: as few pixels as the latent has."""
        batch = batch_of(self._judged)
        scores = {}
        for name, wanted in batch.items():
            small = nn.functional.avg_pool2d(wanted, 4)
            large = nn.functional.interpolate(small, wanted.shape[2:], mode="bilinear").clamp(-1, 1)
            scores[f"psnr_{name}"] = _psnr((large + 1) / 2, (wanted + 1) / 2)
        return {"quarter_size": scores}

    def samples(self, module: nn.Module) -> np.ndarray:
        batch = batch_of(self._told.apart(_SHOWN))
        rows = []
        for wanted in batch.values():
            for pictures in ((wanted + 1) / 2, _given_back(module, wanted)):
                rows.append(np.concatenate(list(from_network(pictures)), axis=1))
        return np.concatenate(rows)

    def tensors(self, module: nn.Module) -> dict[str, Tensor]:
        """Of the auto-encoder with latents of wholes around 0 and of spread 1 in each channel, as noise is."""
        network: Any = copy.deepcopy(module).float()
        with torch.no_grad():
            wholes = batch_of([self._told.example("train", 0, index) for index in range(_MEASURED)])["whole"]
            latents = torch.cat([network.encode(part).latent_dist.mode() for part in wholes.split(32)])
            spread, mean = torch.std_mean(latents, dim=(0, 2, 3))
            channels = len(mean)
            into, out = network.quant_conv, network.post_quant_conv
            into.weight[:channels] /= spread[:, None, None, None]
            into.bias[:channels] = (into.bias[:channels] - mean) / spread
            into.bias[channels:] -= 2 * spread.log()
            out.bias += out.weight[..., 0, 0] @ mean
            out.weight *= spread[:, None, None]
        return {f"vae.{name}": tensor for name, tensor in network.state_dict().items()}

    def facts(self) -> Facts:
        count = sum(each.numel() for each in self.build().parameters())
        return Facts(
            title="pix2gestalt's auto-encoder, small",
            tasks=("complete",),
            good_for="The first half of the starter's training.",
            licence="Apache-2.0",
            origin="Trained by this project on its synthetic scenes.",
            entry="backend.models.pix2gestalt.inference:load",
            memory_bytes=100_000_000,
            architecture=f"Auto-encoder, {count:,} parameters.",
            data=f"Synthetic scenes with {self._told.data.objects} objects.",
            seeds=f"split train, run {self._told.run.seed}",
        )


def _off(found: Tensor, wanted: Tensor) -> Tensor:
    """The absolute error; whiter than white and blacker than black are none, as they are cut off."""
    white, black = wanted > _EXTREME, wanted < -_EXTREME
    aimed = torch.where(white, 1 + _BEYOND, torch.where(black, -1 - _BEYOND, wanted))
    off = (found - aimed).abs()
    return torch.where((white & (found > aimed)) | (black & (found < aimed)), torch.zeros_like(off), off)


def _psnr(found: Tensor, wanted: Tensor) -> float:
    """In dB, the mean over pictures (float N x 3 x S x S, 0 to 1)."""
    off = (found - wanted).square().mean(dim=(1, 2, 3))
    return float((-10 * off.clamp(min=1e-10).log10()).mean())


def _given_back(module: nn.Module, pictures: Tensor) -> Tensor:
    """float N x 3 x S x S, 0 to 1."""
    network: Any = module
    device = next(module.parameters()).device
    parts = [
        network.decode(network.encode(part.to(device)).latent_dist.mode()).sample.float().cpu()
        for part in pictures.split(16)
    ]
    return ((torch.cat(parts) + 1) / 2).clamp(0, 1)
