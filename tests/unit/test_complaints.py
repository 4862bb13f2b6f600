"""docs/complaints.md names tests: they exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ANSWERED = {2, 3, 4, *range(8, 18), 20, 21, 25}


def _tests() -> set[str]:
    trees = (ast.parse(path.read_text("utf-8")) for path in (ROOT / "tests").rglob("test_*.py"))
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def _rows() -> dict[int, list[str]]:
    text = (ROOT / "docs" / "complaints.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \|.*\|([^|]*)\|$", text, re.MULTILINE)
    return {int(number): re.findall(r"`(test_\w+)`", shown) for number, shown in rows}


def test_every_row_of_this_version_is_answered_by_tests_that_exist() -> None:
    rows = _rows()
    assert set(rows) == ANSWERED
    known = _tests()
    for number, named in rows.items():
        assert named, f"row {number} names no test"
        assert set(named) <= known, f"row {number}: {set(named) - known}"
