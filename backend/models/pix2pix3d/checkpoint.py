"""The authors' checkpoint, converted once: safetensors under their names and a config; nothing in it is run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from backend.models.pix2pix3d.pickles import Network, read_snapshot
from protocol.problems import ErrorCode, ProblemError

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS, CONFIG = "model.safetensors", "config.json"
CLASS_NAME = "TriPlaneSemanticEntangleGenerator"
_HINT = "Read are seg2cat, seg2face, edge2car and edge2cat, and what the authors' code trains in their way."
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
_SUPER_RESOLUTION = {(False, 128): "2x", (False, 256): "4x", (True, 512): "8xdc"}
# Cameras stand 1.7 from ShapeNet's cars and 2.7 from faces; files say how far, but not through what lens.
_CLOSE, _FOCAL_CLOSE, _FOCAL_FAR = 2.2, 1.7074, 4.2647


def convert(sources: dict[str, Path], folder: Path, report: Callable[[float], None]) -> None:
    """Write the released checkpoint ``sources`` (one file) to ``folder``, with its config. ProblemError as `converted`
    raises."""
    from safetensors.torch import save_file

    (path,) = sources.values()
    tensors, config = converted(path)
    report(0.5)
    save_file(tensors, folder / WEIGHTS, {"source": path.name, "licence": "non-commercial"})
    (folder / CONFIG).write_bytes(msgspec.json.format(msgspec.json.encode(config)))
    report(1.0)


def converted(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The averaged generator in the file: its tensors under the authors' names, and the fields of its `Config`.

    ProblemError (BAD_INPUT) naming the file and what is wrong when it is no such file, holds another kind of network,
    lacks tensors or has options that are not known here.
    """
    network = read_snapshot(path).networks.get("G_ema")
    try:
        if network is None:
            raise ValueError("it has no averaged generator (G_ema)")
        config = config_of({name: array.shape for name, array in network.arrays.items()}, *options_of(network))
    except (ValueError, KeyError) as error:
        said = f"“{error.args[0]}” is missing" if isinstance(error, KeyError) else str(error)
        raise ProblemError(
            ErrorCode.BAD_INPUT, f"{path.name} is no generator of pix2pix3D that can be used: {said}.", _HINT
        ) from None
    return network.state, config


def options_of(network: Network) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a generator was made with, where it was changed later as it is now; and how it renders. ValueError for one of
    another class."""
    name = network.class_name
    if name != CLASS_NAME:
        what = _OTHERS.get(name, _BACKGROUND if name.lower().endswith("withbg") else "unknown here")
        raise ValueError(f"its network is of the class {name[:100]}, {what}")
    options = {**network.options, **network.attributes}
    rendering = options.get("rendering_kwargs")
    return options, rendering if isinstance(rendering, dict) else {}


def config_of(shapes: Shapes, options: Mapping[str, Any], rendering: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a generator's `Config`: sizes by the ``shapes`` of its tensors, the rest by the ``options`` of the
    network and of its ``rendering``. KeyError for a tensor that is missing, ValueError saying what cannot be."""
    for name, allowed in _FIXED.items():
        if name in rendering and rendering[name] not in allowed:
            raise ValueError(f"its option “{name}” is {_said(rendering[name])}")
    label_size = max(_sides(shapes, _ENCODER))
    labels = shapes[f"{_ENCODER}b{label_size}.fromrgb.weight"][1]
    w_dim = shapes["backbone.mapping.fc0.weight"][0]
    embedded = "backbone.mapping.embed.weight" in shapes
    radius = _number(rendering, "avg_camera_radius", 2.7)
    return {
        "labels": labels,
        "draws": options.get("data_type", "edge" if labels == 1 else "seg") == "edge",
        "label_size": label_size,
        "z_dim": shapes["backbone.mapping.fc0.weight"][1] - (w_dim if embedded else 0),
        "w_dim": w_dim,
        "pose_conditioned": embedded,
        "pose_zeroed": rendering.get("c_gen_conditioning_zero", False) is True,
        "label_layers": shapes[f"{_ENCODER}projector.weight"][0] // w_dim,
        **_widths(shapes, _ENCODER, "encoder", "conv0"),
        "plane_size": max(_sides(shapes, _PLANES)),
        **_widths(shapes, _PLANES, "plane", "conv1"),
        "plane_channels": shapes["decoder.net.0.weight"][1],
        "decoder_hidden": shapes["decoder.net.0.weight"][0],
        "render_size": _whole(options, "neural_rendering_resolution", 64),
        **_super_resolution(shapes),
        "near": _number(rendering, "ray_start"),
        "far": _number(rendering, "ray_end"),
        "box": _number(rendering, "box_warp"),
        "coarse": _whole(rendering, "depth_resolution"),
        "fine": _whole(rendering, "depth_resolution_importance"),
        "white_back": rendering.get("white_back", False) is True,
        "radius": radius,
        "pivot": _pivot(rendering.get("avg_camera_pivot", (0.0, 0.0, 0.0))),
        "focal": _FOCAL_CLOSE if radius < _CLOSE else _FOCAL_FAR,
    }


def _sides(shapes: Shapes, prefix: str) -> list[int]:
    """The sizes of the blocks of a part of the network."""
    found = {int(match[1]) for name in shapes if (match := re.match(re.escape(prefix) + r"b(\d{1,5})\.", name))}
    if not found:
        raise KeyError(f"{prefix}b8.conv0.weight")
    return sorted(found)


def _widths(shapes: Shapes, prefix: str, name: str, layer: str) -> dict[str, int]:
    """``base`` and ``most`` of a part of the network: the channels at each size r are min(base // r, most)."""
    channels = {side: shapes[f"{prefix}b{side}.{layer}.weight"][0] for side in _sides(shapes, prefix)}
    base, most = max(side * count for side, count in channels.items()), max(channels.values())
    for side, count in channels.items():
        if count != min(base // side, most):
            raise ValueError(f"“{prefix}b{side}” has {count} channels, which does not go with the others")
    return {f"{name}_base": base, f"{name}_most": most}


def _super_resolution(shapes: Shapes) -> dict[str, Any]:
    block = "superresolution.block{}.conv1.{}"
    first, second = (shapes[block.format(number, "noise_const")][-1] for number in (0, 1))
    enlarges = "superresolution.resample_filter" not in shapes
    kind = _SUPER_RESOLUTION.get((enlarges, second))
    if kind is None or 2 * first != second:
        raise ValueError(f"its super-resolution to {second} pixels is of an unknown kind")
    widths = tuple(shapes[block.format(number, "weight")][0] for number in (0, 1))
    return {"picture_size": second, "super_resolution": kind, "super_widths": widths}


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


def _pivot(value: Any) -> tuple[float, ...]:
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise ValueError(f"its option “avg_camera_pivot” is {_said(value)}")
    return tuple(_number({"avg_camera_pivot": each}, "avg_camera_pivot") for each in value)


def _said(value: Any) -> str:
    """For a complaint: what a file says, unless that is long."""
    if value is None:
        return "missing"
    return repr(value)[:100] if isinstance(value, str | int | float) else f"a {type(value).__name__}"
