"""Every message of the wire as a typed struct. docs/protocol.md says when each is sent.

A message travels as one multipart: frame 0 the magic with the protocol version, frame 1 the struct in msgpack,
then raw array frames which the struct refers to by index (see frames.py).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from .descriptions import LabelInfo as LabelInfo
from .descriptions import ModelInfo, Name, TaskInfo
from .descriptions import ParameterInfo as ParameterInfo
from .descriptions import PortInfo as PortInfo
from .problems import Problem
from .states import JobState

PROTOCOL = (1, 1)
PRODUCT = "wholeform"
DEFAULT_PORT = 5555

PIECE_BYTES = 1 << 20  # a blob travels in pieces of this size, so that a cancel overtakes it
WINDOW_PIECES = 8  # pieces under way at once before the sender waits for the other side
LOOPBACK_BUFFER = 1 << 20  # socket buffers; a real network's are best left to the system
INLINE_BYTES = 1 << 16  # an array up to this size travels inside its message
MAX_FRAMES_PER_MESSAGE = 256
MAX_HEADER_BYTES = 1 << 20

Identifier = Annotated[str, Meta(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_\-]+$")]
Digest = Annotated[str, Meta(min_length=64, max_length=64, pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, Meta(max_length=4096)]
Count = Annotated[int, Meta(ge=0, le=1 << 53)]
Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]
Priority = Literal["interactive", "batch"]


class ArrayRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the bytes of one array are: in array frame ``frame`` of this message, or in blob ``digest`` (its
    name, see digests.py). C order, little-endian. ``encoding`` "zlib" means the bytes are compressed."""

    dtype: Annotated[str, Meta(max_length=16)]
    shape: Annotated[list[Annotated[int, Meta(ge=0, le=1 << 40)]], Meta(max_length=8)]
    frame: Annotated[int, Meta(ge=-1, le=MAX_FRAMES_PER_MESSAGE)] = -1
    digest: Digest | Literal[""] = ""
    nbytes: Count = 0  # bytes as they travel
    encoding: Literal["raw", "zlib"] = "raw"


class WireValue(msgspec.Struct, frozen=True, omit_defaults=True):
    """One value: its kind (values.py), its arrays and its plain fields."""

    kind: Name
    arrays: dict[Name, ArrayRef] = {}
    plain: dict[Name, str | int | float] = {}


WireValues = dict[Name, WireValue | list[WireValue]]


