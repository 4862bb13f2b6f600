"""What the tests of pix2pix3D's parts and of the whole share: recordings, bounds, filled modules."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from backend.models.pix2pix3d.config import PUBLISHED, Config

from .filling import Rule, filled

_LOG = logging.getLogger(__name__)
_FIXED = ("resample_filter", "alpha")  # the authors' own values
Module = TypeVar("Module", bound=nn.Module)


class Recording:
    """A file of arrays. One that is too large is there at some places alone, with figures of the whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._data = np.load(path, allow_pickle=False)
        self.names = self._data.files

    def __contains__(self, name: str) -> bool:
        return name in self.names or f"{name}__idx" in self.names

    def __getitem__(self, name: str) -> Tensor:
        return torch.from_numpy(self._data[name])

    def array(self, name: str) -> np.ndarray:
        return self._data[name]

    def number(self, name: str) -> int:
        return int(self._data[name])

    @cached_property
    def manifest(self) -> dict[str, Any]:
        path = self.path.with_name("manifest.json")
        return json.loads(path.read_text("utf-8")) if path.is_file() else {}

    @property
    def prefix(self) -> str:
        return self.manifest.get("fill_prefix", "")

    def agrees(self, name: str, found: Tensor, atol: float = 1e-5, rtol: float = 1e-5) -> None:
        """Every number of ``found`` within ``atol`` + ``rtol`` times what was recorded."""
        ours, wanted = self._pair(name, found)
        off = np.abs(ours - wanted)
        assert (off <= atol + rtol * np.abs(wanted)).all(), f"{name}: off by {off.max()}"

    def agrees_within(self, name: str, found: Tensor, share: float = 1e-4) -> None:
        """Every number within ``share`` of the standard deviation."""
        ours, wanted = self._pair(name, found)
        off = np.abs(ours - wanted).max() / self._spread(name)
        assert off <= share, f"{name}: off by {off} standard deviations"

    def agrees_mostly(self, name: str, found: Tensor) -> None:
        """On average within 1e-4, and 99.9 % within 2e-3, of the standard deviation: of two samplings of which a few
        numbers fall on the other side of a limit."""
        ours, wanted = self._pair(name, found)
        off = np.abs(ours - wanted) / self._spread(name)
        assert off.mean() <= 1e-4, f"{name}: off by {off.mean()} standard deviations on average"
        assert (off <= 2e-3).mean() >= 0.999, f"{name}: {(off > 2e-3).mean():.2%} off by more than 2e-3"

    def _pair(self, name: str, found: Tensor) -> tuple[np.ndarray, np.ndarray]:
        ours = found.detach().float().numpy()
        if name in self.names:
            wanted = self._data[name]
            assert ours.shape == wanted.shape, name
        else:
            assert ours.shape == tuple(self._data[f"{name}__shape"]), name
            figures = [
                ours.mean(dtype=np.float64),
                ours.std(dtype=np.float64),
                ours.min(),
                ours.max(),
                np.abs(ours).mean(),
            ]
            recorded = self._data[f"{name}__stat"]
            np.testing.assert_allclose(figures, recorded, rtol=1e-3, atol=1e-3 * recorded[1], err_msg=name)
            ours, wanted = ours.ravel()[self._data[f"{name}__idx"]], self._data[f"{name}__val"]
        assert np.isfinite(ours).all(), name
        off = np.abs(ours - wanted)
        spread = self._spread(name)
        _LOG.info("%s %s: off by %.1e, on average by %.1e of %.2g", self.path.name, name, off.max(), off.mean(), spread)
        return ours, wanted

    def _spread(self, name: str) -> float:
        wanted = self._data[f"{name}__stat"][1] if f"{name}__stat" in self.names else self._data[name].std()
        return max(float(wanted), 1e-12)


def fill(module: Module, recording: Recording, rule: Rule, scope: str = "") -> Module:
    """``module`` with weights from its own names, after ``scope``."""
    state = module.state_dict()
    for name, tensor in state.items():
        if not name.endswith(_FIXED):
            state[name] = filled(scope + name, tensor.shape, recording.prefix, rule)
    module.load_state_dict(state)
    return module.eval()


def rule_of(path: Path, otherwise: Rule) -> Rule:
    """The rule that a file's name tells."""
    return "std" if re.search(r"_std\b|_std_", path.stem) else "unit" if "unit" in path.stem else otherwise


def shrunk(preset: str, **sizes: Any) -> Config:
    return replace(PUBLISHED[preset], **sizes)


def labels_to_network(labels: Tensor, config: Config) -> Tensor:
    """What `Mapping` takes for a recorded map, uint8 N x 1 x H x W; drawings are not inverted there."""
    return labels.float() / 127.5 - 1 if config.draws else labels[:, 0].long()
