"""Files as pix2pix3D's authors write them: whole networks, pickled by classes that are there only meanwhile."""

from __future__ import annotations

import pickle
import sys
import types
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from torch import Tensor

PROGRAM = "raise RuntimeError('the program in the file was run')"


class Module:
    """A module of a persistent class ``kind``, with ``state`` as its attributes."""

    def __init__(self, kind: str, **state: Any) -> None:
        self.kind = kind
        self.state: dict[str, Any] = {
            "training": False,
            "_parameters": OrderedDict(),
            "_buffers": OrderedDict(),
            "_non_persistent_buffers_set": set(),
            "_modules": OrderedDict(),
            **state,
        }

    def __reduce__(self) -> Any:
        meta = {"type": "class", "version": 6, "module_src": PROGRAM, "class_name": self.kind, "state": self.state}
        return _reconstruct_persistent_obj, (meta,)


def _reconstruct_persistent_obj(meta: dict[str, Any]) -> Any:
    exec(meta["module_src"], {})


def network(tensors: Mapping[str, Tensor], kind: str, options: Mapping[str, Any], **attributes: Any) -> Module:
    """Modules within modules, after the names of the ``tensors``."""
    root = Module(kind, _init_kwargs=dict(options), **attributes)
    for key, tensor in tensors.items():
        *path, name = key.split(".")
        module = root
        for part in path:
            module = module.state["_modules"].setdefault(part, Module("Part"))
        module.state["_parameters"][name] = tensor
    return root


def write(path: Path, content: Any, protocol: int = 4) -> Path:
    """``content`` pickled under the names that the authors' classes have."""
    home = types.ModuleType("torch_utils.persistence")
    home.__dict__["_reconstruct_persistent_obj"] = _reconstruct_persistent_obj
    modules = {"torch_utils": types.ModuleType("torch_utils"), home.__name__: home}
    with patch.dict(sys.modules, modules), patch.object(_reconstruct_persistent_obj, "__module__", home.__name__):
        path.write_bytes(pickle.dumps(content, protocol))
    return path
