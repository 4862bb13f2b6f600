"""Pictures of a mesh with OpenGL through pyrender and EGL: no window and no display needed."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from backend.fields.cameras import view_matrix
from protocol.problems import ErrorCode, ProblemError
from protocol.values import Camera, Mesh

from .lighting import GREY, facing, shade, straightened
from .normals import vertex_normals

_SUPERSAMPLING = 2  # on top of the four samples a pixel that pyrender takes
_FRAME_LIMIT = 4096


class GLRenderer:
    """One OpenGL context for the life of the process. It belongs to a thread of its own, so any thread may ask."""

    name = "opengl"

    def __init__(self) -> None:
        """Raises ProblemError (MODEL_FAILED) where OpenGL cannot be set up, e.g. for want of an EGL library."""
        os.environ.setdefault("PYOPENGL_PLATFORM", "egl")
        # pyrender imports pyglet's windows, which need X libraries unless told that there is no display.
        os.environ.setdefault("PYGLET_HEADLESS", "1")
        self._thread = ThreadPoolExecutor(1, "opengl")
        try:
            import pyrender

            self._context: Any = self._thread.submit(pyrender.OffscreenRenderer, 256, 256).result()
        except Exception as problem:  # PyOpenGL raises whatever its loader meets
            raise ProblemError(
                ErrorCode.MODEL_FAILED,
                "OpenGL could not be set up on this machine.",
                "Install the Debian packages libegl1 and libgl1 (or the graphics driver's own EGL).",
            ) from problem
        self._pyrender = pyrender
        self._last: tuple[Mesh, np.ndarray, Any] | None = None

    def render(self, mesh: Mesh, camera: Camera, size: int) -> np.ndarray:
        """uint8 size x size x 4 (sRGB, straight alpha), transparent around the mesh."""
        return self._thread.submit(self._render, mesh, camera, size).result()

    def _render(self, mesh: Mesh, camera: Camera, size: int) -> np.ndarray:
        pyrender = self._pyrender
        world2cam = view_matrix(camera)
        scene = pyrender.Scene(bg_color=[0.0, 0.0, 0.0, 0.0])
        scene.add(self._lit(mesh, world2cam))
        side = min(_SUPERSAMPLING * size, max(size, _FRAME_LIMIT))
        lens = camera.intrinsics.astype(np.float64) * side
        view = pyrender.IntrinsicsCamera(lens[0, 0], lens[1, 1], lens[0, 2], lens[1, 2], znear=0.01, zfar=100.0)
        scene.add(view, pose=camera.cam2world.astype(np.float64))
        self._context.viewport_width = self._context.viewport_height = side
        flags = pyrender.RenderFlags.RGBA | pyrender.RenderFlags.FLAT
        picture, _ = self._context.render(scene, flags=flags)
        blocks = np.asarray(picture, np.float32).reshape(size, side // size, size, side // size, 4)
        return straightened(blocks.mean(axis=(1, 3)))

    def _lit(self, mesh: Mesh, world2cam: np.ndarray) -> Any:
        """The mesh with the light that falls on it in this view as vertex colours: pyrender's own shading adds
        highlights, and the picture on the mesh holds those already."""
        if self._last is None or self._last[0] is not mesh:
            self._last = (mesh, vertex_normals(mesh.vertices, mesh.faces), self._material(mesh))
        _, normals, material = self._last
        light = shade(facing(normals @ world2cam[:3, :3].T))
        if material.baseColorTexture is None:
            light = light * (GREY if mesh.colours is None else mesh.colours[:, :3] / 255)
        return self._pyrender.Mesh(
            [
                self._pyrender.Primitive(
                    positions=mesh.vertices,
                    texcoord_0=mesh.uvs if material.baseColorTexture is not None else None,
                    color_0=np.concatenate([np.broadcast_to(light, (len(light), 3)), np.ones((len(light), 1))], axis=1),
                    indices=mesh.faces,
                    material=material,
                )
            ]
        )

    def _material(self, mesh: Mesh) -> Any:
        texture = None
        if mesh.texture is not None:
            texture = self._pyrender.Texture(source=np.ascontiguousarray(mesh.texture[..., :3]), source_channels="RGB")
        return self._pyrender.MetallicRoughnessMaterial(baseColorTexture=texture, doubleSided=True)
