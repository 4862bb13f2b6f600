"""Frechet and kernel distances of features, against what StyleGAN's evaluation, which pix2pix3D ships, gave."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.evaluation.features import frechet_distance, kernel_distance

from .recordings import recorded, told


def test_feature_distances(golden: Path) -> None:
    draws = told(golden, "pix2pix3d")["kid"]
    for path in recorded(golden, "pix2pix3d/prepost_metrics*.npz"):
        stored = np.load(path)
        found, wanted = stored["feat_gen"], stored["feat_real"]
        assert frechet_distance(found, wanted) == pytest.approx(float(stored["fid"]), abs=1e-6)
        random = np.random.RandomState(int(stored["kid_npseed"]))
        ours = kernel_distance(found, wanted, draws["subsets"], draws["size"], random)
        assert ours == pytest.approx(float(stored["kid"]), abs=1e-6)
