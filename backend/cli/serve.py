"""`wholeform serve` and `wholeform stop`: the server that Blender, the desktop app, scripts and commands talk to."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from protocol.connection import find_local, is_loopback, parse_address, process_lives, state_dir
from protocol.messages import DEFAULT_PORT
from protocol.problems import ErrorCode, ProblemError
from protocol.security import default_key_path, load_keys

from .keys import allow_list
from .problems import shown
from .sizes import read_size

STOP_S = 15.0


def serve(
    bind: Annotated[str, typer.Option(help="Where to listen, HOST:PORT; port 0 takes any free one.")] = (
        f"127.0.0.1:{DEFAULT_PORT}"
    ),
    state: Annotated[Path | None, typer.Option(help="Folder for jobs and their files.", show_default=False)] = None,
    device: Annotated[list[str] | None, typer.Option(help="One worker each: cpu, cuda:0 …; repeatable.")] = None,
    keys: Annotated[
        Path | None,
        typer.Option(help="The server's key file; off this machine, that of “keys make --server”.", show_default=False),
    ] = None,
    allowed: Annotated[Path | None, typer.Option(help="The list of client keys to let in.", show_default=False)] = None,
    vram_budget: Annotated[
        str, typer.Option(help="Use at most so much memory of each GPU, e.g. 6GB.", show_default=False)
    ] = "",
    warm: Annotated[bool, typer.Option(help="Import what tasks need before the first job.")] = True,
    log_level: Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = "INFO",
) -> None:
    """Run the server until Ctrl-C. Off this machine it needs keys: see “wholeform keys”."""
    from backend.serving.options import ServeOptions
    from backend.serving.server import serve as run_server

    with shown():
        address = bind_address(bind)
        key_file = keys or _usual_keys(address)
        budget = read_size(vram_budget) if vram_budget else 0
        devices = tuple(device or ["cpu"])
        if budget and not any(each.startswith("cuda") for each in devices):
            print("--vram-budget changes nothing without a GPU: add --device cuda:0 to use one.", file=sys.stderr)
        options = ServeOptions(
            bind=address,
            state=state or state_dir(),
            devices=devices,
            key_file=key_file,
            allowed_file=allowed or allow_list(),
            vram_budget=budget,
            warm=warm,
            log_level=log_level.upper(),
        )
        status = run_server(options, lambda bound: _say(bound, key_file))
    raise typer.Exit(status)


def _usual_keys(address: str) -> Path | None:
    """The server's usual key file, for an address that needs one."""
    path = default_key_path("server")
    return path if not is_loopback(address) and path.exists() else None


def _say(address: str, key_file: Path | None) -> None:
    print(f"Wholeform listens at {address}", flush=True)
    if key_file is not None:
        print(f"Clients need the server's key: {load_keys(key_file).public}", flush=True)


def bind_address(text: str) -> str:
    """As parse_address, but port 0 (any free one) and `*` (all addresses) are allowed. ProblemError otherwise."""
    free = re.sub(r":0/?$", ":1", text.strip())
    every = re.sub(r"^((?:\w+://)?)\*", r"\g<1>0.0.0.0", free)
    address = parse_address(every)
    return address.removesuffix(":1") + ":0" if free != text.strip() else address


def stop() -> None:
    """Stop the server that runs on this machine; jobs that are not done go on when it is started again."""
    with shown():
        running = find_local()
        if running is None:
            print("No Wholeform server runs on this machine.")
            return
        os.kill(running.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        while process_lives(running.pid):
            if time.monotonic() > deadline:
                raise ProblemError(
                    ErrorCode.TIMEOUT,
                    f"The server at {running.address} (process {running.pid}) has not stopped in {STOP_S:g} s.",
                    f"End it: kill -9 {running.pid}.",
                )
            time.sleep(0.05)
    print(f"Stopped the server at {running.address}.")
