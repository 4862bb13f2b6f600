"""What checkpoints of others may hold besides tensors: a training framework's classes, and calls of anything."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch


class Runs:
    """What pickle calls when it loads this."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@contextmanager
def lightning_classes() -> Iterator[types.ModuleType]:
    """A module with classes as PyTorch Lightning's, to be found by name only meanwhile."""
    module = types.ModuleType("pytorch_lightning.fake")

    class ModelCheckpoint:
        def __init__(self) -> None:
            self.best = 0.5

    class AttributeDict(dict[str, Any]):
        pass

    class Stage:
        def __reduce__(self) -> Any:
            return type(self), ()

    for kind in (ModelCheckpoint, AttributeDict, Stage):
        kind.__module__, kind.__qualname__ = module.__name__, kind.__name__
        setattr(module, kind.__name__, kind)
    with patch.dict(sys.modules, {"pytorch_lightning": types.ModuleType("pytorch_lightning"), module.__name__: module}):
        yield module
