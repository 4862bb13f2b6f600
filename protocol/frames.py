"""Messages and values to multipart frames and back, without copying arrays.

Everything that comes in is checked here: whatever the bytes, the answer is a message or a ProblemError.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from .digests import Buffer as Buffer
from .digests import blob_name
from .messages import (
    INLINE_BYTES,
    MAX_FRAMES_PER_MESSAGE,
    MAX_HEADER_BYTES,
    PRODUCT,
    PROTOCOL,
    ArrayRef,
    ClientMessage,
    ServerMessage,
    WireValue,
    WireValues,
)
from .problems import ErrorCode, ProblemError
from .values import DTYPES, Value

MAGIC = PRODUCT.upper().encode() + bytes(PROTOCOL)
_NAME = MAGIC[:-2]

Values = Mapping[str, Value | Sequence[Value]]

_encoder = msgspec.msgpack.Encoder()
_decoders = {
    "client": msgspec.msgpack.Decoder(ClientMessage),
    "server": msgspec.msgpack.Decoder(ServerMessage),
}


def _bad_message(what: str) -> ProblemError:
    return ProblemError(
        ErrorCode.BAD_MESSAGE,
        what,
        "See docs/protocol.md; both sides may need the same version.",
    )


def encode_message(message: Any, arrays: Sequence[Buffer | np.ndarray] = ()) -> list[Any]:
    """The multipart frames of ``message`` with its array frames. ProblemError (TOO_LARGE) over the header limit."""
    header = _encoder.encode(message)
    if len(header) > MAX_HEADER_BYTES or len(arrays) > MAX_FRAMES_PER_MESSAGE:
        raise ProblemError(
            ErrorCode.TOO_LARGE,
            f"A message of {len(header):,} bytes with {len(arrays)} arrays is too large.",
            f"Allowed: {MAX_HEADER_BYTES:,} bytes and {MAX_FRAMES_PER_MESSAGE} arrays. Send fewer values at once.",
        )
    return [MAGIC, header, *arrays]


def decode_message(frames: Sequence[Buffer], sender: str) -> tuple[Any, list[Buffer]]:
    """The message and its array frames from what ``sender`` ("client" or "server") sent.

    Raises ProblemError: WRONG_SERVER when it is not this protocol, VERSION for another major version, BAD_MESSAGE
    for everything else that cannot be read.
    """
    magic = bytes(frames[0]) if frames and len(frames[0]) == len(MAGIC) else b""
    if magic[:-2] != _NAME:
        raise ProblemError(
            ErrorCode.WRONG_SERVER,
            "This is not a Wholeform message.",
            "Check the address and the port.",
        )
    major, minor = magic[-2:]
    if major != PROTOCOL[0]:
        older = "this side" if major > PROTOCOL[0] else "the other side"
        raise ProblemError(
            ErrorCode.VERSION,
            f"The other side speaks protocol {major}.{minor}, this one {PROTOCOL[0]}.{PROTOCOL[1]}.",
            f"Update {older}.",
        )
    if not 2 <= len(frames) <= 2 + MAX_FRAMES_PER_MESSAGE:
        raise _bad_message(f"A message has {len(frames)} frames.")
    if len(frames[1]) > MAX_HEADER_BYTES:
        raise _bad_message(f"A header has {len(frames[1]):,} bytes, over {MAX_HEADER_BYTES:,}.")
    try:
        message = _decoders[sender].decode(frames[1])
    except (
        msgspec.MsgspecError,
        ValueError,
        TypeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise _bad_message(f"A message cannot be read: {error}.") from None
    return message, list(frames[2:])


# --- values ---


@dataclass
class Packed:
    """Values ready to travel: their description, the small arrays, and the large ones by their names."""

    wire: WireValues = field(default_factory=dict)
    frames: list[Buffer] = field(default_factory=list)
    blobs: dict[str, Buffer] = field(default_factory=dict)


def _bytes_of(array: np.ndarray) -> memoryview:
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _pack_array(
    array: np.ndarray, packed: Packed, compress: bool, inline_limit: int, name_blob: Callable[[Buffer], str]
) -> ArrayRef:
    data: Buffer = _bytes_of(array)
    encoding = "raw"
    if compress and len(data) >= 256:
        smaller = zlib.compress(data, 1)
        if len(smaller) < len(data) * 0.9:
            data, encoding = smaller, "zlib"
    shape, dtype, nbytes = list(array.shape), array.dtype.name, len(data)
    if nbytes <= inline_limit and len(packed.frames) < MAX_FRAMES_PER_MESSAGE:
        packed.frames.append(data)
        return ArrayRef(dtype, shape, frame=len(packed.frames) - 1, nbytes=nbytes, encoding=encoding)
    digest = name_blob(data)
    packed.blobs[digest] = data
    return ArrayRef(dtype, shape, digest=digest, nbytes=nbytes, encoding=encoding)


def pack_values(
    values: Values,
    *,
    compress: bool = False,
    inline_limit: int = INLINE_BYTES,
    name_blob: Callable[[Buffer], str] = blob_name,
) -> Packed:
    """``values`` ready to travel. Large arrays are referred to, not copied: leave them as they are until sent.

    ``compress`` (for slow networks) packs every array that zlib makes at least a tenth smaller.
    """
    packed = Packed()

    def pack(value: Value) -> WireValue:
        arrays = {n: _pack_array(a, packed, compress, inline_limit, name_blob) for n, a in value.arrays().items()}
        return WireValue(value.kind, arrays, value.plain())

    for name, value in values.items():
        packed.wire[name] = pack(value) if isinstance(value, Value) else [pack(item) for item in value]
    return packed


def wire_items(wire: WireValues) -> list[tuple[str, WireValue]]:
    """Every single value in ``wire`` with the name of its input or output."""
    return [(n, item) for n, value in wire.items() for item in (value if isinstance(value, list) else [value])]


def wire_kinds(wire: WireValues) -> dict[str, str | list[str]]:
    """The kinds in ``wire``, for checks.check_inputs."""
    return {n: [i.kind for i in v] if isinstance(v, list) else v.kind for n, v in wire.items()}


def blobs_of(wire: WireValues) -> dict[str, int]:
    """The blobs that ``wire`` refers to, with their sizes in bytes."""
    return {ref.digest: ref.nbytes for _, item in wire_items(wire) for ref in item.arrays.values() if ref.digest}


def raw_bytes(ref: ArrayRef) -> int:
    """Bytes of an array that is not packed."""
    return math.prod(ref.shape) * np.dtype(ref.dtype).itemsize


def check_wire(wire: WireValues, frame_sizes: Sequence[int]) -> None:
    """ProblemError (BAD_INPUT) unless every value's kind, dtypes, shapes and sizes are possible. Needs no blobs, so
    a picture that is too large is refused before its bytes travel. ``frame_sizes``: bytes of each array frame."""
    for name, item in wire_items(wire):
        cls = Value.ALL.get(item.kind)
        if cls is None:
            raise ProblemError(
                ErrorCode.BAD_INPUT,
                f"“{name}” is of unknown kind “{item.kind}”.",
                f"Allowed: {', '.join(Value.ALL)}.",
            )
        for field_name, ref in item.arrays.items():
            spec = cls.specs.get(field_name)
            if spec is None or ref.dtype not in DTYPES:
                raise ProblemError(
                    ErrorCode.BAD_INPUT,
                    f"“{name}.{field_name}” ({ref.dtype}) is not part of a value of kind {item.kind}.",
                    f"Allowed: arrays {', '.join(cls.specs)} of dtype {', '.join(DTYPES)}.",
                )
            spec.check_declared(ref.dtype, tuple(ref.shape))
            _check_ref(f"{name}.{field_name}", ref, frame_sizes)


def _check_ref(name: str, ref: ArrayRef, frame_sizes: Sequence[int]) -> None:
    inline = ref.frame >= 0
    if inline == bool(ref.digest) or ref.frame >= len(frame_sizes) or (ref.digest and not ref.nbytes):
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"“{name}” has no bytes.",
            "Name one array frame of the message or one blob.",
        )
    actual = frame_sizes[ref.frame] if inline else ref.nbytes
    expected = raw_bytes(ref) if ref.encoding == "raw" else actual
    if actual != ref.nbytes or actual != expected:
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"“{name}” is {ref.dtype} {ref.shape}, but {actual:,} bytes came.",
            f"Its shape needs {raw_bytes(ref):,} bytes.",
        )


def _unpack_array(name: str, ref: ArrayRef, data: Buffer) -> np.ndarray:
    expected = raw_bytes(ref)
    if ref.encoding == "zlib":
        inflater = zlib.decompressobj()
        try:
            # One byte more than expected tells an overlong stream without inflating all of it.
            data = inflater.decompress(data, expected + 1)
        except zlib.error as error:
            raise ProblemError(
                ErrorCode.BAD_INPUT,
                f"“{name}” is not readable zlib data: {error}.",
                "Send it again.",
            ) from None
    if len(data) != expected:
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"“{name}” has {len(data):,} bytes, its shape needs {expected:,}.",
            "Send it again.",
        )
    return np.frombuffer(data, np.dtype(ref.dtype).newbyteorder("<")).reshape(ref.shape)


def unpack_values(
    wire: WireValues, frames: Sequence[Buffer], lookup: Callable[[str], Buffer]
) -> dict[str, Value | list[Value]]:
    """The values described by ``wire``; ``lookup`` gives a blob's bytes. Arrays are read-only views of the buffers.

    Raises ProblemError (BAD_INPUT) for whatever does not fit.
    """
    check_wire(wire, [len(frame) for frame in frames])

    def unpack(name: str, item: WireValue) -> Value:
        arrays = {
            n: _unpack_array(
                f"{name}.{n}",
                ref,
                frames[ref.frame] if ref.frame >= 0 else lookup(ref.digest),
            )
            for n, ref in item.arrays.items()
        }
        try:
            return Value.ALL[item.kind](**arrays, **item.plain)
        except TypeError:
            raise ProblemError(
                ErrorCode.BAD_INPUT,
                f"“{name}” has missing or extra fields for kind {item.kind}.",
                "See docs/protocol.md.",
            ) from None

    return {n: [unpack(n, i) for i in v] if isinstance(v, list) else unpack(n, v) for n, v in wire.items()}
