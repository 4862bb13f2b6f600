"""Weights for transformers' classes: checked name by name and shape by shape, and kept in half precision."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from protocol.problems import ErrorCode, ProblemError

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
_NAMED = 4  # so many names of a kind are told


def _reject(path: Path, what: str, hint: str) -> ProblemError:
    return ProblemError(ErrorCode.MODEL_FAILED, f"{path.name} {what}.", hint)


def source(sources: Mapping[str, Path], *names: str) -> Path:
    """The file of ``sources`` under the first of ``names`` that is there; ProblemError (MODEL_FAILED) for none."""
    for name in names:
        if name in sources:
            return sources[name]
    raise ProblemError(
        ErrorCode.MODEL_FAILED,
        f"The file {' or '.join(names)} is missing.",
        f"Given were: {', '.join(sorted(sources)) or 'none'}. Give all files that the model's card names.",
    )


def read_config(path: Path, families: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object in ``path``, whose "model_type" is one of ``families``; ProblemError (MODEL_FAILED) otherwise."""
    hint = f"Use the config.json published beside the weights, of type {' or '.join(sorted(families))}."
    try:
        config = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _reject(path, f"cannot be read as JSON ({error})", hint) from error
    found = config.get("model_type") if isinstance(config, dict) else None
    if not isinstance(found, str) or found not in families:
        raise _reject(path, f"describes a model of type {found!r:.60}", hint)
    return config


def skeleton(model_class: type, config_class: type, options: Mapping[str, Any], path: Path) -> Any:
    """``model_class`` of the configuration ``options`` without memory for its weights (torch's meta device).
    ProblemError (MODEL_FAILED), naming ``path``, when no such network can be built."""
    try:
        with torch.device("meta"):
            return model_class(config_class(**options)).eval()
    except Exception as error:  # whatever a foreign configuration makes the library raise
        hint = "Use the config.json published beside the weights."
        raise _reject(path, f"describes no network that can be built ({error!s:.300})", hint) from error


class _Stored:
    """The tensors of a .safetensors file, read one by one, or of a .bin file, unpickled as plain tensors alone."""

    def __init__(self, path: Path) -> None:
        hint = "Fetch the file again, from the address on the model's card."
        try:
            if path.suffix == ".safetensors":
                file = safe_open(path, framework="pt")
                self.shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
                self.tensor: Callable[[str], torch.Tensor] = file.get_tensor
                return
            tensors = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
            raise _reject(path, f"cannot be read as weights ({error!s:.200})", hint) from error
        if not isinstance(tensors, dict) or not all(isinstance(each, torch.Tensor) for each in tensors.values()):
            raise _reject(path, "holds something other than tensors", hint)
        self.shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        self.tensor = tensors.__getitem__


def write_half(
    path: Path,
    model: nn.Module,
    rename: Callable[[str], str | None],
    twins: Mapping[str, str],
    target: Path,
    report: Callable[[float], None],
) -> None:
    """Write the weights in ``path`` as float16 safetensors with the names of ``model`` (a skeleton) to ``target``.

    ``rename`` maps a stored name to the network's, or to None for what is left out on purpose; ``twins`` maps a name
    that may be missing to the one whose numbers it shares. ProblemError (MODEL_FAILED) lists the names that are
    missing, left over or of another shape. ``report`` hears the finished fraction, 0 to 1.
    """
    stored = _Stored(path)
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    names = {new: old for old in stored.shapes if (new := rename(old)) is not None}
    for name, twin in twins.items():
        for lacking, other in ((name, twin), (twin, name)):
            if lacking in wanted and lacking not in names and other in names:
                names[lacking] = names[other]
    other = sorted(
        f"{name} is {_size(stored.shapes[names[name]])} instead of {_size(shape)}"
        for name, shape in wanted.items()
        if name in names and stored.shapes[names[name]] != shape
    )
    faults = [
        _listed("missing", sorted(wanted.keys() - names.keys())),
        _listed("left over", sorted(names.keys() - wanted.keys())),
        _listed("of another shape", other),
    ]
    if any(faults):
        what = f"does not fit {type(model).__name__} and its config.json: {'; '.join(filter(None, faults))}"
        raise _reject(path, what, "Use weights and config.json of the same model.")
    tensors: dict[str, torch.Tensor] = {}
    for number, name in enumerate(wanted, 1):
        tensors[name] = _halved(path, name, stored.tensor(names[name]))
        report(0.9 * number / len(wanted))
    save_file(tensors, str(target), metadata={"format": "pt", "source": path.name})
    report(1.0)


def _halved(path: Path, name: str, tensor: torch.Tensor) -> torch.Tensor:
    half = tensor.to(torch.float16, copy=True).contiguous() if tensor.is_floating_point() else tensor.clone()
    if half.is_floating_point() and not bool(half.isfinite().all()):
        hint = "Fetch the file again, from the address on the model's card."
        raise _reject(path, f"has numbers in {name} that are not finite in half precision", hint)
    return half


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "one number"


def _listed(kind: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{kind}: {', '.join(names[:_NAMED])}{more}"


def load(model_class: type, folder: Path) -> Any:
    """``model_class`` with the converted weights in ``folder``, float32 on the CPU, ready for inference.

    ProblemError (MODEL_FAILED) when a file is missing or a name in it does not fit.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()  # it would write into the server's log
    hint = "Remove the model and pull it again: wholeform models."
    try:
        model, told = model_class.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, output_loading_info=True
        )
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        raise _reject(folder, f"cannot be loaded ({error!s:.300})", hint) from error
    faults = [str(each) for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") for each in told[kind]]
    if faults:
        raise _reject(folder, f"does not fit {model_class.__name__}: {', '.join(sorted(faults)[:_NAMED])}", hint)
    return model.eval()
