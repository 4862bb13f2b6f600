"""The tables of allowed changes, walked as a whole."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest

from protocol.states import (
    CONNECTION_TRANSITIONS,
    JOB_TRANSITIONS,
    ConnectionState,
    IllegalTransition,
    JobState,
    advance_connection,
    advance_job,
)


def test_every_state_has_a_row() -> None:
    assert set(JOB_TRANSITIONS) == set(JobState)
    assert set(CONNECTION_TRANSITIONS) == set(ConnectionState)


@pytest.mark.parametrize("old", JobState)
@pytest.mark.parametrize("new", JobState)
def test_jobs_change_only_as_the_table_says(old: JobState, new: JobState) -> None:
    if new in JOB_TRANSITIONS[old]:
        assert advance_job(old, new) is new
    else:
        with pytest.raises(IllegalTransition):
            advance_job(old, new)


def test_an_ended_job_stays_ended() -> None:
    ended = {JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED}
    assert {state for state in JobState if state.is_final} == ended
    for state in ended:
        assert JOB_TRANSITIONS[state] <= {JobState.EXPIRED}


def _reachable(table: dict[Any, set[Any]], start: StrEnum) -> set[Any]:
    seen, todo = {start}, [start]
    while todo:
        todo += table[todo.pop()] - seen
        seen.update(todo)
    return seen


def test_every_state_can_be_reached() -> None:
    assert _reachable(JOB_TRANSITIONS, JobState.UPLOADING) == set(JobState)
    assert _reachable(CONNECTION_TRANSITIONS, ConnectionState.OFFLINE) == set(ConnectionState)


def test_a_connection_in_any_trouble_can_heal() -> None:
    for state in ConnectionState:
        assert ConnectionState.CONNECTED in _reachable(CONNECTION_TRANSITIONS, state)
    with pytest.raises(IllegalTransition):
        advance_connection(ConnectionState.OFFLINE, ConnectionState.CONNECTED)
