"""Pickles of whole objects, read as inert data: a file names classes and functions, and none is looked for or called.

The reader goes through the pickle's instructions itself and knows only those that such files need. Every name that
may occur is given with what takes its place; the first other one ends the reading. Numbers stay in the file, which is
mapped, until they are asked for, so that a file much larger than the memory's free part can be read.
"""

from __future__ import annotations

import io
import math
import mmap
import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

MAX_STEPS = 2_000_000  # instructions; a network of 500 modules has 60,000
MAX_SIDES = 64  # of a tensor; torch can do little with more, and the product of many long numbers takes hours
_HEADER = 4096  # bytes before the numbers of a storage; torch writes some 300
_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001  # of torch.save before it wrote zip archives
_LITTLE = {"protocol_version": _VERSION, "little_endian": True}
# dtypes of torch, with bytes a number, by the names of its storages.
_STORAGES = {
    "DoubleStorage": ("float64", 8),
    "FloatStorage": ("float32", 4),
    "HalfStorage": ("float16", 2),
    "BFloat16Storage": ("bfloat16", 2),
    "LongStorage": ("int64", 8),
    "IntStorage": ("int32", 4),
    "ShortStorage": ("int16", 2),
    "CharStorage": ("int8", 1),
    "ByteStorage": ("uint8", 1),
    "BoolStorage": ("bool", 1),
}
_NUMBERS = {"f8", "f4", "i8", "i4", "b1"}


class Refused(Exception):
    """What is wrong with a pickle, as the end of the sentence "it …"."""


class Object:
    """An object of a class of the given ``name``; ``state`` holds its attributes. It can do nothing."""

    __slots__ = ("name", "state")

    def __init__(self, name: str, state: dict[str, Any]) -> None:
        self.name = name
        self.state = state


@dataclass(frozen=True, eq=False)
class Storage:
    """Numbers in a row, in the file: ``dtype`` is torch's name of their kind, ``size`` the bytes of each."""

    dtype: str
    size: int
    content: memoryview

    def __len__(self) -> int:
        return len(self.content) // self.size


