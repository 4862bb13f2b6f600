"""From a painted label map to an object and back: what is asked of the server, what came, and following the brush."""

from __future__ import annotations

import functools
import time
from typing import Any

import bpy
import numpy as np

from . import connecting, ghost, images, importing, label_images, parameters, places, thumbnails
from .forms import find_task
from .label_views import painting_model, turned
from .placement import at_point
from .prepare import ReadyMesh, ReadyResult
from .properties import options_of
from .protocol import Camera, ErrorCode, Handle, Job, JobState, LabelMap, ProblemError, Value
from .session import Asked, JobRecord, Painting, Session, current

REST_S = 0.25  # how long the brush must rest before the object follows
LOOK_S = 0.1  # how often the map is looked at
PATIENT = 10  # times as long as a look takes, no look is taken: large maps must not make painting slow
PICTURE_SIDE = 256
VIEW_SIDE = 256  # of the labels that are fetched to be painted on
ROUGH_FACES = 3000

_MAKE, _LOOK, _VIEW = "make", "look", "view"  # what jobs are for: the object, its rough mesh, its labels from elsewhere


def painting_of(image: Any) -> Painting:
    """What is known of the label map ``image``."""
    known = current().paintings
    picture = images.picture_of(image)
    if image.name not in known or known[image.name].picture.uid != picture.uid:
        known[image.name] = Painting(picture)
    return known[image.name]


def ghost_name(painting: Painting) -> str:
    """Under which the viewport draws the rough mesh."""
    return f"labels {painting.picture.name}"


def stop(painting: Painting) -> None:
    """Call off what is under way for the map."""
    for asked in painting.jobs.values():
        asked.job.cancel()
    painting.jobs.clear()
    painting.steps.clear()


def update(scene: Any, image: Any, extra: dict[str, Any] | None = None) -> Painting:
    """Make the object anew from the map as it is painted now, calling off what was under way. Raises ProblemError."""
    return _make(scene, image, label_images.floats(image), extra or {})


def _make(scene: Any, image: Any, pixels: np.ndarray, extra: dict[str, Any]) -> Painting:
    session, painting = current(), painting_of(image)
    stop(painting)
    painting.note = ""
    name, shown_from = label_images.model_name(image), label_images.camera(image)
    said = parameters.values(scene, "LABELS") | {"model": name, "size": PICTURE_SIDE} | extra
    label = images.label_of(image)

    def submit() -> None:
        side = painting_model(session.catalogue, name).label_size if session.catalogue is not None else PICTURE_SIDE
        label_map = label_images.read(image, pixels, side)
        inputs: dict[str, Value] = {"label_map": label_map}
        if shown_from is not None:
            inputs["camera"] = shown_from
        task = "synthesize"
        if shown_from is not None and painting.made is not None:
            # From another side the object must stay itself, so it is changed and not made from this map alone.
            task, inputs["field"] = "edit", painting.made
        known = _known(session, task)
        given = {parameter: value for parameter, value in said.items() if not known or parameter in known}
        _ask(session, painting, _MAKE, task, inputs, given, label)

    connecting.when_ready(submit)
    return painting


def _known(session: Session, task: str) -> set[str]:
    """The parameters of a task, none where the catalogue is not there yet."""
    found = find_task(session.catalogue, task) if session.catalogue is not None else None
    return {parameter.name for parameter in found.parameters} if found is not None else set()


def _ask(
    session: Session,
    painting: Painting,
    purpose: str,
    task: str,
    inputs: dict[str, Value],
    said: dict[str, Any],
    label: str,
) -> None:
    job = session.network.submit(task, inputs, said, label, keep=False)
    painting.jobs[job.id] = Asked(job, purpose)


def fetch_view(image: Any, azimuth: float, elevation: float) -> Painting:
    """Paint the object's labels, as they are seen from there (degrees), on the map. Raises ProblemError where nothing
    was made yet."""
    session, painting = current(), painting_of(image)
    if painting.made is None or painting.camera is None:
        raise ProblemError(
            ErrorCode.NOT_FOUND, "There is no object to look at from elsewhere.", "Press Make Object first."
        )
    stop(painting)
    painting.note = ""
    painting.asked = turned(painting.camera, azimuth, elevation)
    inputs: dict[str, Any] = {"object": painting.made, "cameras": [painting.asked]}
    side = min(VIEW_SIDE, max(image.size))
    _ask(session, painting, _VIEW, "render", inputs, {"size": side}, images.label_of(image))
    return painting


def import_mesh(scene: Any, image: Any, faces: int) -> JobRecord:
    """Have the object's mesh made and brought into the scene, as a job of the list. Raises ProblemError where nothing
    was made yet."""
    session, painting = current(), painting_of(image)
    if painting.made is None:
        raise ProblemError(ErrorCode.NOT_FOUND, "There is no object to import.", "Press Make Object first.")
    label = images.label_of(image)
    job = session.network.submit(
        "mesh", {"field": painting.made}, {"faces": faces, "texture_size": 0}, label, keep=True
    )
    record = JobRecord(job, label, None, session.file, scene.name, options_of(scene.wholeform))
    record.ghost = ghost_name(painting)
    session.records[job.id] = record
    return record


