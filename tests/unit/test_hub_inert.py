"""Pickles of objects as inert data: values and tensors come back, and nothing that a file names is run."""

from __future__ import annotations

import collections
import io
import os
import pickle
import struct
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from backend.hub import inert
from backend.hub.inert import (
    DICT,
    NUMPY_NUMBERS,
    TENSORS,
    Array,
    Names,
    Object,
    Refused,
    Storage,
    an_object,
    read_inert,
    tensors,
)

from .foreign_classes import Runs

NAMES: Names = {
    **TENSORS,
    **NUMPY_NUMBERS,
    ("collections", "OrderedDict"): DICT,
    ("theirs", "Kind"): an_object("Kind"),
}
KIND = b"ctheirs\nKind\n"


def program(folder: Path, code: bytes) -> Path:
    path = folder / "net.pkl"
    path.write_bytes(code)
    return path


def refused(path: Path) -> str:
    with pytest.raises(Refused) as caught:
        read_inert(path, NAMES)
    return str(caught.value)


def read(folder: Path, content: Any, protocol: int = 4) -> Any:
    return read_inert(program(folder, pickle.dumps(content, protocol)), NAMES)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_come_back(tmp_path: Path, protocol: int) -> None:
    shared = [1, 2]
    content = {
        "a": (1, 2.5, None, True, "ü", shared, shared, {}, [], ()),
        "b": -(1 << 40),
        3: "x" * 300,
        "long": [*range(70_000)],
    }
    found = read(tmp_path, content, protocol)
    assert found == content
    assert found["a"][5] is found["a"][6]
    ordered = collections.OrderedDict(a=1, b=collections.OrderedDict())
    assert read(tmp_path, ordered, protocol) == {"a": 1, "b": {}}


def test_sets_and_numbers_of_numpy(tmp_path: Path) -> None:
    numbers = [np.float64(2.5), np.float32(0.5), np.int64(-3), np.bool_(True)]
    found = read(tmp_path, [numbers, {"x", "y"}])
    assert found == [[2.5, 0.5, -3, True], {"x", "y"}]
    assert [type(each) for each in found[0]] == [float, float, int, bool]
    for other in (np.ones(3), np.dtype("O"), np.complex64(1), np.datetime64(1, "s")):
        with pytest.raises(Refused):
            read(tmp_path, other)


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_tensors_come_back(tmp_path: Path, protocol: int) -> None:
    base = torch.arange(24.0).reshape(2, 3, 4)
    content = {
        "base": base,
        "turned": base.permute(2, 0, 1),
        "part": base[1:, :2],
        "spread": torch.ones(1).expand(1),
        "number": torch.tensor(-1.0),
        "none": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        **{str(kind): torch.tensor([0, 1, 1], dtype=kind) for kind in (torch.float16, torch.bfloat16, torch.float64)},
        **{str(kind): torch.tensor([0, 1, 1], dtype=kind) for kind in (torch.int64, torch.uint8, torch.bool)},
    }
    found = read(tmp_path, content, protocol)
    assert all(isinstance(each, Array) for each in found.values())
    made = tensors(found)
    for name, tensor in content.items():
        assert made[name].dtype == tensor.dtype
        assert torch.equal(made[name], tensor.detach())
        assert made[name].is_contiguous()
        assert found[name].nbytes == tensor.nbytes


def test_tensors_on_one_storage_are_apart_and_it_is_copied_once() -> None:
    numbers = np.arange(1 << 20, dtype=np.float32)
    storage = Storage("float32", 4, memoryview(numbers.tobytes()))
    arrays = {f"row {n}": Array(storage, 256 * n, (256,), (1,)) for n in range(2000)}
    arrays["column"] = Array(storage, 3, (4, 2), (1 << 18, 5))
    tracemalloc.start()
    made = tensors(arrays)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2 * numbers.nbytes
    assert list(made) == list(arrays)
    assert made["row 7"].tolist() == numbers[1792:2048].tolist()
    assert made["column"].tolist() == numbers[3:].reshape(-1)[np.add.outer(np.arange(4) << 18, [0, 5])].tolist()
    made["row 7"].zero_()
    assert made["row 8"].tolist() == numbers[2048:2304].tolist()
    assert len({tensor.untyped_storage().data_ptr() for tensor in made.values()}) == len(made)


