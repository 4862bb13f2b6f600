"""pix2gestalt against the numbers that the authors' code gave."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from backend.diffusion.ddim import ddim
from backend.diffusion.schedule import ddim_steps, stable_diffusion_schedule
from backend.models.pix2gestalt import objective
from backend.models.pix2gestalt.checkpoint import EMA_COUNTS, converted, has_ema, their_name
from backend.models.pix2gestalt.config import Config
from backend.models.pix2gestalt.names import CLIP, EMA, UNET, VAE
from backend.models.pix2gestalt.network import Pix2Gestalt
from backend.models.pix2gestalt.pictures import (
    enlarged,
    from_network,
    grey,
    not_white,
    overlay,
    squashed,
    squashed_points,
    to_network,
)
from backend.models.pix2gestalt.sampling import Sampling, conditions, sample
from protocol.problems import ProblemError

from .filling import drawn, filled
from .recordings import recorded

Keys = dict[str, list[int]]

FULL = pytest.mark.full_size
SIZES = [pytest.param("[!f]*", id="reduced"), pytest.param("full", id="full", marks=FULL)]


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def files(golden: Path, kind: str, size: str) -> Iterator[tuple[Any, Keys]]:
    """The recordings of a kind with the names of their checkpoint: ``kind_SIZE.npz`` goes with ``keys_SIZE.json``."""
    for path in recorded(golden, f"pix2gestalt/{kind}_{size}.npz"):
        suffix = path.stem.partition("_")[2]
        keys = path.with_name("keys.json" if suffix == "full" else f"keys_{suffix}.json")
        yield np.load(path, allow_pickle=False), json.loads(keys.read_text("utf-8"))


def model_of(keys: Keys, prefix: str, called: Callable[[str], str] = str, averaged: bool = True) -> Pix2Gestalt:
    """Our model with a checkpoint whose tensors are filled by what they are ``called``."""
    tables = stable_diffusion_schedule().tables()
    theirs: dict[str, Tensor] = {}
    for name, shape in keys.items():
        if name in tables:
            theirs[name] = torch.from_numpy(tables[name])
        elif name in EMA_COUNTS:
            theirs[name] = torch.zeros(())
        elif name.startswith(EMA) and not averaged:
            continue
        elif name.startswith(UNET) and averaged:
            theirs[name] = torch.empty(shape, device="meta")  # nothing may read it
        else:
            theirs[name] = filled(called(name), shape, prefix)
    config, ours = converted(theirs)
    with torch.device("meta"):
        model = Pix2Gestalt(config)
    model.load_state_dict(ours, assign=True)
    with torch.device("cpu"):
        model.clip.vision_model.embeddings.position_ids = torch.arange(
            model.clip.vision_model.embeddings.num_positions
        )[None]
    return model.eval()


def close(found: Tensor, wanted: np.ndarray, tolerance: float) -> None:
    assert tuple(found.shape) == wanted.shape
    assert np.abs(found.float().numpy() - wanted).max() <= tolerance


def test_every_name_of_the_checkpoint_has_its_place(golden: Path) -> None:
    for path in recorded(golden, "pix2gestalt/keys*.json"):
        keys: Keys = json.loads(path.read_text("utf-8"))
        tables = stable_diffusion_schedule().tables()
        theirs = {
            name: torch.from_numpy(tables[name]) if name in tables else torch.empty(shape, device="meta")
            for name, shape in keys.items()
        }
        assert has_ema(theirs)
        config, ours = converted(theirs)
        with torch.device("meta"):
            model = Pix2Gestalt(config)
        assert ours.keys() == model.state_dict().keys()
        with pytest.raises(ValueError, match=r"missing, first “cc_projection\.bias”"):
            converted({name: each for name, each in theirs.items() if name != "cc_projection.bias"})
        with pytest.raises(ValueError, match="are not of it, first “extra”"):
            converted({**theirs, "extra": torch.zeros(1)})


def test_names_are_those_of_diffusers_and_transformers(golden: Path) -> None:
    for path in recorded(golden, "pix2gestalt/diffusers_map*.json"):
        told = json.loads(path.read_text("utf-8"))
        for part in ("unet", "vae", "clip"):
            for theirs, ours in told[part].items():
                if ours is None:
                    continue
                for third, name in enumerate(ours if isinstance(ours, list) else [ours]):
                    wanted = theirs, third if isinstance(ours, list) else None
                    assert their_name(f"{part}.{name}", Config(), averaged=False) == wanted


def test_noise_schedule_and_steps(golden: Path) -> None:
    for path in recorded(golden, "pix2gestalt/schedule*.npz"):
        data = np.load(path)
        schedule = stable_diffusion_schedule()
        for name, table in {**schedule.tables(), "lvlb_weights": schedule.bound_weights()}.items():
            np.testing.assert_allclose(table, data[name], rtol=2e-6 if name == "lvlb_weights" else 1e-7, atol=1e-12)
        for count in (int(name[1:-10]) for name in data.files if name.endswith("_timesteps")):
            for eta in (0, 1):
                steps = ddim_steps(count, eta)
                assert np.array_equal(steps.times, data[f"S{count}_timesteps"])
                for name, table in (
                    ("alphas", steps.alphas),
                    ("alphas_prev", steps.alphas_prev),
                    (f"eta{eta}_sigmas", steps.sigmas),
                    ("sqrt_one_minus_alphas", np.sqrt(1 - steps.alphas.astype(np.float64))),
                ):
                    # The noise's shares were rounded once more on the way: one bit of float32.
                    tolerance = 1.2e-7 if name.endswith("sigmas") else 1e-7
                    np.testing.assert_allclose(table, data[f"S{count}_{name}"], rtol=tolerance)
        for count in (int(name[1:-6]) for name in data.files if name.endswith("_error")):
            with pytest.raises(ProblemError, match="cannot make"):
                ddim_steps(count, 1)


def test_sampler_on_a_noise_known_in_closed_form(golden: Path) -> None:
    for path in recorded(golden, "pix2gestalt/ddim_toy*.npz"):
        data = np.load(path)
        for case in sorted({name[0] for name in data.files if name[1:] == "_z"}):
            last, states, cleans = sampled_in_closed_form(data, case)
            close(last, data[f"{case}_z"], 2e-5)
            close(torch.stack(states), data[f"{case}_x_steps"], 2e-5)
            close(torch.stack(cleans), data[f"{case}_pred_x0_steps"], 2e-5)


def sampled_in_closed_form(data: Any, case: str) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """The end, each state and each guess, of the noise that the recording's README gives."""
    concat, context = torch.from_numpy(data["c_concat"]), torch.from_numpy(data["c_crossattn"])
    scale, steps = float(data[f"{case}_scale"]), ddim_steps(int(data[f"{case}_S"]), float(data[f"{case}_eta"]))

    def predicted(x: Tensor, time: int, share: float) -> Tensor:
        told = 0.2 * concat[:, :4] - 0.1 * concat[:, 4:] + context.mean(dim=(1, 2))[:, None, None, None]
        return 0.6 * x * np.cos(time / 1000) + 0.3 * torch.sin(2 * x) + share * told

    def denoise(x: Tensor, time: int) -> Tensor:
        if scale == 1:
            return predicted(x, time, 1)
        without = predicted(x, time, 0)
        return without + scale * (predicted(x, time, 1) - without)

    start = torch.from_numpy(data["x_T"])
    noises = iter(drawn(int(data["noise_seed"]), *[start.shape] * len(steps.order)))
    seen: list[tuple[Tensor, Tensor]] = []
    last = ddim(denoise, start, steps, lambda: next(noises), lambda _, x, clean: seen.append((x, clean)))
    assert next(noises, None) is None, "a draw a step, also the last"
    return last, [x for x, _ in seen], [clean for _, clean in seen]


