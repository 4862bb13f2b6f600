# pyright: reportMissingImports=false
"""A network that answers at once, for tests of what the add-on asks and does with what comes: no server, no threads."""

from __future__ import annotations

import collections
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import addon
import numpy as np
import shapes

addon.install()
protocol = addon.module("protocol")
messages, tasks = addon.module("protocol.messages"), addon.module("protocol.tasks")
prepare = addon.module("prepare")

LABELS = [
    messages.LabelInfo("background", (255, 255, 255)),
    messages.LabelInfo("body", (204, 0, 0)),
    messages.LabelInfo("window", (76, 153, 0)),
    messages.LabelInfo("wheel", (51, 51, 255)),
]
SIDE = 64  # of the model's label maps
FRONT = protocol.Camera(
    np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 2.2], [0, 0, 0, 1]], np.float32),
    np.array([[1.75, 0, 0.5], [0, 1.75, 0.5], [0, 0, 1]], np.float32),
)


def catalogue() -> Any:
    """The tasks there are, and two models that take label maps, the second not ready."""
    known = [
        messages.ModelInfo("seg2vehicle", "Vehicles", ["synthesize"], "starter", labels=LABELS, label_size=SIDE),
        messages.ModelInfo(
            "seg2cat", "Cats", ["synthesize"], "released", ready=False, labels=LABELS[:2], label_size=512
        ),
    ]
    return messages.Catalogue(list(tasks.TASKS.values()), known)


class Network:
    """Stands in for the add-on's own. What was asked is in ``asked``; each job ends when `answer` says so."""

    def __init__(self) -> None:
        self.state, self.problem, self.server = protocol.ConnectionState.CONNECTED, None, None
        self.client = SimpleNamespace(jobs={}, forget=self._forget, release=self._release, close=lambda **_: None)
        self.asked: list[Any] = []
        self.released: list[str] = []
        self.cancelled: list[str] = []
        self.fault: Callable[[Any], Any] = lambda job: None
        self._events: collections.deque[Any] = collections.deque()

    def submit(self, task: str, inputs: Any, parameters: Any, label: str, keep: bool) -> Any:
        found = tasks.TASKS[task]
        checks = addon.module("protocol.checks")
        checks.check_inputs(found, checks.kinds_of(inputs))
        checks.check_parameters(found, parameters)
        name = f"job-{len(self.asked):04}"
        job = protocol.Job(name, task, inputs, parameters, "interactive", label, keep, self._control)
        job.given = inputs  # the job itself lets go of them when it ends
        self.client.jobs[name] = job
        self.asked.append(job)
        return job

    def _control(self, job: Any, what: str) -> None:
        if what == "cancel":
            self.cancelled.append(job.id)

    def _forget(self, job_id: str) -> None:
        self.client.jobs.pop(job_id, None)

    def _release(self, handle: Any) -> None:
        self.released.append(handle.id)

    def take(self) -> Any | None:
        return self._events.popleft() if self._events else None

    def close(self) -> None: ...

    def stop(self) -> None: ...

    def bring(self, *events: Any) -> None:
        """Have these taken in next."""
        self._events.extend(events)

    def answer(self, job: Any) -> None:
        """End ``job`` as the companion does: its end, and its result, made ready."""
        problem = self.fault(job)
        if problem is not None:
            job._advance(protocol.JobState.FAILED, problem=problem)
        else:
            outputs, info = answer_to(job)
            job._advance(protocol.JobState.DONE, outputs=protocol.Outputs(outputs), info=info)
        self.bring(protocol.JobChanged(job), *prepare.Preparer().result(job))


def answer_to(job: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a server would give: the object's labels are those it was made from, mirrored from any other side."""
    told = [{"id": n, "name": label.name, "colour": list(label.colour)} for n, label in enumerate(LABELS)]
    info = {"labels": told, "models": {job.task: "seg2vehicle"}}
    match job.task:
        case "synthesize" | "edit":
            painted = addon.module("protocol.labels").painted(job.inputs["label_map"].ids, LABELS)
            return {
                "field": protocol.Handle(f"field of {job.id}", "field"),
                "image": protocol.Image(painted),
                "labels": job.inputs["label_map"],
                "camera": job.inputs.get("camera", FRONT),
            }, info
        case "render":
            side = job.parameters["size"]
            ids = np.zeros((side, side), np.uint16)
            ids[side // 4 : side // 2, side // 4 : side // 2] = 3
            view = protocol.Image(np.zeros((side, side, 4), np.uint8))
            return {"views": [view], "label_maps": [protocol.LabelMap(ids)]}, info
        case "mesh":
            wedge = shapes.wedge(protocol, texture=False)
            ids = np.array([1] * 8 + [3] * 4, np.uint16)  # wheels at the top and the bottom
            mesh = protocol.Mesh(wedge.vertices, wedge.faces, wedge.colours, face_labels=ids)
            return {"mesh": mesh, "mesh_handle": protocol.Handle("mesh" * 3, "mesh")}, info
    raise AssertionError(job.task)
