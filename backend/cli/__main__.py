"""`python -m backend.cli` is `wholeform`."""

from . import main

main()