def test_objects_keep_their_attributes_and_can_do_nothing(tmp_path: Path) -> None:
    made = read_inert(program(tmp_path, b"\x80\x04" + KIND + b")\x81}\x8c\x09__class__K\x01sb."), NAMES)
    assert isinstance(made, Object)
    assert (made.name, made.state) == ("Kind", {"__class__": 1})


def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    path = program(tmp_path, pickle.dumps([torch.zeros(1 << 20) for _ in range(16)], 4))
    tracemalloc.start()
    found = read_inert(path, NAMES)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == 16
    assert most < path.stat().st_size / 4


# --- malicious files ---


def attacks(trace: Path) -> dict[str, tuple[str, Any]]:
    opened = f"open({str(trace)!r}, 'w')"
    return {
        "system": ("posix.system", Runs(os.system, f"touch {trace}")),
        "eval": ("builtins.eval", Runs(eval, opened)),
        "exec": ("builtins.exec", {"deep": [({1: Runs(exec, opened)},)]}),
        "check_call": ("subprocess.check_call", Runs(subprocess.check_call, ["touch", str(trace)])),
        "getattr": ("builtins.getattr", Runs(getattr, "a", "upper")),
        "torch.load": ("torch.serialization.load", Runs(torch.load, str(trace))),
        "in arguments": ("posix.mkdir", Runs(collections.OrderedDict, [("a", Runs(os.mkdir, str(trace)))])),
    }


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", attacks(Path()))
def test_a_malicious_file_is_refused_by_name_and_runs_nothing(tmp_path: Path, name: str, protocol: int) -> None:
    trace = tmp_path / "trace"
    named, attack = attacks(trace)[name]
    said = refused(program(tmp_path, pickle.dumps(attack, protocol)))
    assert (named if protocol > 2 else "names ") in said  # the second protocol has Python 2's names
    assert not trace.exists()


@pytest.mark.parametrize("protocol", [0, 1])
def test_the_oldest_pickles_are_not_read(tmp_path: Path, protocol: int) -> None:
    trace = tmp_path / "trace"
    refused(program(tmp_path, pickle.dumps(Runs(os.mkdir, str(trace)), protocol)))
    assert not trace.exists()


def blob(*parts: Any, rest: bytes = b"", numbers: bytes = bytes(8), count: int = 2) -> bytes:
    """What torch.save writes of a storage, with some of its five pickles replaced by bytes."""
    whole = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True}]
    packed = [pickle.dumps(each, 2) for each in whole]
    claim = b"\x80\x02(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
    packed += [claim + b"\x8a\x08" + struct.pack("<q", count) + b"NtQ.", pickle.dumps(["0"], 2)]
    packed = [new or old for old, new in zip(packed, [*parts, *[None] * 5], strict=False)]
    return b"".join(packed) + struct.pack("<q", count) + numbers + rest


def loading(content: bytes) -> bytes:
    """The call that plain pickles of tensors hold, on ``content``."""
    return b"\x80\x04ctorch.storage\n_load_from_bytes\nB" + struct.pack("<I", len(content)) + content + b"\x85R."


def saved(content: Any, new: bool) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=new)
    return stream.getvalue()


