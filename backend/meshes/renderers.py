"""Which renderer this process draws with: OpenGL where it can be had, else the one in numpy."""

from __future__ import annotations

import functools
import logging
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


@functools.cache
def renderer() -> Renderer:
    """This process's renderer, made at the first call; it may be used from any thread."""
    try:
        return GLRenderer()
    except ProblemError as problem:
        _log.warning("drawing without OpenGL: %s", problem)
        return SoftwareRenderer()
