"""`wholeform models pull` and `import`: the licence is shown and accepted, then the files come, with a bar."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from .following import console
from .problems import ASKED_WRONGLY, INTERRUPTED, shown

if TYPE_CHECKING:
    from backend.hub.cards import Card
    from backend.hub.disk import Told

ModelArgument = Annotated[str, typer.Argument(help="A model's name, see `wholeform models list`.")]
AcceptOption = Annotated[
    bool, typer.Option("--accept-licence", help="Accept the model's licence, where nobody can be asked.")
]


def pull(
    model: ModelArgument,
    accept_licence: AcceptOption = False,
    mirror: Annotated[
        str,
        typer.Option(
            envvar="WHOLEFORM_MIRROR",
            help="Fetch from there: a server (https://HOST), or a folder with NAME/FILE (https://…/, file:///…).",
        ),
    ] = "",
) -> None:
    """Fetch a model's weights from its authors, check and convert them, and print the folder that they are in.

    Ctrl-C keeps what was fetched; the same command goes on there.
    """
    from backend.hub.installed import is_ready
    from backend.hub.pulling import bytes_to_fetch
    from backend.hub.pulling import pull as pulled
    from backend.hub.registry import find_card

    with shown(), _interruptible():
        card = find_card(model)
        size = bytes_to_fetch(card)
        accepted = accept_licence or is_ready(card.name) or _accepts(card, size)
        with progress() as told:
            folder = pulled(card, licence_accepted=accepted, mirror=mirror, told=told)
    print(folder)


def import_by_hand(
    model: ModelArgument,
    files: Annotated[list[Path], typer.Argument(help="The files of its authors, or folders with them.")],
    accept_licence: AcceptOption = False,
) -> None:
    """Check and convert files that were fetched by hand, and print the folder that the model is in.

    The files are as `wholeform models pull` would fetch them; they stay where they are.
    """
    from backend.hub.pulling import import_files, released_of
    from backend.hub.registry import find_card

    with shown(), _interruptible():
        card = find_card(model)
        released_of(card)
        accepted = accept_licence or _accepts(card, 0)
        with progress() as told:
            folder = import_files(card, files, licence_accepted=accepted, told=told)
    print(folder)


def _accepts(card: Card, to_fetch: int) -> bool:
    """Show the licence and ask; False where nobody can be asked. Ends the command when it is refused."""
    from backend.hub.disk import size_in_words
    from backend.hub.pulling import is_non_commercial, released_of

    released = released_of(card)
    size = f", {size_in_words(to_fetch)} to fetch" if to_fetch else ""
    print(f"{card.title}{size}", file=sys.stderr)
    print(f"Licence: {card.licence}. {released.licence_summary}", file=sys.stderr)
    if is_non_commercial(card):
        print("NOT FOR COMMERCIAL USE: its licence forbids that.", file=sys.stderr)
    print(f"Its text: {released.licence_url}", file=sys.stderr)
    if not sys.stdin.isatty():
        return False
    if typer.confirm("Do you accept it?", err=True):
        return True
    print("Nothing was fetched.", file=sys.stderr)
    raise typer.Exit(ASKED_WRONGLY)


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        print("Stopped. What was fetched is kept: the same command goes on there.", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def progress() -> Iterator[Told]:
    """A bar with the time left on a terminal, a line for each thing that is done elsewhere; both on stderr."""
    if not console.is_terminal:
        yield _Lines()
        return
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.description}"), console=console, transient=True) as bars:
        yield _Bar(bars)


class _Lines:
    def __init__(self) -> None:
        self._what = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        if what != self._what:
            self._what = what
            print(what, file=sys.stderr)


class _Bar:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task: TaskID | None = None
        self._what = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        if self._task is None or what != self._what:
            if self._task is not None:
                self._bars.remove_task(self._task)
            self._task, self._what = self._bars.add_task(what, completed=done), what  # its speed begins anew
        self._bars.update(self._task, completed=done, total=total or None)
