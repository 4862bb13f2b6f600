"""Which server, in plain Python: what an address means, and whether Blender's online access is needed for it."""

from __future__ import annotations

from dataclasses import dataclass

from .protocol import ProblemError
from .protocol.connection import is_loopback, parse_address
from .protocol.security import is_key


@dataclass(frozen=True)
class Server:
    """One line of the list in the preferences. An empty ``address`` is the server that runs on this computer."""

    name: str
    address: str = ""
    key: str = ""

    @property
    def is_local(self) -> bool:
        return not self.address.strip()

    @property
    def needs_online_access(self) -> bool:
        """Whether talking to it leaves this computer. True for an address that cannot be read."""
        if self.is_local:
            return False
        try:
            return not is_loopback(parse_address(self.address))
        except ProblemError:
            return True


def understood(server: Server) -> tuple[str, bool]:
    """What was understood of the entry, in words, and whether it can be used."""
    if server.is_local:
        return "The server that runs on this computer", True
    try:
        address = parse_address(server.address)
    except ProblemError as error:
        return str(error), False
    if server.key.strip() and not is_key(server.key.strip()):
        return "The server key is not a key: it has 40 characters", False
    return f"{address}, {'encrypted' if server.key.strip() else 'not encrypted'}", True
