"""Hypothesis strategies for values and messages."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from protocol.values import DTYPES, Array, Camera, Depth, Frames, Handle, Image, LabelMap, Mask, Mesh, Value

_sides = st.integers(1, 24)
_finite = st.floats(-1e6, 1e6, width=32)


def _bytes(shape: tuple[int, ...]) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.uint8, shape)


@st.composite
def images(draw: st.DrawFn) -> Image:
    return Image(draw(_bytes((draw(_sides), draw(_sides), draw(st.sampled_from([3, 4]))))))


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    return Mask.of(draw(hnp.arrays(np.bool_, (draw(_sides), draw(_sides)))))


@st.composite
def frames(draw: st.DrawFn) -> Frames:
    return Frames(draw(_bytes((draw(st.integers(1, 4)), draw(_sides), draw(_sides), 3))), draw(st.floats(1, 120)))


@st.composite
def meshes(draw: st.DrawFn) -> Mesh:
    count = draw(st.integers(3, 30))
    uvs = draw(st.none() | hnp.arrays(np.float32, (count, 2), elements=_finite))
    faces = draw(st.integers(1, 40))
    return Mesh(
        draw(hnp.arrays(np.float32, (count, 3), elements=_finite)),
        draw(hnp.arrays(np.int32, (faces, 3), elements=st.integers(0, count - 1))),
        draw(st.none() | _bytes((count, 4))),
        uvs,
        None if uvs is None else draw(st.none() | _bytes((draw(_sides), draw(_sides), 3))),
        draw(st.none() | hnp.arrays(np.uint16, (faces,))),
    )


@st.composite
def arrays(draw: st.DrawFn) -> Array:
    dtype = draw(st.sampled_from(DTYPES))
    elements = _finite if dtype.startswith("float") else None
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6))
    return Array(draw(hnp.arrays(dtype, shape, elements=elements)))


values: st.SearchStrategy[Value] = st.one_of(
    images(),
    masks(),
    frames(),
    meshes(),
    arrays(),
    st.builds(LabelMap, hnp.arrays(np.uint16, st.tuples(_sides, _sides))),
    st.builds(Depth, hnp.arrays(np.float32, st.tuples(_sides, _sides), elements=_finite)),
    st.builds(
        Camera,
        hnp.arrays(np.float32, (4, 4), elements=_finite),
        hnp.arrays(np.float32, (3, 3), elements=_finite),
    ),
    st.builds(Handle, st.text(min_size=1, max_size=20), st.sampled_from(["mesh", "field"]), st.integers(0, 2**40)),
)
