"""`wholeform models`: which models there are, what each is good for and under which licence."""

from __future__ import annotations

import json
from typing import Annotated

import msgspec.structs
import typer

from protocol.messages import ModelInfo

from .connecting import ServerKeyOption, ServerOption, connected
from .problems import shown


def models(
    server: ServerOption = "",
    server_key: ServerKeyOption = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """The models of this installation, or of a server: tasks, level, licence and what each is good for."""
    with shown(as_json):
        infos = _infos(server, server_key)
    if as_json:
        print(json.dumps({"models": [msgspec.structs.asdict(info) for info in infos]}, ensure_ascii=False))
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
