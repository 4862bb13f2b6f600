"""pix2pix3D from a label map to pictures, labels and depth, against the numbers that the authors' code gave."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.models.pix2pix3d.checkpoint import converted
from backend.models.pix2pix3d.config import PUBLISHED, Config
from backend.models.pix2pix3d.generator import Generator, Jitter, Seen, Volume
from backend.models.pix2pix3d.layers import FullyConnected
from backend.models.pix2pix3d.pictures import colours_of, ids_of

from .filling import drawn_evenly
from .pix2pix3d import Recording, fill, labels_to_network, rule_of, shrunk
from .recordings import recorded

pytestmark = pytest.mark.timeout(3 * 3600)  # as long as a busy machine may take


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def files(golden: Path, kind: str) -> Iterator[tuple[Recording, str]]:
    """The recordings of a kind, each with the name of its configuration."""
    for path in recorded(golden, f"pix2pix3d/e2e_{kind}.npz"):
        yield Recording(path), re.sub(r"^e2e_[a-z]+_|_(std|unit)$", "", path.stem)


def tiny(data: Recording, preset: str) -> Config:
    known = data.manifest["e2e_tiny"]
    coarse, fine = known["coarse_and_fine_samples"]
    return shrunk(
        preset,
        label_size=known["label_resolution"],
        z_dim=known["z_dim"],
        w_dim=known["w_dim"],
        plane_base=known["backbone_channel_base"],
        plane_most=known["backbone_channel_max"],
        super_resolution=known["superresolution"].lower(),
        super_widths=(128, 64),
        picture_size=known["img_resolution"],
        coarse=coarse,
        fine=fine,
    )


def generator(config: Config, data: Recording) -> Generator:
    made = fill(Generator(config), data, rule_of(data.path, "unit"))
    if "sigma_row_weight" in data:  # makes a scene of which some is transparent
        last = made.decoder.net_semantic[2]
        assert isinstance(last, FullyConnected)
        last.weight[0], last.bias[0] = data["sigma_row_weight"], data["sigma_row_bias"][0]
    return made


class Rendered(NamedTuple):
    planes: Tensor
    volume: Volume
    seen: Seen


def rendered(made: Generator, styles: Tensor, camera: Tensor, side: int, seeds: tuple[int, int]) -> Rendered:
    """What ``camera`` sees with the recorded jitter; the small pictures as the authors' code leaves them."""
    config, count = made.config, len(styles)
    jitter = Jitter(
        drawn_evenly(seeds[0], (count, side**2, config.coarse, 1)),
        drawn_evenly(seeds[1], (count * side**2, config.fine)),
    )
    planes = made.planes(styles)
    volume = made.volume(planes, camera, side, jitter)
    return Rendered(planes, volume, made.pictures(volume, styles, overwritten=True))


def along_rays(*pictures: Tensor) -> Tensor:
    """N x R x C of pictures N x C x h x h."""
    return torch.cat(pictures, dim=1).flatten(2).transpose(1, 2)


def check_pictures(data: Recording, seen: Seen) -> None:
    for name, found in (
        ("image", seen.image),
        ("image_raw", seen.image_raw),
        ("image_depth", seen.depth),
        ("semantic", seen.semantic),
        ("semantic_raw", seen.semantic_raw),
    ):
        data.agrees_mostly(name, found)
    for name, found in (("semantic", seen.semantic), ("semantic_raw", seen.semantic_raw)):
        if name in data.names and found.shape[1] > 1:
            same = ids_of(found) == data[name].argmax(dim=1).numpy()
            assert same.mean() >= 0.999


def test_small_networks(golden: Path) -> None:
    for data, preset in files(golden, "tiny_*"):
        config = tiny(data, preset)
        made = generator(config, data)
        styles = made.styles(labels_to_network(data["mask"], config), data["z"], data["c_map"])
        data.agrees_within("ws", styles)
        data.agrees_within("planes_none", made.planes(styles, noise="none").flatten(1, 2))
        side = data.number("nrr")
        seeds = data.number("seed_strat"), data.number("seed_imp")
        planes, volume, seen = rendered(made, styles, data["c_render"], side, seeds)
        data.agrees_within("planes_const", planes.flatten(1, 2))
        features, sigma = made.query(planes, data["points"])
        data.agrees_within("field_rgb", features)
        data.agrees_within("field_sigma", sigma)
        data.agrees_mostly("render_features", along_rays(volume.colours, volume.labels))
        data.agrees_mostly("render_depth", along_rays(volume.depth))
        data.agrees_mostly("render_wsum", along_rays(volume.opacity))
        check_pictures(data, seen)


def test_a_generator_out_of_a_file_of_the_authors_kind(golden: Path) -> None:
    for path in recorded(golden, "pix2pix3d/*_forward.npz"):
        data = Recording(path)
        tensors, config = converted(path.with_name(f"{path.stem.removesuffix('_forward')}.pkl"))
        made = Generator(config).eval()
        made.load_state_dict(tensors)
        styles = made.styles(labels_to_network(data["mask"], config), data["z"], data["c"])
        data.agrees_within("ws", styles)
        side = data["image_depth"].shape[-1]
        seeds = data.number("seed_strat"), data.number("seed_imp")
        check_pictures(data, rendered(made, styles, data["c"], side, seeds).seen)


@pytest.mark.full_size
@pytest.mark.parametrize("preset", PUBLISHED)
def test_published_networks(golden: Path, preset: str) -> None:
    for data, _ in files(golden, f"full_{preset}"):
        config = PUBLISHED[preset]
        made = generator(config, data)
        styles = made.styles(labels_to_network(data["label_map"], config), data["z"], data["c_map"])
        data.agrees_within("ws", styles)
        *_, strata, fine = data.array("seeds").tolist()
        side = data["image_depth"].shape[-1]
        planes, volume, seen = rendered(made, styles, data["c_render"], side, (strata, fine))
        data.agrees_within("planes", planes.flatten(1, 2))
        data.agrees_mostly("features", along_rays(volume.colours, volume.labels))
        data.agrees_mostly("weights_sum", along_rays(volume.opacity))
        check_pictures(data, seen)
        wanted = data.array("image_u8_crop").astype(int)
        step = config.picture_size // len(wanted)
        off = np.abs(colours_of(seen.image)[0, ::step, ::step] - wanted)
        assert off.max() <= 1
        assert (off == 0).mean() >= 0.99
        if "label_argmax_s4" in data:
            assert (ids_of(seen.semantic)[0, ::4, ::4] == data.array("label_argmax_s4")).mean() >= 0.999
