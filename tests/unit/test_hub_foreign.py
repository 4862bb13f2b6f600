"""Checkpoints of others: the tensors come back, and nothing that a file asks for is ever run."""

from __future__ import annotations

import argparse
import collections
import io
import os
import pickle
import subprocess
import sys
import tarfile
import types
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from backend.hub.foreign import read_checkpoint
from protocol.problems import ErrorCode, ProblemError

from .foreign_classes import Runs, lightning_classes

STATE = {"layer.weight": torch.arange(12.0).reshape(3, 4), "layer.bias": torch.ones(3, dtype=torch.float16)}


def saved(folder: Path, content: Any, new: bool = True) -> Path:
    """``content`` as torch.save writes it: a zip archive, or pickles in a row as until 2020."""
    path = folder / "epoch=5.ckpt"
    torch.save(content, path, _use_new_zipfile_serialization=new)
    return path


def archived(folder: Path, program: bytes) -> Path:
    """A zip archive as torch.save's, around a pickle made by hand."""
    path = folder / "epoch=5.ckpt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", program)
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")
        archive.writestr("archive/data/0", bytes(16))
    return path


def refused(path: Path) -> str:
    with pytest.raises(ProblemError, match=path.name) as caught:
        read_checkpoint(path)
    assert caught.value.problem.code is ErrorCode.BAD_INPUT
    return str(caught.value)


@pytest.fixture
def lightning() -> Iterator[types.ModuleType]:
    """Classes as PyTorch Lightning's, there only while the file is written."""
    with lightning_classes() as module:
        yield module


@pytest.mark.parametrize("new", [True, False], ids=["zip", "older"])
def test_tensors_and_plain_values_come_back(tmp_path: Path, new: bool) -> None:
    shared = [1, 2]
    content = {
        "state_dict": collections.OrderedDict(STATE),
        "plain": (1, 2.5, None, True, "ü", b"\x01", shared, shared, {3}, 1 << 40),
        "parameter": torch.nn.Parameter(torch.ones(2)),
    }
    read = read_checkpoint(saved(tmp_path, content, new))
    assert type(read["state_dict"]) is dict
    assert read["plain"] == content["plain"]
    assert read["state_dict"].keys() == STATE.keys()
    for name, tensor in STATE.items():
        assert read["state_dict"][name].dtype == tensor.dtype
        assert torch.equal(read["state_dict"][name], tensor)
    assert torch.equal(read["parameter"], torch.ones(2))


@pytest.mark.parametrize("new", [True, False], ids=["zip", "older"])
def test_a_training_frameworks_bookkeeping_is_left_out(tmp_path: Path, lightning: Any, new: bool) -> None:
    content = {
        "epoch": 5,
        "state_dict": STATE,
        "callbacks": {lightning.ModelCheckpoint: {"best_model_score": torch.tensor(0.5)}},
        "kept": [lightning.ModelCheckpoint(), 1, lightning.Stage()],
        "hyper_parameters": lightning.AttributeDict(lr=1e-4),
        "args": argparse.Namespace(gpus=8),
        "score": np.float64(0.5),
        "scores": np.zeros(3),
        "tree": collections.defaultdict(list, {"a": [1]}),
    }
    path = saved(tmp_path, content, new)
    del sys.modules["pytorch_lightning.fake"]  # the reader's machine has no Lightning
    read = read_checkpoint(path)
    assert torch.equal(read.pop("state_dict")["layer.weight"], STATE["layer.weight"])
    bookkeeping = {"callbacks": {}, "kept": [1], "hyper_parameters": {"lr": 1e-4}, "tree": {"a": [1]}}
    assert read == {"epoch": 5, **bookkeeping}


