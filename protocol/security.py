"""CURVE keys: make, store, load. A key is 40 characters of Z85; the secret half never leaves its machine."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
import zmq

from .connection import config_dir
from .problems import ErrorCode, ProblemError

_Z85 = re.compile(r"^[0-9A-Za-z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}$")


@dataclass(frozen=True)
class KeyPair:
    """A CURVE key pair; ``public`` may be shown to anyone."""

    public: str
    secret: str

    def __repr__(self) -> str:
        return f"KeyPair({self.public!r}, ...)"


def is_key(text: str) -> bool:
    """Whether ``text`` looks like a CURVE key."""
    return bool(_Z85.match(text))


def make_keys() -> KeyPair:
    """A fresh random pair."""
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode(), secret.decode())


def default_key_path(name: str) -> Path:
    """Where the keys called ``name`` ("client", "server") live by default."""
    return config_dir() / f"{name}.key.json"


def save_keys(path: Path, keys: KeyPair) -> None:
    """Write ``keys`` readable by the owner alone. FileExistsError rather than overwriting a key in use."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode({"public": keys.public, "secret": keys.secret})))


def load_keys(path: Path) -> KeyPair:
    """The pair in ``path``. ProblemError (KEY_REFUSED) when it is missing, unreadable or readable by others."""

    def refuse(what: str, hint: str) -> ProblemError:
        return ProblemError(ErrorCode.KEY_REFUSED, what, hint)

    try:
        mode = path.stat().st_mode
        content = msgspec.json.decode(path.read_bytes())
        keys = KeyPair(content["public"], content["secret"])
    except FileNotFoundError:
        raise refuse(f"There is no key file {path}.", "Make one: wholeform keys make.") from None
    except (OSError, msgspec.MsgspecError, ValueError, KeyError, TypeError):
        raise refuse(f"{path} is not a key file.", "Make a new one: wholeform keys make.") from None
    if sys.platform != "win32" and mode & 0o077:
        raise refuse(f"Others can read the key file {path}.", f"Run: chmod 600 {path}")
    if not (
        isinstance(keys.public, str) and isinstance(keys.secret, str) and is_key(keys.public) and is_key(keys.secret)
    ):
        raise refuse(f"{path} holds no valid keys.", "Make a new one: wholeform keys make.")
    return keys


def load_or_make_keys(path: Path) -> KeyPair:
    """The pair in ``path``, made first where there is none."""
    if not path.exists():
        save_keys(path, make_keys())
    return load_keys(path)


def load_allowed(path: Path) -> dict[str, str]:
    """The client keys in an allow-list and who they belong to: one line each, the key, then a name. ``#`` comments
    need a space after the sign, as a key may begin with one. ProblemError (KEY_REFUSED) names a line that is wrong."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        raise ProblemError(
            ErrorCode.KEY_REFUSED,
            f"The list of allowed keys {path} cannot be read.",
            "Add a key: wholeform keys allow KEY NAME.",
        ) from None
    allowed: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        key, _, name = line.strip().partition(" ")
        if not key or key == "#":
            continue
        if not is_key(key):
            raise ProblemError(
                ErrorCode.KEY_REFUSED,
                f"Line {number} of {path} is not a key.",
                "A key has 40 characters: wholeform keys show.",
            )
        allowed[key] = name.strip()
    return allowed


def allow_key(path: Path, public: str, name: str) -> None:
    """Add a client's public key to an allow-list. ProblemError (BAD_PARAMETER) when it is no key."""
    if not is_key(public):
        raise ProblemError(
            ErrorCode.BAD_PARAMETER,
            f"“{public}” is not a key.",
            "A key has 40 characters: wholeform keys show.",
        )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() and public in load_allowed(path):
        return
    with path.open("a") as file:
        file.write(f"{public} {' '.join(name.split())}\n")
