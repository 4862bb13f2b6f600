"""What a worker keeps in memory between jobs: models until they idle, handles within a budget of bytes."""

from __future__ import annotations

import gc
import secrets
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil

from protocol.values import Handle

_this_process = psutil.Process()


def memory_in_use(device: str) -> int:
    """Bytes allocated on a GPU, or resident in this process."""
    torch = sys.modules.get("torch")
    if torch is not None and device.startswith("cuda"):
        return int(torch.cuda.memory_allocated(device))
    return _this_process.memory_info().rss


def return_memory() -> None:
    """Give what was freed back to the device."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


@dataclass
class _Loaded:
    model: Any
    used: float


class ModelCache:
    """Models loaded on one device, least recently used first."""

    def __init__(self, load: Callable[[str, str], Any], device: str, idle_s: float) -> None:
        self._load = load
        self._device = device
        self._idle_s = idle_s
        self._loaded: OrderedDict[str, _Loaded] = OrderedDict()

    def __contains__(self, name: str) -> bool:
        return name in self._loaded

    @property
    def names(self) -> list[str]:
        return list(self._loaded)

    def get(self, name: str) -> Any:
        """The model ``name``, loaded if need be; whatever the hub raises when it cannot be."""
        if name not in self._loaded:
            self._loaded[name] = _Loaded(self._load(name, self._device), 0.0)
        self._loaded[name].used = time.monotonic()
        self._loaded.move_to_end(name)
        return self._loaded[name].model

    def unload_idle(self) -> None:
        limit = time.monotonic() - self._idle_s
        idle = [name for name, entry in self._loaded.items() if entry.used < limit]
        for name in idle:
            del self._loaded[name]
        if idle:
            return_memory()

    def clear(self) -> None:
        self._loaded.clear()


class HandleStore:
    """Things that handles name. When they outgrow the budget, the least recently used go."""

    def __init__(self, budget: int, prefix: str) -> None:
        self._budget = budget
        self._prefix = prefix
        self._kept: OrderedDict[str, tuple[Handle, Any]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def nbytes(self) -> int:
        return sum(handle.nbytes for handle, _ in self._kept.values())

    def keep(self, holds: str, thing: Any, nbytes: int) -> Handle:
        handle = Handle(f"{self._prefix}-{secrets.token_urlsafe(16)}", holds, nbytes)
        self._kept[handle.id] = (handle, thing)
        while self.nbytes > self._budget and len(self._kept) > 1:
            self._kept.popitem(last=False)
        return handle

    def find(self, handle_id: str) -> tuple[Handle, Any] | None:
        if handle_id in self._kept:
            self._kept.move_to_end(handle_id)
        return self._kept.get(handle_id)

    def drop(self, handle_id: str) -> None:
        self._kept.pop(handle_id, None)

    def clear(self) -> None:
        self._kept.clear()
