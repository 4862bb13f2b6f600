"""Options and surroundings of all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--golden",
        type=Path,
        default=None,
        help="A folder of recorded numbers, one sub-folder a model; without it, the small ones in tests/golden.",
    )


@pytest.fixture(scope="session")
def golden(request: pytest.FixtureRequest) -> Path:
    """The folder of recorded numbers for parity tests."""
    return request.config.getoption("--golden") or Path(__file__).parent / "golden"


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keys, jobs, models and connection files of the tests alone: nobody's own are read or written."""
    folder = tmp_path_factory.mktemp("wholeform")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CONFIG", "STATE", "DATA", "RUNTIME"):
            patch.setenv(f"WHOLEFORM_{name}_DIR", str(folder / name.lower()))
        patch.delenv("WHOLEFORM_MODELS", raising=False)
        patch.delenv("WHOLEFORM_MIRROR", raising=False)
        yield
