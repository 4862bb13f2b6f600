"""What the window remembers between runs, besides jobs: servers, recent files, theme, layout."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from PySide6.QtCore import QByteArray, QSettings

from protocol.messages import Catalogue

from .state.servers import ServerSettings

RECENT = 10


class Settings:
    """Typed access to QSettings. Everything has a default; nothing here raises for a damaged file."""

    def __init__(self) -> None:
        self._store = QSettings()

    def _text(self, key: str, default: str = "") -> str:
        value = self._store.value(key, default)
        return value if isinstance(value, str) else default

    def _bytes(self, key: str) -> QByteArray:
        value = self._store.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()

    @property
    def servers(self) -> ServerSettings:
        return ServerSettings.from_text(self._text("servers"))

    @servers.setter
    def servers(self, servers: ServerSettings) -> None:
        self._store.setValue("servers", servers.to_text())

    @property
    def theme(self) -> str:
        """ "system", "dark" or "light"."""
        return self._text("theme", "system")

    @theme.setter
    def theme(self, name: str) -> None:
        self._store.setValue("theme", name)

    @property
    def recent(self) -> list[Path]:
        """Pictures opened last, newest first. Missing ones stay: a disk may be away for a while."""
        return [Path(line) for line in self._text("recent").splitlines() if line]

    def add_recent(self, path: Path) -> None:
        paths = [path, *(other for other in self.recent if other != path)][:RECENT]
        self._store.setValue("recent", "\n".join(map(os.fspath, paths)))

    @property
    def folder(self) -> str:
        """Where the person saved last."""
        return self._text("folder", str(Path.home()))

    @folder.setter
    def folder(self, folder: str) -> None:
        self._store.setValue("folder", folder)

    @property
    def hover(self) -> bool:
        """Whether resting the pointer shows what a click would take."""
        return self._text("hover", "yes") == "yes"

    @hover.setter
    def hover(self, wanted: bool) -> None:
        self._store.setValue("hover", "yes" if wanted else "no")

    @property
    def catalogue(self) -> Catalogue | None:
        """The last server's, so that the settings can be made before one answers."""
        try:
            return msgspec.json.decode(self._text("catalogue"), type=Catalogue)
        except msgspec.MsgspecError:
            return None

    @catalogue.setter
    def catalogue(self, catalogue: Catalogue) -> None:
        self._store.setValue("catalogue", msgspec.json.encode(catalogue).decode())

    @property
    def layout(self) -> tuple[QByteArray, QByteArray]:
        """The window's geometry and its docks; empty before the first run."""
        return self._bytes("window/geometry"), self._bytes("window/docks")

    def set_layout(self, geometry: QByteArray, docks: QByteArray | None) -> None:
        self._store.setValue("window/geometry", geometry)
        if docks is not None:
            self._store.setValue("window/docks", docks)
