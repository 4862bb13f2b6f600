"""`wholeform serve`: start a gateway, tell local clients where it is, serve until told to end."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import socket
import sys
import time
from collections.abc import Callable

import zmq

from backend import __version__
from protocol.connection import ConnectionFile, find_local
from protocol.problems import ErrorCode, ProblemError

from .gateway import Gateway, run_until_signal
from .options import ServeOptions
from .statelock import StateLock

logger = logging.getLogger("wholeform.server")


def serve(options: ServeOptions, ready: Callable[[str], None] = lambda address: None) -> int:
    """Serve until SIGTERM or SIGINT; ``ready`` is called with the address once clients can connect.

    Returns the exit status. When a server of this user already runs at the same address, says so and returns 0.
    Raises ProblemError when the address is taken by another program, needs keys, or the state folder is in use.
    """
    logging.basicConfig(
        level=options.log_level, stream=sys.stderr, format="%(asctime)s %(name)s %(levelname)s %(message)s"
    )
    _keep_freed_memory()
    running = _running()
    try:
        with StateLock(options.state):
            return _serve_here(options, running, ready)
    except (ProblemError, zmq.ZMQError) as error:
        taken = isinstance(error, zmq.ZMQError) or error.problem.code is ErrorCode.BUSY
        if taken and running is not None and running.address == options.bind:
            print(
                f"A Wholeform server already runs at {running.address} (process {running.pid}); local clients use it."
            )
            return 0
        raise _bind_problem(options.bind, error) if isinstance(error, zmq.ZMQError) else error from None


def _serve_here(options: ServeOptions, running: ConnectionFile | None, ready: Callable[[str], None]) -> int:
    gateway = Gateway(options)
    # Local clients of a server that others reach too come over loopback.
    address = gateway.address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    file = ConnectionFile(address, os.getpid(), gateway.id, gateway.server_key, __version__, time.time())
    if running is None:
        file.write()
    ready(gateway.address)
    logger.info("ready at %s, process %d", gateway.address, os.getpid())
    try:
        run_until_signal(gateway)
    finally:
        file.remove()
    return 0


def _running() -> ConnectionFile | None:
    """The server that runs on this machine. A connection file may be older than the last start of the machine and its
    process id another program's by now, so the address has to take a connection too."""
    found = find_local()
    if found is None:
        return None
    host, _, port = found.address.removeprefix("tcp://").rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=0.5).close()
    except (OSError, ValueError):
        return None
    return found


def _bind_problem(address: str, error: zmq.ZMQError) -> ProblemError:
    if error.errno == zmq.EADDRINUSE:
        what, hint = f"Another program uses {address}.", "Choose another port: wholeform serve --bind HOST:PORT."
    else:
        what, hint = (
            f"The server cannot bind to {address}: {error}.",
            "Use an address of this machine, e.g. 127.0.0.1:5555.",
        )
    return ProblemError(ErrorCode.UNREACHABLE, what, hint)


def _keep_freed_memory() -> None:
    """Have glibc keep what pieces of 1 MiB took: it gives each back to the system, and gets it anew page by page."""
    if sys.platform.startswith("linux"):
        mmap_threshold, trim_threshold = -3, -1
        with contextlib.suppress(AttributeError, OSError):  # other C libraries have no such switch
            libc = ctypes.CDLL(None)
            libc.mallopt(mmap_threshold, 32 << 20)
            libc.mallopt(trim_threshold, 64 << 20)
