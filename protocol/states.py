"""The explicit states of a job and of a connection, each with its one table of allowed changes."""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """UPLOADING: known, inputs still missing. QUEUED: accepted and on disk. LOADING: a model is being loaded.
    FINISHING: results are being stored. EXPIRED: the result was removed after its time."""

    UPLOADING = "uploading"
    QUEUED = "queued"
    LOADING = "loading"
    RUNNING = "running"
    FINISHING = "finishing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        return not JOB_TRANSITIONS[self] - {JobState.EXPIRED}


_ENDINGS = {JobState.FAILED, JobState.CANCELLED}

# RUNNING -> QUEUED is a retry after a lost worker or a restarted server.
JOB_TRANSITIONS: dict[JobState, set[JobState]] = {
    JobState.UPLOADING: {JobState.QUEUED} | _ENDINGS,
    JobState.QUEUED: {JobState.LOADING, JobState.RUNNING} | _ENDINGS,
    JobState.LOADING: {JobState.RUNNING, JobState.FINISHING, JobState.QUEUED} | _ENDINGS,
    JobState.RUNNING: {JobState.LOADING, JobState.FINISHING, JobState.QUEUED} | _ENDINGS,
    JobState.FINISHING: {JobState.DONE, JobState.QUEUED} | _ENDINGS,
    JobState.DONE: {JobState.EXPIRED},
    JobState.FAILED: {JobState.EXPIRED},
    JobState.CANCELLED: {JobState.EXPIRED},
    JobState.EXPIRED: set(),
}


class ConnectionState(StrEnum):
    """OFFLINE: not wanted, or given up with a problem to show. The last three need the person to act."""

    OFFLINE = "offline"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    KEY_REFUSED = "key_refused"
    WRONG_SERVER = "wrong_server"
    TOO_OLD = "too_old"


IN_TROUBLE = {
    ConnectionState.KEY_REFUSED,
    ConnectionState.WRONG_SERVER,
    ConnectionState.TOO_OLD,
}

# In trouble and offline the client keeps trying, so an added key or a restarted server heals by itself.
CONNECTION_TRANSITIONS: dict[ConnectionState, set[ConnectionState]] = {
    ConnectionState.OFFLINE: {ConnectionState.CONNECTING},
    ConnectionState.CONNECTING: {ConnectionState.CONNECTED, ConnectionState.OFFLINE} | IN_TROUBLE,
    ConnectionState.CONNECTED: {ConnectionState.CONNECTING, ConnectionState.OFFLINE} | IN_TROUBLE,
    **{state: set(ConnectionState) - {state} for state in IN_TROUBLE},
}


class IllegalTransition(RuntimeError):
    """A change of state that its table does not allow: a fault of ours, never of the person."""


def advance_job(old: JobState, new: JobState) -> JobState:
    """``new`` if the table allows the change from ``old``, else IllegalTransition."""
    if new not in JOB_TRANSITIONS[old]:
        raise IllegalTransition(f"a job cannot go from {old} to {new}")
    return new


def advance_connection(old: ConnectionState, new: ConnectionState) -> ConnectionState:
    """``new`` if the table allows the change from ``old``, else IllegalTransition."""
    if new not in CONNECTION_TRANSITIONS[old]:
        raise IllegalTransition(f"a connection cannot go from {old} to {new}")
    return new
