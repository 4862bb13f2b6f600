"""Every value survives the wire; whatever the bytes, the answer is a message or a typed error."""

from __future__ import annotations

import zlib
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol import messages as m
from protocol.frames import MAGIC, blobs_of, check_wire, decode_message, encode_message, pack_values, unpack_values
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Array, Mask, Value

from .golden_messages import ALL, GOLDEN, SENDERS
from .strategies import values

quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

TYPED = {ErrorCode.BAD_MESSAGE, ErrorCode.WRONG_SERVER, ErrorCode.VERSION}


def _through_the_wire(
    sent: dict[str, Value | list[Value]], compress: bool, inline: int
) -> dict[str, Value | list[Value]]:
    packed = pack_values(sent, compress=compress, inline_limit=inline)
    frames = [bytes(f) for f in encode_message(m.Submit("job-00001", "echo", packed.wire), packed.frames)]
    message, arrays = decode_message(frames, "client")
    assert blobs_of(message.inputs) == {digest: len(data) for digest, data in packed.blobs.items()}
    return unpack_values(message.inputs, arrays, packed.blobs.__getitem__)


@quick
@given(value=values, compress=st.booleans(), inline=st.sampled_from([0, 100, 1 << 16]))
def test_every_value_survives_the_wire(value: Value, compress: bool, inline: int) -> None:
    sent: dict[str, Value | list[Value]] = {"one": value, "many": [value, value]}
    assert _through_the_wire(sent, compress, inline) == sent


def test_arrays_arrive_without_a_copy() -> None:
    array = Array(np.arange(100))
    packed = pack_values({"value": array})
    received = unpack_values(packed.wire, packed.frames, packed.blobs.__getitem__)["value"]
    assert isinstance(received, Array)
    assert np.shares_memory(received.data, array.data)


@quick
@given(parts=st.lists(st.binary(max_size=200), max_size=5), sender=st.sampled_from(["client", "server"]))
def test_random_frames_get_a_typed_error(parts: list[bytes], sender: str) -> None:
    with pytest.raises(ProblemError) as caught:
        decode_message(parts, sender)
    assert caught.value.problem.code in TYPED


@quick
@given(header=st.binary(max_size=300), sender=st.sampled_from(["client", "server"]))
def test_random_headers_get_a_typed_error(header: bytes, sender: str) -> None:
    with pytest.raises(ProblemError) as caught:
        decode_message([MAGIC, header], sender)
    assert caught.value.problem.code is ErrorCode.BAD_MESSAGE


