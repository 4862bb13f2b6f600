"""The companion process begins here: ``python -I companion_start.py``. One line of JSON on its standard input tells it
where Blender's Python packages are and where Blender listens."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from pathlib import Path

NAME = "wholeform"


def main() -> None:
    told = json.loads(sys.stdin.readline())
    sys.path += told["packages"]  # behind Python's own, which nothing there may stand before
    # The add-on's folder has another name in each of Blender's repositories, and neighbours that are none of ours.
    folder = Path(__file__).parent
    spec = importlib.util.spec_from_file_location(
        NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    sys.modules[NAME] = importlib.util.module_from_spec(spec)
    importlib.import_module(f"{NAME}.companion").run(told["address"], told["key"])


main()
