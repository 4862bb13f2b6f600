"""The synthetic world: the same for the same seed, and true in what it says of itself."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import cv2
import numpy as np
import pytest
import trimesh

from backend.evaluation.views import label_consistency, picture_consistency
from backend.synthetic import families, furniture, worlds
from backend.synthetic.scene import Scene
from backend.synthetic.splits import SPLITS, seed_of, split_of
from protocol.problems import ProblemError

SEEDS = [seed_of("train", 0, 3), seed_of("val", 1, 5), seed_of("held-out", 2, 70)]


@pytest.fixture(scope="module", params=SEEDS, ids=SPLITS)
def scene(request: pytest.FixtureRequest) -> Scene:
    return worlds.make_scene(request.param, 96)


def digest(scene: Scene) -> str:
    whole = hashlib.sha256()
    for array in (scene.image, scene.panoptic, scene.parts, scene.depth, scene.normals):
        whole.update(np.ascontiguousarray(array).tobytes())
    for instance in scene.instances:
        whole.update(instance.whole.tobytes())
    return whole.hexdigest()


def test_the_same_seed_gives_the_same_bytes_in_another_process(scene: Scene) -> None:
    code = (
        "from tests.unit.test_synthetic import digest; from backend.synthetic.worlds import make_scene;"
        f"print(digest(make_scene({scene.seed}, 96)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest(scene)


def test_other_seeds_give_other_scenes() -> None:
    made = {digest(worlds.make_scene(seed, 32)) for seed in range(6)}
    assert len(made) == 6


def test_visible_is_part_of_whole_and_rates_are_their_definition(scene: Scene) -> None:
    assert len(scene.instances) >= 2
    for instance in scene.instances:
        assert not (instance.modal & ~instance.amodal).any()
        assert instance.occlusion_rate == pytest.approx(1 - instance.modal.sum() / instance.amodal.sum())
        assert (scene.panoptic == instance.id).tolist() == instance.modal.tolist()
        assert ((instance.whole[..., 3] >= 128) == instance.amodal).all()
        assert (np.isfinite(instance.depth) == instance.amodal).all()
    assert ((scene.panoptic > 0) == (scene.parts > 0)).all()
    covered = np.any([instance.modal for instance in scene.instances], axis=0)
    assert ((scene.panoptic > 0) == covered).all()


def test_the_nearest_covers_the_others(scene: Scene) -> None:
    depths = np.stack([instance.depth for instance in scene.instances])
    ids = np.array([instance.id for instance in scene.instances])
    inside = scene.panoptic > 0
    assert (ids[depths.argmin(axis=0)][inside] == scene.panoptic[inside]).all()
    assert np.allclose(depths.min(axis=0)[inside], scene.depth[inside])


def painted(scene: Scene) -> np.ndarray:
    """The whole objects painted over the background, farthest first at each pixel."""
    alpha = np.stack([instance.whole[..., 3:] for instance in scene.instances]) / 255
    colours = np.stack([instance.whole[..., :3] for instance in scene.instances]).astype(float)
    # Soft edges outside the mask belong behind all that is nearer there.
    picture = scene.background.astype(float)
    for index in reversed(range(len(scene.instances))):
        picture = picture * (1 - alpha[index]) + colours[index] * alpha[index]
    return picture


def test_painting_whole_objects_gives_the_picture_back_outside_shadows(scene: Scene) -> None:
    difference = scene.image.astype(float) - painted(scene)
    # One object may be before another here and behind it there: only where the order is theirs.
    order = np.stack([instance.depth for instance in scene.instances])
    sorted_here = np.all((np.diff(np.where(np.isfinite(order), order, 1e9), axis=0) >= 0), axis=0)
    inner = cv2.erode(np.isin(scene.panoptic, [0]).astype(np.uint8), np.ones((3, 3))).astype(bool)
    for instance in scene.instances:
        inner |= cv2.erode(instance.modal.astype(np.uint8), np.ones((3, 3))).astype(bool)
    judged = inner & sorted_here
    assert judged.mean() > 0.2
    # Shadows darken; nothing else differs.
    assert difference[judged].max() <= 2
    assert (np.abs(difference[judged]).max(axis=-1) <= 2).mean() > 0.6


def test_projected_mesh_and_mask_agree_within_a_pixel() -> None:
    seed, size = seed_of("train", 0, 7), 128
    views, solid = worlds.make_views(seed, 4, size), worlds.make_solid(seed)
    for camera, image in zip(views.cameras, views.images, strict=True):
        local = (solid.mesh.vertices - camera.cam2world[:3, 3]) @ camera.cam2world[:3, :3]
        flat = np.stack([local[:, 0], -local[:, 1], -local[:, 2]], axis=-1) @ camera.intrinsics.T
        pixels = flat[:, :2] / flat[:, 2:] * size
        drawn = np.zeros((size, size), np.uint8)
        corners = np.round((pixels - 0.5) * 16).astype(np.int32)[solid.mesh.faces]
        for corner in corners:
            cv2.fillConvexPoly(drawn, corner, 1, shift=4)
        mask = (image[..., 3] >= 128).astype(np.uint8)
        square = np.ones((3, 3), np.uint8)
        assert (mask[cv2.erode(drawn, square) > 0] > 0).all()
        assert (mask[cv2.dilate(drawn, square) == 0] == 0).all()


def test_field_and_mesh_are_of_the_same_object() -> None:
    solid = worlds.make_solid(11)
    assert np.abs(solid.distance(solid.mesh.vertices)).max() < 0.02
    low, high = solid.mesh.vertices.min(axis=0), solid.mesh.vertices.max(axis=0)
    assert np.allclose(low, -high, atol=1e-5)
    assert (high - low).max() == pytest.approx(1, abs=1e-5)
    assert solid.distance(np.array([[0.9, 0.9, 0.9]], np.float32))[0] > 0.2


@pytest.mark.parametrize("family", list(families.FAMILIES))
def test_families_are_watertight_things_of_named_parts(family: str) -> None:
    names: set[str] = set()
    for seed in range(6):
        composition = families.compose(family, seed)
        names |= set(composition.part_names)
        assert 4 <= len(composition.part_names) <= 12
    assert names <= set(families.PARTS[family])
    mesh = families.compose(family, 3).mesh(48).standing()
    shape = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    assert shape.is_watertight
    assert shape.volume > 0
    # Marching cubes leaves a few corners all of whose faces are slivers.
    assert (np.abs(np.linalg.norm(mesh.normals, axis=1) - 1) < 1e-3).mean() > 0.99
    assert mesh.vertices[:, 1].min() == pytest.approx(0, abs=1e-6)
    assert len(np.unique(mesh.face_parts)) >= 3


def test_splits_share_neither_seeds_nor_objects() -> None:
    objects: dict[str, set[str]] = {}
    for split in SPLITS:
        assert all(split_of(seed_of(split, run, index)) == split for run in (0, 9) for index in (0, 500_000))
        made = [worlds.make_scene(seed_of(split, 0, index), 16) for index in range(3)]
        objects[split] = {instance.model for scene in made for instance in scene.instances}
    assert not objects["train"] & objects["held-out"]
    assert not objects["train"] & objects["val"]
    assert seed_of("val", 0, 0) != seed_of("val", 1, 0)
    with pytest.raises(ProblemError, match="no split"):
        seed_of("test", 0, 0)


def test_a_video_keeps_its_objects() -> None:
    video = worlds.make_video(5, 4, 64)
    assert len(video.frames) == 4
    ids = [{instance.id: instance.model for instance in frame.instances} for frame in video.frames]
    for one in ids:
        assert all(ids[0].get(key, model) == model for key, model in one.items())
    assert not np.array_equal(video.frames[0].image, video.frames[-1].image)
    assert not np.array_equal(video.frames[0].camera.cam2world, video.frames[-1].camera.cam2world)


def test_views_are_of_one_object_in_camera_frames() -> None:
    views = worlds.make_views(4, 5, 64)
    assert views.images.shape == (5, 64, 64, 4)
    inside = views.images[..., 3] >= 128
    assert ((views.parts > 0) == inside).all()
    assert np.allclose(np.linalg.norm(views.normals[inside], axis=-1), 1, atol=1e-3)
    assert (views.normals[inside][:, 2] > -0.35).all()  # surfaces that are seen look at the camera
    shape = trimesh.Trimesh(views.mesh.vertices, views.mesh.faces, process=False)
    assert shape.is_watertight
    assert np.allclose(shape.bounds.mean(axis=0), 0, atol=1e-5)
    used = {views.part_names[part].split(".")[0] for part in np.unique(views.parts)} - {"background"}
    assert used == {views.category}


needs_furniture = pytest.mark.skipif(not any(furniture.FOLDER.glob("*.sh3f")), reason="no sweethome3d-furniture")


@needs_furniture
def test_furniture_is_split_by_model_and_credited() -> None:
    models = furniture.catalogue()
    assert len(models) == 820
    shares = {split: sum(model.split == split for model in models) for split in SPLITS}
    assert shares["train"] > 600
    assert min(shares.values()) > 60
    lines = furniture.credits(models[:20]).splitlines()
    assert len(lines) == 20
    assert all(", by " in line and ("Public domain" in line or "Creative Commons" in line) for line in lines)


@needs_furniture
def test_mixed_scenes_hold_both_kinds() -> None:
    scenes = [worlds.make_scene(seed, 48, "mixed") for seed in range(8)]
    kinds = {instance.category == "furniture" for scene in scenes for instance in scene.instances}
    assert kinds == {True, False}
    assert digest(scenes[0]) == digest(worlds.make_scene(0, 48, "mixed"))


def test_missing_furniture_says_what_to_do(tmp_path) -> None:
    with pytest.raises(ProblemError, match="sweethome3d-furniture"):
        furniture.catalogue(tmp_path)


def test_views_agree_with_each_other() -> None:
    views = worlds.make_views(4, 12, 96)
    labels = label_consistency(views.parts, views.depth, views.cameras)
    pictures = picture_consistency(views.images[..., :3], views.depth, views.cameras)
    assert labels is not None
    assert labels > 0.9
    assert pictures is not None
    assert pictures < 0.06
    # Of another object's pictures in their place nothing agrees.
    other = worlds.make_views(9, 12, 96)
    wrong = picture_consistency(other.images[..., :3], views.depth, views.cameras)
    assert wrong is not None
    assert wrong > 2 * pictures