@quick
@given(data=st.data())
def test_a_damaged_message_is_read_or_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(ALL)))
    message = ALL[name]
    header = bytearray(encode_message(message)[1])
    for _ in range(data.draw(st.integers(1, 4))):
        header[data.draw(st.integers(0, len(header) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode_message([MAGIC, bytes(header[: data.draw(st.integers(0, len(header)))])], SENDERS[name])
    except ProblemError as error:
        assert error.problem.code is ErrorCode.BAD_MESSAGE


def test_another_major_version_says_who_must_update() -> None:
    newer = MAGIC[:-2] + bytes([m.PROTOCOL[0] + 1, 0])
    with pytest.raises(ProblemError, match="Update this side") as caught:
        decode_message([newer, b""], "server")
    assert caught.value.problem.code is ErrorCode.VERSION


def test_a_newer_minor_version_may_add_fields() -> None:
    newer = MAGIC[:-1] + bytes([m.PROTOCOL[1] + 1])
    header = msgspec.msgpack.encode({"type": "ping", "token": 7, "colour": "blue", "more": [1, {"x": None}]})
    message, _ = decode_message([newer, header], "client")
    assert message == m.Ping(7)


def test_deep_nesting_is_refused() -> None:
    nested = b"\x81\xa1a" * 100_000 + b"\xc0"
    start = msgspec.msgpack.encode({"type": "submit", "job": "job-00001", "task": "echo"})
    header = bytes([start[0] + 1]) + start[1:] + msgspec.msgpack.encode("parameters") + nested
    with pytest.raises(ProblemError):
        decode_message([MAGIC, header], "client")


def test_an_oversized_header_is_not_sent() -> None:
    with pytest.raises(ProblemError) as caught:
        encode_message(m.Submit("job-00001", "echo", parameters={"text": "x" * (m.MAX_HEADER_BYTES + 1)}))
    assert caught.value.problem.code is ErrorCode.TOO_LARGE


def _refused(ref: m.ArrayRef, frames: list[bytes], kind: str = "image", field: str = "pixels") -> str:
    wire: m.WireValues = {"image": m.WireValue(kind, {field: ref})}
    with pytest.raises(ProblemError) as caught:
        unpack_values(wire, frames, {}.__getitem__)
    assert caught.value.problem.code is ErrorCode.BAD_INPUT
    assert caught.value.problem.hint
    return caught.value.problem.message


def test_impossible_arrays_are_refused() -> None:
    data = [bytes(12)]
    assert "0 x 0 x 3" in _refused(m.ArrayRef("uint8", [0, 0, 3], 0, nbytes=0), [b""])
    assert "20000 x 20000" in _refused(m.ArrayRef("uint8", [20_000, 20_000, 3], 0, nbytes=12), data)
    assert "object" in _refused(m.ArrayRef("object", [2, 2, 3], 0, nbytes=12), data)
    assert "float32" in _refused(m.ArrayRef("float32", [1, 1, 3], 0, nbytes=12), data)
    assert "12 bytes" in _refused(m.ArrayRef("uint8", [5, 2, 3], 0, nbytes=12), data)
    assert "no bytes" in _refused(m.ArrayRef("uint8", [2, 2, 3], 3, nbytes=12), data)
    assert "no bytes" in _refused(m.ArrayRef("uint8", [2, 2, 3], nbytes=12), data)
    assert "no bytes" in _refused(m.ArrayRef("uint8", [2, 2, 3], 0, "0" * 64, 12), data)
    assert "unknown kind" in _refused(m.ArrayRef("uint8", [2, 2, 3], 0, nbytes=12), data, kind="teapot")
    assert "not part of" in _refused(m.ArrayRef("uint8", [2, 2, 3], 0, nbytes=12), data, field="__class__")
    assert "zlib" in _refused(m.ArrayRef("uint8", [2, 2, 3], 0, nbytes=12, encoding="zlib"), data)
    nan = np.full((2, 2), np.nan, np.float32).tobytes()
    assert "NaN" in _refused(m.ArrayRef("float32", [2, 2], 0, nbytes=16), [nan], "depth", "depth")


def test_a_zip_bomb_is_not_inflated() -> None:
    bomb = zlib.compress(bytes(50_000_000), 9)
    assert "needs 12" in _refused(m.ArrayRef("uint8", [2, 2, 3], 0, nbytes=len(bomb), encoding="zlib"), [bomb])


def test_a_picture_too_large_is_refused_before_its_bytes_travel() -> None:
    ref = m.ArrayRef("uint8", [20_000, 20_000, 3], digest="0" * 64, nbytes=1_200_000_000)
    with pytest.raises(ProblemError, match="16,384"):
        check_wire({"image": m.WireValue("image", {"pixels": ref})}, [])


def test_missing_fields_are_refused() -> None:
    with pytest.raises(ProblemError, match="missing or extra fields"):
        unpack_values({"image": m.WireValue("image")}, [], {}.__getitem__)
    with pytest.raises(ProblemError, match="missing or extra fields"):
        unpack_values({"a": m.WireValue("handle", plain={"id": "x", "holds": "mesh", "z": 1})}, [], {}.__getitem__)


def test_masks_travel_small_when_compressed() -> None:
    inside = np.hypot(*np.mgrid[-512:512, -512:512]) < 300
    packed = pack_values({"mask": Mask.of(inside)}, compress=True)
    assert sum(len(frame) for frame in packed.frames) < inside.size / 100


# --- golden files: what a version put on the wire can be read for ever ---


@pytest.mark.parametrize(("version", "name"), [(version, name) for version in GOLDEN for name in GOLDEN[version]])
def test_golden_messages_are_read_and_written_alike(version: str, name: str) -> None:
    recorded = (Path(__file__).parents[1] / "golden" / "protocol" / version / f"{name}.msgpack").read_bytes()
    major, minor = map(int, version.split("."))
    message, _ = decode_message([b"WHOLEFORM" + bytes((major, minor)), recorded], SENDERS[name])
    assert message == GOLDEN[version][name]
    # A newer minor version only adds optional fields, so what older ones could say is written as they wrote it.
    assert encode_message(message)[1] == recorded


def test_the_newest_version_is_recorded() -> None:
    assert list(GOLDEN)[-1] == ".".join(map(str, m.PROTOCOL))


def test_every_message_type_has_a_golden_file() -> None:
    types = {cls.__name__ for union in (m.ClientMessage, m.ServerMessage) for cls in union.__args__}
    assert {type(message).__name__ for message in ALL.values()} == types
