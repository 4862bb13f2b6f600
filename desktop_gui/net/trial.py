"""Ask a server who it is, for the Test connection button."""

from __future__ import annotations

from dataclasses import dataclass

from protocol import Client, ErrorCode, ProblemError
from protocol.connection import find_local
from protocol.security import default_key_path, load_or_make_keys

from ..state.servers import ServerChoice

TIMEOUT_S = 8.0


@dataclass(frozen=True)
class Trial:
    """What a server says of itself."""

    name: str
    version: str
    protocol: str
    device: str
    memory: str
    models: list[str]
    round_trip_s: float


def try_server(choice: ServerChoice) -> Trial:
    """Connect, ask and leave again; blocks for up to some seconds. Raises ProblemError as Client.connect does."""
    address, server_key = choice.address, choice.server_key
    if choice.is_local:
        local = find_local()
        if local is None:
            raise ProblemError(
                ErrorCode.UNREACHABLE, "No server runs on this computer now.", "It is started when it is used."
            )
        address, server_key = local.address, local.server_key
    keys = load_or_make_keys(default_key_path("client")) if server_key else None
    client = Client(address, name="desktop test", keys=keys, server_key=server_key or None)
    try:
        welcome = client.connect(TIMEOUT_S)
        round_trip, state = client.ping(TIMEOUT_S)
        models = [model.title for model in client.catalogue(TIMEOUT_S).models]
    finally:
        client.close()
    used = sum(worker.memory_bytes for worker in state.workers)
    total = sum(worker.memory_total_bytes for worker in state.workers)
    memory = f"{used / 2**30:.1f} of {total / 2**30:.1f} GB" if total else f"{used / 2**20:,.0f} MB" if used else ""
    protocol = ".".join(map(str, welcome.protocol))
    return Trial(welcome.name, welcome.version, protocol, welcome.device, memory, models, round_trip)
