"""The values that tasks take and give: numpy inside, checked when they are made.

Conventions: images are uint8 sRGB with straight alpha, row 0 on top; masks are uint8, 0 or 255; label maps are
uint16. Space is right-handed with glTF axes (+Y up, the object's front faces +Z, a camera looks along its own -Z);
meshes lie in a cube of side 1 centred at 0; front faces are counter-clockwise. No value knows Qt, bpy, zmq or torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from .problems import ErrorCode, ProblemError

MAX_SIDE = 16_384
MAX_PIXELS = 100_000_000
MAX_FRAMES = 4_096
MAX_VERTICES = 20_000_000
DTYPES = ("uint8", "uint16", "int32", "int64", "float32", "float64")


def _reject(what: str, hint: str) -> ProblemError:
    return ProblemError(ErrorCode.BAD_INPUT, what, hint)


@dataclass(frozen=True)
class Spec:
    """What one array field of a value must be. ``fits`` judges the shape, ``allowed`` says the same in words."""

    owner: str
    dtypes: tuple[str, ...]
    allowed: str
    fits: Callable[[tuple[int, ...]], bool]

    def check_declared(self, dtype: str, shape: tuple[int, ...]) -> None:
        """ProblemError (BAD_INPUT) unless an array of this dtype and shape can fit: needs no data."""
        if dtype not in self.dtypes or not self.fits(shape):
            size = " x ".join(str(n) for n in shape) or "a single number"
            raise _reject(
                f"{self.owner}: got {dtype} {size}.",
                f"Allowed: {' or '.join(self.dtypes)} {self.allowed}.",
            )

    def check(self, array: Any) -> np.ndarray:
        """``array`` in C order, or a ProblemError (BAD_INPUT) saying what was wrong and what is allowed."""
        if not isinstance(array, np.ndarray):
            allowed = f"a numpy array, {' or '.join(self.dtypes)} {self.allowed}"
            raise _reject(f"{self.owner}: got {type(array).__name__}.", f"Allowed: {allowed}.")
        self.check_declared(str(array.dtype), array.shape)
        if array.dtype.kind == "f" and not bool(np.isfinite(array).all()):
            raise _reject(f"{self.owner}: contains NaN or infinity.", "Allowed: finite numbers.")
        return np.ascontiguousarray(array)


def _is_picture(shape: tuple[int, ...]) -> bool:
    height, width = shape[0], shape[1]
    return 1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE and height * width <= MAX_PIXELS


_PICTURE = f"with sides of 1 to {MAX_SIDE:,} and at most {MAX_PIXELS // 10**6} million pixels"


class Value:
    """Base of all values. ``kind`` is the name on the wire, ``ALL`` maps it to the class, ``specs`` holds what each
    array field must be."""

    kind: ClassVar[str] = ""
    specs: ClassVar[dict[str, Spec]] = {}
    ALL: ClassVar[dict[str, type[Value]]] = {}

    def __init_subclass__(cls) -> None:
        Value.ALL[cls.kind] = cls

    def __post_init__(self) -> None:
        for name, spec in self.specs.items():
            array = getattr(self, name)
            if array is not None:
                object.__setattr__(self, name, spec.check(array))
        self._check()

    def _check(self) -> None:
        """What the shapes alone do not say; raises ProblemError (BAD_INPUT)."""

    def _fields(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    def arrays(self) -> dict[str, np.ndarray]:
        """The array fields that are set, by name."""
        return {name: value for name, value in self._fields().items() if isinstance(value, np.ndarray)}

    def plain(self) -> dict[str, Any]:
        """The other fields that are set (strings and numbers), by name."""
        return {n: v for n, v in self._fields().items() if v is not None and not isinstance(v, np.ndarray)}

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other) or not isinstance(other, Value):
            return NotImplemented
        mine, theirs = self.arrays(), other.arrays()
        return (
            self.plain() == other.plain()
            and mine.keys() == theirs.keys()
            and all(np.array_equal(mine[name], theirs[name]) for name in mine)
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class Image(Value):
    """A picture: ``pixels`` uint8, H x W x 3 (sRGB) or H x W x 4 (sRGB with straight alpha), row 0 on top."""

    pixels: np.ndarray
    kind: ClassVar[str] = "image"
    specs: ClassVar[dict[str, Spec]] = {
        "pixels": Spec(
            "An image",
            ("uint8",),
            f"H x W x 3 or 4 {_PICTURE}",
            lambda s: len(s) == 3 and s[2] in (3, 4) and _is_picture(s),
        )
    }

    @property
    def height(self) -> int:
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        return self.pixels.shape[1]

    @property
    def rgb(self) -> np.ndarray:
        """uint8, H x W x 3, a view without the alpha channel."""
        return self.pixels[..., :3]


@dataclass(frozen=True, eq=False)
class Mask(Value):
    """A mask: ``pixels`` uint8, H x W, 0 (outside) or 255 (inside)."""

    pixels: np.ndarray
    kind: ClassVar[str] = "mask"
    specs: ClassVar[dict[str, Spec]] = {
        "pixels": Spec(
            "A mask",
            ("uint8",),
            f"H x W of 0 and 255 {_PICTURE}",
            lambda s: len(s) == 2 and _is_picture(s),
        )
    }

    def _check(self) -> None:
        # Adding 1 wraps 255 to 0, so the only values that stay under 2 are 255 and 0.
        if bool(((self.pixels + np.uint8(1)) > 1).any()):
            raise _reject(
                "A mask has values other than 0 and 255.",
                "Use 255 inside the object and 0 outside.",
            )

    @property
    def inside(self) -> np.ndarray:
        """bool, H x W."""
        return self.pixels > 0

    @classmethod
    def of(cls, inside: np.ndarray) -> Mask:
        """A mask from a boolean H x W array."""
        return cls(np.where(inside, np.uint8(255), np.uint8(0)))


@dataclass(frozen=True, eq=False)
class LabelMap(Value):
    """Semantic ids (a label map) or segment ids (a panoptic map): ``ids`` uint16, H x W."""

    ids: np.ndarray
    kind: ClassVar[str] = "label_map"
    specs: ClassVar[dict[str, Spec]] = {
        "ids": Spec(
            "A label map",
            ("uint16",),
            f"H x W {_PICTURE}",
            lambda s: len(s) == 2 and _is_picture(s),
        )
    }


@dataclass(frozen=True, eq=False)
class Depth(Value):
    """Depth along the camera's viewing axis in field units: ``depth`` float32, H x W; 0 where nothing was hit."""

    depth: np.ndarray
    kind: ClassVar[str] = "depth"
    specs: ClassVar[dict[str, Spec]] = {
        "depth": Spec(
            "A depth map",
            ("float32",),
            f"H x W {_PICTURE}",
            lambda s: len(s) == 2 and _is_picture(s),
        )
    }


