"""All measurements, one after the other, each in a fresh process: `python -m benchmarks`."""

from __future__ import annotations

import subprocess
import sys

MEASUREMENTS = ("import_time", "start", "transport", "surface", "label_fields")


def main() -> int:
    missed = []
    for name in MEASUREMENTS:
        print(f"--- {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            missed.append(name)
    print(f"Missed a bar: {', '.join(missed)}." if missed else "Every bar was passed.")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
