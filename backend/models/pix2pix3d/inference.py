"""pix2pix3D as a model of the tasks `synthesize`, `edit` and `mix`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backend.datasets.eg3d import AFHQ_CAT, CELEBAMASK
from backend.fields.poses import vertical_of
from backend.models.pix2pix3d.agreeing import IGNORED, Painted, agreed, disagreement
from backend.models.pix2pix3d.cameras import camera_of, front, numbers_of, placed
from backend.models.pix2pix3d.checkpoint import CONFIG, WEIGHTS, read_config
from backend.models.pix2pix3d.config import STARTER
from backend.models.pix2pix3d.field import LabelledField
from backend.models.pix2pix3d.generator import Generator, at_size, label_map_of
from backend.models.pix2pix3d.maps import checked_map
from backend.models.pix2pix3d.palettes import style_of
from backend.models.pix2pix3d.pictures import PALETTE, drawing_to_network
from backend.synthetic.kinds import KINDS
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Camera

_PUBLISHED = {len(names): names for names in (AFHQ_CAT, CELEBAMASK)}

_TURNS, _RISES = 16, (2.0, 20.0)  # cameras that a map is tried with: how many all around, at what elevations
_REMEMBERED = 3  # label maps of one field


class Model:
    """``labels`` by id, none for a model that takes drawings; ``home`` is the camera of a map that comes without."""

    def __init__(
        self,
        network: Generator,
        labels: tuple[str, ...],
        home: Camera,
        palettes: Tensor | None = None,
    ) -> None:
        self.network = network.eval().requires_grad_(False)
        self.labels = labels
        self.palette = PALETTE[: len(labels)]
        self.home = home
        self._palettes = palettes

    @property
    def _device(self) -> torch.device:
        return self.network.backbone.mapping.w_avg.device

    def synthesize(
        self,
        painted: np.ndarray,
        camera: Camera | None,
        seed: int,
        truncation: float,
        context: Any,
        colours: np.ndarray | None = None,
    ) -> LabelledField:
        """The field of a label map (ids uint16 H x W) or, where the model ``draws``, of a drawing (uint8 H x W x 3
        or 4, dark on light or light on dark), seen through ``camera``.

        ``seed`` picks the style; ``truncation`` draws it towards the mean one, 1 leaving it. ``colours`` (float32
        labels x 3, 0 to 1; not a number for any) tell it instead, to a model of ours that learned from such. A map
        that is not square is taken into the middle of a square. ProblemError (BAD_INPUT) for maps that are no such
        maps, see `checked_map`.
        """
        camera = camera or self.home
        pose = self._numbers(camera)
        context.check()
        with torch.inference_mode():
            shown = self._shown(painted)
            styles = self.network.styles(shown, self._style(seed, colours), pose)
            first = self.network.config.label_layers
            if truncation != 1:
                styles = self.network.backbone.mapping.truncated(styles, truncation, slice(first, None))
        maps = () if self.network.config.draws else (Painted(shown[0], pose),)
        return LabelledField(self.network, styles, self.labels, self.palette, camera, maps)

    def likely_camera(self, painted: np.ndarray, context: Any) -> Camera | None:
        """The camera through which what a label map makes agrees with it best; none for a network that is not told the
        camera's rays, to which it makes no difference. Errors as `synthesize`."""
        config = self.network.config
        if not config.sees_rays:
            return None
        shown, style = self._shown(painted), self._style(0)
        best: tuple[float, Tensor] | None = None
        for pose in self._around():
            context.check()
            with torch.inference_mode():
                styles = self.network.styles(shown, style, pose)
                wrong = disagreement(self.network, styles, (Painted(shown[0], pose),))
            if best is None or wrong < best[0]:
                best = (wrong, pose)
        assert best is not None
        return camera_of(best[1][0], config.box)

    def _around(self) -> Iterator[Tensor]:
        """The 25 numbers of cameras on all sides, 1 x 25 each."""
        for vertical in vertical_of(np.radians(_RISES)).tolist():
            for turn in range(_TURNS):
                horizontal = math.pi / 2 + 2 * math.pi * turn / _TURNS
                yield placed(self.network.config, horizontal, vertical)[None].to(self._device)

    def edit(
        self, field: LabelledField, painted: np.ndarray, camera: Camera, keep_style: bool, seed: int, context: Any
    ) -> LabelledField:
        """The field that agrees with a map painted through any ``camera``, in the style of ``field`` or of ``seed``.

        Where little was changed, the shape of ``field`` is nearer to the map than what the map alone tells of it, and
        is what is begun with; `agree` does the rest. What was painted before stays where the new map does not say
        otherwise.
        """
        made = self.synthesize(painted, camera, seed, 1.0, context)
        styled = self.mix(field, made, 1.0, 0.0, context) if keep_style else made
        if not made.painted:
            return replace(styled, camera=camera)
        rest = tuple(self._unchanged(one, field, made) for one in field.painted[: _REMEMBERED - 1])
        before = self.mix(field, styled, 0.0, 1.0, context)
        nearest = min((before, styled), key=lambda each: disagreement(self.network, each.styles, made.painted))
        return replace(nearest, camera=camera, painted=(*made.painted, *rest))

    def _unchanged(self, one: Painted, field: LabelledField, made: LabelledField) -> Painted:
        """The map ``one`` of ``field`` where what was ``made`` of a newer map looks as ``field`` does."""
        side = self.network.config.render_size
        with torch.inference_mode():
            seen = [label_map_of(each.volume(one.camera, side).labels[:, : len(self.labels)]) for each in (field, made)]
        same = at_size((seen[0] == seen[1]).long(), one.labels.shape[-1])[0] > 0
        return Painted(torch.where(same, one.labels, IGNORED), one.camera)

    def agree(
        self,
        field: LabelledField,
        quality: str,
        context: Any,
        stage: str = "synthesize",
        share: tuple[float, float] = (0.0, 1.0),
    ) -> LabelledField:
        """``field`` brought nearer to its label maps: "draft" leaves it, "standard" and "best" take their time. The
        published networks, whose steps are dear, are left as they are by "standard" too. The steps are ``share`` of
        ``stage``."""
        small = self.network.config.palettes > 0
        steps = {"draft": 0, "standard": 20 if small else 0, "best": 40}[quality]
        if not steps or not field.painted:
            return field

        context.stage(stage, steps, "Following the label map", share)

        def step(done: int) -> None:
            context.step(done, f"Following the label map, step {done + 1} of {steps}")

        return replace(field, styles=agreed(self.network, field.styles, field.painted, steps, step))

    def mix(
        self, first: LabelledField, second: LabelledField, shape: float, style: float, context: Any
    ) -> LabelledField:
        """Between two fields: 0 is the first's, 1 the second's. ProblemError (BAD_INPUT) for fields of another
        model."""
        if first.network is not self.network or second.network is not self.network:
            raise ProblemError(
                ErrorCode.BAD_INPUT, "The two fields were made by different models.", "Mix fields of one model."
            )
        context.check()
        rows = torch.arange(first.styles.shape[1], device=self._device)
        share = torch.where(rows < self.network.config.label_layers, shape, style)[None, :, None]
        with torch.inference_mode():
            styles = torch.lerp(first.styles, second.styles, share.to(first.styles.dtype))
        return replace(second, styles=styles, camera=(second if shape > 0.5 else first).camera)

    def _numbers(self, camera: Camera) -> Tensor:
        return numbers_of([camera], self.network.config.box).to(self._device)

    def _shown(self, painted: np.ndarray) -> Tensor:
        config = self.network.config
        side = config.map_size
        if config.draws:
            return drawing_to_network(painted, side).to(self._device)
        return torch.from_numpy(checked_map(painted, self.labels, side))[None].to(self._device)

    def _style(self, seed: int, colours: np.ndarray | None = None) -> Tensor:
        if self._palettes is not None:
            palette = self._palettes[seed % len(self._palettes)].float()
            told = palette if colours is None else torch.from_numpy(colours)
            return style_of(torch.where(told.isnan(), palette, told)[None]).to(self._device)
        drawn = np.random.RandomState(seed).randn(1, self.network.config.z_dim).astype(np.float32)
        return torch.from_numpy(drawn).to(self._device)


def load(device: str, tensors: dict[str, Any]) -> Model:
    """The starter on ``device`` from its weight file's tensors."""
    kind = KINDS["seg2vehicle"]
    network = Generator(STARTER)
    weights = {name: torch.as_tensor(each) for name, each in tensors.items()}
    palettes = weights.pop("palettes")
    network.load_state_dict({name: each.float() for name, each in weights.items()})
    return Model(network.to(device), kind.labels, kind.home, palettes)


def load_released(device: str, folder: Path) -> Model:
    """The authors' weights, as `checkpoint.convert` wrote them to ``folder``."""
    from safetensors.torch import load_file

    config = read_config(folder / CONFIG)
    network = Generator(config)
    network.load_state_dict({name: each.float() for name, each in load_file(folder / WEIGHTS).items()})
    labels = () if config.draws else _PUBLISHED.get(config.labels, tuple(f"label {n}" for n in range(config.labels)))
    return Model(network.to(device), labels, camera_of(front(config), config.box))