class _Message(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type"):
    pass


# --- client to server ---


class Hello(_Message, frozen=True, tag="hello"):
    """First on every connection. ``session`` is a random secret that owns the client's jobs across connections."""

    session: Annotated[str, Meta(min_length=16, max_length=64, pattern=r"^[A-Za-z0-9_\-]+$")]
    product: Text
    protocol: tuple[int, int]
    client: Text = ""  # for people, e.g. "blender 4.5.15"


class Describe(_Message, frozen=True, tag="describe"):
    """Ask for the catalogue."""


class Submit(_Message, frozen=True, tag="submit"):
    """Run a task. ``job`` is made by the client; an id that the server knows attaches to that job."""

    job: Identifier
    task: Name
    inputs: WireValues = {}
    parameters: dict[Name, Any] = {}
    priority: Priority = "interactive"
    label: Text = ""


class Attach(_Message, frozen=True, tag="attach"):
    """Send me this job's state, and its ending if it has ended."""

    job: Identifier


class Upload(_Message, frozen=True, tag="upload"):
    """One piece of a blob that the server asked for with Need; the bytes are array frame 0."""

    digest: Digest
    offset: Count
    total: Count


class Fetch(_Message, frozen=True, tag="fetch"):
    """Ask for ``size`` bytes of a blob of one of my results from ``offset``; answered by a Piece."""

    job: Identifier
    digest: Digest
    offset: Count
    size: Annotated[int, Meta(ge=1, le=4 * PIECE_BYTES)] = PIECE_BYTES


class Cancel(_Message, frozen=True, tag="cancel"):
    """Stop one of my jobs, whatever its state. A job that has ended stays as it ended."""

    job: Identifier


class Acknowledge(_Message, frozen=True, tag="acknowledge"):
    """I have this job's ending and everything in it; the server may remove it."""

    job: Identifier


class ListJobs(_Message, frozen=True, tag="list_jobs"):
    """Ask for a Snapshot of my jobs."""


class Release(_Message, frozen=True, tag="release"):
    """Free what a handle names."""

    handle: Annotated[str, Meta(min_length=1, max_length=128)]


class FreeMemory(_Message, frozen=True, tag="free_memory"):
    """Unload idle models and unused handles now."""


class Ping(_Message, frozen=True, tag="ping"):
    """Are you there? ``token`` comes back in the Pong."""

    token: Count = 0


class Bye(_Message, frozen=True, tag="bye"):
    """This connection ends; my jobs go on."""


ClientMessage = (
    Hello
    | Describe
    | Submit
    | Attach
    | Upload
    | Fetch
    | Cancel
    | Acknowledge
    | ListJobs
    | Release
    | FreeMemory
    | Ping
    | Bye
)


# --- server to client ---


class Limits(msgspec.Struct, frozen=True):
    """What this server takes."""

    piece_bytes: int = PIECE_BYTES
    window_pieces: int = WINDOW_PIECES
    inline_bytes: int = INLINE_BYTES
    max_blob_bytes: int = 1 << 31
    max_job_bytes: int = 1 << 32
    max_queued_jobs: int = 1000


class WorkerState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one worker does now. ``state``: starting, idle, loading, running, stopping."""

    device: str = "cpu"
    state: str = "starting"
    job: str = ""  # only for its owner
    stage: str = ""
    models: list[str] = []  # loaded now
    memory_bytes: int = 0  # resident (CPU) or allocated on the device (GPU)
    memory_total_bytes: int = 0
    handles: int = 0
    handle_bytes: int = 0


class ServerState(msgspec.Struct, frozen=True, omit_defaults=True):
    """The heartbeat: state, not just life."""

    uptime_s: float = 0.0
    queued: int = 0
    running: int = 0
    clients: int = 0
    workers: list[WorkerState] = []


class Welcome(_Message, frozen=True, tag="welcome"):
    """Answers Hello; a Snapshot of the session's jobs follows at once."""

    product: Text
    protocol: tuple[int, int]
    version: Text  # of the server program
    server: Text  # random, new at every start of the server
    limits: Limits
    name: Text = ""  # for people: the host's name
    device: Text = ""  # for people: "CPU, 2 cores" or the GPU's name
    state: ServerState = ServerState()


class Catalogue(_Message, frozen=True, tag="catalogue"):
    """Answers Describe."""

    tasks: list[TaskInfo] = []
    models: list[ModelInfo] = []


class Need(_Message, frozen=True, tag="need"):
    """Answers Submit when blobs are missing: send them with Upload, then the job is accepted."""

    job: Identifier
    digests: list[Digest]


class Got(_Message, frozen=True, tag="got"):
    """``received`` bytes of this blob have arrived, in order; lets the sender send on."""

    digest: Digest
    received: Count


class Accepted(_Message, frozen=True, tag="accepted"):
    """The job and its inputs are on disk. ``position`` 1 is next in line."""

    job: Identifier
    position: Count = 0


class Progress(_Message, frozen=True, tag="progress"):
    """At most ten a second for a job. ``fraction`` of the whole job; ``eta_s`` -1 when unknown."""

    job: Identifier
    state: JobState
    stage: Text = ""
    step: Count = 0
    steps: Count = 0
    fraction: Fraction = 0.0
    eta_s: float = -1.0
    position: Count = 0  # place in the queue while queued
    message: Text = ""


class Preview(_Message, frozen=True, tag="preview"):
    """Values before the end, for looking at: small enough to travel inside the message."""

    job: Identifier
    stage: Text
    values: WireValues = {}


class Result(_Message, frozen=True, tag="result"):
    """The job is done. Large arrays are blobs to Fetch; ``info``: models, seeds, scores, seconds, peak memory."""

    job: Identifier
    outputs: WireValues = {}
    info: dict[str, Any] = {}


class Failed(_Message, frozen=True, tag="failed"):
    job: Identifier
    problem: Problem


class Cancelled(_Message, frozen=True, tag="cancelled"):
    job: Identifier


class JobSummary(msgspec.Struct, frozen=True, omit_defaults=True):
    """One job in a Snapshot."""

    job: Identifier
    task: Name
    state: JobState
    label: str = ""
    created: float = 0.0  # seconds since 1970, UTC
    stage: str = ""
    fraction: float = 0.0
    position: int = 0


class Snapshot(_Message, frozen=True, tag="snapshot"):
    """All jobs of the session that the server knows: the only truth."""

    jobs: list[JobSummary] = []


class Piece(_Message, frozen=True, tag="piece"):
    """Answers Fetch; the bytes are array frame 0."""

    digest: Digest
    offset: Count
    total: Count


class Released(_Message, frozen=True, tag="released"):
    handle: Text


class Freed(_Message, frozen=True, tag="freed"):
    """Answers FreeMemory."""

    nbytes: Count = 0


class Pong(_Message, frozen=True, tag="pong"):
    token: Count = 0
    state: ServerState = ServerState()


class Refused(_Message, frozen=True, tag="refused"):
    """A message was not taken. ``about`` is its type where it was readable, ``job`` the job it named."""

    problem: Problem
    about: Text = ""
    job: Text = ""


ServerMessage = (
    Welcome
    | Catalogue
    | Need
    | Got
    | Accepted
    | Progress
    | Preview
    | Result
    | Failed
    | Cancelled
    | Snapshot
    | Piece
    | Released
    | Freed
    | Pong
    | Refused
)
