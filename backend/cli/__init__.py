"""The command line, `wholeform`. Light to import: torch and the models load in the server's workers alone."""

from __future__ import annotations


def main() -> None:
    """Run `wholeform`; says what to install where only the protocol is."""
    try:
        from .main import main as run
    except ModuleNotFoundError as missing:
        raise SystemExit(
            f"The command line needs {missing.name}, which is not installed.\nRun: pip install 'wholeform[backend]'"
        ) from None
    run()
