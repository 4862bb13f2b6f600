"""The command line, `wholeform`. Light to import: torch and the models load in the server's workers alone."""

from .main import app as app
from .main import main as main
