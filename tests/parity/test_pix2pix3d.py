"""The parts of pix2pix3D against the numbers that the authors' code gave.

The plain decoder of EG3D, one network for colours and density (`plain_*` in decoder.npz), is in no pix2pix3D, so there
is none here. Of the modulated convolution ours is the unfused form, and held against both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from backend.fields.poses import drawn_on_sphere, on_sphere
from backend.fields.rays import Rays, box_limits, rays_of
from backend.fields.triplanes import PUBLISHED as PUBLISHED_AXES
from backend.fields.triplanes import sample_planes
from backend.fields.volume import finished, importance, march, stratified, stratified_disparity
from backend.models.pix2pix3d.cameras import front, lens_of_view, swing
from backend.models.pix2pix3d.config import PUBLISHED, TAKES, Config
from backend.models.pix2pix3d.generator import Decoder, Generator
from backend.models.pix2pix3d.layers import (
    FullyConnected,
    ResidualBlock,
    biased,
    convolved,
    filtered,
    fir,
    modulated,
    normalised,
    upsampled,
)
from backend.models.pix2pix3d.mapping import Mapping
from backend.models.pix2pix3d.pictures import (
    PALETTE,
    colours_of,
    drawing_to_network,
    drawing_values,
    painted,
)
from backend.models.pix2pix3d.planes import Block
from backend.models.pix2pix3d.superresolution import SuperResolution, resized

from .filling import drawn
from .pix2pix3d import Recording, fill, labels_to_network, rule_of, shrunk
from .recordings import recorded, told

pytestmark = pytest.mark.timeout(3600)  # some are of published width, which a busy machine takes its time for


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def files(golden: Path, pattern: str) -> Iterator[Recording]:
    for path in recorded(golden, f"pix2pix3d/{pattern}.npz"):
        yield Recording(path)


@pytest.fixture
def facts(golden: Path) -> dict[str, Any]:
    return told(golden, "pix2pix3d")


def test_every_name_of_the_checkpoints_has_its_place(golden: Path) -> None:
    for path in recorded(golden, "pix2pix3d/keys*.json"):
        for preset, networks in json.loads(path.read_text("utf-8")).items():
            with torch.device("meta"):
                ours = Generator(PUBLISHED[preset]).state_dict()
            assert {name: list(tensor.shape) for name, tensor in ours.items()} == networks["G_ema"], preset


def test_parameters_are_as_many(golden: Path) -> None:
    for path in recorded(golden, "pix2pix3d/param_counts*.json"):
        for preset, networks in json.loads(path.read_text("utf-8")).items():
            with torch.device("meta"):
                ours = Generator(PUBLISHED[preset])
            wanted = networks["G_ema"]
            assert sum(each.numel() for each in ours.parameters()) == wanted["params"]
            assert sum(each.numel() for each in ours.buffers()) == wanted["buffers"]
            for name, count in networks["G_split"].items():
                found = sum(each.numel() for each in ours.get_submodule(name).parameters())
                if name == "backbone.mapping":  # counted without its label encoder there
                    found -= networks["G_split"]["backbone.mapping.embed_mask"]
                assert found == count, name


def test_activations_and_filters(golden: Path, facts: dict[str, Any]) -> None:
    known = facts["ops"]
    for data in files(golden, "ops*"):
        x, b, square, kernel = data["x"], data["b"], data["xe"], data["filter"]
        data.agrees("filter", fir(), 0, 0)
        data.agrees("bias_act_lrelu", biased(x, b, "lrelu"))
        # Half of the activation's own gain; ours halves the limit with it, to 0.5.
        data.agrees("bias_act_lrelu_g05_c05", biased(x, b, "lrelu", 0.5, 1))
        data.agrees("bias_act_linear", biased(x, b))
        data.agrees("bias_act_linear_clamp", biased(known["clamped_input"] * x, b, clamp=known["clamp"]))
        data.agrees("upsample2d", upsampled(square, kernel))
        data.agrees("downsample2d", filtered(square, kernel, down=2, padding=(1, 1, 1, 1)))
        data.agrees("filter2d", filtered(square, kernel, padding=(2, 1, 2, 1)))
        for name in ("upfirdn_asym", "upfirdn_asym_flip_crop"):
            how: dict[str, Any] = {
                key: tuple(each) if isinstance(each, list) else each for key, each in known[name].items()
            }
            data.agrees(name, filtered(square, data["af"], **how))
        data.agrees("norm2nd", normalised(data["styles"]))
        data.agrees("filtered_resizing_up", resized(square, data["filtered_resizing_up"].shape[-1]))
        down = resized(data["filtered_resizing_down_in"], data["filtered_resizing_down"].shape[-1])
        data.agrees("filtered_resizing_down", down)


def test_convolutions(golden: Path) -> None:
    for data in files(golden, "ops*"):
        x, kernel, wide, narrow, styles = (data[name] for name in ("xe", "filter", "w3", "w1", "styles"))
        data.agrees("conv3", convolved(x, wide, kernel))
        data.agrees("conv3_up2", convolved(x, wide, kernel, up=2))
        data.agrees("conv3_down2", convolved(x, wide, kernel, down=2))
        data.agrees("conv1_down2", convolved(x, narrow, kernel, down=2))
        data.agrees("conv1_up2", convolved(x, narrow, kernel, up=2))
        noise = data["noise"]
        data.agrees("modconv_demod", modulated(x, wide, styles, kernel) + noise)
        data.agrees("modconv_demod_unfused", modulated(x, wide, styles, kernel) + noise)
        data.agrees("modconv_nodemod_1x1", modulated(x, narrow, styles, kernel, demodulate=False))
        data.agrees("modconv_up2", modulated(x, wide, styles, kernel, up=2))
        for name, layer in (
            ("fc_lin", FullyConnected(6, 5)),
            ("fc_lrelu_m001", FullyConnected(6, 5, "lrelu", rate=0.01)),
        ):
            layer.load_state_dict({"weight": data[f"{name}_w"], "bias": data[f"{name}_b"]})
            data.agrees(name, layer(styles))


def test_blocks(golden: Path, facts: dict[str, Any]) -> None:
    rule, clamp = facts["blocks"]["rule"], facts["blocks"]["clamp"]
    for data in files(golden, "blocks*"):
        x, picture, styles = data["block_x"], data["block_img"], data["ws"]
        w_dim, colours = styles.shape[-1], picture.shape[1]

        def widths(name: str, recording: Recording = data) -> tuple[int, int]:
            shape = recording.array(name).shape
            return shape[1], shape[-1]

        wide, side = widths("block_const_x")
        block = fill(Block(x.shape[1], wide, w_dim, side, colours), data, rule)
        for name in ("const", "none"):
            found, grown = block(x, picture, styles, name)
            data.agrees(f"block_{name}_x", found)
            data.agrees(f"block_{name}_img", grown)
        wide, side = widths("noup_x")
        block = fill(Block(x.shape[1], wide, w_dim, side, colours, grows=False, clamp=clamp), data, rule)
        found, added = block(x, picture, styles, noise="none")
        data.agrees("noup_x", found)
        data.agrees("noup_img", added)
        data.agrees("noup_img_inplace", added)
        wide, side = widths("first_x")
        found, made = fill(Block(0, wide, w_dim, side, colours), data, rule)(None, None, styles)
        data.agrees("first_x", found)
        data.agrees("first_img", made)
        between, into = widths("dblock2_in")[0], widths("dblock_x")[0]
        shown = data["dblock_img"]
        data.agrees("dblock_x", fill(ResidualBlock(between, into, shown.shape[1]), data, rule)(shown))
        inner = fill(ResidualBlock(between, widths("dblock2_x")[0]), data, rule)
        data.agrees("dblock2_x", inner(data["dblock2_in"]))


def test_mapping(golden: Path) -> None:
    for data in files(golden, "mapping*"):
        for preset in (name.removesuffix("_mask") for name in data.names if name.endswith("_mask")):
            mask, z, pose, encoded, styles = (data[f"{preset}_{name}"] for name in ("mask", "z", "c", "enc", "ws"))
            config = shrunk(
                preset,
                label_size=mask.shape[-1],
                z_dim=z.shape[1],
                w_dim=styles.shape[2],
                label_layers=encoded.shape[1],
                pose_zeroed=False,
            )
            mapping = fill(Mapping(config), data, rule_of(data.path, "unit"))
            found = mapping(labels_to_network(mask, config), z, pose)
            shown = found[:, : config.label_layers]
            data.agrees_within(f"{preset}_enc", shown)
            data.agrees_within(f"{preset}_ws", found)
            data.agrees_within(f"{preset}_ws_psi07", mapping.truncated(found, 0.7))
            mapping.config = replace(config, pose_zeroed=True)
            style = mapping.style(z, pose)[:, None].expand_as(found[:, config.label_layers :])
            data.agrees_within(f"{preset}_ws_c0", torch.cat([shown, style], dim=1))


def test_planes_are_sampled_where_published(golden: Path) -> None:
    for data in files(golden, "triplane*"):
        points = data["coords"]
        for name in (name for name in data.names if name.startswith("feat_bw")):
            box = float(name.removeprefix("feat_bw"))
            data.agrees(name, sample_planes(data["planes"], points, box, PUBLISHED_AXES))
        flat = torch.stack([points[..., list(pair)] for pair in PUBLISHED_AXES], dim=1)
        data.agrees("proj", flat.flatten(0, 1))


def test_decoder(golden: Path) -> None:
    for data in files(golden, "decoder*"):
        features = data["feat"]
        for case in (name.removesuffix("_rgb") for name in data.names if name.endswith("_rgb")):
            if case.startswith("plain"):
                continue
            config = Config(labels=1 if case.startswith("edge") else 2, draws=case.startswith("edge"))
            config = replace(config, plane_channels=features.shape[-1])
            rule = "std" if case.endswith("_std") else "unit"
            found, sigma = fill(Decoder(config), data, rule)(features)
            data.agrees(f"{case}_rgb", found)
            data.agrees(f"{case}_sigma", sigma)


def test_cameras(golden: Path, facts: dict[str, Any]) -> None:
    known = facts["camera"]
    for data in files(golden, "camera*"):
        turn, rise = data["hv"].float().T
        for name in data.names:
            if name.startswith("lookat_poses_r"):
                radius = float(name.removeprefix("lookat_poses_r"))
                found = [on_sphere(turn, rise, point, radius) for point in data["lookat"].float()]
                data.agrees(name, torch.stack(found, dim=1))
            elif name.startswith("gaussian_std0_r"):
                data.agrees(name, on_sphere(turn, rise, torch.zeros(3), float(name.removeprefix("gaussian_std0_r"))))
        how = known["lookat_std_rng"]
        draws = torch.Generator().manual_seed(data.manifest[data.path.name]["lookat_std_rng_torch_seed"])
        count = len(data["lookat_std_rng"])
        lookat = torch.tensor(how["lookat"], dtype=torch.float32)
        (turned, raised), (turning, rising) = how["means"], how["spread"]
        found = drawn_on_sphere(turned, raised, lookat, how["radius"], (turning, rising), count, draws)
        data.agrees("lookat_std_rng", found)
        data.agrees("fov_K", torch.stack([lens_of_view(float(each)) for each in data["fov"]]))
        data.agrees("preset_front", torch.stack([front(PUBLISHED[preset]) for preset in known["preset_front"]]))
        for preset in (re.sub("^video_", "", name) for name in data.names if re.match("video_(?!frames)", name)):
            shown = [swing(PUBLISHED[preset], int(frame))[:16].view(4, 4) for frame in data["video_frames"]]
            data.agrees(f"video_{preset}", torch.stack(shown))


def test_rays_and_where_they_cross_the_box(golden: Path, facts: dict[str, Any]) -> None:
    for data in files(golden, "camera*"):
        pose = data["ray_c"][:, :16].view(-1, 4, 4)
        for side in (int(name.removeprefix("ray_o")) for name in data.names if re.fullmatch(r"ray_o\d+", name)):
            rays = rays_of(pose, data["ray_K"], side)
            data.agrees(f"ray_o{side}", rays.origins)
            data.agrees(f"ray_d{side}", rays.directions)
            recorded_rays = Rays(data[f"ray_o{side}"], data[f"ray_d{side}"])
            near, far = box_limits(recorded_rays, facts["camera"]["box"])
            data.agrees("box_near", near)
            data.agrees("box_far", far)


def test_marching_along_rays(golden: Path, facts: dict[str, Any]) -> None:
    for data in files(golden, "marcher*"):
        depths = data["depths"]
        for white in (0, 1):
            found = march(data["colors"], data["densities"], depths)
            seen = finished(found, depths, bool(white))
            data.agrees(f"march_wb{white}_rgb", seen.features)
            data.agrees(f"march_wb{white}_depth", seen.depth)
            data.agrees(f"march_wb{white}_w", seen.weights)
        jitter = data["strat_u"]
        near, far = facts["marcher"]["stratified"]
        data.agrees("strat", stratified(near, far, jitter))
        near, far = facts["marcher"]["disparity"]
        data.agrees("strat_disp", stratified_disparity(near, far, jitter))
        data.agrees("strat_tensor", stratified(data["near"], data["far"], jitter))
        for name, weights in (("imp", data["march_wb0_w"]), ("imp_peaked", data["imp_peaked_w"])):
            data.agrees(name, importance(depths, weights, data["imp_u"]))


def test_super_resolution(golden: Path, facts: dict[str, Any]) -> None:
    known = facts["superres"]
    for data in files(golden, "superres*"):
        styles = drawn(data.number("seed_ws"), known["styles"])[0]
        for case in sorted({name.split("_out")[0] for name in data.names if "_out" in name}):
            kind, size = case.partition("_")[0], int(case.rpartition("_")[2])
            picture = known["labels"] if "semantic" in case else 3
            widths = (256, 128) if kind == "8xdc" else (128, 64)
            config = Config(
                labels=known["labels"],
                w_dim=styles.shape[-1],
                plane_channels=known["channels"],
                super_resolution=kind,  # pyright: ignore[reportArgumentType]
                super_widths=widths,
            )
            module = fill(SuperResolution(config, picture), data, known["rule"])
            (x,) = drawn(data.number("seed_x"), (len(styles), known["channels"], size, size))
            full, middle = module(x[:, :picture], x, styles)
            data.agrees_within(f"{case}_out", full)
            if f"{case}_img_after" in data:
                overwritten = kind != "8xdc" and size == TAKES[kind]
                data.agrees_within(f"{case}_img_after", middle if overwritten else x[:, :picture])


def test_label_maps_and_colours(golden: Path) -> None:
    for data in files(golden, "prepost_metrics*"):
        assert np.array_equal(np.array(PALETTE, np.uint8), data.array("palette"))
        assert np.array_equal(painted(data.array("ids")), data.array("ids_rgb"))
        image = data["img"][None]
        assert np.array_equal(colours_of(image)[0], data.array("img_u8_apps"))
        assert np.array_equal(colours_of(image, "editor")[0], data.array("img_u8_demo"))
        assert np.array_equal(colours_of(image, "scores")[0].transpose(2, 0, 1), data.array("img_u8_metrics"))


def test_drawings(golden: Path) -> None:
    for data in files(golden, "prepost_metrics*"):
        masks, values = data.array("ds_edge_mask"), data["edge_net_value"]
        assert np.array_equal(drawing_values(masks), values.numpy())
        for drawing, wanted in zip(data.array("src_edge"), values, strict=False):
            assert np.array_equal(drawing_to_network(drawing, wanted.shape[-1], "dark")[0].numpy(), wanted.numpy())