def test_large_files_are_mapped_not_read(tmp_path: Path) -> None:
    path = saved(tmp_path, {"a": torch.zeros(60_000_000, dtype=torch.uint8)})
    program = (
        "import resource, torch; from pathlib import Path; from backend.hub.foreign import read_checkpoint;"
        " used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; before = used();"
        f" read = read_checkpoint(Path({str(path)!r})); print(used() - before, read['a'].shape[0])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    grown, length = map(int, done.stdout.split())
    assert length == 60_000_000
    assert grown < 30_000  # kB


# --- malicious files ---


def attacks(trace: Path) -> dict[str, tuple[str, Any]]:
    """By what is named in them, objects that make the file ``trace`` when something that trusts them loads them."""
    touch, opened = f"touch {trace}", f"open({str(trace)!r}, 'w')"
    return {
        "system": ("posix.system", Runs(os.system, touch)),
        "eval": ("builtins.eval", Runs(eval, opened)),
        "exec": ("builtins.exec", Runs(exec, opened)),
        "mkdir": ("posix.mkdir", {"deep": [({1: Runs(os.mkdir, str(trace))},)]}),
        "check_call": ("subprocess.check_call", Runs(subprocess.check_call, ["touch", str(trace)])),
        "open": ("io.open", Runs(open, str(trace), "w")),
        "in arguments": ("posix.mkdir", Runs(collections.OrderedDict, [("a", Runs(os.mkdir, str(trace)))])),
        "a method": ("builtins.getattr", Runs(getattr, Runs(os.mkdir, str(trace)), "real")),
    }


def as_zip(folder: Path, attack: Any) -> Path:
    return saved(folder, {"state_dict": STATE, "more": attack})


def as_older(folder: Path, attack: Any) -> Path:
    return saved(folder, {"state_dict": STATE, "more": attack}, new=False)


def as_pickle(protocol: int) -> Callable[[Path, Any], Path]:
    def write(folder: Path, attack: Any) -> Path:
        path = folder / "plain.pkl"
        path.write_bytes(pickle.dumps({"state_dict": attack}, protocol))
        return path

    return write


def as_tar(folder: Path, attack: Any) -> Path:
    """As torch.save wrote before 2017: what is loaded first is in `storages`."""
    path = folder / "old.pth"
    with tarfile.open(path, "w") as archive:
        for name, content in (("sys_info", {}), ("storages", attack), ("tensors", 0), ("pickle", {})):
            entry, packed = tarfile.TarInfo(name), pickle.dumps(content, 2)
            entry.size = len(packed)
            archive.addfile(entry, io.BytesIO(packed))
    return path


def in_a_persistent_id(folder: Path, attack: Any) -> Path:
    class Pickler(pickle.Pickler):
        def persistent_id(self, obj: Any) -> Any:
            return ("storage", torch.FloatStorage, "0", attack, 4) if obj is None else None

    packed = io.BytesIO()
    Pickler(packed, 2).dump({"state_dict": None})
    return archived(folder, packed.getvalue())


FORMS = {
    "zip": as_zip,
    "older": as_older,
    "tar": as_tar,
    "persistent id": in_a_persistent_id,
    **{f"pickle {protocol}": as_pickle(protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", attacks(Path()))
def test_a_malicious_file_is_refused_by_name_and_runs_nothing(tmp_path: Path, form: str, name: str) -> None:
    trace = tmp_path / "trace"
    named, attack = attacks(trace)[name]
    path = FORMS[form](tmp_path, attack)
    said = refused(path)
    assert "it names" in said
    assert named in said
    assert not trace.exists()


@pytest.mark.parametrize("form", ["zip", "older", "tar", "persistent id"])
def test_the_same_file_works_on_a_reader_that_trusts_it(tmp_path: Path, form: str) -> None:
    trace = tmp_path / "trace"
    path = FORMS[form](tmp_path, Runs(os.mkdir, str(trace)))
    try:
        torch.load(path, weights_only=False)
    except Exception as error:  # it has run by then
        print(error)
    assert trace.exists()


@pytest.mark.parametrize("function", [torch.load, torch.hub.load, torch.storage._load_from_bytes, np.load])
def test_what_is_not_pythons_own_may_be_named_but_not_called(tmp_path: Path, function: Any) -> None:
    said = refused(as_zip(tmp_path, Runs(function, str(tmp_path))))
    assert "it wants to call" in said or "it names" in said


@pytest.fixture
def tripwire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that is made when somebody imports the package `pytorch_lightning`, or calls or fills what is in it."""
    trace = tmp_path / "trace"
    package = tmp_path / "pytorch_lightning"
    package.mkdir()
    (package / "__init__.py").write_text(f"open({str(trace)!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop(package.name, None)
    yield trace
    sys.modules.pop(package.name, None)


KIND = b"cpytorch_lightning\nKind\n"


@pytest.mark.parametrize(
    ("made", "read"),
    [
        (KIND, {}),
        (KIND + b"(X\x05\x00\x00\x00touchtR", {}),  # called, as frameworks' enumerations are
        (KIND + b")\x81", {}),
        (KIND + b")\x81}X\x08\x00\x00\x00__call__K\x01sb", {}),  # given attributes
        (KIND + b")\x81}X\x09\x00\x00\x00__class__" + KIND + b"sb", {}),
        (KIND + b")\x81(}}X\x01\x00\x00\x00aK\x01stb", {}),  # and slots
        (KIND + b")\x81)R", "unrecognized function"),  # one that was made is called
        (KIND + b"}X\x01\x00\x00\x00aK\x01sb", "Can only build"),  # attributes of the class itself
        (KIND + b")\x81K\x01a", "Can only append"),
        (KIND + b")\x81X\x01\x00\x00\x00bK\x01s", "Can only SETITEM"),
        (b"(ipytorch_lightning\nKind\n", "Unsupported operand"),  # the oldest ways of making
        (b"(" + KIND + b"o", "Unsupported operand"),
        (KIND + b")}\x92", "Unsupported operand"),  # and the newest
        (KIND.replace(b"pytorch_lightning", b"other_framework") + b")R", "wants to call other_framework.Kind"),
        (KIND.replace(b"pytorch_lightning", b"other_framework") + b")\x81", {}),
    ],
)
def test_stand_ins_do_nothing_and_keep_nothing(tmp_path: Path, tripwire: Path, made: bytes, read: Any) -> None:
    path = archived(tmp_path, b"\x80\x02}X\x01\x00\x00\x00a" + made + b"s.")
    if isinstance(read, str):
        assert read in refused(path)
    else:
        assert read_checkpoint(path) == read
    assert not tripwire.exists()
    with pytest.raises(AttributeError):  # what a reader that trusts the file does
        pickle.loads(b"\x80\x02" + KIND + b".")
    assert tripwire.exists()


def test_a_name_that_only_begins_like_a_harmless_one(tmp_path: Path) -> None:
    program = b"}X\x01\x00\x00\x00actorch\nos.system\nX\x05\x00\x00\x00touch\x85Rs."
    assert "wants to call torch.os.system" in refused(archived(tmp_path, b"\x80\x02" + program))


# --- broken files ---


def test_broken_files_and_files_of_other_kinds(tmp_path: Path) -> None:
    good = saved(tmp_path, {"state_dict": STATE}).read_bytes()
    path = tmp_path / "file.ckpt"
    for content in (b"", b"PK", good[:300], good[: len(good) // 2], good[300:], b"<html>Please log in</html>"):
        path.write_bytes(content)
        refused(path)
    assert "There is no" not in refused(tmp_path)  # a folder
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    refused(path)


def test_what_is_no_dictionary_is_refused(tmp_path: Path) -> None:
    assert "no dictionary" in refused(saved(tmp_path, torch.ones(3)))
    assert "no dictionary" in refused(saved(tmp_path, [STATE]))


def test_a_nest_without_end_is_refused(tmp_path: Path) -> None:
    refused(archived(tmp_path, b"\x80\x02}X\x01\x00\x00\x00a" + b"]" * 100_000 + b"a" * 99_999 + b"s."))


def test_another_reader_is_told_of_nothing(tmp_path: Path) -> None:
    """What stands in for names is there while one file is read, not for whoever loads next."""
    before = set(torch.serialization.get_safe_globals())
    refused(as_zip(tmp_path, Runs(torch.load, "x")))
    assert set(torch.serialization.get_safe_globals()) == before
