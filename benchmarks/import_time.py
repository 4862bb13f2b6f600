"""`import protocol` against importing what it stands on, in fresh processes: `python -m benchmarks.import_time`."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys

from .report import report

ROUNDS = 15
LIMIT = 1.5
HEAVY = ("torch", "cv2", "scipy", "PIL", "trimesh", "asyncio", "PySide6")


def _seconds(code: str) -> float:
    """CPU seconds of a fresh process, which other programs on the machine disturb less than the clock."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _heavy() -> list[str]:
    code = f"import sys, protocol; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()


def measure(rounds: int) -> dict[str, float]:
    """Median CPU seconds, and the ratio with the interpreter's own start taken out of both."""
    empty, base, ours = [], [], []
    for _ in range(rounds + 1):  # the first round warms the disk cache
        empty.append(_seconds("pass"))
        base.append(_seconds("import numpy, zmq, msgspec"))
        ours.append(_seconds("import protocol"))
    start, theirs, mine = (statistics.median(times[1:]) for times in (empty, base, ours))
    return {
        "python alone (s)": start,
        "numpy, zmq, msgspec (s)": theirs - start,
        "protocol (s)": mine - start,
        "protocol against its base": (mine - start) / (theirs - start),
    }


def main() -> int:
    results = measure(ROUNDS)
    heavy = _heavy()
    return report(
        "import_time",
        results,
        {
            f"import protocol at most {LIMIT} x its base": results["protocol against its base"] <= LIMIT,
            f"nothing heavy is imported{': ' + ', '.join(heavy) if heavy else ''}": not heavy,
        },
    )


if __name__ == "__main__":
    raise SystemExit(main())
