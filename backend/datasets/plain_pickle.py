"""Pickles that may hold plain values only. Nothing that a file names is imported, called or built."""

from __future__ import annotations

import io
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np

from .files import fault, read_bytes

MAX_BYTES = 2 << 30
_EXPECTED = "a pickle of dicts, lists, tuples, numbers, texts, bytes and numpy arrays of numbers"
_DTYPE = re.compile(r"[<>|=]?(b1|[iuf][1248])")


def load_plain(path: Path) -> Any:
    """The values in a pickle: containers, numbers, texts and bytes; numpy's scalars become Python's, its arrays stay.

    ProblemError (BAD_INPUT) for anything else. The few numpy names that such files use are answered by the stand-ins
    below, which only take numbers; every other name is refused before anything is made of it.
    """
    if path.is_file() and path.stat().st_size > MAX_BYTES:
        raise fault(path, f"has {path.stat().st_size:,} bytes", f"at most {MAX_BYTES:,}")
    content = read_bytes(path, _EXPECTED)
    try:
        return _finished(_Plain(io.BytesIO(content)).load(), {})
    except Exception as error:  # broken pickles fail in many ways
        raise fault(path, f"is no plain pickle: {error}", _EXPECTED) from None


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module.replace("numpy._core", "numpy.core") in ("numpy.core.multiarray", "numpy.core.numeric"):
            module = "numpy"
        if (module, name) not in _NAMES:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return _NAMES[module, name]


class _StandIn:
    """Has no attributes, so that a file cannot set any."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("it sets the state of something that has none")


class _Array:
    """An array while it is being loaded. Unhashable, so that it ends up nowhere that `_finished` does not look."""

    __slots__ = ("array",)
    __hash__ = None  # type: ignore[assignment]

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, by_columns, content = state
        self.fill(content, dtype, shape, "F" if by_columns else "C")

    def fill(self, content: bytes, dtype: Any, shape: Any, order: Any) -> None:
        """numpy checks that the bytes are as many as the shape needs."""
        self.array = np.frombuffer(content, _Dtype.checked(dtype).kind).reshape(shape, order=order).copy()


class _Dtype:
    """A dtype of numbers; its state says the byte order alone."""

    __slots__ = ("kind",)

    def __setstate__(self, state: Any) -> None:
        if state[1] not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            raise pickle.UnpicklingError("it has an array of other things than numbers")
        self.kind = self.kind.newbyteorder(state[1])

    @staticmethod
    def checked(value: Any) -> _Dtype:
        if not isinstance(value, _Dtype):
            raise pickle.UnpicklingError("it has an array without a dtype")
        return value


class _MakeDtype(_StandIn):
    def __call__(self, name: str, align: Any = False, copy: Any = True) -> _Dtype:
        if not isinstance(name, str) or not _DTYPE.fullmatch(name):
            raise pickle.UnpicklingError(f"it has an array of {name!r}")
        made = _Dtype()
        made.kind = np.dtype(name)
        return made


class _MakeArray(_StandIn):
    def __call__(self, kind: Any, shape: Any, code: Any) -> _Array:
        return _Array()


class _MakeFilledArray(_StandIn):
    """How pickles of protocol 5 write arrays."""

    def __call__(self, content: bytes, dtype: Any, shape: Any, order: Any) -> _Array:
        made = _Array()
        made.fill(content, dtype, shape, order)
        return made


class _MakeScalar(_StandIn):
    def __call__(self, dtype: Any, content: bytes) -> int | float | bool:
        (number,) = np.frombuffer(content, _Dtype.checked(dtype).kind)
        return number.item()


class _MakeBytes(_StandIn):
    """How pickles of protocol 2 write bytes."""

    def __call__(self, text: str, coding: str) -> bytes:
        if coding not in ("latin1", "latin-1"):
            raise pickle.UnpicklingError(f"it has bytes in {coding!r}")
        return str.encode(text, "latin1")


_NAMES: dict[tuple[str, str], Any] = {
    ("numpy", "_reconstruct"): _MakeArray(),
    ("numpy", "_frombuffer"): _MakeFilledArray(),
    ("numpy", "scalar"): _MakeScalar(),
    ("numpy", "dtype"): _MakeDtype(),
    ("numpy", "ndarray"): _StandIn(),
    ("_codecs", "encode"): _MakeBytes(),
    ("collections", "OrderedDict"): dict,
}


def _finished(value: Any, done: dict[int, Any]) -> Any:
    """``value`` with the arrays in the place of what they were loaded as; ``done`` knows what was seen, by id."""
    if isinstance(value, _Array):
        return value.array
    if isinstance(value, _Dtype | _StandIn | type):
        raise pickle.UnpicklingError("it holds a type")
    if id(value) in done:
        return done[id(value)]
    if isinstance(value, dict):
        done[id(value)] = value
        for key, item in value.items():
            value[key] = _finished(item, done)
    elif isinstance(value, list):
        done[id(value)] = value
        value[:] = [_finished(item, done) for item in value]
    elif isinstance(value, tuple):
        done[id(value)] = value = tuple(_finished(item, done) for item in value)
    return value
