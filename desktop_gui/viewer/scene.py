"""What lives on the graphics card: programs, buffers, textures. Call it only with the view's context current."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtGui import (
    QColor,
    QImage,
    QMatrix3x3,
    QMatrix4x4,
    QOpenGLContext,
    QSurfaceFormat,
    QVector2D,
    QVector3D,
    QVector4D,
)
from PySide6.QtOpenGL import (
    QOpenGLBuffer,
    QOpenGLFramebufferObject,
    QOpenGLFramebufferObjectFormat,
    QOpenGLFunctions_3_3_Core,
    QOpenGLShader,
    QOpenGLShaderProgram,
    QOpenGLTexture,
    QOpenGLVersionFunctionsFactory,
    QOpenGLVersionProfile,
    QOpenGLVertexArrayObject,
)
from shiboken6 import VoidPtr

from ..state.orbit import Orbit
from . import shaders
from .geometry import Geometry

# From the OpenGL registry; PySide6 gives the functions without their constants.
_FLOAT, _UNSIGNED_BYTE, _UNSIGNED_INT = 0x1406, 0x1401, 0x1405
_TRIANGLES, _TRIANGLE_STRIP = 0x0004, 0x0005
_DEPTH_TEST, _BLEND, _OFFSET_LINE = 0x0B71, 0x0BE2, 0x2A02
_SRC_ALPHA, _ONE_MINUS_SRC_ALPHA = 0x0302, 0x0303
_FRONT_AND_BACK, _LINE, _FILL = 0x0408, 0x1B01, 0x1B02
_COLOUR_AND_DEPTH = 0x4100

VERTEX_BYTES = 32
SAMPLES = 4
QUICK_S = 0.012
# PySide6's stubs say int, but it wants a pointer.
_FROM_THE_START: Any = VoidPtr(0)


@dataclass(frozen=True)
class Look:
    """How the object and what is around it are drawn."""

    top: QColor
    bottom: QColor
    clay: bool = False
    wire: bool = False


class Scene:
    """Raises RuntimeError when the card cannot do OpenGL 3.3 or refuses a shader."""

    def __init__(self, context: QOpenGLContext) -> None:
        profile = QOpenGLVersionProfile()
        profile.setVersion(3, 3)
        profile.setProfile(QSurfaceFormat.OpenGLContextProfile.CoreProfile)
        functions = QOpenGLVersionFunctionsFactory.get(profile, context)
        if not isinstance(functions, QOpenGLFunctions_3_3_Core) or not functions.initializeOpenGLFunctions():
            raise RuntimeError("OpenGL 3.3 is not available")
        self._gl = functions
        self._object = _Program(shaders.OBJECT_VERTEX, shaders.OBJECT_FRAGMENT)
        self._wire = _Program(shaders.OBJECT_VERTEX, shaders.WIRE_FRAGMENT)
        self._screen = _Program(shaders.SCREEN_VERTEX, shaders.SCREEN_FRAGMENT)
        self._floor = _Program(shaders.FLOOR_VERTEX, shaders.FLOOR_FRAGMENT)
        # A core profile draws nothing without a vertex array, even where the shader makes its own vertices.
        self._bare = QOpenGLVertexArrayObject()
        self._bare.create()
        self._array = QOpenGLVertexArrayObject()
        self._array.create()
        self._buffers: list[QOpenGLBuffer] = []
        self._texture: QOpenGLTexture | None = None
        self._geometry: Geometry | None = None
        self._smooth: QOpenGLFramebufferObject | None = None
        self._slow = False

    def upload(self, geometry: Geometry | None) -> None:
        """Draw ``geometry`` from now on, or nothing."""
        for buffer in self._buffers:
            buffer.destroy()
        self._buffers.clear()
        if self._texture is not None:
            self._texture.destroy()
            self._texture = None
        self._geometry = geometry
        if geometry is None:
            return
        self._array.bind()
        program = self._object.linked
        program.bind()
        self._fill(QOpenGLBuffer.Type.VertexBuffer, geometry.vertices)
        for location, offset, size in ((0, 0, 3), (1, 12, 3), (2, 24, 2)):
            program.enableAttributeArray(location)
            program.setAttributeBuffer(location, _FLOAT, offset, size, VERTEX_BYTES)
        self._fill(QOpenGLBuffer.Type.VertexBuffer, geometry.colours)
        program.enableAttributeArray(3)
        program.setAttributeBuffer(3, _UNSIGNED_BYTE, 0, 4, 4)
        self._fill(QOpenGLBuffer.Type.IndexBuffer, geometry.indices)
        self._array.release()
        program.release()
        if geometry.texture is not None:
            self._texture = _texture(geometry.texture)

    def draw(self, orbit: Orbit, look: Look, size: QSize, still: bool) -> None:
        """One picture of ``size`` in device pixels, its edges smooth: always where that is quick, else when ``still``.

        On a processor that stands in for a graphics card, smooth edges take five times as long.
        """
        if self._slow and not still:
            self._draw(orbit, look, size.width(), size.height())
            return
        if self._smooth is None or self._smooth.size() != size:
            wanted = QOpenGLFramebufferObjectFormat()
            wanted.setSamples(SAMPLES)
            wanted.setAttachment(QOpenGLFramebufferObject.Attachment.Depth)
            self._smooth = QOpenGLFramebufferObject(size, wanted)
        began = time.perf_counter()
        self._smooth.bind()
        self._draw(orbit, look, size.width(), size.height())
        self._smooth.release()
        whole = QRect(QPoint(0, 0), size)
        # The stubs do not say that None is the widget's own framebuffer.
        target: Any = None
        QOpenGLFramebufferObject.blitFramebuffer(target, whole, self._smooth, whole)
        if self._geometry is not None and not self._slow:
            self._gl.glFinish()
            self._slow = time.perf_counter() - began > QUICK_S

    def _draw(self, orbit: Orbit, look: Look, width: int, height: int) -> None:
        gl = self._gl
        gl.glViewport(0, 0, width, height)
        gl.glClear(_COLOUR_AND_DEPTH)
        gl.glDisable(_DEPTH_TEST)
        self._bare.bind()
        self._screen.use(top=look.top, bottom=look.bottom)
        gl.glDrawArrays(_TRIANGLES, 0, 3)
        self._bare.release()
        if self._geometry is None:
            return
        view, projection = orbit.view_matrix(), orbit.projection_matrix(width / max(height, 1))
        self._draw_floor(self._geometry, view, projection, orbit.elevation)
        self._draw_object(self._geometry, view, projection, look)

    def _draw_floor(self, geometry: Geometry, view: np.ndarray, projection: np.ndarray, elevation: float) -> None:
        gl = self._gl
        centre, extent = (geometry.low + geometry.high) / 2, geometry.high - geometry.low
        self._bare.bind()
        self._floor.use(
            view=view,
            projection=projection,
            middle=QVector3D(float(centre[0]), float(geometry.low[1]) - 0.004, float(centre[2])),
            reach=QVector2D(float(extent[0]) * 0.72, float(extent[2]) * 0.85 + 0.06),
            # Seen from below there is no floor.
            strength=0.42 * min(max(elevation * 6 + 0.2, 0.0), 1.0),
        )
        gl.glEnable(_BLEND)
        gl.glBlendFunc(_SRC_ALPHA, _ONE_MINUS_SRC_ALPHA)
        gl.glDrawArrays(_TRIANGLE_STRIP, 0, 4)
        gl.glDisable(_BLEND)
        self._bare.release()

    def _draw_object(self, geometry: Geometry, view: np.ndarray, projection: np.ndarray, look: Look) -> None:
        gl = self._gl
        gl.glEnable(_DEPTH_TEST)
        self._array.bind()
        if self._texture is not None:
            self._texture.bind(0)
        self._object.use(
            view=view,
            projection=projection,
            to_world=QMatrix3x3(np.ascontiguousarray(view[:3, :3].T).reshape(-1).tolist()),
            clay=QVector3D(0.80, 0.79, 0.77),
            look=2 if look.clay or not geometry.coloured else (1 if self._texture is not None else 0),
            picture=0,
        )
        gl.glDrawElements(_TRIANGLES, len(geometry.indices), _UNSIGNED_INT, _FROM_THE_START)
        if look.wire:
            self._wire.use(view=view, projection=projection, ink=QVector4D(0.05, 0.06, 0.09, 0.55))
            gl.glPolygonMode(_FRONT_AND_BACK, _LINE)
            gl.glEnable(_OFFSET_LINE)
            gl.glEnable(_BLEND)
            gl.glPolygonOffset(-1.0, -1.0)
            gl.glDrawElements(_TRIANGLES, len(geometry.indices), _UNSIGNED_INT, _FROM_THE_START)
            gl.glDisable(_BLEND)
            gl.glDisable(_OFFSET_LINE)
            gl.glPolygonMode(_FRONT_AND_BACK, _FILL)
        self._array.release()
        gl.glDisable(_DEPTH_TEST)

    def release(self) -> None:
        """Free everything; the context must be current."""
        self.upload(None)
        self._smooth = None
        self._array.destroy()
        self._bare.destroy()

    def _fill(self, kind: QOpenGLBuffer.Type, array: np.ndarray) -> None:
        buffer = QOpenGLBuffer(kind)
        buffer.create()
        buffer.bind()
        buffer.allocate(array.tobytes(), array.nbytes)
        self._buffers.append(buffer)


class _Program:
    """A linked program whose uniforms are set by name."""

    def __init__(self, vertex: str, fragment: str) -> None:
        self.linked = QOpenGLShaderProgram()
        kinds = QOpenGLShader.ShaderTypeBit
        for kind, source in ((kinds.Vertex, vertex), (kinds.Fragment, fragment)):
            if not self.linked.addShaderFromSourceCode(kind, source):
                raise RuntimeError(self.linked.log())
        if not self.linked.link():
            raise RuntimeError(self.linked.log())

    def use(
        self, **uniforms: QVector2D | QVector3D | QVector4D | QMatrix3x3 | np.ndarray | QColor | int | float
    ) -> None:
        """Draw with it from now on. Matrices are float32 4 x 4 arrays."""
        self.linked.bind()
        for name, value in uniforms.items():
            location = self.linked.uniformLocation(name)
            if isinstance(value, int):
                self.linked.setUniformValue1i(location, value)
            elif isinstance(value, float):
                self.linked.setUniformValue1f(location, value)
            elif isinstance(value, np.ndarray):
                self.linked.setUniformValue(location, QMatrix4x4(value.reshape(-1).tolist()))
            elif isinstance(value, QColor):
                self.linked.setUniformValue(location, QVector3D(value.redF(), value.greenF(), value.blueF()))
            else:
                self.linked.setUniformValue(location, value)


def _texture(pixels: np.ndarray) -> QOpenGLTexture:
    height, width = pixels.shape[:2]
    image = QImage(pixels.data, width, height, width * 4, QImage.Format.Format_RGBA8888)
    texture = QOpenGLTexture(image, QOpenGLTexture.MipMapGeneration.GenerateMipMaps)
    texture.setMinMagFilters(QOpenGLTexture.Filter.LinearMipMapLinear, QOpenGLTexture.Filter.Linear)
    texture.setWrapMode(QOpenGLTexture.WrapMode.ClampToEdge)
    return texture
