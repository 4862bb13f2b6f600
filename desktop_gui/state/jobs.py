"""The list of jobs: what the person asked for, kept over restarts. The server keeps the results."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from protocol import Job, JobState, Problem

FORMAT = 1
MESH, PICTURE = TASKS = ("whole_object", "complete")  # what can be made, as the server calls it
FINAL = frozenset(state for state in JobState if state.is_final)


class JobEntry(msgspec.Struct, omit_defaults=True):
    """One job as the person knows it. ``parent`` and ``sample`` are set for the mesh of a sample chosen later."""

    id: str
    label: str = ""
    picture: str = ""  # path of the picture, empty when it had none
    parameters: dict[str, Any] = {}
    created: float = 0.0  # seconds since 1970, UTC
    server: str = ""  # name of the server it runs on
    parent: str = ""
    sample: int = 0
    task: str = MESH
    chosen: int = 0  # of its samples
    accepted: bool = False  # the chosen one is the one; the others are put away
    state: JobState = JobState.UPLOADING
    note: str = ""  # models, seed and seconds of the result
    # Of this run of the program alone:
    stage: str = ""
    message: str = ""
    step: int = 0
    steps: int = 0
    fraction: float = 0.0
    eta_s: float = -1.0
    position: int = 0
    cancelling: bool = False
    problem: Problem | None = None

    @property
    def ended(self) -> bool:
        return self.state in FINAL

    def follow(self, job: Job) -> None:
        """Take over where ``job`` stands."""
        self.state, self.cancelling = job.state, job.cancelling and not job.state.is_final
        self.problem = job.problem
        progress = job.progress
        if job.state is JobState.UPLOADING:
            done, total = job.uploaded
            self.fraction = done / total if total else 0.0
        elif progress is not None:
            self.stage, self.message = progress.stage, progress.message
            self.step, self.steps = progress.step, progress.steps
            self.fraction, self.eta_s, self.position = progress.fraction, progress.eta_s, progress.position


class _Saved(msgspec.Struct):
    format: int
    jobs: list[JobEntry]
    removed: list[str] = []


class JobList:
    """Entries by id, newest last. ``removed`` holds the ids that the server may not know yet to be removed."""

    def __init__(self) -> None:
        self._entries: dict[str, JobEntry] = {}
        self.removed: set[str] = set()

    def __iter__(self) -> Iterator[JobEntry]:
        return iter(list(self._entries.values()))

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, job_id: str) -> JobEntry | None:
        return self._entries.get(job_id)

    def add(self, entry: JobEntry) -> JobEntry:
        entry.created = entry.created or time.time()
        self._entries[entry.id] = entry
        return entry

    def remove(self, job_id: str) -> list[JobEntry]:
        """Remove an entry and those that belong to it; returns what was removed."""
        gone = [e for e in self._entries.values() if job_id in (e.id, e.parent)]
        for entry in gone:
            del self._entries[entry.id]
            self.removed.add(entry.id)
        return gone

    def shown(self) -> list[JobEntry]:
        """What the person sees as jobs, newest first: meshes of other samples belong to their parent's row."""
        return [e for e in reversed(self._entries.values()) if not e.parent or e.parent not in self._entries]

    def children(self, job_id: str) -> list[JobEntry]:
        return [e for e in self._entries.values() if e.parent == job_id]

    def running(self) -> list[JobEntry]:
        return [e for e in self._entries.values() if not e.ended]

    def to_bytes(self) -> bytes:
        """As JSON."""
        saved = _Saved(FORMAT, list(self._entries.values()), sorted(self.removed))
        return msgspec.json.format(msgspec.json.encode(saved), indent=1)

    def load(self, path: Path) -> None:
        """Add the entries saved at ``path``; an unreadable file is moved aside, not overwritten."""
        try:
            saved = msgspec.json.decode(path.read_bytes(), type=_Saved)
        except FileNotFoundError:
            return
        except (OSError, msgspec.MsgspecError):
            if path.exists():
                path.replace(path.with_suffix(".unreadable.json"))
            return
        self.removed |= set(saved.removed)
        for entry in saved.jobs:
            entry.problem = entry.problem if entry.ended else None
            self._entries[entry.id] = entry
