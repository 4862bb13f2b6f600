"""The connections of clients: which session each belongs to, and sending without ever waiting."""

from __future__ import annotations

import hashlib
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import zmq

from protocol.frames import encode_message

logger = logging.getLogger("wholeform.clients")

IDLE_S = 60.0  # clients ping every few seconds; a connection silent for so long is gone
MAX_BACKLOG = 2000


@dataclass
class Connection:
    """One connection of a session."""

    route: bytes
    owner: str
    client: str
    heard: float = field(default_factory=time.monotonic)
    backlog: deque[list[Any]] = field(default_factory=deque)


def owner_of(session: str, user: str) -> str:
    """Who owns a job: the session's secret, bound to the CURVE key where there is one."""
    return hashlib.sha256(f"{user}\n{session}".encode()).hexdigest()


class Clients:
    """All connections. ``socket`` is the gateway's ROUTER."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self._socket = socket
        self._by_route: dict[bytes, Connection] = {}

    def __len__(self) -> int:
        return len(self._by_route)

    def add(self, route: bytes, owner: str, client: str) -> Connection:
        connection = Connection(route, owner, client)
        self._by_route[route] = connection
        return connection

    def get(self, route: bytes) -> Connection | None:
        connection = self._by_route.get(route)
        if connection is not None:
            connection.heard = time.monotonic()
        return connection

    def remove(self, route: bytes) -> None:
        self._by_route.pop(route, None)

    def owners(self) -> set[str]:
        return {connection.owner for connection in self._by_route.values()}

    def tell(self, owner: str, message: Any, arrays: Sequence[Any] = (), droppable: bool = False) -> None:
        """Send to every connection of an owner."""
        for connection in [c for c in self._by_route.values() if c.owner == owner]:
            self.send(connection.route, message, arrays, droppable)

    def send(self, route: bytes, message: Any, arrays: Sequence[Any] = (), droppable: bool = False) -> None:
        """Send now, or keep for `flush` when the client reads slowly; ``droppable`` messages are not kept."""
        frames = [route, *encode_message(message, arrays)]
        connection = self._by_route.get(route)
        if connection is not None and connection.backlog:
            if not droppable:
                self._keep(connection, frames)
        elif not self._try(frames) and connection is not None and not droppable:
            self._keep(connection, frames)

    def flush(self) -> None:
        """Send what was kept, and forget connections that have been silent for long."""
        now = time.monotonic()
        for connection in list(self._by_route.values()):
            while connection.backlog and self._try(connection.backlog[0]):
                if connection.backlog:
                    connection.backlog.popleft()
            if now - connection.heard > IDLE_S:
                self.remove(connection.route)

    def _keep(self, connection: Connection, frames: list[Any]) -> None:
        connection.backlog.append(frames)
        if len(connection.backlog) > MAX_BACKLOG:
            logger.warning("a client does not read what it asked for: dropping its connection")
            self.remove(connection.route)

    def _try(self, frames: list[Any]) -> bool:
        """False when the client cannot take more now. A client that is gone takes everything."""
        try:
            self._socket.send_multipart(frames, zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            connection = self._by_route.pop(frames[0], None)
            if connection is not None:
                connection.backlog.clear()
        return True
