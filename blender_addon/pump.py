"""What the companion process reported, applied in Blender: a plain function that the timer and tests call."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import bpy

from . import compat, connecting, ghost, importing, label_jobs, parameters, places, thumbnails
from .prepare import NotReady, ReadyPreview, ReadyResult, ReadySamples
from .protocol import (
    CatalogueArrived,
    ConnectionChanged,
    ConnectionState,
    ErrorCode,
    HeartbeatArrived,
    Job,
    JobChanged,
    JobState,
    ProblemError,
    SnapshotArrived,
)
from .session import JobRecord, Session, current

BUDGET_S = 0.010
PATIENCE_S = 15.0  # how long a waiting script puts up with a server that is gone


def pump(budget_s: float = BUDGET_S) -> bool:
    """Apply what has happened, for about ``budget_s`` seconds, then bring in at most one result. Returns whether
    something is under way."""
    session = current()
    deadline = time.perf_counter() + budget_s
    connecting.watch()
    label_jobs.watch()
    happened: set[str] = set()
    while time.perf_counter() < deadline:
        event = session.network.take()
        if event is None:
            break
        happened.add(_apply(session, event))
    else:
        happened.add("")
    if not happened:
        bring_in_one(session)
    else:
        places.redraw(*happened - {""})
    return session.is_busy


def wait(done: Callable[[], bool], timeout: float) -> None:
    """Pump until ``done``, for scripts. Raises ProblemError: TIMEOUT after ``timeout`` seconds, UNREACHABLE when the
    server has been away for `PATIENCE_S`."""
    session = current()
    began = time.monotonic()
    session.reached_at = max(session.reached_at, began)
    while not done():
        pump()
        now = time.monotonic()
        problem = session.network.problem
        hopeless = session.local.failure or (problem is not None and session.network.state in _HOPELESS)
        if hopeless or now - session.reached_at > PATIENCE_S:
            what = session.local.failure or (problem.message if problem else "") or "The server does not answer."
            raise ProblemError(ErrorCode.UNREACHABLE, what, "The job goes on when the server comes back.")
        if now - began > timeout:
            raise ProblemError(ErrorCode.TIMEOUT, f"Not done after {timeout:g} s.", "The job goes on.")
        time.sleep(0.005)


_HOPELESS = (ConnectionState.KEY_REFUSED, ConnectionState.WRONG_SERVER, ConnectionState.TOO_OLD)


def _apply(session: Session, event: Any) -> str:
    """Apply one event; returns the editor that must be drawn anew beside the panels, or ""."""
    match event:
        case ConnectionChanged(state=ConnectionState.CONNECTED):
            session.note = ""
            if session.network.client is not None:
                session.network.client.request_ping()  # first, or the catalogue's way would count as the ping's
                session.network.client.request_catalogue()
        case ConnectionChanged():
            session.testing = False
        case CatalogueArrived():
            session.catalogue = event.catalogue
            parameters.build(event.catalogue)
        case HeartbeatArrived():
            session.heartbeat, session.round_trip_s = event.state, event.round_trip_s
            session.testing = False
        case SnapshotArrived():
            _on_snapshot(session, event)
        case JobChanged():
            return _on_job(session, event.job)
        case ReadyPreview():
            return _on_preview(session, event)
        case ReadyResult():
            return _on_result(session, event)
        case ReadySamples():
            record = session.records.get(event.job)
            if record is not None:
                record.samples = event.samples
        case NotReady():
            painting = session.painting_with(event.job)
            if painting is not None:
                redraw = label_jobs.on_end(session, painting, event.job)
                painting.note = str(event.problem)
                return redraw
            if event.job in session.pointing:
                session.note = str(event.problem)
                return _end_pointing(session, event.job)
            record = session.records.get(event.job)
            if record is not None:
                record.note, record.wanted = str(event.problem), False
    return ""


def _on_snapshot(session: Session, event: SnapshotArrived) -> None:
    """Jobs of an earlier run of Blender come back into the list; nothing of theirs enters the scene unasked. The server
    is told what was cancelled or removed while it was away."""
    client = session.network.client
    for summary in event.jobs:
        if client is None:
            return
        known = summary.job in session.records or summary.job in session.pointing
        if summary.job in session.discarded:
            client.attach(summary.job, summary.task).cancel()  # and what it brought is acknowledged by itself
            session.discarded.discard(summary.job)
        elif not known and summary.task in parameters.TASKS:
            job = client.attach(summary.job, summary.task, label=summary.label, keep=True)
            session.records[job.id] = JobRecord(job, summary.label or "object", wanted=False)


def _on_job(session: Session, job: Job) -> str:
    if not job.state.is_final:
        return ""
    painting = session.painting_with(job.id)
    if painting is None and job.id not in session.pointing:
        if job.id in session.records:
            ghost.hide(job.id)
        return ""
    if job.state is JobState.DONE and job.outputs is not None:
        # What it brought comes next, made ready, and that ends it.
        return ""
    if painting is not None:
        return label_jobs.on_end(session, painting, job.id)
    if job.problem is not None:
        session.note = str(job.problem)
    return _end_pointing(session, job.id)


def _end_pointing(session: Session, job_id: str) -> str:
    del session.pointing[job_id]
    if session.network.client is not None:
        session.network.client.forget(job_id)
    return "IMAGE_EDITOR"


def _on_preview(session: Session, event: ReadyPreview) -> str:
    painting = session.painting_with(event.job)
    if painting is not None:
        return label_jobs.on_ready(painting, event.job, event.thumbnails, event.mesh)
    record = session.records.get(event.job)
    picture = session.pointing.get(event.job) or (record.picture if record is not None else None)
    if event.tint is not None and picture is not None:
        session.tints[picture.name] = event.tint
        return "IMAGE_EDITOR"
    if record is not None and event.thumbnails:
        record.thumbnails = event.thumbnails
        thumbnails.put(record.job.id, record.thumbnails)
    if record is not None and event.mesh is not None:
        scene, _ = places.scene_and_layer(record.scene)
        ghost.show(record.job.id, event.mesh, importing.standing_for(record, event.mesh, record.options, scene))
        return "VIEW_3D"
    return ""


def _on_result(session: Session, event: ReadyResult) -> str:
    painting = session.painting_with(event.job)
    if painting is not None:
        shown = label_jobs.on_ready(painting, event.job, event.thumbnails, label_jobs.mesh_of(event))
        ended = label_jobs.on_end(session, painting, event.job)
        return shown or ended
    pointed = session.pointing.get(event.job)
    if pointed is not None:
        if event.mask is not None and event.tint is not None:
            session.masks[pointed.name], session.tints[pointed.name] = event.mask, event.tint
        return _end_pointing(session, event.job)
    record = session.records.get(event.job)
    if record is None:
        return ""
    if event.tint is not None and record.picture is not None:
        session.tints[record.picture.name] = event.tint
    record.result = event
    record.thumbnails = event.thumbnails
    record.meshes = dict(event.meshes)
    if record.parent and 0 in event.meshes:  # the first sample of a sample's own job is that sample
        record.meshes = {record.chosen: event.meshes[0]}
    record.flat = any(mesh.cut_out for mesh in event.meshes.values())
    if event.mask is not None:
        record.mask = event.mask
    if not record.parent:
        session.reveal(record)
        thumbnails.put(record.job.id, record.thumbnails)
        session.shown = record.job.id if record.thumbnails else session.shown
    if record.file != session.file and record.wanted:
        record.wanted, record.note = False, "Made for another file: press Import"
    return "IMAGE_EDITOR"


def bring_in_one(session: Session) -> None:
    """Bring the next wanted result into the scene, unless the person is in the middle of something."""
    ready = [r for r in session.records.values() if r.result is not None and r.wanted and not r.imported]
    if not ready:
        return
    if bpy.context.mode != "OBJECT" or compat.is_rendering():
        ready[0].note = "Ready: comes in when you are back in Object Mode"
        return
    record = ready[0]
    record.note = ""
    if bring_in(session, record):
        importing.undo_step(f"Wholeform: {record.label}")
    places.redraw("VIEW_3D", "IMAGE_EDITOR")


def bring_in(session: Session, record: JobRecord) -> bool:
    """A result into the scene; that of a chosen sample becomes the mesh of the job it belongs to, which it leaves the
    list for. Returns whether anything has changed in the file."""
    ghost.hide(record.job.id)
    ghost.hide(record.ghost)
    parent = session.records.get(record.parent)
    if parent is None:
        importing.bring_in(record, record.options)
        return True
    record.imported = True
    parent.meshes |= record.meshes
    del session.records[record.job.id]
    record.job.acknowledge()
    if parent.chosen != record.chosen:
        return False  # another one was chosen meanwhile; this mesh is at hand should the person come back to it
    importing.replace_mesh(parent)
    return True