@dataclass(frozen=True, eq=False)
class Frames(Value):
    """A video: ``pixels`` uint8, T x H x W x 3 or 4; ``fps`` frames per second, above 0 and up to 1000."""

    pixels: np.ndarray
    fps: float = 30.0
    kind: ClassVar[str] = "frames"
    specs: ClassVar[dict[str, Spec]] = {
        "pixels": Spec(
            "A video",
            ("uint8",),
            f"T x H x W x 3 or 4, T from 1 to {MAX_FRAMES:,}, frames {_PICTURE}",
            lambda s: len(s) == 4 and 1 <= s[0] <= MAX_FRAMES and s[3] in (3, 4) and _is_picture(s[1:]),
        )
    }

    def _check(self) -> None:
        if not isinstance(self.fps, int | float) or not 0 < self.fps <= 1000:
            raise _reject(
                f"A video's fps is {self.fps!r}.",
                "Allowed: a number above 0 and up to 1000.",
            )


@dataclass(frozen=True, eq=False)
class Mesh(Value):
    """A triangle mesh in glTF axes, inside the cube of side 1 around 0 unless the task says otherwise.

    ``vertices`` float32 V x 3; ``faces`` int32 F x 3, counter-clockwise from outside; optional ``colours`` uint8
    V x 4 (sRGB, straight alpha), ``uvs`` float32 V x 2 (v = 0 at the bottom), ``texture`` uint8 H x W x 3 or 4, and
    ``face_labels`` uint16 F: the label id of each face.
    """

    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray | None = None
    uvs: np.ndarray | None = None
    texture: np.ndarray | None = None
    face_labels: np.ndarray | None = None
    kind: ClassVar[str] = "mesh"
    specs: ClassVar[dict[str, Spec]] = {
        "vertices": Spec(
            "A mesh's vertices",
            ("float32",),
            f"V x 3 with V from 3 to {MAX_VERTICES:,}",
            lambda s: len(s) == 2 and s[1] == 3 and 3 <= s[0] <= MAX_VERTICES,
        ),
        "faces": Spec(
            "A mesh's faces",
            ("int32",),
            f"F x 3 with F from 1 to {2 * MAX_VERTICES:,}",
            lambda s: len(s) == 2 and s[1] == 3 and 1 <= s[0] <= 2 * MAX_VERTICES,
        ),
        "colours": Spec(
            "A mesh's colours",
            ("uint8",),
            "V x 4",
            lambda s: len(s) == 2 and s[1] == 4 and s[0] <= MAX_VERTICES,
        ),
        "uvs": Spec(
            "A mesh's uvs",
            ("float32",),
            "V x 2",
            lambda s: len(s) == 2 and s[1] == 2 and s[0] <= MAX_VERTICES,
        ),
        "texture": Spec(
            "A mesh's texture",
            ("uint8",),
            f"H x W x 3 or 4 {_PICTURE}",
            lambda s: len(s) == 3 and s[2] in (3, 4) and _is_picture(s),
        ),
        "face_labels": Spec(
            "A mesh's face labels",
            ("uint16",),
            "F, one id a face",
            lambda s: len(s) == 1 and s[0] <= 2 * MAX_VERTICES,
        ),
    }

    def _check(self) -> None:
        count = len(self.vertices)
        low, high = int(self.faces.min()), int(self.faces.max())
        if low < 0 or high >= count:
            raise _reject(
                f"A mesh's faces name vertices from {low} to {high}.",
                f"Allowed: 0 to {count - 1}.",
            )
        for name, array in (("colours", self.colours), ("uvs", self.uvs)):
            if array is not None and len(array) != count:
                raise _reject(
                    f"A mesh has {count} vertices but {len(array)} {name}.",
                    "Give one for each vertex.",
                )
        if self.face_labels is not None and len(self.face_labels) != len(self.faces):
            raise _reject(
                f"A mesh has {len(self.faces)} faces but {len(self.face_labels)} face labels.",
                "Give one for each face.",
            )
        if self.texture is not None and self.uvs is None:
            raise _reject("A mesh has a texture but no uvs.", "Give both or neither.")


