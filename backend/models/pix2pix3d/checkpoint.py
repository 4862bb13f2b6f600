"""The authors' checkpoint, converted once: safetensors under their names and a config; nothing in it is run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

from backend.models.pix2pix3d.config import Config, SuperResolution
from backend.models.pix2pix3d.generator import Generator
from backend.models.pix2pix3d.pickles import Network, read_snapshot
from protocol.problems import ErrorCode, ProblemError

WEIGHTS, CONFIG = "model.safetensors", "config.json"
CLASS_NAME = "TriPlaneSemanticEntangleGenerator"
_OTHERS = {
    "TriPlaneGenerator": "an EG3D generator, which makes no labels",
    "TriPlaneSemanticGenerator": "a generator with two backbones, which none of the released ones is",
}
_BACKGROUND = "a generator with a background of its own, which none of the released ones is"

Shapes = Mapping[str, tuple[int, ...]]

# What the generator does in one way only, by the authors' names. Where an option is not given it is so too.
_FIXED: dict[str, tuple[Any, ...]] = {
    "c_scale": (1,),
    "clamp_mode": ("softplus",),
    "decoder_lr_mul": (1,),
    "density_noise": (0, None),
    "disparity_space_sampling": (False,),
    "sr_antialias": (True,),
    "superresolution_noise_mode": ("none",),
}
_ENCODER, _PLANES = "backbone.mapping.embed_mask.", "backbone.synthesis."
# Two blocks, the second twice the size of the first: of which network, by whether the first one enlarges too.
_SUPER_RESOLUTION: dict[tuple[bool, int], SuperResolution] = {
    (False, 128): "2x",
    (False, 256): "4x",
    (True, 512): "8xdc",
}
# Cameras stand 1.7 from ShapeNet's cars and 2.7 from faces; files say how far, but not through what lens.
_CLOSE, _FOCAL_CLOSE, _FOCAL_FAR = 2.2, 1.7074, 4.2647


def convert(sources: dict[str, Path], folder: Path, report: Callable[[float], None]) -> None:
    """Write the released checkpoint ``sources`` to ``folder``, with its config: one file, or the tar archive in which
    the authors have a file of that name. ProblemError as `converted` raises."""
    from safetensors.torch import save_file

    ((name, path),) = sources.items()
    tensors, config = converted(path, name)
    report(0.5)
    save_file(tensors, folder / WEIGHTS, {"source": path.name, "licence": "non-commercial"})
    (folder / CONFIG).write_bytes(msgspec.json.format(msgspec.json.encode(config)))
    report(1.0)


def read_config(path: Path) -> Config:
    """What `convert` wrote beside the tensors. ProblemError (MODEL_FAILED) when it is damaged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Config)
    except (OSError, msgspec.DecodeError) as error:
        raise ProblemError(
            ErrorCode.MODEL_FAILED, f"{path.name} of the model cannot be read: {error}.", "Import the model again."
        ) from None


def converted(path: Path, member: str = "") -> tuple[dict[str, Tensor], Config]:
    """The averaged generator in the file, or in the file ``member`` of a tar archive: its tensors under the authors'
    names, which are ours, and its sizes.

    ProblemError (BAD_INPUT) naming the file and what is wrong when it is no such file, holds another kind of network,
    lacks tensors or has options that are not known here.
    """
    network = read_snapshot(path, member).networks.get("G_ema")
    try:
        if network is None:
            raise ValueError("it has no averaged generator (G_ema)")
        options = options_of(network)
        shapes = {name: array.shape for name, array in network.arrays.items()}
        config = config_of(shapes, *options)
        check_fit(shapes, config)
    except KeyError as error:
        raise _fault(path, f"“{error.args[0]}” is missing") from None
    except IndexError:
        raise _fault(path, "a tensor has too few dimensions") from None
    except ValueError as error:
        raise _fault(path, str(error)) from None
    return network.state, config


def _fault(path: Path, what: str) -> ProblemError:
    return ProblemError(
        ErrorCode.BAD_INPUT,
        f"{path.name} is no generator of pix2pix3D that can be used: {what}.",
        "Read are seg2cat, seg2face, edge2car and edge2cat, and what the authors' code trains in their way.",
    )


def check_fit(shapes: Shapes, config: Config) -> None:
    """ValueError when tensors of the ``shapes`` are not all and only those of a generator of that ``config``."""
    with torch.device("meta"):
        wanted = {name: tuple(each.shape) for name, each in Generator(config).state_dict().items()}
    for names, what in ((wanted.keys() - shapes, "missing"), (shapes.keys() - wanted.keys(), "not of it")):
        if names:
            raise ValueError(f"{len(names)} tensors are {what}, first “{min(names)[:200]}”")
    for name, shape in wanted.items():
        if shapes[name] != shape:
            raise ValueError(f"“{name}” has the shape {shapes[name]} in place of {shape}")


