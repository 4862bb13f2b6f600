"""Jobs and endings on disk."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from backend.serving.store import JobStore, StoredJob
from protocol.messages import Cancelled, Result, Submit
from protocol.states import JobState

_JOB = "019a5c3e77aa-0123456789abcdef"


def _stored(job: str = _JOB) -> StoredJob:
    submit = Submit(job, "echo", {}, {"seconds": 1.5, "points": [[1.0, 2.0, 1.0]]}, "batch", "Ärger 1")
    return StoredJob(job, "owner", JobState.QUEUED, 12.5, 0, submit, [b"abc", b""])


def test_what_is_accepted_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "new" / "jobs.sqlite"
    store = JobStore(path)
    store.add(_stored())
    store.count_attempt(_JOB, 1)
    # Not closed: as after a SIGKILL, another process sees what was accepted.
    (found,) = JobStore(path).all()
    assert found.attempts == 1
    assert (found.submit, found.arrays, found.owner, found.created) == (_stored().submit, [b"abc", b""], "owner", 12.5)


def test_endings(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    other = _JOB[:-1] + "0"
    store.add(_stored())
    store.add(_stored(other))
    assert store.ending(_JOB) is None
    store.end(_JOB, JobState.DONE, Result(_JOB, {}, {"seed": 3}), [b"x"])
    store.end(other, JobState.CANCELLED, Cancelled(other), [])
    store.close()
    store = JobStore(tmp_path / "jobs.sqlite")
    assert store.ending(_JOB) == (Result(_JOB, {}, {"seed": 3}), [b"x"])
    assert store.ending(other) == (Cancelled(other), [])
    assert [job.state for job in store.all()] == [JobState.DONE, JobState.CANCELLED]
    assert store.ended_before(time.time() - 60) == []
    assert store.ended_before(time.time() + 1) == [_JOB, other]
    store.remove(_JOB)
    assert store.ending(_JOB) is None
    assert [job.id for job in store.all()] == [other]


def test_a_file_of_another_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version=99")
    with pytest.raises(RuntimeError, match="another version"):
        JobStore(path)