def test_numbers_within_are_read_by_hand(tmp_path: Path) -> None:
    storage = read_inert(program(tmp_path, loading(blob())), NAMES)
    assert len(storage) == 2
    assert storage.dtype == "float32"
    assert torch.storage._load_from_bytes(blob()).tolist() == [0, 0], "the same bytes are torch's own"


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("name", attacks(Path()))
def test_nothing_within_the_numbers_is_run_either(tmp_path: Path, name: str, place: int) -> None:
    trace = tmp_path / "trace"
    _, attack = attacks(trace)[name]
    for protocol in (2, 4):
        parts: list[Any] = [None] * 5
        parts[place] = pickle.dumps(attack, protocol)
        assert "names" in refused(program(tmp_path, loading(blob(*parts))))
    assert not trace.exists()


@pytest.mark.parametrize("new", [True, False])
def test_what_torch_saved_whole_is_no_storage(tmp_path: Path, new: bool) -> None:
    trace = tmp_path / "trace"
    evil = saved({"a": Runs(os.mkdir, str(trace))}, new)
    refused(program(tmp_path, loading(evil)))
    assert not trace.exists()
    try:  # the name that stands in the file would have done it
        torch.load(io.BytesIO(evil), weights_only=False)
    except Exception as error:
        print(error)
    assert trace.exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (blob(rest=b"x"), "2 numbers in 9 bytes"),
        (blob(numbers=b""), "2 numbers in 0 bytes"),
        (blob(count=1 << 61), "numbers in 8 bytes"),
        (blob(count=-1), "form that is not read"),
        (blob(pickle.dumps(7, 2)), "form that is not read"),
        (
            blob(None, None, pickle.dumps({"little_endian": False, "protocol_version": 1001}, 2)),
            "form that is not read",
        ),
        (blob(None, None, None, None, pickle.dumps(["1"], 2)), "do not agree"),
        (b"", "pickle"),
        (blob()[:150], "pickle"),
    ],
)
def test_numbers_that_do_not_agree_with_themselves(tmp_path: Path, content: bytes, says: str) -> None:
    assert says in refused(program(tmp_path, loading(content)))


def tensor(offset: Any, shape: Any, strides: Any) -> bytes:
    """A tensor on a storage of two numbers."""
    inner = loading(blob())[2:-1]
    values = pickle.dumps((offset, shape, strides), 2)[2:-1]
    assert values.endswith((b"\x87q\x02", b"\x87q\x01", b"\x87q\x00")), "three things on the stack, if it were not made"
    values = values[: values.rindex(b"\x87")]
    return b"\x80\x04ctorch._utils\n_rebuild_tensor_v2\n(" + inner + values + b"\x89Nt" + b"R."


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (0, (3,), (1,)),
        (1, (2,), (1,)),
        (2, (1,), (1,)),
        (0, (2,), (2,)),
        (0, (2, 2), (1, 1)),
        (0, (1 << 40,), (0,)),
        (0, (1 << 62, 1 << 62), (0, 0)),
        (-1, (1,), (1,)),
        (1, (2,), (-1,)),
        (0, (-1,), (1,)),
        (0, (1,), (1, 1)),
        (0, (), (1,)),
        (3, (0,), (1,)),
        (0, [1], (1,)),
        (0.0, (1,), (1,)),
        (0, (True,), (1,)),
        ("0", (1,), (1,)),
        (0, (1,) * 65, (1,) * 65),
    ],
)
def test_tensors_that_reach_beyond_their_numbers(tmp_path: Path, offset: Any, shape: Any, strides: Any) -> None:
    path = program(tmp_path, tensor(offset, shape, strides))
    assert refused(path).startswith(("has a tensor", "is no whole pickle"))