# --- what came, called by the pump ---


def on_ready(painting: Painting, job_id: str, pictures: list[np.ndarray], mesh: ReadyMesh | None) -> str:
    """Show a preview or a result; returns the editor to draw anew."""
    if pictures and painting.jobs[job_id].purpose == _MAKE:
        # A new name each time: editors go on showing the icon that they know by the old one.
        thumbnails.drop(painting.icon)
        painting.pictures += 1
        thumbnails.put(painting.icon, pictures[:1])
    if mesh is None or painting.jobs[job_id].purpose != _LOOK:
        return ""
    scene, _ = places.scene_and_layer()
    options = options_of(scene.wholeform)
    standing = at_point(mesh.vertices, options.height, options.origin, scene.cursor.location)
    ghost.show(ghost_name(painting), mesh, standing)
    return "VIEW_3D"


def mesh_of(event: ReadyResult) -> ReadyMesh | None:
    """The mesh that a job brought, where it brought one."""
    mesh = event.meshes.get(0)
    return mesh if mesh is not None and not mesh.cut_out else None


def on_end(session: Session, painting: Painting, job_id: str) -> str:
    """A job for a label map has ended; returns the editor to draw anew."""
    asked = painting.jobs.pop(job_id)
    job, purpose = asked.job, asked.purpose
    if session.network.client is not None:
        session.network.client.forget(job.id)
    if job.state is JobState.DONE and job.outputs is not None:
        if purpose == _MAKE:
            _take_object(session, painting, job)
        elif purpose == _VIEW:
            _take_view(painting, job)
        return "IMAGE_EDITOR"
    problem = job.problem
    if problem is None:
        return ""
    if problem.code is ErrorCode.NOT_FOUND and job.task == "edit":
        # The server has freed the object: the map alone, from where it is seen, is what is left of it.
        painting.made = None
        painting.note = "The server no longer had the object: it is made from this side alone"
        image = images.find(painting.picture)
        if image is not None:
            scene, _ = places.scene_and_layer()
            note = painting.note
            try:
                update(scene, image)
            except ProblemError as again:
                note = str(again)
            painting.note = note
        return ""
    painting.note = str(problem)
    return ""


def _take_object(session: Session, painting: Painting, job: Job) -> None:
    outputs = job.outputs
    assert outputs is not None
    old, painting.made, painting.camera = painting.made, outputs["field"], outputs["camera"]
    if old is not None and session.network.client is not None and not _in_use(session, old):
        session.network.client.release(old)
    said = {"faces": ROUGH_FACES, "texture_size": 0}
    _ask(session, painting, _LOOK, "mesh", {"field": outputs["field"]}, said, job.label)


def _in_use(session: Session, made: Handle) -> bool:
    """Whether a job of the list under way needs the object."""
    return any(made in (record.job.inputs or {}).values() for record in session.active)


def _take_view(painting: Painting, job: Job) -> None:
    """Have the labels of a view shown, a piece at each of the next looks: together they would keep Blender waiting."""
    assert job.outputs is not None
    if painting.asked is not None and "label_maps" in job.outputs:
        shown = functools.partial(_show_view, painting, job.outputs["label_maps"][0], painting.asked)
        painting.steps = [functools.partial(_keep_strokes, painting), shown]


def _keep_strokes(painting: Painting) -> None:
    """Undo goes back to what the file has: strokes must be in it before something else takes their place."""
    image = images.find(painting.picture)
    if image is not None and image.is_dirty:
        label_images.keep(image)
        importing.undo_step("Wholeform: painted labels")


def _show_view(painting: Painting, label_map: LabelMap, seen_from: Camera) -> None:
    image = images.find(painting.picture)
    if image is not None:
        label_images.write(image, label_map, seen_from)
        painting.looked, painting.rested_at = None, 0.0  # what the map shows now needs no new object
        importing.undo_step("Wholeform: labels of this view")


# --- following the brush ---


def watch() -> None:
    """Have the object follow the brush, or a fetched view be shown: called by the pump, looks at the map ten times a
    second at most."""
    session = current()
    for each in session.paintings.values():
        if each.steps:
            each.steps.pop(0)()
            return
    scene = bpy.context.scene
    settings = getattr(scene, "wholeform", None)
    image = settings.labels if settings is not None and settings.follow else None
    session.following = image is not None and bool(label_images.labels(image))
    if image is None or not session.following or not session.connected:
        return
    painting = painting_of(image)
    now = time.monotonic()
    if now - painting.looked_at < max(LOOK_S, PATIENT * painting.look_s):
        return
    pixels = label_images.floats(image)
    changed = painting.looked is not None and not np.array_equal(pixels, painting.looked)
    if changed:
        painting.rested_at = now
    painting.looked, painting.looked_at = pixels, now
    painting.look_s = time.monotonic() - now
    if painting.rested_at and not changed and now - painting.rested_at >= REST_S:
        painting.rested_at = 0.0
        try:
            _make(scene, image, pixels, {"quality": "draft"})
        except ProblemError as problem:
            painting.note = str(problem)
