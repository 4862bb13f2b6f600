"""What a training run begins with: weights of this project, or a checkpoint of the authors' family."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from backend.hub.registry import find_card
from backend.hub.weights import read_weights
from backend.models.pix2gestalt.checkpoint import converted
from backend.models.pix2gestalt.config import LATENT
from backend.models.pix2gestalt.learning import Told
from backend.models.pix2gestalt.names import UNET, ema_name
from backend.models.pix2gestalt.network import Pix2Gestalt
from protocol.problems import ErrorCode, ProblemError

NAME = "pix2gestalt-starter"
_FIRST = "input_blocks.0.0.weight"
_PROJECTION = "cc_projection"


def begin(told: Told) -> Pix2Gestalt:
    """The network of the run with what its ``start`` holds; what that lacks is freshly made.

    ProblemError: BAD_PARAMETER when nothing to start from is named or it has other widths, BAD_INPUT when the file is
    none of those that are known.
    """
    start = told.model.start
    if not start:
        raise told.run.fault(
            "model.start",
            "is not given, and diffusion needs an auto-encoder",
            'Name its weights, a released checkpoint, or "starter"; docs/training.md says how each is made.',
        )
    network = Pix2Gestalt(told.config)
    tensors = _tensors(start, told)
    shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
    for name, tensor in tensors.items():
        if shapes.get(name) != tensor.shape:
            raise told.run.fault(
                "model.start", f"has other widths at “{name}”", f"Use one of size “{told.model.size}”."
            )
    missing = {name.partition(".")[0] for name in set(shapes) - set(tensors)}
    if "vae" in missing:
        raise told.run.fault("model.start", "holds no whole auto-encoder", "Use a file that does.")
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, strict=False)
    if _PROJECTION in missing:
        # As the authors began: what the picture's embedding says is passed on as it is.
        torch.nn.init.eye_(network.cc_projection.weight)
        torch.nn.init.zeros_(network.cc_projection.bias)
    return network


def _tensors(start: str, told: Told) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from backend.hub.foreign import read_checkpoint

    if start == "starter":
        weights = find_card(NAME).weights
        assert weights is not None
        return read_weights(weights)
    path = Path(start)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = read_checkpoint(path)
        return converted(widened(content.get("state_dict", content)))[1]
    except (OSError, SafetensorError, ValueError) as error:
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"{path} cannot be started from: {error}.",
            f"Allowed in {told.run.file}: .safetensors of this project or a .ckpt of the authors' family.",
        ) from error


def widened(theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """An image-conditioned Stable Diffusion's checkpoint with what pix2gestalt has more, as its authors began: the
    first convolution's new inputs (the picture's and the mask's latents) count for nothing, and the projection changes
    nothing. A checkpoint that has these already is as it was."""
    wide = dict(theirs)
    for name in (f"{UNET}{_FIRST}", ema_name(_FIRST)):
        if name in wide and wide[name].shape[1] == LATENT:
            narrow = wide[name]
            wide[name] = torch.cat([narrow, torch.zeros_like(narrow).repeat(1, 2, 1, 1)], dim=1)
    if f"{_PROJECTION}.weight" not in wide:
        token = next((each.shape[1] for name, each in wide.items() if name.endswith("visual.proj")), 0)
        wide[f"{_PROJECTION}.weight"], wide[f"{_PROJECTION}.bias"] = torch.eye(token), torch.zeros(token)
    return wide
