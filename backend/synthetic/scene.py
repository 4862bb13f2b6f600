"""A synthetic scene and all that is known about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protocol.values import Camera, Mesh


class PartlyHidden:
    """What has a visible and a whole area, ``modal`` and ``amodal`` (bool H x W)."""

    modal: np.ndarray
    amodal: np.ndarray

    @property
    def occlusion_rate(self) -> float:
        """The share of the whole area that other objects hide, 0 to 1."""
        return 1.0 - float(self.modal.sum()) / max(1, int(self.amodal.sum()))


@dataclass(frozen=True, eq=False)
class Instance(PartlyHidden):
    """One object of a scene of H x W pixels.

    ``id`` is its value in the panoptic map (1 and up, the same in all frames of a video), ``category`` what a person
    calls it, ``model`` which object it is ("mug/1234", "furniture/kitchen/oven"). ``modal`` and ``amodal`` (bool H x W)
    are its visible and its whole area inside the frame, ``whole`` (uint8 H x W x 4, straight alpha, zeros outside) is
    the object alone, ``depth`` (float32 H x W) its distance along the camera's axis, infinite outside.
    """

    id: int
    category: str
    model: str
    modal: np.ndarray
    amodal: np.ndarray
    whole: np.ndarray
    depth: np.ndarray


@dataclass(frozen=True, eq=False)
class Scene:
    """One picture of several objects on a ground, from `seed` alone.

    ``image`` uint8 H x W x 3; ``background`` the same without the objects and their shadows; ``instances`` nearest
    first; ``panoptic`` uint16 H x W, 0 where no object is; ``parts`` uint16 H x W, indices into ``part_names``, whose
    first is "background"; ``depth`` float32 H x W along the camera's axis, infinite where nothing is; ``normals``
    float32 H x W x 3 in the camera's frame (+X right, +Y up, +Z towards the camera), zero where nothing is.
    """

    seed: int
    image: np.ndarray
    background: np.ndarray
    instances: tuple[Instance, ...]
    panoptic: np.ndarray
    parts: np.ndarray
    part_names: tuple[str, ...]
    depth: np.ndarray
    normals: np.ndarray
    camera: Camera

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.image.shape[0], self.image.shape[1]


@dataclass(frozen=True, eq=False)
class Video:
    """Frames of one moving scene; an instance keeps its id, and is missing where it is wholly out of the frame."""

    seed: int
    frames: tuple[Scene, ...]


@dataclass(frozen=True, eq=False)
class Views:
    """One object from several cameras: ``images`` uint8 N x H x W x 4 (straight alpha), ``parts`` uint16 N x H x W,
    ``depth`` float32 N x H x W, ``normals`` float32 N x H x W x 3 (each in its camera's frame), and its ``mesh`` with
    vertex colours."""

    seed: int
    category: str
    model: str
    images: np.ndarray
    parts: np.ndarray
    part_names: tuple[str, ...]
    depth: np.ndarray
    normals: np.ndarray
    cameras: tuple[Camera, ...]
    mesh: Mesh
