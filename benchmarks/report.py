"""Results as JSON and as lines to read."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def report(name: str, results: dict[str, Any], bars: dict[str, bool]) -> int:
    """Print and keep the results; the exit status says whether every bar was passed."""
    machine = {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count()}
    RESULTS.mkdir(exist_ok=True)
    content = {"when": datetime.now(UTC).strftime("%Y-%m-%d"), "machine": machine, "results": results, "passed": bars}
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
    for key, value in results.items():
        print(f"{key:36} {value:.4g}" if isinstance(value, float) else f"{key:36} {value}")
    for bar, passed in bars.items():
        print(f"{'passed' if passed else 'MISSED'}: {bar}")
    return 0 if all(bars.values()) else 1
