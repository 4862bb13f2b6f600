"""What the panel and the status bar say about a connection and a job, as plain texts. No bpy."""

from __future__ import annotations

from collections.abc import Mapping

from .protocol import ConnectionState, Job, JobState
from .protocol.messages import ServerState, Welcome

CONNECTION_WORDS = {
    ConnectionState.OFFLINE: "offline",
    ConnectionState.CONNECTING: "connecting",
    ConnectionState.CONNECTED: "connected",
    ConnectionState.KEY_REFUSED: "key refused",
    ConnectionState.WRONG_SERVER: "wrong server",
    ConnectionState.TOO_OLD: "too old",
}

_STATE_WORDS = {
    JobState.LOADING: "loading the model",
    JobState.RUNNING: "running",
    JobState.FINISHING: "fetching the result",
    JobState.DONE: "done",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
    JobState.EXPIRED: "removed by the server",
}


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def duration(seconds: float) -> str:
    """About how long: "4 s", "3 min", "2 h"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{round(seconds / 3600)} h"


def size(nbytes: float) -> str:
    """ "512 MB", "11.9 GB"."""
    return f"{nbytes / 1e9:.1f} GB" if nbytes >= 1e9 else f"{nbytes / 1e6:.0f} MB"


def fraction(job: Job) -> float:
    """0..1 of the whole job."""
    if job.state is JobState.DONE:
        return 1.0
    return job.progress.fraction if job.progress is not None else 0.0


def job_line(job: Job, titles: Mapping[str, str], connected: bool = True, stopping: bool = False) -> str:
    """One line about a job: "queued, 2nd in line"; "Complete the hidden part, step 7 of 20, about 4 s".

    ``titles`` names the stages for people.
    """
    if not job.state.is_final and stopping:
        return "cancelling"
    if not job.state.is_final and not connected:
        return "waiting for the server to come back"
    progress = job.progress
    if job.state is JobState.UPLOADING:
        sent, total = job.uploaded
        return f"sending the picture, {100 * sent // total} %" if total else "sending the picture"
    if job.state is JobState.QUEUED:
        position = progress.position if progress is not None else 0
        return f"queued, {ordinal(position)} in line" if position else "queued"
    if job.state is JobState.FAILED and job.problem is not None:
        return f"failed: {job.problem.message}"
    if progress is None or job.state is not JobState.RUNNING or not progress.stage:
        return _STATE_WORDS[job.state]
    parts = [titles.get(progress.stage, progress.stage.replace("_", " ").capitalize())]
    if progress.steps > 1:
        parts.append(f"step {progress.step} of {progress.steps}")
    if progress.eta_s >= 0:
        parts.append(f"about {duration(progress.eta_s)}")
    return ", ".join(parts)


def server_lines(
    welcome: Welcome, state: ServerState | None, round_trip_s: float | None, models: list[str]
) -> list[str]:
    """What Test connection shows: name, version, protocol, device, memory, models, round trip."""
    protocol = ".".join(map(str, welcome.protocol))
    lines = [
        f"{welcome.name or 'Wholeform server'}, version {welcome.version}, protocol {protocol}",
        f"Device: {welcome.device or 'unknown'}",
    ]
    for worker in (state or welcome.state).workers:
        memory = f"{size(worker.memory_bytes)} used"
        if worker.memory_total_bytes:
            memory += f" of {size(worker.memory_total_bytes)}"
        lines.append(f"Memory on {worker.device}: {memory}, {worker.state}")
    if models:
        lines.append(f"Models: {', '.join(models)}")
    if round_trip_s is not None:
        lines.append(f"Round trip: {round_trip_s * 1e3:.1f} ms")
    return lines


def agreement(samples: int, agreed: float) -> str:
    """What the picture of the agreement shows: ``agreed`` (0..1) is the part that all have of what any has."""
    if samples < 2:
        return "One sample: there is nothing to compare"
    return f"All {samples} samples agree on {100 * agreed:.0f} %; striped: only some have it"