def test_pictures_in_and_out(golden: Path) -> None:
    for path in recorded(golden, "pix2gestalt/prepost*.npz"):
        data = np.load(path)
        image, mask, size = data["image"], data["mask256"], data["image"].shape[:2]
        side = len(mask)
        small = squashed(image, side)
        assert np.array_equal(small, data["image_256_area"])
        assert np.array_equal(overlay(mask, size), data["overlay_mask"])
        assert np.array_equal(squashed_points(data["clicks"], size, side), data["clicks_256"])
        close(to_network(small)[:, :, ::8, ::8], data["process_input_image_stride8"], 0)
        close(to_network(mask)[:, :, ::8, ::8], data["process_input_mask_stride8"], 0)
        large = enlarged(data["synth"], size)
        assert np.array_equal(large, data["synth_lanczos"])
        for picture, name in ((data["synth"], "synth"), (large, "synth_lanczos")):
            assert np.array_equal(grey(picture), data[f"{name}_gray"])
            assert np.array_equal(not_white(picture), data[f"{name}_mask"] > 0)
        assert np.array_equal(from_network(torch.from_numpy(data["to_uint8_in"])[None])[0], data["to_uint8_out"])


@pytest.mark.parametrize("size", SIZES)
def test_unet(golden: Path, size: str) -> None:
    for data, keys in files(golden, "unet", size):
        model = model_of(keys, str(data["fill_prefix"]), lambda name: name.removeprefix(UNET), averaged=False)
        seen: dict[str, Tensor] = {}
        names = {name[:-7] if name.endswith("_sample") else name for name in data.files if name.startswith("h_")}
        for name in names:
            path = block_path(name[2:])
            if path is not None:
                model.unet.get_submodule(path).register_forward_hook(functools.partial(keep, seen, name))
        x, time, context = (torch.from_numpy(data[name]) for name in ("x", "t", "context"))
        close(model.noise(x[:, :4], time, x[:, 4:], context), data["y"], 2e-5 if size == "full" else 1e-5)
        for name, out in seen.items():
            strided = f"{name}_sample" in data.files
            wanted = data[f"{name}_sample"] if strided else data[name]
            part = out.flatten()[:: int(data[f"{name}_stride"])][: len(wanted)] if strided else out
            # Within the network numbers are larger than at its end.
            close(part, wanted, 2e-6 * max(5.0, float(np.abs(wanted).max())) * (2 if strided else 1))


