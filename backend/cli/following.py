"""Following a job on the terminal: a bar where there is one, quiet elsewhere; Ctrl-C cancels the job on the server."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from protocol import Job, JobCancelled, JobState, Outputs, ProblemError
from protocol.messages import Progress as Update

from .problems import INTERRUPTED

CANCEL_WAIT_S = 10.0

console = Console(stderr=True)


def follow(job: Job) -> Outputs:
    """The job's outputs, with its progress shown. Raises as Job.result does; exits with status 130 after a Ctrl-C,
    once the server has confirmed that the job is cancelled."""
    try:
        if console.is_terminal:
            _show(job)
        return job.result()
    except KeyboardInterrupt:
        job.cancel()
        console.print(_cancelled(job))
        raise typer.Exit(INTERRUPTED) from None


def _cancelled(job: Job) -> str:
    try:
        job.result(CANCEL_WAIT_S)
    except JobCancelled:
        return "Cancelled on the server."
    except ProblemError as error:
        return f"Asked the server to cancel job {job.id}. {error.problem.message}"
    return "It was done before the server could cancel it."


def _show(job: Job) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        bar = bars.add_task("Sending", total=1.0)
        for update in job:
            bars.update(bar, description=sentence(update), completed=update.fraction)


def sentence(update: Update) -> str:
    """What a person is told of a job now, e.g. "Completing the hidden part, step 7 of 20, about 4 s"."""
    if update.state is JobState.QUEUED:
        place = f", place {update.position} in line" if update.position else ""
        return f"Queued{place}"
    parts = [update.message or update.stage or "Working"]
    if update.steps > 1:
        parts.append(f"step {update.step} of {update.steps}")
    if update.eta_s >= 1:
        parts.append(f"about {update.eta_s:.0f} s")
    return ", ".join(parts)
