"""Start the application: options, Qt set-up, the window."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QIcon, QSurfaceFormat
from PySide6.QtWidgets import QApplication

from protocol import ProblemError
from protocol.connection import parse_address

from . import icons, theme
from .state.servers import ServerChoice, ServerSettings
from .viewer.viewer import surface_format
from .window import MainWindow


def make_application(arguments: Sequence[str] = ()) -> QApplication:
    """The one QApplication, set up as the window needs it."""
    QSurfaceFormat.setDefaultFormat(surface_format())
    # Docks that are torn off get a window of their own and still draw what was uploaded before.
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    QCoreApplication.setOrganizationName("Wholeform")
    QCoreApplication.setApplicationName("wholeform-desktop")
    application = QApplication([sys.argv[0], *arguments])
    application.setStyle("Fusion")
    application.setApplicationDisplayName("Wholeform")
    application.setWindowIcon(QIcon(icons.pixmap("whole", theme.DARK.accent, 128)))
    return application


def parse_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """``picture``, ``server`` and ``server_key`` from the command line."""
    parser = argparse.ArgumentParser(prog="wholeform-desktop", description="Make objects in pictures whole.")
    parser.add_argument("picture", nargs="?", type=Path, help="a picture to open")
    parser.add_argument("--server", help="address of a server, e.g. studio-gpu:5555; otherwise the one chosen last")
    parser.add_argument("--server-key", default="", help="its public key, where it has one")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until the window is closed; returns the exit code."""
    options = parse_options(arguments)
    logging.basicConfig(level=logging.WARNING)
    servers = None
    if options.server:
        try:
            choice = ServerChoice(options.server, parse_address(options.server), options.server_key)
        except ProblemError as error:
            print(error, file=sys.stderr)
            return 2
        servers = ServerSettings([choice], choice.name)
    application = make_application()
    window = MainWindow()
    window.show()
    window.start(servers)
    if options.picture is not None:
        window.open_picture(options.picture)
    return application.exec()
