"""The whole server path against bare pyzmq, in turns in the same run: `python -m benchmarks.transport`.

The path: client, gateway, blob store on disk, worker process, result on disk, client. The bare one: a ROUTER in a
process of its own gives back what a DEALER sends.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import zmq

from backend.serving.embedded import EmbeddedServer
from protocol import Array, Client

from .report import report

MiB = 1 << 20


def _serve_bare(port: int) -> None:
    socket = zmq.Context().socket(zmq.ROUTER)
    socket.bind(f"tcp://127.0.0.1:{port}")
    while True:
        route, data = socket.recv_multipart(copy=False)
        if len(data.buffer) == 0:
            return
        socket.send_multipart([route, data], copy=False)


def _free_port() -> int:
    with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
        return socket.bind_to_random_port("tcp://127.0.0.1")


def _seconds(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def _forget_uploads(state: Path) -> None:
    """Remove the server's blobs, so that the array is uploaded again and into memory that the system has just got
    back: memory never used before is slow on virtual machines, and the bare echo reuses its own."""
    for path in (state / "blobs").glob("*/*"):
        path.unlink()


def measure(rounds: int, size: int) -> dict[str, float]:
    """Medians over ``rounds``, in seconds and bytes per second (both ways counted); ``size`` in bytes."""
    port = _free_port()
    bare = multiprocessing.get_context("spawn").Process(target=_serve_bare, args=(port,))
    bare.start()
    context = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    dealer.connect(f"tcp://127.0.0.1:{port}")
    data = np.random.default_rng(0).integers(0, 255, size, dtype=np.uint8)
    small = np.zeros(1, np.uint8)

    def bare_echo(array: np.ndarray) -> None:
        dealer.send(array.data, copy=False)
        dealer.recv(copy=False)

    with EmbeddedServer(arguments=("--no-warm",)) as server, Client(server.address) as client:

        def echo() -> None:
            outputs = client.submit("echo", {"value": Array(data)}).result(60)
            assert outputs.value.data[-1] == data[-1]

        def empty() -> None:
            client.submit("echo").result(60)

        bare_echo(small)
        empty()
        bare_empty_s, empty_s, bare_s, path_s, again_s = [], [], [], [], []
        for _ in range(200):
            bare_empty_s.append(_seconds(lambda: bare_echo(small)))
        for _ in range(200):
            empty_s.append(_seconds(empty))
        for _ in range(rounds + 1):
            _forget_uploads(server.state)
            bare_s.append(_seconds(lambda: bare_echo(data)))
            path_s.append(_seconds(echo))
            again_s.append(_seconds(echo))
    dealer.send(b"")
    bare.join(5)
    context.destroy(linger=0)
    # The first round of each is left out: it grows the buffers.
    bare_array, path, again = (statistics.median(times[1:]) for times in (bare_s, path_s, again_s))
    return {
        "bare array (s)": bare_array,
        "path array (s)": path,
        "path array again (s)": again,
        "bare bytes per second": 2 * size / bare_array,
        "path bytes per second": 2 * size / path,
        "path against bare": bare_array / path,
        "again against bare": bare_array / again,
        "bare empty (s)": statistics.median(bare_empty_s),
        "path empty (s)": statistics.median(empty_s),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--mib", type=int, default=64)
    options = parser.parse_args()
    results = measure(options.rounds, options.mib * MiB)
    limit = 5 * results["bare empty (s)"] + 1e-3
    return report(
        "transport",
        results,
        {
            "at least 0.7 of bare bytes per second": results["path against bare"] >= 0.7,
            f"an empty task under 5 x bare + 1 ms ({limit * 1e3:.2f} ms)": results["path empty (s)"] < limit,
        },
    )


if __name__ == "__main__":
    raise SystemExit(main())
