"""The servers a person can choose from: this computer, and others by address and key."""

from __future__ import annotations

import msgspec

LOCAL = "This computer"


class ServerChoice(msgspec.Struct, frozen=True, omit_defaults=True):
    """One server. An empty ``address`` means the server on this computer, started when none runs."""

    name: str = LOCAL
    address: str = ""
    server_key: str = ""

    @property
    def is_local(self) -> bool:
        return not self.address


class ServerSettings(msgspec.Struct, omit_defaults=True):
    """``chosen`` names the server in use; unknown names mean this computer."""

    others: list[ServerChoice] = []
    chosen: str = LOCAL
    start_local: bool = True
    stop_local_at_exit: bool = True

    def choices(self) -> list[ServerChoice]:
        return [ServerChoice(), *self.others]

    def current(self) -> ServerChoice:
        return next((c for c in self.choices() if c.name == self.chosen), ServerChoice())

    def to_text(self) -> str:
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_text(cls, text: str) -> ServerSettings:
        """Settings from what `to_text` gave; the defaults when it cannot be read."""
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.MsgspecError:
            return cls()
