"""The authors' checkpoint, converted once: safetensors in our layout, nothing in the file executed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backend.diffusion.schedule import stable_diffusion_schedule
from backend.models.pix2gestalt.config import LATENT, Config, config_of, write_config
from backend.models.pix2gestalt.names import CLIP, EMA, UNET, VAE, clip_name, ema_name, unet_name, vae_name
from backend.models.pix2gestalt.network import Pix2Gestalt
from protocol.problems import ErrorCode, ProblemError

WEIGHTS, CONFIG = "model.safetensors", "config.json"
EMA_COUNTS = ("model_ema.decay", "model_ema.num_updates")

# CLIP's text half and scale, kept by the authors and used by nobody.
_CLIP_TEXT = ("token_embedding.weight", "positional_embedding", "ln_final.weight", "ln_final.bias", "text_projection")
_LEFT_OUT = {f"{CLIP}{name}" for name in (*_CLIP_TEXT, "logit_scale")}
_SCHEDULE_ERROR = 1e-6  # relative


def convert(sources: dict[str, Path], folder: Path, report: Callable[[float], None]) -> None:
    """Write the released checkpoint ``sources`` (one file) to ``folder`` in half precision, with its config.

    The averaged U-Net is taken where the file has one. ProblemError (BAD_INPUT) naming the file and what is wrong when
    it is another model, lacks tensors or has others.
    """
    from safetensors.torch import save_file

    from backend.hub.foreign import read_checkpoint

    (path,) = sources.values()
    content: Any = read_checkpoint(path)
    theirs: Mapping[str, Tensor] = content.get("state_dict", content)
    report(0.1)
    try:
        config, ours = converted(theirs)
    except ValueError as error:
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"{path.name} is not pix2gestalt's checkpoint: {error}.",
            "Expected: epoch=000005.ckpt or epoch=000010.ckpt as its authors released them.",
        ) from None
    report(0.5)
    facts = {"unet": "averaged" if has_ema(theirs) else "raw", "source": path.name, "licence": "CC BY-NC 4.0"}
    facts |= {name: str(content[name]) for name in ("epoch", "global_step") if isinstance(content.get(name), int)}
    half = {name: tensor.detach().half().contiguous() for name, tensor in ours.items()}
    save_file(half, folder / WEIGHTS, facts)
    write_config(config, folder / CONFIG)
    report(1.0)


def has_ema(names: Mapping[str, Any]) -> bool:
    """Whether a checkpoint has the averaged U-Net."""
    return any(name.startswith(EMA) and name not in EMA_COUNTS for name in names)


def converted(theirs: Mapping[str, Tensor]) -> tuple[Config, dict[str, Tensor]]:
    """The widths of a checkpoint and its tensors under our names. ValueError saying what is wrong: another model,
    tensors missing or of another shape, tensors that nothing takes, another noise schedule."""
    config = _config(theirs)
    with torch.device("meta"):
        wanted = {name: tuple(each.shape) for name, each in Pix2Gestalt(config).state_dict().items()}
    averaged = has_ema(theirs)
    ours: dict[str, Tensor] = {}
    used = set(_LEFT_OUT) | set(EMA_COUNTS)
    missing = []
    for name, shape in wanted.items():
        their, third = their_name(name, config, averaged)
        if their not in theirs:
            missing.append(their)
            continue
        used.add(their)
        tensor = _shaped(theirs[their], name, third)
        if tuple(tensor.shape) != shape:
            raise ValueError(f"“{their}” has the shape {tuple(theirs[their].shape)}")
        ours[name] = tensor
    if missing:
        raise ValueError(f"{len(missing)} tensors are missing, first “{missing[0]}”")
    tables = stable_diffusion_schedule().tables()
    used |= set(tables)
    if averaged:
        used |= {name for name in theirs if name.startswith(UNET)}
    left = sorted(set(theirs) - used)
    if left:
        raise ValueError(f"{len(left)} tensors are not of it, first “{left[0]}”")
    for name, table in tables.items():
        if name in theirs and not np.allclose(theirs[name].numpy(), table, rtol=_SCHEDULE_ERROR, atol=1e-7):
            raise ValueError(f"its noise schedule is another: “{name}”")
    return config, ours


def their_name(name: str, config: Config, averaged: bool = True) -> tuple[str, int | None]:
    """The checkpoint's name of the tensor that is our ``name``, and which third of its rows ours are, or None for all
    of it."""
    part, _, inner = name.partition(".")
    if part == "unet":
        theirs = unet_name(inner, config)
        return (ema_name(theirs) if averaged else f"{UNET}{theirs}"), None
    if part == "vae":
        return f"{VAE}{vae_name(inner, config)}", None
    if part == "clip":
        theirs, third = clip_name(inner)
        return f"{CLIP}{theirs}", third
    return name, None


def _shaped(tensor: Tensor, name: str, third: int | None) -> Tensor:
    if third is not None:
        return tensor.chunk(3)[third]
    if name == "clip.visual_projection.weight":
        return tensor.T
    # The auto-encoder's attention was written as convolutions of one pixel.
    if name.startswith("vae.") and ".attentions." in name and tensor.ndim == 4:
        return tensor[:, :, 0, 0]
    return tensor


def _config(theirs: Mapping[str, Tensor]) -> Config:
    shapes = {name: tuple(each.shape) for name, each in theirs.items()}
    first = shapes.get(f"{UNET}input_blocks.0.0.weight")
    if first is not None and first[1] != 3 * LATENT:
        raise ValueError(f"its U-Net takes {first[1]} channels in place of {3 * LATENT}; it is another model")
    try:
        return config_of(shapes)
    except KeyError as error:
        raise ValueError(f"“{error.args[0]}” is missing or unusual") from None
