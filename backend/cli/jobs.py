"""`wholeform jobs`: the command line's jobs on a server, after a lost connection or from another terminal."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import msgspec.structs
import typer

from protocol import Client, Job, JobCancelled
from protocol.messages import JobSummary
from protocol.problems import ErrorCode, ProblemError

from .connecting import ServerKeyOption, ServerOption, connected
from .problems import shown

CONFIRM_S = 10.0

app = typer.Typer(help="List, fetch and cancel the jobs of this command line.", no_args_is_help=True)

JobArgument = Annotated[str, typer.Argument(help="The job's id, or the end of it.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")]


@app.command("list")
def list_jobs(server: ServerOption = "", server_key: ServerKeyOption = "", as_json: JsonOption = False) -> None:
    """The jobs that the server knows, the newest last."""
    with shown(as_json), connected(server, server_key) as client:
        jobs = sorted(client.list_jobs(), key=lambda job: job.created)
    if as_json:
        print(json.dumps({"jobs": [msgspec.structs.asdict(job) for job in jobs]}, ensure_ascii=False))
        return
    from .tables import print_table

    print_table(("JOB", "TASK", "FOR", "STATE", "SINCE"), map(_row, jobs))


@app.command("get")
def get(
    job_id: JobArgument,
    out: Annotated[Path | None, typer.Option(help="Folder for the results.", show_default=False)] = None,
    server: ServerOption = "",
    server_key: ServerKeyOption = "",
    as_json: JsonOption = False,
) -> None:
    """Wait for a job and write its results; the server keeps them until then."""
    from .following import follow
    from .run import report

    with shown(as_json), connected(server, server_key) as client:
        began = time.monotonic()
        job = _attach(client, job_id)
        report(client, job, follow(job), out or Path(job.label or job.id), time.monotonic() - began, as_json)


@app.command("cancel")
def cancel(job_id: JobArgument, server: ServerOption = "", server_key: ServerKeyOption = "") -> None:
    """Cancel a job and wait for the server to confirm it."""
    with shown(), connected(server, server_key) as client:
        job = _attach(client, job_id)
        job.cancel()
        try:
            job.result(CONFIRM_S)
        except JobCancelled:
            print(f"Cancelled {job.id}.")
            return
    print(f"Job {job.id} was already done; fetch it: wholeform jobs get {job.id}")


def _attach(client: Client, text: str) -> Job:
    found = [job for job in client.list_jobs() if job.job.endswith(text)]
    if len(found) != 1:
        what = f"{len(found)} jobs end with “{text}”." if found else f"The server knows no job “{text}” of yours."
        raise ProblemError(ErrorCode.NOT_FOUND, what, "See them: wholeform jobs list.")
    return client.attach(found[0].job, found[0].task, label=found[0].label)


def _row(job: JobSummary) -> tuple[str, ...]:
    state = job.state.value
    if job.position:
        state += f", place {job.position}"
    elif 0 < job.fraction < 1:
        state += f", {job.fraction:.0%}"
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(job.created))
    return job.job, job.task, job.label, state, since