@pytest.mark.parametrize(
    "code",
    [
        b"",
        b"\x80\x04",
        b"<html>Please log in</html>",
        b"PK\x03\x04" + bytes(100),
        b"\x80\x04(itheirs\nKind\n.",  # other ways of making
        b"\x80\x04(" + KIND + b"o.",
        b"\x80\x04" + KIND + b")}\x92.",
        b"\x80\x04\x82\x01.",
        b"\x80\x04P0\n.",  # persistent ids
        b"\x80\x04K\x01Q.",
        b"\x80\x04" + KIND + b")R.",  # called in place of made
        b"\x80\x04" + KIND + b"K\x01\x85\x81.",
        b"\x80\x04ctorch.storage\n_load_from_bytes\n)\x81.",
        b"\x80\x04ctorch.storage\n_load_from_bytes\nK\x01\x85R.",
        b"\x80\x04" + KIND + b"}b.",  # attributes of the class itself
        b"\x80\x04}}b.",
        b"\x80\x04ccollections\nOrderedDict\n]\x85R.",
        b"\x80\x04" + KIND + b")\x81K\x01b.",
        b"\x80\x04K\x01K\x01\x93.",
        b"\x80\x04}]K\x01s.",  # keys that are not plain
        b"\x80\x04}" + KIND + b"K\x01s.",
        b"\x80\x04K\x01K\x01K\x01s.",
        b"\x80\x04K\x01K\x01a.",
        b"\x80\x04h\x05.",
        b"\x80\x04t.",
        b"\x80\x04\x86.",
        b"\x80\x04K\x01K\x01.",
        b"\x80\x04B\xff\xff\xff\xffabc.",  # sizes that are not there
        b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7fabc.",
        b"\x80\x04\x8d" + b"\xff" * 8 + b"abc.",
        b"\x80\x04X\xff\xff\xff\x7fabc.",
        b"\x80\x04\x8b\xff\xff\xff\x7fabc.",
        b"\x80\x04\x96" + b"\xff" * 8 + b"abc.",
        b"\x80\x04}" + b"(" * 100_000 + b"K\x01" + b"t" * 100_000 + b"K\x01s.",  # a key as deep as the stack
    ],
)
def test_programs_that_no_writer_writes(tmp_path: Path, code: bytes) -> None:
    refused(program(tmp_path, code))


def test_files_that_end_early(tmp_path: Path) -> None:
    content = pickle.dumps({"a": torch.ones(50), "b": [np.float64(1), collections.OrderedDict(x=1)]}, 4)
    for length in range(0, len(content), 7):
        refused(program(tmp_path, content[:length]))


def test_bombs_do_not_go_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = time.process_time()
    doubled = b"\x80\x04(]\x94" + b"".join(b"]\x94(h%ch%ce" % (n, n) for n in range(60)) + b"t."
    assert len(read_inert(program(tmp_path, doubled), NAMES)) == 61
    far = b"\x80\x04K\x01r\xff\xff\xff\xff."  # a place in the memo
    assert read_inert(program(tmp_path, far), NAMES) == 1
    deep = read_inert(program(tmp_path, b"\x80\x04" + b"]" * 50_000 + b"a" * 49_999 + b"."), NAMES)
    assert len(deep) == 1
    assert "impossible" in refused(program(tmp_path, tensor(0, (1 << 2000,) * 10_000, (0,) * 10_000)))
    framed = b"\x80\x04\x95" + b"\xff" * 8 + b"K\x01."
    assert read_inert(program(tmp_path, framed), NAMES) == 1
    monkeypatch.setattr(inert, "MAX_STEPS", 1000)
    assert "more than 1,000 instructions" in refused(program(tmp_path, b"\x80\x04" + b"]" * 2000))
    assert time.process_time() - started < 10


def test_no_name_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = tmp_path / "trace"
    (tmp_path / "theirs.py").write_text(f"open({str(trace)!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    assert isinstance(read_inert(program(tmp_path, b"\x80\x04" + KIND + b")\x81."), NAMES), Object)
    assert "names theirs.Other" in refused(program(tmp_path, b"\x80\x04ctheirs\nOther\n."))
    assert not trace.exists()
    with pytest.raises(AttributeError):  # what a reader that trusts the file does
        pickle.loads(b"\x80\x04" + KIND + b".")
    assert trace.exists()
    sys.modules.pop("theirs", None)
