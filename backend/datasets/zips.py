"""Zips of pictures, read in place: nothing is ever unpacked to a disk."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

from .files import PICTURE_ENDINGS, fault

MAX_ENTRIES = 2_000_000
MAX_ENTRY_BYTES = 512 << 20
MAX_RATIO = 200  # deflate packs real pictures and JSON by far less
_SMALL = 1 << 20  # below this any ratio is harmless


class PictureZip:
    """A zip whose entries are checked when it is opened; ``pictures`` are the names of its pictures, sorted.

    ProblemError (BAD_INPUT) when it is missing or no zip, or has entries with paths that lead out of it, too many
    entries or absurd sizes. May be handed to other processes, each of which opens the file for itself.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: tuple[int, zipfile.ZipFile] | None = None
        entries = self._zip().infolist()
        if len(entries) > MAX_ENTRIES:
            raise fault(path, f"has {len(entries):,} entries", f"at most {MAX_ENTRIES:,}")
        for entry in entries:
            self._check(entry)
        self.names = frozenset(entry.filename for entry in entries)
        self.pictures = sorted(name for name in self.names if name.lower().endswith(PICTURE_ENDINGS))

    def read(self, name: str) -> bytes:
        """One entry's bytes."""
        try:
            return self._zip().read(name)
        except KeyError:
            raise fault(self.path, f"lacks the entry {name}", f"{name} in it") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
            raise fault(self.path, f"has a broken entry {name}: {error}", "a whole zip without a password") from None

    def named(self, name: str) -> str:
        """How complaints name an entry."""
        return f"{self.path}/{name}"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def _zip(self) -> zipfile.ZipFile:
        # Forked processes share the file's position with their parent, so each needs a file of its own.
        if self._opened is None or self._opened[0] != os.getpid():
            try:
                self._opened = (os.getpid(), zipfile.ZipFile(self.path))
            except FileNotFoundError:
                raise fault(self.path, "is missing", "a zip of pictures") from None
            except (OSError, zipfile.BadZipFile, RuntimeError) as error:
                raise fault(self.path, f"cannot be read as a zip: {error}", "a zip of pictures") from None
        return self._opened[1]

    def _check(self, entry: zipfile.ZipInfo) -> None:
        name = PurePosixPath(entry.filename)
        if name.is_absolute() or ".." in name.parts or "\\" in entry.filename or ":" in entry.filename:
            raise fault(self.path, f"has an entry {entry.filename!r}", "relative paths that stay inside")
        too_packed = entry.file_size > _SMALL and entry.file_size > MAX_RATIO * max(1, entry.compress_size)
        if entry.file_size > MAX_ENTRY_BYTES or too_packed:
            what = f"has an entry {entry.filename} that unpacks {entry.compress_size:,} to {entry.file_size:,} bytes"
            raise fault(self.path, what, f"at most {MAX_ENTRY_BYTES:,} bytes, packed at most {MAX_RATIO} times")
