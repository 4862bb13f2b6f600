"""`python -m backend.cli` is `wholeform`."""

from .main import main

main()
