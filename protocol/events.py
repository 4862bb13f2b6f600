"""What a client tells its owner. Events come on the network thread: put them into a queue, empty it on your own."""

from __future__ import annotations

from dataclasses import dataclass

from .jobs import Job
from .messages import Catalogue, JobSummary, ServerState
from .problems import Problem
from .states import ConnectionState


@dataclass(frozen=True)
class ConnectionChanged:
    state: ConnectionState
    problem: Problem | None


@dataclass(frozen=True)
class CatalogueArrived:
    catalogue: Catalogue


@dataclass(frozen=True)
class JobChanged:
    """The job was accepted, moved on, showed a preview or ended."""

    job: Job


@dataclass(frozen=True)
class SnapshotArrived:
    """All jobs of this session that the server knows, after every connect and on request."""

    jobs: list[JobSummary]


@dataclass(frozen=True)
class HeartbeatArrived:
    state: ServerState
    round_trip_s: float


Event = ConnectionChanged | CatalogueArrived | JobChanged | SnapshotArrived | HeartbeatArrived
