"""The commands of `wholeform`."""

from __future__ import annotations

from typing import Annotated

import typer

from . import bench, demo, doctor, evaluate, jobs, keys, models, run, serve, synth, train

app = typer.Typer(
    name="wholeform",
    help="Whole objects from what you can see: masks, completed pictures, meshes and novel views.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("stop")(serve.stop)
app.add_typer(run.app, name="run")
app.add_typer(jobs.app, name="jobs")
app.add_typer(models.app, name="models")
app.command("evaluate")(evaluate.evaluate)
app.command("train")(train.train)
app.command("bench")(bench.bench)
app.add_typer(keys.app, name="keys")
app.command("synth")(synth.synth)
app.command("doctor")(doctor.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        from backend import __version__

        print(f"wholeform {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")] = False,
) -> None:
    """Whole objects from what you can see: masks, completed pictures, meshes and novel views."""


def main() -> None:
    """Run a command. Its exit status is 0 when it did what it was asked; see problems.py for the others."""
    app()
