"""`wholeform models`: which models there are, what each is good for, under which licence; fetching others."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import msgspec.structs
import typer

from protocol.messages import ModelInfo
from protocol.problems import ErrorCode, ProblemError

from . import pulling
from .connecting import ServerKeyOption, ServerOption, connected
from .problems import FAILED, shown

app = typer.Typer(
    help="List the models, and fetch, check and remove those whose weights do not come with Wholeform."
    " Without a command: list.",
    short_help="List, fetch, check and remove models.",
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")]


@app.callback(invoke_without_command=True)
def models(
    context: typer.Context, server: ServerOption = "", server_key: ServerKeyOption = "", as_json: JsonOption = False
) -> None:
    """List the models, and fetch, check and remove those whose weights do not come with Wholeform."""
    if context.invoked_subcommand is None:
        list_models(server, server_key, as_json)


@app.command("list")
def list_models(server: ServerOption = "", server_key: ServerKeyOption = "", as_json: JsonOption = False) -> None:
    """The models of this installation, or of a server: tasks, level, licence and what each is good for."""
    with shown(as_json):
        infos = _infos(server, server_key)
    if as_json:
        told = [msgspec.to_builtins(msgspec.structs.asdict(info)) for info in infos]  # with what has its default value
        print(json.dumps({"models": told}, ensure_ascii=False))
        return
    from .tables import print_table

    print_table(("MODEL", "TASKS", "LEVEL", "LICENCE", "READY", "GOOD FOR"), map(_row, infos))


def _infos(server: str, server_key: str) -> list[ModelInfo]:
    if server:
        with connected(server, server_key) as client:
            return client.catalogue().models
    from backend.hub.registry import model_infos

    return model_infos()


def _row(model: ModelInfo) -> tuple[str, ...]:
    ready = "yes" if model.ready else f"no: {model.missing}"
    return model.name, ", ".join(model.tasks), model.level, model.licence, ready, model.good_for


app.command("pull")(pulling.pull)
app.command("import")(pulling.import_by_hand)


@app.command("verify")
def verify(
    model: Annotated[str, typer.Argument(help="A model's name; else all that are here.", show_default=False)] = "",
    as_json: JsonOption = False,
) -> None:
    """Read every byte of the models' files and say whether they are what they were. Exit status 4 when not."""
    from backend.hub.registry import cards, find_card
    from backend.hub.verifying import faults, is_here

    with shown(as_json):
        chosen = [find_card(model)] if model else [card for card in cards().values() if is_here(card)]
        if not is_here(chosen[0]):
            raise ProblemError(ErrorCode.NOT_FOUND, f"“{model}” is not here.", f"wholeform models pull {model}")
        with pulling.progress() as told:
            found = {card.name: faults(card, told) for card in chosen}
    if as_json:
        print(json.dumps({"ok": not any(found.values()), "faults": found}, ensure_ascii=False))
    else:
        for name, sentences in found.items():
            print(f"{name}: {' '.join(sentences) or 'as it should be'}")
    if any(found.values()):
        print("Remove what is damaged and fetch it again: wholeform models remove NAME", file=sys.stderr)
        raise typer.Exit(FAILED)


@app.command("remove")
def remove(
    model: pulling.ModelArgument,
    forget: Annotated[
        bool, typer.Option("--forget", help="Also which files its first pull brought: its authors have changed them.")
    ] = False,
) -> None:
    """Remove a model that was fetched, and what was fetched of one so far."""
    from backend.hub.disk import size_in_words
    from backend.hub.registry import find_card
    from backend.hub.removing import remove as removed

    with shown():
        freed = removed(find_card(model), forget=forget)
    print(f"Removed {model}; {size_in_words(freed)} are free again.")