def options_of(network: Network) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a generator was made with, where it was changed later as it is now; and how it renders. ValueError for
    one of another class."""
    name = network.class_name
    if name != CLASS_NAME:
        what = _OTHERS.get(name, _BACKGROUND if name.lower().endswith("withbg") else "unknown here")
        raise ValueError(f"its network is of the class {name[:100]}, {what}")
    options = {**network.options, **network.attributes}
    rendering = options.get("rendering_kwargs")
    return options, rendering if isinstance(rendering, dict) else {}


def config_of(shapes: Shapes, options: Mapping[str, Any], rendering: Mapping[str, Any]) -> Config:
    """A generator's sizes by the ``shapes`` of its tensors, and the rest by the ``options`` of the network and of its
    ``rendering``. KeyError for a tensor that is missing, IndexError for one of another form, ValueError saying what
    cannot be."""
    for name, allowed in _FIXED.items():
        if name in rendering and rendering[name] not in allowed:
            raise ValueError(f"its option “{name}” is {_said(rendering[name])}")
    label_size = max(_sides(shapes, _ENCODER))
    labels = shapes[f"{_ENCODER}b{label_size}.fromrgb.weight"][1]
    w_dim = shapes["backbone.mapping.fc0.weight"][0]
    embedded = "backbone.mapping.embed.weight" in shapes
    z_dim = shapes["backbone.mapping.fc0.weight"][1] - (w_dim if embedded else 0)
    if not (w_dim and z_dim > 0):
        raise ValueError("its mapping takes no style")
    encoder_base, encoder_most = _bounds(shapes, _ENCODER, "conv0")
    plane_base, plane_most = _bounds(shapes, _PLANES, "conv1")
    picture_size, kind, super_widths = _super_resolution(shapes)
    radius = _number(rendering, "avg_camera_radius", 2.7)
    return Config(
        labels=labels,
        draws=labels == 1,
        label_size=label_size,
        z_dim=z_dim,
        w_dim=w_dim,
        pose_conditioned=embedded,
        pose_zeroed=rendering.get("c_gen_conditioning_zero", False) is True,
        label_layers=shapes[f"{_ENCODER}projector.weight"][0] // w_dim,
        encoder_base=encoder_base,
        encoder_most=encoder_most,
        plane_size=max(_sides(shapes, _PLANES)),
        plane_base=plane_base,
        plane_most=plane_most,
        plane_channels=shapes["decoder.net.0.weight"][1],
        decoder_hidden=shapes["decoder.net.0.weight"][0],
        render_size=_whole(options, "neural_rendering_resolution", 64),
        picture_size=picture_size,
        super_resolution=kind,
        super_widths=super_widths,
        near=_number(rendering, "ray_start"),
        far=_number(rendering, "ray_end"),
        box=_number(rendering, "box_warp"),
        coarse=_whole(rendering, "depth_resolution"),
        fine=_whole(rendering, "depth_resolution_importance"),
        white_back=rendering.get("white_back", False) is True,
        radius=radius,
        pivot=_pivot(rendering.get("avg_camera_pivot", (0.0, 0.0, 0.0))),
        focal=_FOCAL_CLOSE if radius < _CLOSE else _FOCAL_FAR,
    )


def _sides(shapes: Shapes, prefix: str) -> list[int]:
    """The sizes of the blocks of a part of the network."""
    found = {int(match[1]) for name in shapes if (match := re.match(re.escape(prefix) + r"b(\d{1,4})\.", name))}
    if not found:
        raise KeyError(f"{prefix}b8.conv0.weight")
    if any(side < 4 or side & (side - 1) for side in found):
        raise ValueError(f"its blocks have the sizes {sorted(found)}")
    return sorted(found)


def _bounds(shapes: Shapes, prefix: str, layer: str) -> tuple[int, int]:
    """``base`` and ``most`` of a part of the network: the channels at each size r are min(base // r, most)."""
    channels = {side: shapes[f"{prefix}b{side}.{layer}.weight"][0] for side in _sides(shapes, prefix)}
    base, most = max(side * count for side, count in channels.items()), max(channels.values())
    for side, count in channels.items():
        if count != min(base // side, most):
            raise ValueError(f"“{prefix}b{side}” has {count} channels, which does not go with the others")
    return base, most


def _super_resolution(shapes: Shapes) -> tuple[int, SuperResolution, tuple[int, int]]:
    block = "superresolution.block{}.conv1.{}"
    first, second = (shapes[block.format(number, "noise_const")][-1] for number in (0, 1))
    enlarges = "superresolution.resample_filter" not in shapes
    kind = _SUPER_RESOLUTION.get((enlarges, second))
    if kind is None or 2 * first != second:
        raise ValueError(f"its super-resolution to {second} pixels is of an unknown kind")
    widths = shapes[block.format(0, "weight")][0], shapes[block.format(1, "weight")][0]
    return second, kind, widths


def _number(options: Mapping[str, Any], name: str, default: float | None = None) -> float:
    value = options.get(name, default)
    if type(value) not in (int, float) or not abs(value) < 1e6:
        raise ValueError(f"its option “{name}” is {_said(value)}")
    return float(value)


def _whole(options: Mapping[str, Any], name: str, default: int | None = None) -> int:
    value = options.get(name, default)
    if type(value) is not int or not 0 < value <= 4096:
        raise ValueError(f"its option “{name}” is {_said(value)}")
    return value


def _pivot(value: Any) -> tuple[float, float, float]:
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise ValueError(f"its option “avg_camera_pivot” is {_said(value)}")
    x, y, z = (_number({"avg_camera_pivot": each}, "avg_camera_pivot") for each in value)
    return x, y, z


def _said(value: Any) -> str:
    """For a complaint: what a file says, unless that is long."""
    if value is None:
        return "missing"
    return repr(value)[:100] if isinstance(value, str | int | float) else f"a {type(value).__name__}"
