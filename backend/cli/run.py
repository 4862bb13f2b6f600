"""`wholeform run TASK`: one job on any server, its results as files."""

from __future__ import annotations

import inspect
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from protocol import Client, Job, Outputs
from protocol.messages import TaskInfo
from protocol.tasks import TASKS

from .connecting import ServerKeyOption, ServerOption, connected
from .problems import EXIT_STATUSES, shown
from .task_options import command_name, default_folder, inputs_of, parameters_of, signature, understood

app = typer.Typer(
    help=f"Run one task and write its results.\n\n{EXIT_STATUSES}",
    short_help="Run one task and write its results.",
    no_args_is_help=True,
)


def report(client: Client, job: Job, outputs: Outputs, out: Path, seconds: float, as_json: bool) -> None:
    """Write a job's outputs and say so: a line of summary on stderr, the files on stdout, one a line, or one JSON."""
    from .saving import Saved, labels_in

    saved = Saved(outputs, out, labels_in(job.info))
    if as_json:
        told: dict[str, Any] = {"task": job.task, "job": job.id, "server": client.address, "seconds": round(seconds, 3)}
        told |= {"outputs": saved.names, "info": job.info, "files": [str(path) for path in saved.files]}
        print(json.dumps(told, ensure_ascii=False))
        return
    models = ", ".join(job.info.get("models", {}).values())
    print(f"Done in {seconds:.1f} s{f' with {models}' if models else ''}.", file=sys.stderr)
    for label, score in zip(job.info.get("labels", []), job.info.get("scores", []), strict=False):
        print(f"{score:7.1%}  {label}", file=sys.stderr)
    for name in outputs.names:
        if not isinstance(outputs[name], list) and outputs[name].kind == "handle":
            print(f"On the server: {name} = {saved.names[name]}", file=sys.stderr)
    for path in saved.files:
        print(path)


def _command(task: TaskInfo) -> Callable[..., None]:
    """The function behind `wholeform run TASK`, with a signature for typer made from the catalogue's entry."""

    def run(
        out: Path | None, server: str, server_key: str, batch: bool, more: list[str] | None, as_json: bool, **given: Any
    ) -> None:
        from .following import follow

        with shown(as_json):
            inputs = inputs_of(task, given)
            parameters = parameters_of(task, given, more or [])
            with connected(server, server_key, embedded=True) as client:
                began = time.monotonic()
                job = client.submit(
                    task.name,
                    understood(client, task, inputs, parameters),
                    parameters,
                    priority="batch" if batch else "interactive",
                    label=str(default_folder(task, given)),
                )
                outputs = follow(job)
                report(client, job, outputs, out or default_folder(task, given), time.monotonic() - began, as_json)

    parameters = [*signature(task), *_COMMON]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _common(
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the results; of film, or of mesh alone, also a file: .mp4, .gif; .glb, .ply, .obj.",
            show_default=False,
        ),
    ] = None,
    server: ServerOption = "",
    server_key: ServerKeyOption = "",
    batch: Annotated[bool, typer.Option("--batch", help="Let interactive jobs go first.")] = False,
    more: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE: a parameter that a newer server has; repeatable.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """The options that every task has."""


_COMMON = list(inspect.signature(_common, eval_str=True).parameters.values())

for _task in TASKS.values():
    if not _task.internal:
        app.command(command_name(_task), help=_task.help)(_command(_task))
