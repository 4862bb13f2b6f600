"""The reader of pix2pix3D's own files against a file written in their way and what their own loader makes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.models.pix2pix3d.checkpoint import check_fit, config_of, converted, options_of
from backend.models.pix2pix3d.config import PUBLISHED
from backend.models.pix2pix3d.pickles import NAMES, NETWORKS, read_snapshot

from .recordings import recorded

# How the published generators render, by the authors' names.
_FACES = {
    "ray_start": 2.25,
    "ray_end": 3.3,
    "box_warp": 1,
    "depth_resolution": 48,
    "depth_resolution_importance": 48,
    "avg_camera_radius": 2.7,
    "c_gen_conditioning_zero": False,
}
RENDERING: dict[str, dict[str, Any]] = {
    "seg2cat": {**_FACES, "avg_camera_pivot": [0, 0, -0.06]},
    "seg2face": {**_FACES, "avg_camera_pivot": [0, 0, 0.2]},
    "edge2car": {
        "ray_start": 0.1,
        "ray_end": 2.6,
        "box_warp": 1.6,
        "depth_resolution": 64,
        "depth_resolution_importance": 64,
        "avg_camera_radius": 1.7,
        "avg_camera_pivot": [0, 0, 0],
        "white_back": True,
        "c_gen_conditioning_zero": True,
    },
}
FIXED = {"c_scale": 1, "clamp_mode": "softplus", "superresolution_noise_mode": "none", "sr_antialias": True}


def told(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8"))


def test_a_file_is_read_as_its_authors_read_it_without_its_programs(golden: Path) -> None:
    for path in recorded(golden, "pix2pix3d/tiny_persistence.pkl"):
        assert b"raise RuntimeError('embedded code was executed')" in path.read_bytes()
        wanted = told(path.with_name("tiny_persistence_expected.json"))
        snapshot = read_snapshot(path)
        assert tuple(snapshot.networks) == NETWORKS
        assert snapshot.training_set_kwargs["class_name"] == "training.dataset.ImageSegFolderDataset"
        for name, network in snapshot.networks.items():
            assert network.class_name == ("DualDiscriminator" if "D" in name else "TriPlaneSemanticEntangleGenerator")
            keys = wanted["keys"][name]
            assert list(network.arrays) == list(keys), "in the order of state_dict"
            assert {key: list(each.shape) for key, each in network.state.items()} == keys
        ema = snapshot.networks["G_ema"]
        assert {key: ema.attributes[key] for key in wanted["attributes"]} == wanted["attributes"]
        mapping = ema.options["mapping_kwargs"]
        assert {key: mapping[key] for key in wanted["init_kwargs_mapping"]} == wanted["init_kwargs_mapping"]
        state = ema.state
        with np.load(path.with_name("tiny_persistence_expected.npz")) as numbers:
            assert {name.partition("::")[0] for name in numbers.files} == state.keys()
            for name in numbers.files:
                key, _, summed = name.partition("::")
                found = state[key].numpy()
                if summed:
                    exact = found.astype(np.float64)
                    np.testing.assert_allclose([exact.sum(), np.abs(exact).sum()], numbers[name], rtol=1e-4)
                else:
                    assert found.dtype == numbers[name].dtype
                    assert np.array_equal(found, numbers[name])


def test_it_becomes_our_generator(golden: Path) -> None:
    for path in recorded(golden, "pix2pix3d/tiny_persistence.pkl"):
        tensors, config = converted(path)
        small = replace(
            PUBLISHED["seg2cat"], z_dim=16, w_dim=16, label_size=16, encoder_base=128, encoder_most=8, plane_base=256
        )
        small = replace(
            small, plane_most=4, render_size=32, picture_size=128, super_resolution="2x", coarse=12, fine=12
        )
        assert config == replace(small, super_widths=(8, 4))
        assert tensors.keys() == read_snapshot(path).networks["G_ema"].arrays.keys()


def test_every_name_in_such_a_file_is_known(golden: Path) -> None:
    for path in recorded(golden, "pix2pix3d/pickle_globals.json"):
        assert {tuple(pair) for pair in told(path)["globals"]} <= NAMES.keys()


@pytest.mark.parametrize("name", RENDERING)
def test_the_published_sizes_follow_from_the_tensors(golden: Path, name: str) -> None:
    for path in recorded(golden, "pix2pix3d/keys.json"):
        shapes = {key: tuple(shape) for key, shape in told(path)[name]["G_ema"].items()}
        config = config_of(
            shapes, {"neural_rendering_resolution": PUBLISHED[name].render_size}, FIXED | RENDERING[name]
        )
        assert config == PUBLISHED[name]
        check_fit(shapes, config)
        with pytest.raises(ValueError, match=r"1 tensors are missing, first “decoder\.net\.2\.bias”"):
            check_fit({key: shape for key, shape in shapes.items() if key != "decoder.net.2.bias"}, config)
        with pytest.raises(ValueError, match="1 tensors are not of it, first “backbone_bg”"):
            check_fit({**shapes, "backbone_bg": (1,)}, config)
        with pytest.raises(ValueError, match=r"has the shape \(3,\) in place of \(\)"):
            check_fit({**shapes, "backbone.mapping.embed_mask.alpha": (3,)}, config)


def test_what_was_set_later_wins(golden: Path) -> None:
    for path in recorded(golden, "pix2pix3d/tiny_persistence.pkl"):
        network = read_snapshot(path).networks["G_ema"]
        options, rendering = options_of(replace(network, options={**network.options, "rendering_kwargs": {}}))
        assert rendering == network.attributes["rendering_kwargs"]
        assert options["neural_rendering_resolution"] == 32
