"""The commands of `wholeform`, and how their problems are shown."""

from __future__ import annotations

import sys

import typer

from protocol.problems import ProblemError

from . import demo, serve

app = typer.Typer(
    name="wholeform",
    help="Whole objects from what you can see: masks, completed pictures, meshes and novel views.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)


def main() -> None:
    """Run a command; a problem is shown as a sentence and what to do, and exits with status 1."""
    try:
        app()
    except ProblemError as error:
        print(f"{error.problem.message}\n{error.problem.hint}", file=sys.stderr)
        raise SystemExit(1) from None


@app.callback()
def _root() -> None:
    """Whole objects from what you can see."""
