"""Which renderer this process draws with: OpenGL where it can be had, else the one in numpy."""

from __future__ import annotations

import functools
import logging
import threading
from typing import Protocol

import numpy as np

from protocol.problems import ProblemError
from protocol.values import Camera, Mesh

from .gl_renderer import GLRenderer
from .software_renderer import SoftwareRenderer

_log = logging.getLogger(__name__)


class Renderer(Protocol):
    """``name`` is "opengl" or "software"; ``render`` gives uint8 size x size x 4, sRGB with straight alpha."""

    name: str

    def render(self, mesh: Mesh, camera: Camera, size: int) -> np.ndarray: ...


def renderer() -> Renderer:
    """The calling thread's renderer, made at its first call: an OpenGL context belongs to one thread."""
    return _renderer_of(threading.get_ident())


@functools.cache
def _renderer_of(thread: int) -> Renderer:
    del thread
    try:
        return GLRenderer()
    except ProblemError as problem:
        _log.warning("drawing without OpenGL: %s", problem)
        return SoftwareRenderer()
