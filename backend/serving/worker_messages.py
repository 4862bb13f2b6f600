"""What gateway and worker say to each other over a private socket: one msgpack header, then array frames."""

from __future__ import annotations

from typing import Any

import msgspec

from protocol.messages import Progress, WireValues, WorkerState
from protocol.problems import Problem


class WorkerSettings(msgspec.Struct, frozen=True):
    """What the gateway tells a worker at its start."""

    endpoint: str
    token: str
    slot: int
    device: str
    gateway_pid: int
    handle_budget: int
    model_idle_s: float
    warm: bool
    vram_budget: int


class _Internal(msgspec.Struct, frozen=True, tag_field="type"):
    pass


class Run(_Internal, frozen=True, tag="run"):
    """Run a job; array frames are its small inputs, ``blobs`` the files of the large ones by digest."""

    job: str
    task: str
    inputs: WireValues
    parameters: dict[str, Any]
    blobs: dict[str, str]
    results: str  # folder for large outputs


class Stop(_Internal, frozen=True, tag="stop"):
    """Stop the job at its next step."""

    job: str


class Free(_Internal, frozen=True, tag="free"):
    """Unload idle models and, with ``handles``, everything that handles name."""

    handles: bool = True


class Drop(_Internal, frozen=True, tag="drop"):
    """Free what one handle names."""

    handle: str


class Quit(_Internal, frozen=True, tag="quit"):
    pass


ToWorker = Run | Stop | Free | Drop | Quit


class Ready(_Internal, frozen=True, tag="ready"):
    """First message of a worker. ``token`` shows that the gateway started it."""

    token: str
    device_name: str


class Beat(_Internal, frozen=True, tag="beat"):
    state: WorkerState


class Moved(_Internal, frozen=True, tag="moved"):
    progress: Progress


class Shown(_Internal, frozen=True, tag="shown"):
    """A preview; its arrays are the array frames."""

    job: str
    stage: str
    values: WireValues


class Done(_Internal, frozen=True, tag="done"):
    job: str
    outputs: WireValues
    info: dict[str, Any]


class Broken(_Internal, frozen=True, tag="broken"):
    job: str
    problem: Problem


class Stopped(_Internal, frozen=True, tag="stopped"):
    job: str


class FreedBytes(_Internal, frozen=True, tag="freed"):
    nbytes: int


FromWorker = Ready | Beat | Moved | Shown | Done | Broken | Stopped | FreedBytes

encode = msgspec.msgpack.Encoder().encode
decode_to_worker = msgspec.msgpack.Decoder(ToWorker).decode
decode_from_worker = msgspec.msgpack.Decoder(FromWorker).decode
