"""`wholeform doctor`: what works on this machine, what is missing and how to get it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from .checks import Check

_STYLES = {"ok": "green", "missing": "red", "optional": "dim"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Say what works on this machine, what is missing and how to get it. Exit status 1 when something is missing."""
    from .checks import CHECKS

    checks = [check for look in CHECKS for check in look()]
    missing = [check for check in checks if check.state == "missing"]
    if as_json:
        print(json.dumps({"ok": not missing, "checks": [asdict(check) for check in checks]}, ensure_ascii=False))
    else:
        _print(checks)
    raise typer.Exit(1 if missing else 0)


def _print(checks: list[Check]) -> None:
    from rich.text import Text

    from .tables import print_table

    rows = [
        (check.name, Text(check.state, _STYLES[check.state]), check.found, "" if check.state == "ok" else check.remedy)
        for check in checks
    ]
    print_table(("", "", "FOUND", "TO GET IT"), rows)
