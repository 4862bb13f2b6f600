"""Both renderers and the task that uses them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from backend.fields.cameras import intrinsics, look_at, orbit
from backend.meshes import gl_renderer, renderers
from backend.meshes.gl_renderer import GLRenderer
from backend.meshes.renderers import Renderer, renderer
from backend.meshes.software_renderer import SoftwareRenderer
from backend.models.inflate.inference import load
from backend.pipelines import mesh as mesh_task
from backend.pipelines import reconstruct as reconstruct_task
from backend.pipelines.context import Cancelled, Context
from backend.pipelines.registry import Values, run
from protocol.checks import check_parameters
from protocol.problems import ErrorCode, ProblemError
from protocol.tasks import RENDER
from protocol.values import Camera, Image, Mask, Mesh
from tests.unit import shapes_samples as samples


@pytest.fixture(scope="module", params=["opengl", "software"])
def drawer(request: pytest.FixtureRequest) -> Renderer:
    if request.param == "software":
        return SoftwareRenderer()
    try:
        return GLRenderer()
    except ProblemError as problem:
        pytest.skip(str(problem))


@pytest.fixture(scope="module")
def ball() -> Mesh:
    """Left red, right blue (as the picture shows it), the upper half brighter."""
    rgba = samples.painted(samples.disc())
    return load().reconstruct(rgba, rgba[..., 3] > 0, None, rgba, "draft", Context()).mesh(4_000, 256, Context())


def parameters(**given: Any) -> dict[str, Any]:
    return check_parameters(RENDER, given)


def test_front_view_is_the_picture(drawer: Renderer, ball: Mesh) -> None:
    view = drawer.render(ball, orbit(0, 0, 20, 0.5), 100).astype(int)
    assert view.shape == (100, 100, 4)
    assert view[50, 50, 3] == 255
    assert view[3, 3].tolist() == [0, 0, 0, 0]
    upper_left, upper_right, lower_left = view[30, 30], view[30, 70], view[70, 30]
    assert upper_left[0] > 150 > 60 > upper_left[2]
    assert upper_right[2] > 120 > 60 > upper_right[0]
    assert upper_left[0] > lower_left[0] + 60
    covered = (view[..., 3] > 128).mean()
    assert covered == pytest.approx(np.pi / 4 / 1.06**2, rel=0.06)


def test_back_view_is_mirrored_and_side_view_shows_one_side(drawer: Renderer, ball: Mesh) -> None:
    back = drawer.render(ball, orbit(180, 0, 20, 0.5), 64).astype(int)
    assert back[20, 20, 2] > back[20, 20, 0]
    assert back[20, 44, 0] > back[20, 44, 2]
    from_its_left = drawer.render(ball, orbit(90, 0, 20, 0.5), 64).astype(int)
    assert from_its_left[20, 20, 2] > from_its_left[20, 20, 0] + 50


def test_edges_are_smooth_and_have_no_dark_fringe(drawer: Renderer, ball: Mesh) -> None:
    white = Mesh(ball.vertices, ball.faces, np.full((len(ball.vertices), 4), 255, np.uint8))
    view = drawer.render(white, orbit(0, 0, 20, 0.5), 128)
    edge = (view[..., 3] > 20) & (view[..., 3] < 235)
    assert edge.sum() > 150
    assert view[edge, :3].min() > 120  # as bright as the shaded rim, not blended with black


def test_nearer_faces_hide_farther_ones(drawer: Renderer) -> None:
    def square(z: float, colour: tuple[int, int, int]) -> Mesh:
        corners = np.array([[-0.4, -0.4, z], [0.4, -0.4, z], [0.4, 0.4, z], [-0.4, 0.4, z]], np.float32)
        return Mesh(corners, np.array([[0, 1, 2], [0, 2, 3]], np.int32), np.array([[*colour, 255]] * 4, np.uint8))

    near, far = square(0.3, (255, 0, 0)), square(-0.3, (0, 0, 255))
    assert near.colours is not None
    assert far.colours is not None
    both = Mesh(
        np.concatenate([near.vertices, far.vertices]),
        np.concatenate([near.faces, far.faces + 4]),
        np.concatenate([near.colours, far.colours]),
    )
    front = drawer.render(both, orbit(0, 0, 30), 64)
    back = drawer.render(both, orbit(180, 0, 30), 64)
    assert front[32, 32, 0] > 100 > 10 > front[32, 32, 2]
    assert back[32, 32, 2] > 100 > 10 > back[32, 32, 0]


def test_grey_mesh_and_camera_inside_it(drawer: Renderer) -> None:
    box = samples.box_mesh()
    view = drawer.render(box, orbit(30, 20, 40), 64)
    middle = view[32, 32, :3].astype(int)
    assert 90 < middle[0] < 240
    assert np.ptp(middle) <= 2
    inside = drawer.render(box, Camera(look_at((0.0, 0.0, 0.1)), intrinsics(60)), 32)
    assert inside.shape == (32, 32, 4)


def test_same_bytes_every_time(drawer: Renderer, ball: Mesh) -> None:
    camera = orbit(33, 12, 30, 0.5)
    first = drawer.render(ball, camera, 96)
    drawer.render(samples.box_mesh(), camera, 48)
    np.testing.assert_array_equal(drawer.render(ball, camera, 96), first)


def test_what_is_no_camera_is_refused(drawer: Renderer, ball: Mesh) -> None:
    with pytest.raises(ProblemError):
        drawer.render(ball, Camera(np.zeros((4, 4), np.float32), intrinsics(30)), 32)


def test_both_renderers_agree(ball: Mesh) -> None:
    try:
        opengl = GLRenderer()
    except ProblemError as problem:
        pytest.skip(str(problem))
    camera = orbit(40, 25, 30, 0.5)
    pair = [drawer.render(ball, camera, 128).astype(int) for drawer in (opengl, SoftwareRenderer())]
    apart = np.abs(pair[0] - pair[1])
    assert apart.mean() < 1.5
    assert (apart.max(axis=-1) > 40).mean() < 0.01


def test_any_thread_may_draw(drawer: Renderer, ball: Mesh) -> None:
    camera = orbit(10, 10, 30, 0.5)
    here = drawer.render(ball, camera, 48)
    for _ in range(3):
        with ThreadPoolExecutor(1) as thread:
            np.testing.assert_array_equal(thread.submit(drawer.render, ball, camera, 48).result(), here)


def test_without_egl_the_software_renderer_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoLibrary:
        def __init__(self) -> None:
            raise ProblemError(ErrorCode.MODEL_FAILED, "no EGL", "libegl1")

    monkeypatch.setattr(renderers, "GLRenderer", NoLibrary)
    renderer.cache_clear()
    try:
        assert renderer().name == "software"
    finally:
        renderer.cache_clear()


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyrender

    def fail(*size: int) -> None:
        raise ImportError("Unable to load EGL library")

    monkeypatch.setattr(pyrender, "OffscreenRenderer", fail)
    with pytest.raises(ProblemError) as caught:
        gl_renderer.GLRenderer()
    assert caught.value.problem.code is ErrorCode.MODEL_FAILED
    assert "libegl1" in caught.value.problem.hint
    assert os.environ["PYOPENGL_PLATFORM"]


def test_task_draws_a_ring_of_a_mesh_sent_along(ball: Mesh) -> None:
    outputs, info = run("render", {"mesh": ball}, parameters(views=3, size=48), Context())
    views = outputs["views"]
    assert isinstance(views, list)
    assert [view.pixels.shape for view in views if isinstance(view, Image)] == [(48, 48, 4)] * 3
    assert info["views"] == 3
    assert info["renderer"] in ("opengl", "software")
    first, second = (view.pixels for view in views[:2] if isinstance(view, Image))
    assert (first != second).any()


def test_task_draws_fields_and_meshes_by_handle(ball: Mesh) -> None:
    context = Context()
    rgba = samples.painted(samples.disc())
    inputs = {"image": Image(rgba[..., :3].copy()), "mask": Mask(rgba[..., 3].copy()), "completed": Image(rgba)}
    made, info = reconstruct_task.run(context, inputs, {"model": "inflate", "quality": "draft"})
    assert info["placement"]["side"] == pytest.approx(180, abs=1)
    meshed, report = mesh_task.run(context, {"field": made["field"]}, {"faces": 2_000, "texture_size": 64})
    assert report["faces"] == len(meshed["mesh"].faces) == 2_000
    for handle in (made["field"], meshed["mesh_handle"]):
        outputs, _ = run("render", {"object": handle}, parameters(views=1, size=32), context)
        assert outputs["views"][0].pixels[16, 16, 3] == 255  # type: ignore[index,union-attr]


def test_task_uses_the_cameras_given_and_an_opaque_backdrop(ball: Mesh) -> None:
    inputs: Values = {"mesh": ball, "cameras": [orbit(90, 0, 30), orbit(0, 0, 30)]}
    outputs, _ = run("render", inputs, parameters(size=32, transparent=False), Context())
    views = [view.pixels for view in outputs["views"] if isinstance(view, Image)]  # type: ignore[union-attr]
    assert len(views) == 2
    assert all((view[..., 3] == 255).all() for view in views)
    assert views[0][0, 0, :3].tolist() == [240, 240, 240]


def test_task_refuses_nothing_and_stops_when_asked(ball: Mesh) -> None:
    with pytest.raises(ProblemError, match="nothing to draw"):
        run("render", {}, parameters(), Context())
    context = Context()
    context.cancelled = True
    with pytest.raises(Cancelled):
        run("render", {"mesh": ball}, parameters(), context)
