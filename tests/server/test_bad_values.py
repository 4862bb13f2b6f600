"""Values that cannot be: refused before their bytes travel, with what is wrong and what is allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from protocol import Array, Client, ErrorCode, ProblemError
from protocol.digests import blob_name
from protocol.jobs import new_job_id
from protocol.messages import PIECE_BYTES, ArrayRef, Attach, Cancel, Fetch, Submit, Upload, WireValue, WireValues

from .running import RawClient, RunningServer

_NAME = "ab" * 32


@pytest.fixture
def raw(shared_server: RunningServer) -> Iterator[RawClient]:
    with RawClient(shared_server.address) as raw:
        yield raw


def _image(shape: list[int], dtype: str = "uint8", **where: Any) -> WireValues:
    nbytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    ref = ArrayRef(dtype, shape, nbytes=nbytes, **(where or {"digest": _NAME}))
    return {"image": WireValue("image", {"pixels": ref})}


@pytest.mark.parametrize(
    ("shape", "dtype", "said"),
    [
        ([0, 0, 3], "uint8", "0 x 0 x 3"),
        ([20_000, 20_000, 3], "uint8", "20000 x 20000 x 3"),
        ([10_001, 10_001, 3], "uint8", "10001 x 10001 x 3"),
        ([100, 100, 3], "float32", "float32"),
        ([100, 100, 3], "float16", "float16"),
        ([100, 100, 2], "uint8", "100 x 100 x 2"),
        ([100, 100], "uint8", "100 x 100"),
    ],
)
def test_impossible_pictures(raw: RawClient, shape: list[int], dtype: str, said: str) -> None:
    job = new_job_id()
    raw.send(Submit(job, "segment", _image(shape, dtype)))
    refused = raw.expect("refused")
    assert (refused.about, refused.job, refused.problem.code) == ("submit", job, ErrorCode.BAD_INPUT)
    assert said in refused.problem.message
    assert "llowed" in refused.problem.hint
    assert "uint8" in refused.problem.hint
    raw.send(Attach(job))
    assert raw.expect("refused").problem.code is ErrorCode.NOT_FOUND


@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.parametrize("count", [10, 100_000])
def test_numbers_that_are_none(raw: RawClient, number: float, count: int) -> None:
    data = np.full(count, number, np.float32)
    job, content = new_job_id(), data.tobytes()
    if count == 10:
        ref = ArrayRef("float32", [count], 0, nbytes=len(content))
        raw.send(Submit(job, "echo", {"value": WireValue("array", {"data": ref})}), content)
    else:
        ref = ArrayRef("float32", [count], digest=blob_name(content), nbytes=len(content))
        raw.send(Submit(job, "echo", {"value": WireValue("array", {"data": ref})}))
        raw.expect("need")
        raw.send(Upload(ref.digest, 0, len(content)), content)
    failed = raw.expect("failed")
    assert failed.problem.code is ErrorCode.BAD_INPUT
    assert "NaN" in failed.problem.message
    assert "finite" in failed.problem.hint


def test_the_client_says_the_same_before_it_sends(client: Client) -> None:
    with pytest.raises(ProblemError, match="NaN"):
        client.submit("echo", {"value": Array(np.array([np.nan]))})
    with pytest.raises(ProblemError, match="is a ndarray"):
        client.submit("echo", {"value": np.zeros(3)})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("message", "code", "said"),
    [
        (lambda: Submit(new_job_id(), "fly"), ErrorCode.UNKNOWN_TASK, "fly"),
        (lambda: Submit(new_job_id(), "echo", {}, {"height": 3}), ErrorCode.BAD_PARAMETER, "height"),
        (lambda: Submit(new_job_id(), "echo", {}, {"seconds": -1}), ErrorCode.BAD_PARAMETER, "seconds"),
        (lambda: Submit(new_job_id(), "segment"), ErrorCode.BAD_INPUT, "image"),
        (
            lambda: Submit(new_job_id(), "segment", _image([10, 10, 3]), {"model": "magic"}),
            ErrorCode.UNKNOWN_MODEL,
            "magic",
        ),
        (lambda: Submit(new_job_id(), "segment", _image([4, 4, 3], frame=7)), ErrorCode.BAD_INPUT, "bytes"),
        (lambda: Submit(new_job_id(), "echo", _image([4, 4, 3])), ErrorCode.BAD_INPUT, "image"),
        (
            lambda: Submit(
                new_job_id(),
                "echo",
                {"value": WireValue("array", {"data": ArrayRef("uint8", [1 << 33], digest=_NAME, nbytes=1 << 33)})},
            ),
            ErrorCode.TOO_LARGE,
            "8,192 MiB",
        ),
        (lambda: Upload(_NAME, 0, 10), ErrorCode.BAD_MESSAGE, "one array frame"),
        (lambda: Attach("nobody-knows-me"), ErrorCode.NOT_FOUND, "nobody-knows-me"),
        (lambda: Cancel("nobody-knows-me"), ErrorCode.NOT_FOUND, "nobody-knows-me"),
        (lambda: Fetch("nobody-knows-me", _NAME, 0), ErrorCode.NOT_FOUND, "nobody-knows-me"),
    ],
)
def test_what_cannot_be_taken_is_refused(
    raw: RawClient, message: Callable[[], Any], code: ErrorCode, said: str
) -> None:
    raw.send(message())
    problem = raw.expect("refused").problem
    assert problem.code is code
    assert said in problem.message
    assert problem.hint


def _submit(raw: RawClient, content: bytes, name: str = "") -> str:
    job = new_job_id()
    ref = ArrayRef("uint8", [len(content)], digest=name or blob_name(content), nbytes=len(content))
    raw.send(Submit(job, "echo", {"value": WireValue("array", {"data": ref})}))
    raw.expect("need")
    return job


def test_uploads_that_break_the_rules_fail_their_job(raw: RawClient) -> None:
    content = np.random.default_rng(0).bytes(2 * PIECE_BYTES + 10)
    name, total = blob_name(content), len(content)
    for message, data in [
        (Upload(name, PIECE_BYTES, total), content[PIECE_BYTES : 2 * PIECE_BYTES]),  # not from the start
        (Upload(name, 0, total), content[:100]),  # a piece too small
        (Upload(name, 0, total + 1), content[:PIECE_BYTES]),  # another size
        (Upload(name, 0, 1 << 50), content[:PIECE_BYTES]),  # a giant
    ]:
        job = _submit(raw, content)
        raw.send(message, data)
        failed = raw.expect("failed")
        assert (failed.job, failed.problem.code) == (job, ErrorCode.BAD_INPUT)
        assert raw.expect("refused").about == "upload"
    # And the right way works afterwards.
    job = _submit(raw, content)
    for offset in range(0, total, PIECE_BYTES):
        raw.send(Upload(name, offset, total), content[offset : offset + PIECE_BYTES])
    assert raw.expect("accepted").job == job
    assert raw.expect("result").job == job


def test_content_that_is_not_what_its_name_says(raw: RawClient) -> None:
    content = bytes(100_000)
    job = _submit(raw, content, _NAME)
    raw.send(Upload(_NAME, 0, len(content)), content)
    failed = raw.expect("failed")
    assert failed.job == job
    assert "digest" in failed.problem.message


def test_a_fetch_past_the_end(raw: RawClient) -> None:
    content = bytes(range(256)) * 400
    job = _submit(raw, content)
    raw.send(Upload(blob_name(content), 0, len(content)), content)
    digest = raw.expect("result").outputs["value"].arrays["data"].digest
    raw.send(Fetch(job, digest, 1 << 40))
    assert "past the end" in raw.expect("refused").problem.message
    raw.send(Fetch(job, "00" * 32, 0))
    assert raw.expect("refused").problem.code is ErrorCode.NOT_FOUND
    raw.send(Fetch(job, digest, 100_000, 1 << 20))
    assert raw.expect("piece").total == len(content)
    assert raw.arrays[0] == content[100_000:]


def test_hello_comes_first(shared_server: RunningServer) -> None:
    with RawClient(shared_server.address, hello=False) as raw:
        raw.send(Submit(new_job_id(), "echo"))
        refused = raw.expect("refused")
        assert refused.about == "hello"
