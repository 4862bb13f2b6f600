"""Accepted jobs and their endings on disk. WAL without a sync per commit: whatever happens to the processes, nothing
accepted is lost; a power cut may lose the last moment."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from protocol.messages import Cancelled, Failed, Result, Submit
from protocol.states import JobState

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, state TEXT NOT NULL, created REAL NOT NULL, attempts INTEGER NOT NULL,
    submit BLOB NOT NULL, arrays BLOB NOT NULL, ended REAL, ending BLOB, ending_arrays BLOB
);
CREATE INDEX IF NOT EXISTS jobs_by_owner ON jobs (owner);
"""
_VERSION = 1

_encode = msgspec.msgpack.Encoder().encode
_decode_arrays = msgspec.msgpack.Decoder(list[bytes]).decode
_decode_submit = msgspec.msgpack.Decoder(Submit).decode
Ending = Result | Failed | Cancelled
_decode_ending = msgspec.msgpack.Decoder(Ending).decode


@dataclass(frozen=True)
class StoredJob:
    id: str
    owner: str
    state: JobState
    created: float
    attempts: int
    submit: Submit
    arrays: list[bytes]


class JobStore:
    """One SQLite file, used by the gateway's thread alone."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise RuntimeError(f"{path} was written by another version of the server ({version}); move it away")
        self._db.executescript(_SCHEMA)
        self._db.execute(f"PRAGMA user_version={_VERSION}")

    def close(self) -> None:
        self._db.close()

    def add(self, job: StoredJob) -> None:
        """Accept a job."""
        self._db.execute(
            "INSERT INTO jobs (id, owner, state, created, attempts, submit, arrays) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (job.id, job.owner, job.state, job.created, job.attempts, _encode(job.submit), _encode(job.arrays)),
        )

    def all(self) -> list[StoredJob]:
        """Every job, oldest first."""
        rows = self._db.execute(
            "SELECT id, owner, state, created, attempts, submit, arrays FROM jobs ORDER BY created, rowid"
        )
        return [
            StoredJob(row[0], row[1], JobState(row[2]), row[3], row[4], _decode_submit(row[5]), _decode_arrays(row[6]))
            for row in rows
        ]

    def count_attempt(self, job: str, attempts: int) -> None:
        self._db.execute("UPDATE jobs SET attempts = ? WHERE id = ?", (attempts, job))

    def end(self, job: str, state: JobState, ending: Ending, arrays: list[bytes]) -> None:
        """Keep a job's ending until it is acknowledged."""
        self._db.execute(
            "UPDATE jobs SET state = ?, ended = ?, ending = ?, ending_arrays = ? WHERE id = ?",
            (state, time.time(), _encode(ending), _encode(arrays), job),
        )

    def ending(self, job: str) -> tuple[Ending, list[bytes]] | None:
        """The ending of a job with its arrays, or None."""
        row = self._db.execute("SELECT ending, ending_arrays FROM jobs WHERE id = ?", (job,)).fetchone()
        return (_decode_ending(row[0]), _decode_arrays(row[1])) if row and row[0] is not None else None

    def remove(self, job: str) -> None:
        self._db.execute("DELETE FROM jobs WHERE id = ?", (job,))

    def ended_before(self, when: float) -> list[str]:
        """Jobs that ended before ``when`` (seconds since 1970)."""
        return [row[0] for row in self._db.execute("SELECT id FROM jobs WHERE ended < ?", (when,))]
