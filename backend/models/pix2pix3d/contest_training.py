"""Training as published: three networks that learn from labelled pictures, each seen from one side, and each other."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from backend.datasets.eg3d import AFHQ_CAT, CELEBAMASK, LabelledViews
from backend.evaluation.labels import label_miou
from backend.evaluation.pictures import psnr
from backend.models.pix2pix3d.cameras import front
from backend.models.pix2pix3d.config import PUBLISHED, STARTER, Config
from backend.models.pix2pix3d.generator import Generator, Seen
from backend.models.pix2pix3d.labelled import LabelledPictures
from backend.models.pix2pix3d.perceptual import Perceptual
from backend.models.pix2pix3d.pictures import PALETTE, colours_of, drawing_of, ids_of, painted
from backend.models.pix2pix3d.rivals import Balance, Contest, Rivals
from backend.models.pix2pix3d.starting import begin
from backend.models.pix2pix3d.trained import stored
from backend.training.config import TrainConfig
from backend.training.options import Range
from backend.training.recipe import Facts, Phase, Rate

# A generator that a CPU can train, of whole objects on white.
_SMALL = replace(STARTER, z_dim=64, label_size=128, map_finer=1, palettes=0, steeper=1.0)
_NAMES = {"seg2cat": AFHQ_CAT, "seg2face": CELEBAMASK}
# Where the authors' runs differ from each other.
_BALANCES: dict[str, dict[str, Any]] = {
    "seg2cat": {"gamma": 5.0},
    "seg2face": {"label_power": 2},
    "edge2cat": {"gamma": 5.0, "label": 2.0},
    "edge2car": {"gamma": 0.3, "cross_view": 1e-6, "raw_only": False, "label": 10.0},
}
# The discriminators learn at 0.002 where the generator does at 0.0025, and each of them less where a penalty or
# another loss has a phase of its own now and then (StyleGAN2's lazy regularisation).
_DENSITY_EVERY, _PENALTY_EVERY = 4, 16
_SLOWER = 0.8
_SHOWN = 6


@dataclass(frozen=True, kw_only=True)
class Model(Balance):
    """``start``: a file of EG3D or pix2pix3D to begin with. ``vgg`` and ``lpips``: the weights of VGG-16 and how much
    its channels count, without which pictures are not compared by their looks."""

    preset: Literal["seg2cat", "seg2face", "edge2car", "edge2cat", "small"]
    start: str = ""
    vgg: str = ""
    lpips: str = ""


@dataclass(frozen=True, kw_only=True)
class Data:
    """Zips of ``images``, with dataset.json, and of their ``labels``; ``names`` are the labels' by id, by default those
    of the preset; with none the labels are drawings. The last ``judged`` pictures give the scores."""

    images: Path
    labels: Path
    names: tuple[str, ...] = ()
    judged: Annotated[int, Range(1, 10_000)] = 24


class ContestRecipe:
    """See backend/training/recipe.py."""

    def __init__(self, config: TrainConfig) -> None:
        self._run = config
        known = _BALANCES.get(str(config.model.get("preset")), {})
        self._model = replace(config, model={**known, **config.model}).options("model", Model)
        self._data = config.options("data", Data)
        self._names = self._data.names or _NAMES.get(self._model.preset, ())
        self._config = _config(self._model.preset, self._names)
        if self._model.label_power and len(self._names) != len(CELEBAMASK):
            hint = f"Set it to 0: it is for the {len(CELEBAMASK)} labels of CelebAMask."
            raise config.fault("model.label_power", f"is {self._model.label_power}", hint)
        if bool(self._model.vgg) != bool(self._model.lpips):
            raise config.fault("model.vgg", "and “model.lpips” go together", "Give both files, or none.")

    @functools.cached_property
    def _pictures(self) -> LabelledPictures:
        views = LabelledViews(self._data.images, self._data.labels, self._names)
        try:
            return LabelledPictures(views, self._config, self._data.judged)
        except ValueError as error:
            raise self._run.fault("data.images", str(error), "Lower “data.judged”, or give more pictures.") from None

    @functools.cached_property
    def _contest(self) -> Contest:
        perceptual = None
        if self._model.vgg:
            try:
                perceptual = Perceptual.read(Path(self._model.vgg), Path(self._model.lpips))
            except ValueError as error:
                hint = "Give torchvision's vgg16-397923af.pth and the v0.1 vgg.pth of LPIPS."
                raise self._run.fault("model.vgg", f"cannot be used: {error}", hint) from None
        # What begins with an EG3D file knows details already.
        return Contest(self._config, self._model, self._pictures.cameras, perceptual, not self._model.start)

    def build(self) -> nn.Module:
        rivals = Rivals(self._config)
        if self._model.start and not begin(rivals, Path(self._model.start)):
            raise self._run.fault("model.start", "has no tensor of this generator", "Name a file of EG3D.")
        assert self._contest  # what is wrong with the data or the features is said before the first step
        return rivals

    def batch(self, seed: int, indices: Sequence[int]) -> dict[str, Any]:
        count = len(self._pictures)
        rows = [self._pictures.example(int(np.random.default_rng([seed, i]).integers(count))) for i in indices]
        batch = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
        return {**batch, "step": indices[0] // self._run.batch_size}

    def phases(self) -> Sequence[Phase]:
        contest, one, other = self._contest, "discriminator", "semantic_discriminator"
        return [
            Phase(contest.generator_loss, "generator", "generator."),
            _lazy(Phase(contest.density_loss, "density", "generator.", _DENSITY_EVERY)),
            Phase(contest.discriminator_loss, one, f"{one}."),
            _lazy(Phase(contest.discriminator_penalty, f"{one}_penalty", f"{one}.", _PENALTY_EVERY)),
            Phase(contest.semantic_discriminator_loss, other, f"{other}."),
            _lazy(Phase(contest.semantic_discriminator_penalty, f"{other}_penalty", f"{other}.", _PENALTY_EVERY)),
        ]

    def recomputed(self, module: nn.Module) -> Sequence[nn.Module]:
        generator = _generator(module)
        return [generator.superresolution, generator.superresolution_semantic]

    def rates(self) -> Mapping[str, Rate]:
        rival = _rate(_SLOWER, _PENALTY_EVERY)
        return {"generator.": _rate(1.0, _DENSITY_EVERY), "discriminator.": rival, "semantic_discriminator.": rival}

    def evaluate(self, module: nn.Module) -> dict[str, float]:
        found, true, ratios = [], [], []
        for number in range(self._data.judged):
            example = self._judged(number)
            seen = self._seen(module, example, example["camera"], number)
            found.append(self._shown_labels(seen.semantic))
            true.append(self._true_labels(example))
            ratios.append(psnr(colours_of(seen.image, "scores")[0], colours_of(example["image"][None], "scores")[0]))
        ours, theirs = np.stack(found), np.stack(true)
        scores = {"psnr_own_view": float(np.mean(ratios))}
        if self._config.draws:
            return {"drawing_error": float(np.abs(ours.astype(float) - theirs).mean() / 255), **scores}
        return {"miou_own_view": label_miou(ours, theirs), **scores}

    def baselines(self) -> dict[str, dict[str, float]]:
        return {}

    def samples(self, module: nn.Module) -> np.ndarray:
        """A row each: label map, true picture, what is made of the map from its own side, and from the next one's."""
        rows = []
        for number in range(min(_SHOWN, self._data.judged)):
            example, other = self._judged(number), self._judged((number + 1) % self._data.judged)
            tiles = [self._tile(self._true_labels(example)), colours_of(example["image"][None], "scores")[0]]
            for camera in (example["camera"], other["camera"]):
                seen = self._seen(module, example, camera, number)
                tiles += [colours_of(seen.image, "scores")[0], self._tile(self._shown_labels(seen.semantic))]
            rows.append(np.concatenate(tiles, axis=1))
        return np.concatenate(rows)

    def tensors(self, module: nn.Module) -> dict[str, Tensor]:
        home = self._judged(0)["camera"] if self._model.preset == "small" else front(self._config)
        return stored(_generator(module), self._names, home)

    def facts(self) -> Facts:
        count = sum(each.numel() for each in Generator(self._config).parameters())
        what = "drawings" if self._config.draws else f"label maps of {len(self._names)} labels"
        return Facts(
            title=f"pix2pix3D, {self._run.name}",
            tasks=("synthesize",),
            good_for=f"What the pictures in {self._data.images.name} show, from {what}.",
            licence="That of the pictures it learned from" + (" and began with" if self._model.start else ""),
            origin=f"Trained on {self._data.images.name} and {self._data.labels.name}.",
            entry="backend.models.pix2pix3d.trained:load",
            memory_bytes=max(100_000_000, 30 * count),
            architecture=f"pix2pix3D ({self._model.preset}) with planes of {self._config.plane_size} pixels, "
            f"{count:,} parameters.",
            data=f"{len(self._pictures):,} labelled pictures; {self._data.judged} more gave the scores.",
            seeds=f"run {self._run.seed}",
            labels=self._palette(),
        )

    def _palette(self) -> dict[str, Any]:
        size = self._config.map_size
        if self._config.draws:
            return {"size": size, "draws": True}
        colours = [list(PALETTE[number % len(PALETTE)]) for number in range(len(self._names))]
        return {"size": size, "names": list(self._names), "colours": colours}

    # --- what is judged and shown ---

    def _judged(self, number: int) -> dict[str, Tensor]:
        return self._pictures.example(len(self._pictures) + number)

    def _seen(self, module: nn.Module, example: dict[str, Tensor], camera: Tensor, number: int) -> Seen:
        device = next(module.parameters()).device
        z = torch.randn(1, self._config.z_dim, generator=torch.Generator().manual_seed(number))
        given = (example["labels"][None], z, example["camera"][None], camera[None])
        return _generator(module)(*(each.to(device) for each in given))

    def _shown_labels(self, semantic: Tensor) -> np.ndarray:
        return drawing_of(semantic)[0] if self._config.draws else ids_of(semantic)[0]

    def _true_labels(self, example: dict[str, Tensor]) -> np.ndarray:
        """As `_shown_labels`, at the pictures' size."""
        side = self._config.picture_size
        labels = example["labels"].float().view(1, 1, *example["labels"].shape[-2:])
        scaled = nn.functional.interpolate(labels, size=(side, side), mode="nearest")
        return drawing_of(scaled)[0] if self._config.draws else scaled[0, 0].numpy().astype(np.uint16)

    def _tile(self, labels: np.ndarray) -> np.ndarray:
        return np.repeat(labels[..., None], 3, axis=2) if self._config.draws else painted(labels)


def _generator(module: nn.Module) -> Generator:
    assert isinstance(module, Rivals)
    return module.generator


def _config(preset: str, names: tuple[str, ...]) -> Config:
    """The sizes of a preset for these labels, or for drawings if there are none."""
    if preset != "small":
        config = PUBLISHED[preset]
        return config if config.draws else replace(config, labels=len(names))
    if names:
        return replace(_SMALL, labels=len(names))
    return replace(_SMALL, labels=1, draws=True, empty_logit=0.0)


def _lazy(phase: Phase) -> Phase:
    """A phase now and then, whose loss counts for the steps in between as well."""

    def more(module: Any, batch: Any) -> tuple[Tensor, Mapping[str, Tensor | float]]:
        value, numbers = phase.loss(module, batch)
        return value * phase.every, numbers

    return replace(phase, loss=more)


def _rate(times: float, every: int) -> Rate:
    less = every / (every + 1)
    return Rate(times * less, (0.0, 0.99**less))