@dataclass(frozen=True, eq=False)
class Array:
    """A tensor in the file: it lies wholly within its ``storage`` and has no more numbers than that."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.storage.size


@dataclass(frozen=True, eq=False)
class Stand:
    """What is read in the place of a class or function: to be called (``calls``), made without arguments (``makes``),
    or both; where it is neither, naming it is all that a file may do."""

    calls: Callable[..., Any] | None = None
    makes: Callable[[], Any] | None = None


Names = Mapping[tuple[str, str], Stand]


def read_inert(path: Path, names: Names, start: int = 0) -> Any:
    """The value in the pickle that begins at byte ``start`` of ``path``: dicts (of every kind), lists, tuples, sets,
    numbers and texts, memoryviews for bytes, and what the stand-ins for ``names`` (module, name) make.

    Pickles of protocols 2 to 5 are read; bytes and tensors are in those from 3 on.

    The file is mapped as long as something read from it is kept. Raises Refused for a file that names anything else,
    is damaged or does what only a malicious one would, OSError for one that cannot be read.
    """
    with path.open("rb") as file:
        try:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise Refused("is empty") from None
    if not 0 <= start < len(mapped):
        raise Refused("ends before its pickle begins")
    mapped.seek(start)
    return _read(mapped, memoryview(mapped), names)


def _read(stream: Any, content: memoryview, names: Names, by_id: Callable[[Any], Any] | None = None) -> Any:
    try:
        return _Machine(content, names, by_id).run(stream)
    except Refused:
        raise
    except RecursionError:
        raise Refused("is nested too deeply") from None
    except (IndexError, KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Refused(f"is no whole pickle: {type(error).__name__}, {str(error)[:200]}") from None


class _Machine:
    """Carries out the instructions of one pickle, whose bytes are ``content``. ``by_id`` answers persistent ids."""

    def __init__(self, content: memoryview, names: Names, by_id: Callable[[Any], Any] | None) -> None:
        self.content, self.names, self.by_id = content, names, by_id
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def run(self, stream: Any) -> Any:
        for number, (code, argument, _) in enumerate(pickletools.genops(stream)):
            if number >= MAX_STEPS:
                raise Refused(f"has more than {MAX_STEPS:,} instructions")
            if code.name == "STOP":
                (value,) = self.stack
                return value
            if isinstance(argument, bytes):
                end = stream.tell()
                argument = self.content[end - len(argument) : end]
            self.step(code.name, argument)
        raise Refused("has no end")

    def step(self, code: str, argument: Any) -> None:
        stack = self.stack
        match code:
            case "PROTO" | "FRAME":
                pass
            case "MEMOIZE":
                self.memo[len(self.memo)] = stack[-1]
            case "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(self.memo[argument])
            case "MARK":
                self.below.append(stack)
                self.stack = []
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[code])
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT" | "SHORT_BINUNICODE" | "BINUNICODE":
                stack.append(argument)
            case "SHORT_BINBYTES" | "BINBYTES" | "BINBYTES8":
                stack.append(argument)
            case "EMPTY_DICT" | "EMPTY_LIST" | "EMPTY_SET" | "EMPTY_TUPLE":
                stack.append({"DICT": dict, "LIST": list, "SET": set, "TUPLE": tuple}[code[6:]]())
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                _fill(stack[-1], [key, value])
            case "APPEND":
                _of(list, stack[-2]).append(stack.pop())
            case "SETITEMS" | "APPENDS" | "ADDITEMS" | "TUPLE":
                self.gather(code)
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(code[-1])
                if len(stack) < count:
                    raise IndexError("nothing is left")
                stack[-count:] = [tuple(stack[-count:])]
            case "GLOBAL":
                stack.append(self.named(*argument.split(" ", 1)))
            case "STACK_GLOBAL":
                name, module = stack.pop(), stack.pop()
                stack.append(self.named(_of(str, module), _of(str, name)))
            case "REDUCE" | "NEWOBJ":
                arguments, stand = _of(tuple, stack.pop()), _of(Stand, stack.pop())
                stack.append(_called(stand, arguments) if code == "REDUCE" else _made(stand, arguments))
            case "BUILD":
                state = stack.pop()
                _build(stack[-1], state)
            case "BINPERSID" if self.by_id is not None:
                stack.append(self.by_id(stack.pop()))
            case _:
                raise Refused(f"has the instruction {code}, which no such file needs")

    def gather(self, code: str) -> None:
        """What was put down since the last mark goes into the container below it."""
        items, self.stack = self.stack, self.below.pop()
        match code:
            case "TUPLE":
                self.stack.append(tuple(items))
            case "SETITEMS":
                _fill(self.stack[-1], items)
            case "APPENDS":
                _of(list, self.stack[-1]).extend(items)
            case "ADDITEMS":
                _of(set, self.stack[-1]).update(_key(item) for item in items)

    def named(self, module: str, name: str) -> Stand:
        stand = self.names.get((module, name))
        if stand is None:
            raise Refused(f"names {module[:100]}.{name[:100]}, which no weights need")
        return stand


def _of(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"a {type(value).__name__} in the place of a {kind.__name__}")
    return value


def _key(value: Any) -> Any:
    """Plain keys alone: the hash of others may take long, or the whole stack."""
    if value is not None and type(value) not in (str, int, float, bool):
        raise TypeError(f"a {type(value).__name__} as a key")
    return value


def _fill(table: Any, items: list[Any]) -> None:
    for key, value in zip(items[::2], items[1::2], strict=True):
        _of(dict, table)[_key(key)] = value


def _called(stand: Stand, arguments: tuple[Any, ...]) -> Any:
    if stand.calls is None:
        raise Refused("calls what none has to call")
    return stand.calls(*arguments)


def _made(stand: Stand, arguments: tuple[Any, ...]) -> Any:
    if stand.makes is None or arguments:
        raise Refused("makes an object of what none has to make")
    return stand.makes()


def _build(value: Any, state: Any) -> None:
    if isinstance(value, Object):
        value.state.update(_of(dict, state))
    elif isinstance(value, _Dtype):
        value.check(state)
    else:
        raise TypeError(f"a state for a {type(value).__name__}")


# --- stand-ins for what many such files name ---


def an_object(name: str) -> Stand:
    """For a class of which objects are to be kept."""
    return Stand(makes=lambda: Object(name, {}))


def _plain_dict() -> dict[Any, Any]:
    return {}


DICT = Stand(calls=_plain_dict, makes=_plain_dict)


class _Dtype:
    """A dtype of numpy, of one number."""

    def __init__(self, name: Any, align: Any = False, copy: Any = True) -> None:
        if name not in _NUMBERS:
            raise Refused("has a number of numpy of a kind that is not read")
        self.kind = np.dtype(name)

    def check(self, state: Any) -> None:
        if _of(tuple, state)[1] not in ("<", "|") or any(part is not None for part in state[2:5]):
            raise Refused("has a number of numpy in a form that is not read")


def _number(dtype: Any, content: Any) -> float | int | bool:
    (number,) = np.frombuffer(_of(memoryview, content), _of(_Dtype, dtype).kind)
    return number.item()


NUMPY_NUMBERS: Names = {
    ("numpy", "dtype"): Stand(calls=_Dtype),
    ("numpy.core.multiarray", "scalar"): Stand(calls=_number),
    ("numpy._core.multiarray", "scalar"): Stand(calls=_number),
}

_KINDS: Names = {("torch", name): Stand() for name in _STORAGES}
_SIZES = {_KINDS["torch", name]: told for name, told in _STORAGES.items()}


def _storage(content: Any) -> Storage:
    """The numbers that torch.save wrote for one storage: five pickles, how many there are, and then they."""
    view: memoryview = _of(memoryview, content)
    header = view[:_HEADER]
    stream = io.BytesIO(header)
    magic, version, system = (_read(stream, header, {}) for _ in range(3))
    if (magic, version) != (_MAGIC, _VERSION) or {name: _of(dict, system).get(name) for name in _LITTLE} != _LITTLE:
        raise Refused("has numbers in a form that is not read: torch.save's for one storage is")
    dtype, size, key, count = _of(tuple, _read(stream, header, _KINDS, _claimed))
    keys = _read(stream, header, {})
    start = stream.tell() + 8
    if keys != [key] or int.from_bytes(view[start - 8 : start], "little") != count:
        raise Refused("has a storage whose parts do not agree")
    if len(view) - start != count * size:
        raise Refused(f"has a storage of {count:,} numbers in {len(view) - start:,} bytes")
    return Storage(dtype, size, view[start:])


def _claimed(told: Any) -> tuple[str, int, str, int]:
    """dtype, bytes a number, key and count in a storage's persistent id."""
    word, kind, key, _, count, part = _of(tuple, told)
    if word != "storage" or part is not None or _of(int, count) < 0:
        raise Refused("has a storage of a form that is not read")
    return *_SIZES[_of(Stand, kind)], _of(str, key), count


