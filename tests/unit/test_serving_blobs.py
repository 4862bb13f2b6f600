"""Inputs by content, results by name, on disk."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.serving.blobs import BlobStore
from backend.serving.disk import Disk
from protocol import ErrorCode, ProblemError
from protocol.digests import blob_name, name_of, piece_digest
from protocol.messages import PIECE_BYTES


@pytest.fixture
def disk() -> Iterator[Disk]:
    context = zmq.Context()
    disk = Disk(context)
    yield disk
    disk.close()
    context.term()


@pytest.fixture
def store(tmp_path: Path, disk: Disk) -> BlobStore:
    return BlobStore(tmp_path, 0, disk)


def _send(store: BlobStore, disk: Disk, name: str, content: bytes) -> list[ProblemError | None]:
    told: list[ProblemError | None] = []
    for offset in range(0, len(content), PIECE_BYTES):
        store.add_piece(name, offset, len(content), content[offset : offset + PIECE_BYTES], told.append)
    deadline = time.monotonic() + 10
    while len(told) < -(-len(content) // PIECE_BYTES) and time.monotonic() < deadline:
        disk.socket.poll(100)
        disk.finish()
    return told


@pytest.mark.parametrize("size", [1, 1000, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES - 1])
def test_a_blob_appears_once_it_is_whole(store: BlobStore, disk: Disk, size: int) -> None:
    content = np.random.default_rng(size).bytes(size)
    name = blob_name(content)
    assert not store.has(name)
    assert not store.use(name)
    assert set(_send(store, disk, name, content)) == {None}
    assert store.use(name)
    assert store.path(name).read_bytes() == content
    assert not disk.is_full


@settings(max_examples=20)
@given(st.binary(min_size=1, max_size=64), st.integers(1, 60_000))
def test_a_name_is_the_hash_of_the_hashes(pattern: bytes, repeat: int) -> None:
    content = pattern * repeat
    pieces = [content[n : n + PIECE_BYTES] for n in range(0, len(content), PIECE_BYTES)]
    assert blob_name(content) == name_of([piece_digest(piece) for piece in pieces])
    assert blob_name(content) != blob_name(content + b"\0")


def test_wrong_content_is_told_and_removed(store: BlobStore, disk: Disk, tmp_path: Path) -> None:
    name = blob_name(b"one")
    (problem,) = _send(store, disk, name, b"two")
    assert problem is not None
    assert problem.problem.code is ErrorCode.BAD_INPUT
    assert not store.has(name)
    assert not list((tmp_path / "uploads").iterdir())
    assert _send(store, disk, name, b"one") == [None]


def test_pieces_again_and_out_of_order(store: BlobStore, disk: Disk) -> None:
    content = bytes(3 * PIECE_BYTES)
    name, told = blob_name(content), []
    store.add_piece(name, 0, len(content), content[:PIECE_BYTES], told.append)
    store.add_piece(name, 0, len(content), content[:PIECE_BYTES], told.append)  # from another connection
    assert told == [None]
    with pytest.raises(ProblemError, match="where 1,048,576 was due"):
        store.add_piece(name, 2 * PIECE_BYTES, len(content), content[:PIECE_BYTES], told.append)


def test_a_dropped_upload_leaves_nothing(store: BlobStore, disk: Disk, tmp_path: Path) -> None:
    content = bytes(2 * PIECE_BYTES)
    name, told = blob_name(content), []
    store.add_piece(name, 0, len(content), content[:PIECE_BYTES], told.append)
    store.drop_part(name)
    time.sleep(0.1)
    disk.finish()
    assert told == []  # nobody is told of a piece that came too late
    assert not list((tmp_path / "uploads").iterdir())
    assert set(_send(store, disk, name, content)) == {None}


def test_a_disk_that_fails_is_told(store: BlobStore, disk: Disk, tmp_path: Path) -> None:
    content = bytes(2 * PIECE_BYTES)
    name, told = blob_name(content), []
    store.add_piece(name, 0, len(content), content[:PIECE_BYTES], told.append)
    disk.socket.poll(1000)
    disk.finish()
    for path in (tmp_path / "uploads").iterdir():
        path.unlink()
    store.add_piece(name, PIECE_BYTES, len(content), content[:PIECE_BYTES], told.append)
    disk.socket.poll(1000)
    disk.finish()
    assert told[0] is None
    assert isinstance(told[1], ProblemError)
    assert told[1].problem.code is ErrorCode.TOO_LARGE


def test_trim_keeps_what_is_used_and_what_was_wanted_last(store: BlobStore, disk: Disk) -> None:
    contents = [bytes([n]) * 1000 for n in range(4)]
    names = [blob_name(content) for content in contents]
    for age, (name, content) in enumerate(zip(names, contents, strict=True)):
        _send(store, disk, name, content)
        os.utime(store.path(name), (1000 - age, 1000 - age))
    store.trim({names[3]}, 2000)
    assert [store.has(name) for name in names] == [True, True, False, True]


def test_results(store: BlobStore) -> None:
    folder = store.result_folder("job-1")
    folder.mkdir()
    (folder / "ab").write_bytes(b"0123456789")
    data, total = store.read_result("job-1", "ab", 4, 3)
    assert (bytes(data), total) == (b"456", 10)
    with pytest.raises(ProblemError, match="past the end"):
        store.read_result("job-1", "ab", 10, 1)
    store.remove_result("job-1")
    assert bytes(data) == b"456"  # still being sent
    with pytest.raises(ProblemError, match="no longer has"):
        store.read_result("job-1", "ab", 0, 1)
    store.result_folder("job-2").mkdir()
    store.keep_only_results(set())
    assert not store.result_folder("job-2").exists()
    store.remove_result("job-2")
