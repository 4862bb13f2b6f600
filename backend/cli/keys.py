"""`wholeform keys`: who may use a server that others can reach."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from protocol.connection import config_dir
from protocol.problems import ErrorCode, ProblemError
from protocol.security import allow_key, default_key_path, load_allowed, load_keys, make_keys, save_keys

from .problems import shown

app = typer.Typer(
    help="Make and show keys, and allow clients. Each person makes keys and sends the public one to the server's"
    " owner, who allows it; the server's own public key goes the other way.",
    short_help="Make and show keys, and allow clients.",
    no_args_is_help=True,
)

ForServer = Annotated[bool, typer.Option("--server", help="The server's keys instead of your own.")]
AllowList = Annotated[Path | None, typer.Option("--list", help="The allow-list's file.", show_default=False)]


def allow_list() -> Path:
    """Where a server looks for the client keys to let in, unless told otherwise."""
    return config_dir() / "allowed_clients"


@app.command("make")
def make(server: ForServer = False) -> None:
    """Make a pair of keys and print the public one."""
    path = _path(server)
    with shown():
        keys = make_keys()
        try:
            save_keys(path, keys)
        except FileExistsError:
            raise ProblemError(
                ErrorCode.BAD_PARAMETER,
                f"There are keys in {path} already.",
                f"See them: wholeform keys show{' --server' if server else ''}. To change them, move that file away.",
            ) from None
    print(keys.public)


@app.command("show")
def show(server: ForServer = False) -> None:
    """Print the public key."""
    with shown():
        print(load_keys(_path(server)).public)


@app.command("allow")
def allow(
    key: Annotated[str, typer.Argument(help="The client's public key, 40 characters.")],
    name: Annotated[str, typer.Argument(help="Whose it is.")],
    listed: AllowList = None,
) -> None:
    """Let a client in; a running server notices at once."""
    path = listed or allow_list()
    with shown():
        allow_key(path, key, name)
    print(f"{name} may connect ({path}).")


@app.command("allowed")
def allowed(listed: AllowList = None) -> None:
    """List the clients that are let in; to shut one out, remove its line from the file."""
    path = listed or allow_list()
    with shown():
        keys = load_allowed(path) if path.exists() else {}
    for key, name in keys.items():
        print(f"{key}  {name}")


def _path(server: bool) -> Path:
    return default_key_path("server" if server else "client")