def _array(
    storage: Any, offset: Any, shape: Any, strides: Any, requires_grad: Any, hooks: Any, metadata: Any = None
) -> Array:
    held: Storage = _of(Storage, storage)
    numbers = [_of(int, each) for each in (offset, *_of(tuple, shape), *_of(tuple, strides))]
    if min(numbers) < 0 or len(shape) != len(strides) or len(shape) > MAX_SIDES:
        raise Refused("has a tensor of an impossible form")
    count = math.prod(shape)
    last = offset + sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True))
    if count > len(held) or (last >= len(held) if count else offset > len(held)):
        raise Refused("has a tensor that reaches beyond its storage")
    return Array(held, offset, shape, strides)


def _parameter(data: Any, requires_grad: Any, hooks: Any) -> Array:
    return _of(Array, data)


TENSORS: Names = {
    ("torch._utils", "_rebuild_tensor_v2"): Stand(calls=_array),
    ("torch._utils", "_rebuild_parameter"): Stand(calls=_parameter),
    ("torch.storage", "_load_from_bytes"): Stand(calls=_storage),
}


def tensors(arrays: Mapping[str, Array]) -> dict[str, Tensor]:
    """``arrays`` as contiguous tensors on the CPU that share no memory, with the file or each other."""
    import torch

    # By storage, each of which is copied once: thousands of small tensors may lie on a large one.
    sharing: dict[int, list[str]] = {}
    for name, array in arrays.items():
        sharing.setdefault(id(array.storage), []).append(name)
    made = {}
    for names in sharing.values():
        storage = arrays[names[0]].storage
        dtype = getattr(torch, storage.dtype)
        # A copy, as numbers in the file may lie at any address. torch makes nothing of an empty buffer.
        numbers = bytearray(storage.content)
        whole = torch.frombuffer(numbers, dtype=dtype) if numbers else torch.empty(0, dtype=dtype)
        for name in names:
            array = arrays[name]
            part = torch.as_strided(whole, array.shape, array.strides, array.offset)
            alone = len(names) == 1 and part.numel() == whole.numel()
            made[name] = part.contiguous() if alone else part.clone(memory_format=torch.contiguous_format)
    return {name: made[name] for name in arrays}
