"""Pickles of data sets: plain values come back, and nothing in a file is ever run."""

from __future__ import annotations

import collections
import decimal
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.datasets.plain_pickle import load_plain
from protocol.problems import ProblemError


def kept(folder: Path, content: bytes) -> Path:
    path = folder / "data.pkl"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_come_back(tmp_path: Path, protocol: int) -> None:
    shared = [1, 2]
    value: dict[str, Any] = {
        "a": {1: {0: {"size": [4, 5], "counts": b"\x01\xff23"}}},
        "b": (1, 2.5, None, True, "ü", shared, shared),
        "c": collections.OrderedDict(x=1),
    }
    assert load_plain(kept(tmp_path, pickle.dumps(value, protocol))) == value


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", ">i4", "bool"])
def test_numpy_numbers_come_back(tmp_path: Path, protocol: int, dtype: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    value = {"plain": array, "turned": array.T, "row": [(array[0],)], array[1, 0]: array[1, 1]}
    read = load_plain(kept(tmp_path, pickle.dumps(value, protocol)))
    for one, other in ((read["plain"], array), (read["turned"], array.T), (read["row"][0][0], array[0])):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
    assert read[array[1, 0].item()] == array[1, 1].item()


def test_old_numpys_names_are_known(tmp_path: Path) -> None:
    content = pickle.dumps(np.arange(3), 2)
    old = content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert old != content
    assert load_plain(kept(tmp_path, old)).tolist() == [0, 1, 2]


class Runs:
    """What pickle calls when it loads this."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def test_a_malicious_pickle_runs_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    for attack in (
        Runs(os.system, f"touch {trace}"),
        Runs(eval, f"open({str(trace)!r}, 'w')"),
        Runs(exec, f"open({str(trace)!r}, 'w')"),
        Runs(getattr, "text", "join"),
        {"data": [Runs(os.mkdir, str(trace))]},
    ):
        # Each would work on a reader that trusts its file.
        with pytest.raises(ProblemError, match=r"data\.pkl is no plain pickle: it names"):
            load_plain(kept(tmp_path, pickle.dumps(attack)))
        assert not trace.exists()


def test_the_same_attack_works_on_the_library(tmp_path: Path) -> None:
    """So the test before this one can fail."""
    trace = tmp_path / "trace"
    pickle.loads(pickle.dumps(Runs(os.mkdir, str(trace))))
    assert trace.exists()


@pytest.mark.parametrize(
    "value",
    [
        decimal.Decimal(1),
        {1, "a"} | {os.sep, frozenset([range(3)])},
        np.array([object()], dtype=object),
        np.zeros(2, [("a", "i4")]),
        np.array(["text"]),
        np.dtype("i4"),
        np.ndarray,
        dict,
        np.datetime64("2021-01-01"),
    ],
    ids=repr,
)
def test_other_values_are_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(ProblemError, match=r"data\.pkl is no plain pickle"):
        load_plain(kept(tmp_path, pickle.dumps(value)))


NDARRAY = b"cnumpy\nndarray\n"
RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04",
        pickle.dumps({"a": [1] * 500})[:-20],
        b"not a pickle at all",
        b"]" * 100_000 + b"a" * 99_999 + b".",  # nested too deeply
        RECONSTRUCT + b"(" + NDARRAY + b"(I0\ntS'b'\ntR.",  # an array without content
        NDARRAY + b"}S'__call__'\nI1\nsb.",  # sets an attribute of a stand-in
        NDARRAY + b"N}S'__doc__'\nI1\ns\x86b.",  # the same by slots
        RECONSTRUCT + b"}S'x'\nI1\nsb.",
        b"ccollections\nOrderedDict\n}S'update'\nI1\nsb.",
        b"Pname\n.",  # a persistent id
    ],
)
def test_broken_and_crafted_pickles_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ProblemError, match=r"data\.pkl"):
        load_plain(kept(tmp_path, content))
    assert load_plain(kept(tmp_path, pickle.dumps(np.arange(2)))).tolist() == [0, 1]


def test_a_missing_pickle_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match=r"nowhere\.pkl is missing"):
        load_plain(tmp_path / "nowhere.pkl")