def keep(seen: dict[str, Tensor], name: str, _: nn.Module, __: Any, out: Any) -> None:
    seen[name] = out[0] if isinstance(out, tuple) else out


def block_path(name: str) -> str | None:
    """Where in diffusers' U-Net the authors' block ends; None for what is inside one."""
    if name in ("emb", "mid"):
        return {"emb": "time_embedding", "mid": "mid_block"}[name]
    way, number = (name[:2], name[2:]) if name.startswith("in") else (name[:3], name[3:])
    if not number.isdigit() or way not in ("in", "out"):
        return None
    if way == "in" and number == "0":
        return "conv_in"
    level, place = divmod(int(number) - (way == "in"), 3)
    attends = level < 3 if way == "in" else level > 0
    if place == 2 and level < 3:
        return f"down_blocks.{level}.downsamplers.0" if way == "in" else f"up_blocks.{level}.upsamplers.0"
    return f"{'down' if way == 'in' else 'up'}_blocks.{level}.{'attentions' if attends else 'resnets'}.{place}"


@pytest.mark.parametrize("size", SIZES)
def test_auto_encoder(golden: Path, size: str) -> None:
    for data, keys in files(golden, "vae", size):
        scope = str(data["scope"]) if "scope" in data.files else ""
        model = model_of(keys, str(data["fill_prefix"]), lambda name, s=scope: s + name.removeprefix(VAE))
        tolerance = 1e-4 if size == "full" else 3e-5
        image = torch.from_numpy(data["image"]) if data["image"].ndim == 4 else to_network(data["image"])
        posterior = model.vae.encode(image).latent_dist
        close(posterior.parameters, data["moments"], tolerance)
        close(model.condition(image), data["moments"][:, :4], tolerance)
        decoded = model.vae.decode(torch.from_numpy(data["dec_in"])).sample
        if "mode" in data.files:
            close(posterior.logvar, data["logvar"], tolerance)
            close(decoded, data["dec_out"], tolerance)
        else:
            close(model.vae.encode(to_network(data["mask"])).latent_dist.parameters, data["moments_mask"], tolerance)
            close(decoded[:, :, ::4, ::4], data["dec_out_stride4"], tolerance)
            close(decoded[:, :, 100:132, 64:96], data["dec_out_patch"], tolerance)


