"""Checkpoints that others made with PyTorch. They are pickles, and nothing that one asks for is ever run.

torch's own reader for weights alone does the reading: it builds tensors and plain containers, and refuses every other
name. Checkpoints of training frameworks name further classes, for bookkeeping that no weights are in; these are given
to it as stand-ins, which hold nothing and do nothing. A file that wants one *called* is refused, and so is one that
names anything of Python's own library beyond what torch itself knows and a few plain holders of values.
"""

from __future__ import annotations

import _compat_pickle
import io
import pickle
import pickletools
import re
import sys
import tarfile
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from protocol.problems import ErrorCode, ProblemError

MAX_PICKLE = 1 << 30  # bytes of a file's pickle, which holds names and shapes; the numbers lie beside it

# What torch's reader builds of Python's own library; it treats these as it does without us.
_PLAIN = {"collections.OrderedDict", "collections.Counter", "_codecs.encode"}
_PLAIN |= {f"builtins.{name}" for name in ("bytearray", "set", "complex")}
# Holders of values and names of types: to be called, they become stand-ins too.
_HOLDERS = {"argparse.Namespace", "types.SimpleNamespace"}
_HOLDERS |= {f"pathlib.{kind}" for kind in ("Path", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")}
_HOLDERS |= {f"typing.{kind}" for kind in ("Any", "List", "Dict", "Tuple", "Union", "Optional")}
_HOLDERS |= {f"builtins.{kind}" for kind in ("dict", "list", "tuple", "int", "float", "str", "bool", "bytes", "object")}
_DEFAULTDICT = "collections.defaultdict"
# How numpy writes its numbers. Bookkeeping has some; weights are tensors.
_NUMPY = re.compile(r"numpy(\.dtype|\.ndarray|\.dtypes\.\w+|\._?core\.multiarray\.(scalar|_reconstruct))")
# Frameworks whose classes are written as calls (enumerations, say).
_FRAMEWORKS = re.compile(r"(pytorch_lightning|lightning|lightning_fabric|lightning_utilities|omegaconf)\.")
_MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa85019")  # of torch.save before it wrote zip archives


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The dictionary that was saved in the file, as plain dicts, lists, tuples, numbers, texts and CPU tensors.

    What was none of these, bookkeeping of a training framework and arrays of numpy, is left out. Tensors of files
    that are zip archives (all since PyTorch 1.6) are mapped: they take memory when they are used, and the file must
    stay until then. ProblemError (BAD_INPUT) naming the file for one that is no checkpoint, is damaged, or names what
    none needs (then naming that); nothing of it has been run.
    """
    import torch

    try:
        is_zip = zipfile.is_zipfile(path)
        with path.open("rb") as file:
            is_torch = is_zip or file.read(len(_MAGIC)) == _MAGIC
            names = set(_names_in_zip(file) if is_zip else _names_in_stream(file))
    except (OSError, zipfile.BadZipFile, tarfile.TarError, _Odd) as error:
        raise _fault(path, f"cannot be read: {error}") from error
    refused = sorted(name for name in names if _is_refused(name))
    if refused:
        raise _fault(path, f"is refused: it names {', '.join(refused)}, which no weights need")
    if not is_torch:
        raise _fault(path, "is not of a form that is read here: torch.save's, of 2018 or later")
    stand_ins: list[Any] = [(_stand_in(name), name) for name in sorted(names - _PLAIN)]
    try:
        with torch.serialization.safe_globals(stand_ins), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of what it then refuses
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
        content = _plain(content, {})
    except Exception as error:  # broken files fail in many ways
        raise _fault(path, f"is refused: {_said(error)}") from error
    if not isinstance(content, dict):
        raise _fault(path, f"holds a {type(content).__name__} and no dictionary of tensors")
    return content


class _Odd(Exception):
    """The file is not of a form that PyTorch writes."""


def _fault(path: Path, what: str) -> ProblemError:
    return ProblemError(
        ErrorCode.BAD_INPUT, f"{path.name} {what}.", "Give a checkpoint that torch.save wrote, from its authors."
    )


def _said(error: Exception) -> str:
    """The sentence of torch's message that says what is wrong, without its advice to trust the file."""
    text = str(error)
    named = re.search(r"GLOBAL ([\w.]+)", text)
    if isinstance(error, pickle.UnpicklingError) and named:
        return f"it names {named[1]}, which no weights need"
    lines = text.rpartition("WeightsUnpickler error:")[2].strip().splitlines()
    return lines[0][:300].rstrip(".") if lines else type(error).__name__


# --- the names in a file, read without building anything ---


def _names_in_zip(file: IO[bytes]) -> Iterator[str]:
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith(".pkl"):
                if entry.file_size > MAX_PICKLE:
                    raise _Odd(f"{entry.filename} in it has {entry.file_size:,} bytes")
                yield from _names_in_pickle(io.BytesIO(archive.read(entry)))


def _names_in_stream(file: IO[bytes]) -> Iterator[str]:
    """Of the two older forms: pickles in a row with the numbers behind them, and a tar of such files."""
    file.seek(0)
    if tarfile.is_tarfile(file):
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for member in archive:
                inside = archive.extractfile(member)
                if inside is not None:
                    yield from _names_in_row(inside)
        return
    file.seek(0)
    yield from _names_in_row(file)


def _names_in_row(file: IO[bytes]) -> Iterator[str]:
    """Of the pickles that follow each other; torch begins with four and ends with one before the numbers."""
    for number in range(5):
        try:
            yield from _names_in_pickle(file)
        except _Odd:
            if number == 0:
                raise
            return


def _names_in_pickle(file: IO[bytes]) -> Iterator[str]:
    texts: list[str] = []
    try:
        for code, argument, _ in pickletools.genops(file):
            if code.name in ("GLOBAL", "INST"):
                yield _today(*str(argument).split(" ", 1))
            elif code.name == "STACK_GLOBAL" and len(texts) == 2:
                yield _today(*texts)
            elif isinstance(argument, str):
                texts = [*texts[-1:], argument]
    except (ValueError, EOFError, UnicodeDecodeError, OverflowError) as error:
        raise _Odd(f"it is no pickle: {error}") from error


def _today(module: str, name: str) -> str:
    """The full name, where it was written under Python 2's (as torch.save does) under today's."""
    module, name = _compat_pickle.NAME_MAPPING.get((module, name), (module, name))
    return f"{_compat_pickle.IMPORT_MAPPING.get(module, module)}.{name}"


# --- what stands in for them ---


def _is_refused(name: str) -> bool:
    return name.partition(".")[0] in sys.stdlib_module_names and name not in _PLAIN | _HOLDERS | {_DEFAULTDICT}


class _Kind(type):
    """The type of stand-ins: what a file wants called is refused, unless making one of it is all that comes of it."""

    _named: str
    _may_be_made: bool

    def __call__(cls, *_: object, **__: object) -> Any:
        if not cls._may_be_made:
            raise pickle.UnpicklingError(f"it wants to call {cls._named}")
        return object.__new__(cls)


def _no_default(*_: object) -> dict[Any, Any]:
    return {}


def _stand_in(name: str) -> Callable[..., Any]:
    """What is given for ``name``: it takes any arguments and any state and keeps nothing of them."""
    if name == _DEFAULTDICT:
        return _no_default
    if name.rpartition(".")[2].endswith("Dict"):
        return OrderedDict  # torch's reader fills nothing else with keys and values
    made = name in _HOLDERS or bool(_NUMPY.fullmatch(name) or _FRAMEWORKS.match(name))
    body = {
        "__slots__": (),
        "__new__": lambda cls, *_: object.__new__(cls),
        "__setstate__": lambda self, state: None,
        "_named": name,
        "_may_be_made": made,
    }
    return _Kind("StandIn", (), body)


def _plain(value: Any, done: dict[int, Any]) -> Any:
    """``value`` without stand-ins; ``done`` knows what was seen, by id."""
    if id(value) in done:
        return done[id(value)]
    if isinstance(value, dict):
        kept: dict[Any, Any] = {}
        done[id(value)] = kept
        for key, item in dict.items(value):
            if not (_is_stand_in(key) or _is_stand_in(item)):
                kept[key] = _plain(item, done)
        return kept
    if isinstance(value, list):
        values: list[Any] = []
        done[id(value)] = values
        values += [_plain(item, done) for item in value if not _is_stand_in(item)]
        return values
    if type(value) in (tuple, set):
        return type(value)(_plain(item, done) for item in value if not _is_stand_in(item))
    return value


def _is_stand_in(value: Any) -> bool:
    return isinstance(value, _Kind) or isinstance(type(value), _Kind)
