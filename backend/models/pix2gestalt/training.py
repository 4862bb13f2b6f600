"""How pix2gestalt learns: a latent U-Net on a frozen auto-encoder, as its authors trained it, or a small one."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from backend.diffusion.schedule import TIMES
from backend.evaluation.cases import Case, synthetic_cases
from backend.evaluation.completion import BASELINE, ConvexHull, Visible, completion_scores
from backend.evaluation.completion import Completer as Completing
from backend.hub.registry import load
from backend.imaging.paper import on_white
from backend.models.pix2gestalt.autoencoding import AutoencoderRecipe
from backend.models.pix2gestalt.config import LATENT
from backend.models.pix2gestalt.inference import QUALITIES, STARTER_QUALITIES, Completer
from backend.models.pix2gestalt.learning import Told, batch_of
from backend.models.pix2gestalt.network import Pix2Gestalt
from backend.models.pix2gestalt.objective import DROP, clean, coarse, errors, noised, shape_errors, told, wanted
from backend.models.pix2gestalt.pictures import squashed
from backend.models.pix2gestalt.starting import begin
from backend.pipelines.context import Context
from backend.training.config import TrainConfig
from backend.training.recipe import Facts, Phase, Rate, Recipe

_SHOWN = 18
_TILE = 96
_SHAPE = 0.25  # weight of the shape's error, which is what the small network is used for
# As the authors: the projection is small and new, where all else was trained before.
_RATES = {"cc_projection.": Rate(10.0)}


class DiffusionRecipe:
    """See backend/training/recipe.py."""

    def __init__(self, told: Told) -> None:
        self._told = told

    def build(self) -> nn.Module:
        network = begin(self._told)
        network.vae.requires_grad_(False)
        # The published CLIP knows pictures already; the small one has to learn what is worth telling.
        network.clip.requires_grad_(self._told.model.size == "starter")
        return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] (its stub lacks this)

    def batch(self, seed: int, indices: Sequence[int]) -> dict[str, Tensor]:
        return batch_of([self._told.example("train", seed, index) for index in indices])

    def loss(self, module: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, Mapping[str, Tensor | float]]:
        network: Any = getattr(module, "module", module)  # as several processes wrap it
        network.vae.eval()
        image, device = batch["image"], batch["image"].device
        count, side = len(image), network.config.latent_side
        uniform = torch.rand(count, device=device)
        context, concat = told(network, image, batch["mask"], uniform)
        drawn, noise = torch.randn((2, count, LATENT, side, side), device=device)
        latent = network.latent(batch["whole"], drawn).float()
        time = self._times(count, device)
        x = noised(network, latent, time, noise)
        found = network.prediction(x, time, concat, context)
        each = errors(found, wanted(network, latent, time, noise))
        late = each[time >= TIMES // 2]
        # What the coarse shape is decided by, and easily drowned in the mean.
        logged = {"loss_noisy": late.mean().detach() if len(late) else each.mean().detach()}
        if self._told.model.size != "starter":
            return each.mean(), logged
        made = coarse(network, clean(network, x, time, found.float()))
        shape = shape_errors(made, batch["whole"], batch["mask"], network.config.white)
        informed = uniform >= 3 * DROP  # of an object it was told nothing of, it need not know the shape
        shape = (shape * informed).sum() / informed.sum().clamp(min=1)
        return each.mean() + _SHAPE * shape, {**logged, "loss_shape": shape.detach()}

    def _times(self, count: int, device: torch.device) -> Tensor:
        """int64 N: every time equally often, as published; the small network, which has less to spend, sees more of the
        late ones, where shapes are decided."""
        drawn = torch.rand(count, device=device)
        share = 1 - drawn**3 if self._told.model.size == "starter" else drawn
        return (share * TIMES).long().clamp(max=TIMES - 1)

    def phases(self) -> Sequence[Phase]:
        return [Phase(self.loss)]

    def recomputed(self, module: nn.Module) -> Sequence[nn.Module]:
        assert isinstance(module, Pix2Gestalt)
        return [*module.unet.down_blocks, *module.unet.up_blocks]

    def rates(self) -> Mapping[str, Rate]:
        return _RATES if self._told.model.size == "published" else {}

    def evaluate(self, module: nn.Module) -> dict[str, float]:
        return self._judged(self._completer(module))

    def baselines(self) -> dict[str, dict[str, float]]:
        models = {
            "visible": Visible(),
            "convex_hull": ConvexHull(),
            BASELINE: load(BASELINE, "cpu"),
        }
        return {name: self._judged(model) for name, model in models.items()}

    def _completer(self, module: nn.Module) -> Completer:
        network: Any = module
        qualities = STARTER_QUALITIES if self._told.model.size == "starter" else QUALITIES
        return Completer(network.float(), str(next(module.parameters()).device), qualities)

    @functools.cached_property
    def _cases(self) -> list[Case]:
        return list(synthetic_cases("val", 0, self._told.data.judged, objects=self._told.data.objects))

    def _judged(self, model: Completing) -> dict[str, float]:
        """Mean scores over the validation cases, one sample each."""
        scores = [completion_scores(model, case, Context())[0] for case in self._cases]
        names = ("amodal_miou", "hidden_miou", "hidden_psnr")
        return {name: float(np.mean([each[name] for each in scores if name in each])) for name in names}

    def samples(self, module: nn.Module) -> np.ndarray:
        model = self._completer(module)
        columns = []
        for case in self._cases[:_SHOWN]:
            made = model.complete(case.image, case.modal, None, 2, 0, Context())
            tiles = [case.image, np.where(case.modal[..., None], case.image, 255).astype(np.uint8)]
            tiles += [on_white(rgba) for rgba, _, _ in made] + (
                [on_white(case.whole)] if case.whole is not None else []
            )
            columns.append(np.concatenate([squashed(tile, _TILE) for tile in tiles]))
        return np.concatenate(columns, axis=1)

    def tensors(self, module: nn.Module) -> dict[str, Tensor]:
        return dict(module.state_dict())

    def facts(self) -> Facts:
        counted = Pix2Gestalt(self._told.config)
        count = sum(each.numel() for each in counted.parameters())
        data = self._told.data
        return Facts(
            title="pix2gestalt, small",
            tasks=("complete",),
            good_for="Partly hidden household things, toys and figures.",
            licence="Apache-2.0",
            origin="Trained by this project on its synthetic scenes, whose real models are those of "
            "sweethome3d-furniture (CC0 and CC-BY 3.0).",
            entry="backend.models.pix2gestalt.inference:load",
            memory_bytes=200_000_000,
            architecture=f"pix2gestalt at {self._told.config.side} pixels, {count:,} parameters.",
            data=data.folder or f"Synthetic scenes of {data.scene_side} pixels with {data.objects} objects.",
            seeds=f"split train, run {self._told.run.seed}",
        )


def recipe(config: TrainConfig) -> Recipe:
    """The recipe for ``config``: its [model] table says whether the auto-encoder or the diffusion is learned."""
    told = Told.of(config)
    return AutoencoderRecipe(told) if told.model.learns == "autoencoder" else DiffusionRecipe(told)