@pytest.mark.parametrize("size", SIZES)
def test_picture_embedding(golden: Path, size: str) -> None:
    for data, keys in files(golden, "clip", size):
        scope = str(data["scope"]) if "scope" in data.files else ""
        model = model_of(keys, str(data["fill_prefix"]), lambda name, s=scope: s + name.removeprefix(CLIP[:-6]))
        image = torch.from_numpy(data["image"]) if data["image"].ndim == 4 else to_network(data["image"])
        close(model.embedding(image), data["y"], 1e-4 if size == "full" else 1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_whole_sampler(golden: Path, size: str) -> None:
    for data, keys in files(golden, "e2e", size):
        model = model_of(keys, str(data["fill_prefix"]))
        picture, mask = to_network(data["image"]), to_network(data["mask"])
        told = conditions(model, picture, mask)
        close(told.token, data["clip_emb"], 1e-4)
        close(model.cc_projection(told.token), data["c_crossattn"], 1e-4)
        latents = np.concatenate([data["enc_image"], data["enc_mask"]], 1) if "enc_image" in data.files else None
        close(told.concat, data["c_concat"] if latents is None else latents, 1e-4)
        if "unet_ema" in data.files:
            x, time = torch.from_numpy(data["unet_x"]), torch.from_numpy(data["unet_t"])
            close(model.noise(x[:, :4], time, x[:, 4:], model.cc_projection(told.token)), data["unet_ema"], 5e-5)
        cases = sorted({name[:-1] for name in data.files if name.endswith("_z") or name == "z"})
        assert cases
        for case in cases:
            scale, count, wish, eta = (data[f"{case}{name}"].item() for name in ("scale", "n", "S", "eta"))
            shape = count, 4, *told.concat.shape[2:]
            steps = len(ddim_steps(wish, eta).order)
            z = torch.empty(0)
            for together in (True, False) if count == 1 else (True,):
                draws = iter(drawn(int(data["x_T_seed"]), shape) + drawn(int(data["noise_seed"]), *[shape] * steps))
                how = Sampling("ddim", wish, scale, eta, together)
                z = sample(model, told, count, lambda d=draws: next(d), how, lambda *_: None)
                close(z, data[f"{case}z"], 1e-3 * float(np.abs(data[f"{case}z"]).max()))
            images = from_network(model.picture(z)).astype(int)
            off = np.abs(images - data[f"{case}images"])
            assert off.max() <= 1
            assert (off == 0).mean() > 0.995


def test_training_objective(golden: Path) -> None:
    for data, keys in files(golden, "train", "[!f]*"):
        model = model_of(keys, str(data["fill_prefix"]), averaged=False)
        image, mask, target = (
            torch.cat([to_network(each) for each in data[name]]) for name in ("image_cond_u8", "mask_u8", "target_u8")
        )
        context, concat = objective.told(model, image, mask, torch.from_numpy(data["uniform"]))
        z = model.latent(target, torch.from_numpy(data["posterior_eps"]))
        time, noise = torch.from_numpy(data["t"]), torch.from_numpy(data["noise"])
        noisy = objective.noised(model, z, time, noise)
        found = model.noise(noisy, time, concat, context)
        for out, name in ((context, "c_crossattn"), (concat, "c_concat"), (z, "z"), (noisy, "x_noisy")):
            close(out, data[name], 5e-5)
        close(found, data["model_out"], 5e-5)
        each = objective.errors(found, noise)
        assert each.mean().item() == pytest.approx(float(data["loss"]), abs=5e-5)
        assert objective.bound(each, time).item() == pytest.approx(float(data["loss_vlb"]), abs=5e-5)
        factors = [objective.warmed_up(int(step)) for step in data["lr_steps"]]
        np.testing.assert_allclose(factors, data["lr_factor"], atol=1e-6)
