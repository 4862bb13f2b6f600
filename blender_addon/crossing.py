"""What Blender and its companion process say to each other, and how it travels: msgpack, arrays as frames beside it.

No bpy: both sides import this.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from .prepare import Ready
from .protocol import ConnectionState, JobState, Problem, Value
from .protocol.frames import Buffer, pack_values, unpack_values
from .protocol.messages import (
    Catalogue,
    JobSummary,
    Priority,
    Progress,
    ServerState,
    Welcome,
    WireValues,
)

# --- from Blender ---


class Connect(msgspec.Struct, tag=True):
    """Talk to another server from now on. What is heard of it comes back with ``number``."""

    number: int
    address: str
    name: str
    session: str
    server_key: str = ""
    public: str = ""
    secret: str = ""


class Close(msgspec.Struct, tag=True):
    """End the connection; jobs go on at the server."""


class Submit(msgspec.Struct, tag=True):
    """Run a task. Frames: what ``inputs`` refers to, then ``blobs``."""

    job: str
    task: str
    inputs: WireValues
    blobs: list[str]
    parameters: dict[str, Any]
    priority: Priority
    label: str
    keep: bool


class Attach(msgspec.Struct, tag=True):
    """Follow a job that an earlier run of Blender made."""

    job: str
    task: str
    label: str
    keep: bool


class Control(msgspec.Struct, tag=True):
    """What a person or the add-on does with a job."""

    job: str
    action: Literal["cancel", "acknowledge", "forget"]


class Ask(msgspec.Struct, tag=True):
    """Ask the server for something that comes by itself then."""

    what: Literal["catalogue", "ping", "free_memory"]


class Free(msgspec.Struct, tag=True):
    """Nothing needs what this handle names."""

    handle: str
    holds: str


Request = Connect | Close | Submit | Attach | Control | Ask | Free


# --- to Blender; ``number`` says of which connection ---


class Connection(msgspec.Struct, tag=True):
    """Where the connection is."""

    number: int
    state: ConnectionState
    problem: Problem | None
    server: Welcome | None


class Known(msgspec.Struct, tag=True):
    """The server's tasks and models."""

    number: int
    catalogue: Catalogue


class Beat(msgspec.Struct, tag=True):
    """A heartbeat of the server."""

    number: int
    state: ServerState
    round_trip_s: float


class Jobs(msgspec.Struct, tag=True):
    """All jobs of the session that the server knows."""

    number: int
    jobs: list[JobSummary]


class News(msgspec.Struct, tag=True):
    """How a job is. Frames: what ``outputs`` refers to, then ``blobs``."""

    number: int
    job: str
    task: str
    state: JobState
    progress: Progress | None
    problem: Problem | None
    info: dict[str, Any]
    uploaded: tuple[int, int]
    outputs: WireValues | None = None
    blobs: list[str] = []


class Brought(msgspec.Struct, tag=True):
    """One thing that a job brought, made ready for Blender."""

    number: int
    ready: Ready


Tidings = Connection | Known | Beat | Jobs | News | Brought


# --- how it travels ---


def pack(message: Request | Tidings, frames: Sequence[Buffer] = ()) -> list[Buffer]:
    """``message`` and its ``frames`` ready to be sent. Raises TypeError for what is neither plain nor an array."""
    beside = list(frames)

    def hook(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            beside.append(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)
            return len(beside) - 1, value.dtype.str, value.shape
        if isinstance(value, np.generic):
            return value.item()
        raise TypeError(f"{type(value).__name__} cannot be sent")

    return [msgspec.msgpack.encode(message, enc_hook=hook), *beside]


def unpack(parts: Sequence[Buffer], kind: Any) -> tuple[Any, list[Buffer]]:
    """The message of that ``kind`` (Request or Tidings) and its frames; arrays are views of them."""
    beside = list(parts[1:])

    def hook(kind: type, value: Any) -> Any:
        if kind is not np.ndarray:
            raise TypeError(f"{kind} is not what arrays arrive as")
        index, dtype, shape = value
        array = np.ndarray(shape, dtype, beside[index])
        return array if array.flags.aligned else array.copy()

    return msgspec.msgpack.decode(parts[0], type=kind, dec_hook=hook), beside


def pack_whole(values: dict[str, Any]) -> tuple[WireValues, list[str], list[Buffer]]:
    """Values with all of their arrays: what describes them, the names of the last frames, and the frames."""
    packed = pack_values(values, inline_limit=sys.maxsize)
    return packed.wire, list(packed.blobs), [*packed.frames, *packed.blobs.values()]


class Whole(Mapping[str, Value | list[Value]]):
    """The values that `pack_whole` described. Each is made and checked when it is asked for: large ones take time that
    Blender has only for what it uses. Raises ProblemError (BAD_INPUT) for what does not fit."""

    def __init__(self, wire: WireValues, blobs: list[str], frames: list[Buffer]) -> None:
        self._wire = wire
        self._frames = frames
        self._named = dict(zip(blobs, frames[len(frames) - len(blobs) :], strict=True))
        self._made: dict[str, Value | list[Value]] = {}

    def __getitem__(self, name: str) -> Value | list[Value]:
        if name not in self._made:
            self._made |= unpack_values({name: self._wire[name]}, self._frames, self._named.__getitem__)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._wire)

    def __len__(self) -> int:
        return len(self._wire)
