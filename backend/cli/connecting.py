"""Which server a command talks to."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from protocol import Client
from protocol.connection import find_local, load_session
from protocol.security import KeyPair, default_key_path, load_keys

ServerOption = Annotated[
    str,
    typer.Option(
        "--server", envvar="WHOLEFORM_SERVER", help="HOST:PORT of a server; else the one running on this machine."
    ),
]
ServerKeyOption = Annotated[
    str,
    typer.Option(
        "--server-key", envvar="WHOLEFORM_SERVER_KEY", help="The server's public key, where it asks for keys."
    ),
]


@contextmanager
def connected(server: str, server_key: str = "", *, embedded: bool = False) -> Iterator[Client]:
    """A connected client for ``server``; for the local one where empty; else, if ``embedded``, for a server that lives
    as long as the context. Jobs belong to one session for all commands. Raises ProblemError as Client.connect does."""
    if server or find_local() is not None or not embedded:
        with Client(
            server or None, name="command line", session=load_session("cli"), keys=_keys(), server_key=server_key
        ) as client:
            yield client
        return
    from backend.serving.embedded import EmbeddedServer

    print("No server runs here, so one is started for this job alone.", file=sys.stderr)
    with EmbeddedServer() as own, own.client(name="command line") as client:
        yield client


def _keys() -> KeyPair | None:
    """This person's keys, where they have made some."""
    path = default_key_path("client")
    return load_keys(path) if path.exists() else None
