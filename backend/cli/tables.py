"""Tables on stdout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

_UNCUT = 400  # columns, where nobody looks: a pipe or a file gets whole lines


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Print ``rows`` under ``columns``, fitted to the terminal where there is one."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_UNCUT)
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(escape(cell) if isinstance(cell, str) else cell for cell in row))
    console.print(table)
