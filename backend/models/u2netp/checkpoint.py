"""Turns the published u2netp.onnx into our safetensors file: `python -m backend.models.u2netp.checkpoint IN OUT`.

Only the ONNX file's convolutions are read, as numbers, in graph order; nothing in it is executed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from backend.nn.u2net import U2NetP
from protocol.problems import ErrorCode, ProblemError


def _reject(path: Path, what: str) -> ProblemError:
    return ProblemError(
        ErrorCode.MODEL_FAILED,
        f"{path.name} is not the expected network: {what}.",
        "Use u2netp.onnx as the rembg project publishes it.",
    )


def read_convolutions(path: Path) -> list[tuple[np.ndarray, np.ndarray, int]]:
    """Weights (O x I x K x K), bias (O) and dilation of every convolution of an ONNX file, in graph order.

    ProblemError (MODEL_FAILED) when the file is unreadable or a convolution has no bias. Needs the `onnx` package.
    """
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import numpy_helper

    try:
        graph = onnx.load(str(path), load_external_data=False).graph
    except (OSError, DecodeError) as error:
        raise _reject(path, f"it cannot be read ({error})") from error
    numbers = {tensor.name: tensor for tensor in graph.initializer}
    found = []
    for node in graph.node:
        if node.op_type != "Conv":
            continue
        if len(node.input) != 3 or not all(name in numbers for name in node.input[1:]):
            raise _reject(path, f"the convolution {node.name or len(found)} has no stored weights and bias")
        weight, bias = (numpy_helper.to_array(numbers[name]) for name in node.input[1:])
        dilation = next((a.ints[0] for a in node.attribute if a.name == "dilations"), 1)
        found.append((weight, bias, dilation))
    return found


def convert(source: Path, target: Path) -> None:
    """Write the convolutions of ``source`` as float16 safetensors with our network's names to ``target``."""
    network = U2NetP()
    slots = [(name, module) for name, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    found = read_convolutions(source)
    if len(found) != len(slots):
        raise _reject(source, f"it has {len(found)} convolutions instead of {len(slots)}")
    tensors: dict[str, torch.Tensor] = {}
    for (name, slot), (weight, bias, dilation) in zip(slots, found, strict=True):
        if tuple(slot.weight.shape) != weight.shape or slot.dilation[0] != dilation:
            raise _reject(source, f"{name} has shape {weight.shape} and dilation {dilation}")
        tensors[f"{name}.weight"] = torch.from_numpy(weight.astype(np.float16))
        tensors[f"{name}.bias"] = torch.from_numpy(bias.astype(np.float16))
    save_file(tensors, str(target), metadata={"format": "pt", "licence": "Apache-2.0", "source": source.name})


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