@dataclass(frozen=True, eq=False)
class Camera(Value):
    """A pinhole camera: ``cam2world`` float32 4 x 4 and ``intrinsics`` float32 3 x 3, normalised by image size.

    The camera looks along its own -Z with +Y up. ``intrinsics`` maps camera-plane coordinates (x right, y down,
    z forward) to picture coordinates in 0..1.
    """

    cam2world: np.ndarray
    intrinsics: np.ndarray
    kind: ClassVar[str] = "camera"
    specs: ClassVar[dict[str, Spec]] = {
        "cam2world": Spec("A camera's cam2world", ("float32",), "4 x 4", lambda s: s == (4, 4)),
        "intrinsics": Spec("A camera's intrinsics", ("float32",), "3 x 3", lambda s: s == (3, 3)),
    }


@dataclass(frozen=True, eq=False)
class Array(Value):
    """Any other numbers, e.g. a confidence per pixel: ``data`` of one of ``DTYPES``, up to 8 dimensions, finite."""

    data: np.ndarray
    kind: ClassVar[str] = "array"
    specs: ClassVar[dict[str, Spec]] = {
        "data": Spec("An array", DTYPES, "of up to 8 dimensions", lambda s: len(s) <= 8)
    }


@dataclass(frozen=True, eq=False)
class Handle(Value):
    """Names something that lives on the server: ``holds`` says what ("mesh", "field", "embedding")."""

    id: str
    holds: str
    nbytes: int = 0
    kind: ClassVar[str] = "handle"

    def _check(self) -> None:
        texts = isinstance(self.id, str) and 1 <= len(self.id) <= 128 and isinstance(self.holds, str)
        if not texts or not isinstance(self.nbytes, int):
            raise _reject(
                "A handle needs an id of 1 to 128 characters and what it holds.",
                "Use a handle as given.",
            )
