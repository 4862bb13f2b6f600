"""From starting the server's process to its first client and first job: `python -m benchmarks.start`."""

from __future__ import annotations

import statistics
import time

from backend.serving.embedded import EmbeddedServer
from protocol import Client

from .report import report

ROUNDS = 5
READY_S = 1.5


def measure(rounds: int) -> dict[str, float]:
    """Medians in seconds since the process was started."""
    ready, accepted, done = [], [], []
    for _ in range(rounds):
        began = time.perf_counter()
        with EmbeddedServer() as server, Client(server.address) as client:
            ready.append(time.perf_counter() - began)
            job = client.submit("echo")
            job.wait_accepted(30)
            accepted.append(time.perf_counter() - began)
            job.result(60)
            done.append(time.perf_counter() - began)
    return {
        "client connected (s)": statistics.median(ready),
        "first job accepted (s)": statistics.median(accepted),
        "first job done (s)": statistics.median(done),
    }


def main() -> int:
    results = measure(ROUNDS)
    return report("start", results, {f"ready for clients under {READY_S} s": results["client connected (s)"] < READY_S})


if __name__ == "__main__":
    raise SystemExit(main())
