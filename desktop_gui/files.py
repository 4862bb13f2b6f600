"""Writing files so that nobody ever finds half of one."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from protocol import ErrorCode, ProblemError


class Replacing:
    """A temporary file that takes the place of ``path`` only when it was written in full. ProblemError (INTERNAL) when
    the place cannot be written to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")

    def __enter__(self) -> Path:
        return self._temporary

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if kind is None:
                os.replace(self._temporary, self._path)
        except OSError as refused:
            error = refused
        self._temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise ProblemError(
                ErrorCode.INTERNAL,
                f"“{self._path.name}” could not be written: {error.strerror or error}.",
                "Choose another folder, or check its rights and the free space.",
            ) from error
