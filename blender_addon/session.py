"""Everything the add-on knows that is not in the .blend file. No bpy: what is Blender's is named, never held, so that
undo and loading a file leave nothing dangling."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .local_server import LocalServer
from .network import Network
from .prepare import ReadyMesh, ReadyResult, ReadySample
from .protocol import Camera, ConnectionState, Handle, Job, Mask
from .protocol.messages import Catalogue, ServerState


@dataclass(frozen=True)
class Picture:
    """Names an image in the .blend file: ``uid`` holds for this run of Blender, ``name`` beyond it."""

    name: str
    uid: int = 0
    view: tuple[float, ...] = ()  # placement.View.numbers, where the picture's camera is known
    size: tuple[int, int] = (0, 0)  # width, height


@dataclass(frozen=True)
class ImportOptions:
    """How a result comes into the scene."""

    height: float = 1.0
    origin: str = "BASE"
    place: str = "CURSOR"
    colours: str = "TEXTURE"


@dataclass
class JobRecord:
    """One line of the job list. ``scene`` and ``target`` are names."""

    job: Job
    label: str
    picture: Picture | None = None
    file: int = 0  # the .blend file it was started in, counted from Blender's start
    scene: str = ""
    options: ImportOptions = field(default_factory=ImportOptions)
    image: Any = None  # the protocol Image, for another run with a chosen sample
    mask: Mask | None = None
    thumbnails: list[np.ndarray] = field(default_factory=list)
    result: ReadyResult | None = None
    samples: list[ReadySample] = field(default_factory=list)
    chosen: int = 0
    accepted: bool = False  # the chosen sample is the one; the others are put away
    meshes: dict[int, ReadyMesh] = field(default_factory=dict)  # by sample
    flat: bool = False  # they are cut-outs: only the picture was asked for
    target: str = ""  # the object made
    ghost: str = ""  # what the viewport draws of it until it comes, where that is not the job's own
    completed_name: str = ""  # the image made
    mask_name: str = ""  # the image made of the amodal mask
    parent: str = ""  # the job whose sample this one makes a mesh of
    wanted: bool = True  # comes into the scene by itself
    imported: bool = False
    stopping: bool = False  # asked to stop
    abandoned: bool = False  # the same while the server was away
    note: str = ""

    @property
    def is_active(self) -> bool:
        return not self.job.state.is_final and not self.abandoned


@dataclass(frozen=True)
class Asked:
    """A job for a label map, and what it is for."""

    job: Job
    purpose: str


@dataclass
class Painting:
    """What the server has made of one label map. ``picture`` names the map; ``made`` is the object, ``camera`` where
    the map that it was made from was seen from."""

    picture: Picture
    made: Handle | None = None
    camera: Camera | None = None
    jobs: dict[str, Asked] = field(default_factory=dict)  # under way, by id
    asked: Camera | None = None  # whose view of the object is fetched
    steps: list[Callable[[], None]] = field(default_factory=list)  # to be done with what came, one at a time
    looked: np.ndarray | None = None  # the map's pixels when they were looked at last
    looked_at: float = 0.0
    look_s: float = 0.0  # how long that took
    rested_at: float = 0.0  # when they were last seen to change
    pictures: int = 0  # how many were shown of it
    note: str = ""

    @property
    def is_busy(self) -> bool:
        """Whether something is under way for the map."""
        return bool(self.jobs or self.steps)

    @property
    def icon(self) -> str:
        """Under which the last picture of it is kept."""
        return f"{self.picture.name} picture {self.pictures}"


class Session:
    """One run of the add-on, from register to unregister."""

    def __init__(self, program: str = "blender") -> None:
        self.network = Network(program)
        self.local = LocalServer()
        self.records: dict[str, JobRecord] = {}
        self.waiting: list[Callable[[], None]] = []  # what to submit once there is a client
        self.pointing: dict[str, Picture] = {}  # running segment jobs and what they point at
        self.masks: dict[str, Mask] = {}  # the last visible mask, by image name
        self.tints: dict[str, np.ndarray] = {}  # the same, for drawing: uint8 h x w x 4, bottom row first
        self.revealed: dict[str, JobRecord] = {}  # whose result is drawn over a picture, by image name
        self.paintings: dict[str, Painting] = {}  # label maps, by image name
        self.following = False  # whether a label map is watched as it is painted
        self.tool: Picture | None = None  # what the pointing tool points at while it runs
        self.discarded: set[str] = set()  # jobs cancelled or removed while the server was away
        self.catalogue: Catalogue | None = None
        self.heartbeat: ServerState | None = None
        self.round_trip_s: float | None = None
        self.testing = False  # the answer to Test connection is awaited
        self.note = ""  # the last thing the panel has to say
        self.file = 0
        self.shown = ""  # the job whose samples the strip shows
        self.looked_at = 0.0  # when pump last looked for a local server
        self.reached_at = time.monotonic()  # when the server was last connected

    @property
    def connected(self) -> bool:
        return self.network.state is ConnectionState.CONNECTED

    @property
    def active(self) -> list[JobRecord]:
        """The jobs under way, oldest first."""
        return [record for record in self.records.values() if record.is_active]

    @property
    def is_busy(self) -> bool:
        """Whether something may happen soon, so that the pump should look often."""
        connecting = (self.network.client is not None or self.local.runs) and not self.connected
        ready = any(record.result and record.wanted and not record.imported for record in self.records.values())
        painting = self.following or any(each.is_busy for each in self.paintings.values())
        return bool(self.active or self.pointing or self.testing or ready or connecting or painting)

    def painting_with(self, job_id: str) -> Painting | None:
        """The label map that a job under way is for."""
        return next((each for each in self.paintings.values() if job_id in each.jobs), None)

    def reveal(self, record: JobRecord) -> None:
        """Draw the chosen sample of ``record`` over its picture from now on, until the prompts change."""
        if record.picture is not None and record.result is not None:
            self.revealed[record.picture.name] = record

    def overlay(self, image: str, show: str = "WHOLE") -> np.ndarray | None:
        """What to draw over the image, uint8 h x w x 4, bottom row first: the mask while pointing, else what ``show``
        (properties.py) says of the whole object where there is one."""
        tint, record = self.tints.get(image), self.revealed.get(image)
        if self.tool is not None or record is None or record.result is None:
            return tint
        looks = record.result.looks
        drawn = {"OUTLINE": looks.outlined, "WHOLE": looks.revealed}.get(show, [])
        if show == "AGREEMENT":
            return looks.agreement
        return drawn[record.chosen] if record.chosen < len(drawn) else None

    def forget_mask(self, image: str) -> None:
        """The prompts changed or are gone: what was drawn for them no longer holds."""
        self.masks.pop(image, None)
        self.tints.pop(image, None)
        self.revealed.pop(image, None)


_current: list[Session] = []


def current() -> Session:
    """The session of this run; made by `start`."""
    return _current[0]


def start(program: str) -> Session:
    """A new session; register calls it."""
    _current[:] = [Session(program)]
    return _current[0]


def end() -> None:
    """Close the connection and the local server; unregister calls it."""
    while _current:
        session = _current.pop()
        session.network.stop()
        session.local.stop(wait_s=2.0)
