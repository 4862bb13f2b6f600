"""`wholeform serve`: run the server that Blender, the desktop app, scripts and the command line talk to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from backend.serving.options import ServeOptions
from backend.serving.server import serve as run_server
from protocol.connection import config_dir, parse_address, state_dir
from protocol.messages import DEFAULT_PORT


def serve(
    bind: Annotated[str, typer.Option(help="Where to listen, HOST:PORT; port 0 takes any free one.")] = (
        f"127.0.0.1:{DEFAULT_PORT}"
    ),
    state: Annotated[Path | None, typer.Option(help="Folder for jobs and their files.")] = None,
    device: Annotated[list[str] | None, typer.Option(help="One worker each, e.g. cpu or cuda:0; repeatable.")] = None,
    keys: Annotated[Path | None, typer.Option(help="The server's key file; needed off this machine.")] = None,
    allowed: Annotated[Path | None, typer.Option(help="The list of client keys to let in.")] = None,
    warm: Annotated[bool, typer.Option(help="Import what tasks need before the first job.")] = True,
    log_level: Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = "INFO",
) -> None:
    """Run the server until Ctrl-C."""
    options = ServeOptions(
        bind=bind_address(bind),
        state=state or state_dir(),
        devices=tuple(device or ["cpu"]),
        key_file=keys,
        allowed_file=allowed or config_dir() / "allowed_clients",
        warm=warm,
        log_level=log_level.upper(),
    )
    raise typer.Exit(run_server(options, lambda address: print(f"Wholeform listens at {address}", flush=True)))


def bind_address(text: str) -> str:
    """As parse_address, but port 0 (any free one) and `*` (all addresses) are allowed. ProblemError otherwise."""
    free = re.sub(r":0/?$", ":1", text.strip())
    every = re.sub(r"^((?:\w+://)?)\*", r"\g<1>0.0.0.0", free)
    address = parse_address(every)
    return address.removesuffix(":1") + ":0" if free != text.strip() else address
