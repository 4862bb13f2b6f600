"""CURVE for binds that others can reach: the server's keys and the list of client keys it lets in."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import zmq
from zmq.auth.thread import ThreadAuthenticator

from protocol.connection import is_loopback
from protocol.problems import ErrorCode, ProblemError
from protocol.security import KeyPair, load_allowed, load_keys

from .options import ServeOptions

logger = logging.getLogger("wholeform.authentication")


def keys_for(options: ServeOptions) -> KeyPair | None:
    """The keys to bind with; None for a loopback bind without keys.

    ProblemError (KEY_REFUSED) when the bind is open to others and there are no keys or nobody is allowed in.
    """
    if options.key_file is None:
        if is_loopback(options.bind):
            return None
        raise ProblemError(
            ErrorCode.KEY_REFUSED,
            f"{options.bind} can be reached by others, so it needs keys.",
            "Make them with “wholeform keys make --server”, add each client with “wholeform keys allow KEY NAME”,"
            " then serve with --keys. Or bind to 127.0.0.1 and use an SSH tunnel.",
        )
    keys = load_keys(options.key_file)
    if not load_allowed(options.allowed_file):
        raise ProblemError(
            ErrorCode.KEY_REFUSED,
            f"{options.allowed_file} lets nobody in.",
            "Add each client: wholeform keys allow KEY NAME.",
        )
    return keys


class AllowList:
    """Lets in the client keys listed in a file, which is read again whenever it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = 0
        self._allowed: dict[str, str] = {}

    def callback(self, domain: str, key: bytes) -> bool:
        """Whether ``key`` (Z85) is listed. Called by the authenticator's thread for every new connection."""
        try:
            changed = self._path.stat().st_mtime_ns
            if changed != self._read_at:
                self._allowed, self._read_at = load_allowed(self._path), changed
        except (OSError, ProblemError) as error:
            logger.error("nobody new is let in: %s", error)
            self._allowed, self._read_at = {}, 0
        public = key.decode()
        if public in self._allowed:
            return True
        logger.warning("refused the key %s", public)
        return False


def secure(context: zmq.Context[Any], socket: zmq.Socket[bytes], keys: KeyPair, allowed: Path) -> ThreadAuthenticator:
    """Make ``socket`` a CURVE server before it binds. Stop the authenticator before the context ends."""
    authenticator = ThreadAuthenticator(context)
    authenticator.start()
    authenticator.configure_curve_callback(domain="*", credentials_provider=AllowList(allowed))
    socket.curve_server = True
    socket.curve_publickey = keys.public.encode()
    socket.curve_secretkey = keys.secret.encode()
    return authenticator
