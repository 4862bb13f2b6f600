"""The client: submit tasks to a server, follow them, get their results. Nothing here blocks unless it says so.

One network thread does all the talking (link.py). Callbacks run on that thread: put what they bring into a queue and
empty it on your own thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Self

from .checks import kinds_of
from .connection import find_local, is_loopback, new_session, parse_address
from .events import Event
from .exchange import Exchange
from .jobs import Job, new_job_id
from .link import Link
from .messages import (
    Catalogue,
    Describe,
    FreeMemory,
    JobSummary,
    ListJobs,
    Priority,
    Release,
    ServerState,
    Welcome,
)
from .problems import ErrorCode, Problem, ProblemError
from .security import KeyPair
from .states import IN_TROUBLE, ConnectionState
from .values import Camera, Handle, Image, LabelMap, Mask, Mesh, Value

Inputs = dict[str, Value | Sequence[Value]]


class Client:
    """A connection to one server.

    ``address`` as people type it; None means the server that runs on this machine. ``session`` owns the jobs: give the
    same one again (connection.load_session) to find them after a restart. ``server_key`` and ``keys`` turn on CURVE.
    Raises ProblemError (UNREACHABLE) when ``address`` is None and no server runs here, BAD_PARAMETER for a bad address.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        name: str = "python",
        session: str | None = None,
        keys: KeyPair | None = None,
        server_key: str | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        if address is None:
            local = find_local()
            if local is None:
                raise ProblemError(
                    ErrorCode.UNREACHABLE,
                    "No Wholeform server runs on this machine.",
                    "Start one: wholeform serve.",
                )
            address, server_key = local.address, server_key or local.server_key
        self.address = parse_address(address)
        # Loopback is faster than zlib; a real network is not.
        self._exchange = Exchange(on_event, compress=not is_loopback(self.address))
        self._link = Link(self.address, self._exchange, session or new_session(), name, keys, server_key or "")
        self._exchange.link = self._link
        self._pings = 0

    # --- connection ---

    @property
    def state(self) -> ConnectionState:
        return self._link.state

    @property
    def problem(self) -> Problem | None:
        """Why the state is not CONNECTED, where the person can do something."""
        return self._link.problem

    @property
    def server(self) -> Welcome | None:
        """The last welcome."""
        return self._exchange.server

    @property
    def server_state(self) -> ServerState | None:
        """The last heartbeat."""
        return self._exchange.server_state

    @property
    def jobs(self) -> dict[str, Job]:
        """The jobs made or attached to by this client that have not ended, and those with ``keep``, by id."""
        return self._exchange.jobs

    def start(self) -> None:
        """Start connecting in the background and stay connected. Never blocks, never fails for the network's sake."""
        self._link.start()

    def connect(self, timeout: float = 5.0) -> Welcome:
        """Start and wait for the server's welcome. Raises ProblemError: UNREACHABLE, KEY_REFUSED, WRONG_SERVER or
        VERSION; connecting goes on in the background until `close`."""
        self.start()
        settled = IN_TROUBLE | {ConnectionState.CONNECTED}
        with self._exchange.changed:
            self._exchange.changed.wait_for(lambda: self.state in settled, timeout)
        if self.state is ConnectionState.CONNECTED and self._exchange.server is not None:
            return self._exchange.server
        if self.problem is not None:
            raise ProblemError.of(self.problem)
        raise ProblemError(
            ErrorCode.UNREACHABLE,
            f"No answer from {self.address} in {timeout:g} s.",
            "Check the address and the network.",
        )

    def close(self, *, wait: bool = True) -> None:
        """End the connection. Jobs go on at the server and can be attached to with the same session. Without ``wait``
        the network thread ends by itself, for callers that must not pause."""
        self._link.stop(2.0 if wait else 0.0)

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- jobs ---

    def submit(
        self,
        task: str,
        inputs: Inputs | None = None,
        parameters: dict[str, Any] | None = None,
        *,
        priority: Priority = "interactive",
        label: str = "",
        job_id: str | None = None,
        keep: bool = False,
    ) -> Job:
        """Run ``task``. Returns at once; leave the input arrays unchanged until the job is accepted.

        An id that the server knows attaches to that job. With ``keep`` the result stays on the server until
        `Job.acknowledge`. Raises ProblemError (BAD_INPUT) for an input that is no value; the server checks the rest.
        """
        kinds_of(dict(inputs or {}))
        job = self._new_job(
            job_id or new_job_id(),
            task,
            dict(inputs or {}),
            parameters or {},
            priority,
            label,
            keep,
        )
        self._link.call(lambda: self._exchange.submit(job))
        return job

    def attach(self, job_id: str, task: str = "", *, label: str = "", keep: bool = False) -> Job:
        """Follow a job of this session that another run of this program made."""
        if job_id in self.jobs:
            return self.jobs[job_id]
        job = self._new_job(job_id, task, None, {}, "interactive", label, keep)
        self._link.call(lambda: self._exchange.submit(job))
        return job

    def forget(self, job_id: str) -> None:
        """Drop a job that has ended from `jobs`."""
        job = self.jobs.get(job_id)
        if job is not None and job.state.is_final:
            del self.jobs[job_id]

    def _new_job(
        self,
        job_id: str,
        task: str,
        inputs: Inputs | None,
        parameters: dict[str, Any],
        priority: Priority,
        label: str,
        keep: bool,
    ) -> Job:
        job = Job(job_id, task, inputs, parameters, priority, label, keep, self._exchange.control)
        self.jobs[job_id] = job
        return job

    def segment(
        self,
        image: Image,
        points: Sequence[Any] = (),
        box: Sequence[float] | None = None,
        **parameters: Any,
    ) -> Job:
        """The visible mask of the object at ``points`` ((x, y) or (x, y, label), pixels) or in ``box``."""
        return self.submit("segment", {"image": image}, _prompts(points, box) | parameters)

    def complete(self, image: Image, mask: Mask, occluders: Mask | None = None, **parameters: Any) -> Job:
        """Several completions of the object whose visible part is ``mask``."""
        return self.submit("complete", _given(image=image, mask=mask, occluders=occluders), parameters)

    def reconstruct(
        self,
        image: Image,
        mask: Mask,
        completed: Image,
        occluders: Mask | None = None,
        **parameters: Any,
    ) -> Job:
        """A field of the completed object; it stays on the server."""
        inputs = _given(image=image, mask=mask, completed=completed, occluders=occluders)
        return self.submit("reconstruct", inputs, parameters)

    def mesh(self, field: Handle, **parameters: Any) -> Job:
        """A mesh of a field."""
        return self.submit("mesh", {"field": field}, parameters)

    def render(self, object: Handle | None = None, **inputs_and_parameters: Any) -> Job:
        """Novel views of a field or mesh handle, or of ``mesh=``; from ``cameras=`` or a ring of ``views=``."""
        named = inputs_and_parameters
        inputs = _given(
            object=object,
            mesh=named.pop("mesh", None),
            cameras=named.pop("cameras", None),
        )
        return self.submit("render", inputs, named)

    def film(self, object: Handle | None = None, *, mesh: Mesh | None = None, **parameters: Any) -> Job:
        """A film of a field or mesh handle, or of a mesh sent along."""
        return self.submit("film", _given(object=object, mesh=mesh), parameters)

    def synthesize(self, label_map: LabelMap | Image, camera: Camera | None = None, **parameters: Any) -> Job:
        """A labelled field from a label map, or from a picture for a model that draws."""
        source = "drawing" if isinstance(label_map, Image) else "label_map"
        return self.submit("synthesize", _given(camera=camera, **{source: label_map}), parameters)

    def edit(self, field: Handle, label_map: LabelMap, camera: Camera | None = None, **parameters: Any) -> Job:
        """A labelled field made anew from a changed label map."""
        return self.submit("edit", _given(field=field, label_map=label_map, camera=camera), parameters)

    def mix(self, first: Handle, second: Handle, **parameters: Any) -> Job:
        """A labelled field between two."""
        return self.submit("mix", {"first": first, "second": second}, parameters)

    def whole_object(
        self,
        image: Image,
        *,
        mask: Mask | None = None,
        occluders: Mask | None = None,
        completed: Image | None = None,
        points: Sequence[Any] = (),
        box: Sequence[float] | None = None,
        **parameters: Any,
    ) -> Job:
        """From a picture and a prompt to mask, completions and mesh; what is given is not made again."""
        inputs = _given(image=image, mask=mask, occluders=occluders, completed=completed)
        return self.submit("whole_object", inputs, _prompts(points, box) | parameters)

    # --- requests that wait for an answer ---

    def catalogue(self, timeout: float = 10.0) -> Catalogue:
        """The tasks and models of the server. Raises ProblemError (TIMEOUT)."""
        if self._exchange.catalogue is None:
            self._exchange.ask("catalogue", Describe(), timeout)
        assert self._exchange.catalogue is not None
        return self._exchange.catalogue

    def request_catalogue(self) -> None:
        """Ask for the catalogue without waiting; it comes as CatalogueArrived."""
        self._link.call(lambda: self._link.send(Describe()))

    def list_jobs(self, timeout: float = 10.0) -> list[JobSummary]:
        """The jobs of this session that the server knows. Raises ProblemError (TIMEOUT)."""
        return self._exchange.ask("jobs", ListJobs(), timeout)

    def free_memory(self, timeout: float = 10.0) -> int:
        """Unload idle models and unused handles; returns the bytes freed. Raises ProblemError (TIMEOUT)."""
        return self._exchange.ask("freed", FreeMemory(), timeout)

    def ping(self, timeout: float = 5.0) -> tuple[float, ServerState]:
        """The round trip in seconds and what the server does now. Raises ProblemError (TIMEOUT)."""
        with self._exchange.changed:
            self._pings += 1
            token = self._pings
        return self._exchange.wait(f"pong {token}", lambda: self._link.ping(token), timeout)

    def request_ping(self) -> None:
        """Ask for a heartbeat now, without waiting; it comes as HeartbeatArrived."""
        self._link.call(lambda: self._link.ping(int(time.monotonic() * 1e3)))

    def request_free_memory(self) -> None:
        """As `free_memory`, without waiting and without an answer."""
        self._link.call(lambda: self._link.send(FreeMemory()))

    def release(self, handle: Handle) -> None:
        """Free what ``handle`` names, without waiting."""
        self._link.call(lambda: self._link.send(Release(handle.id)))


def _given(**inputs: Any) -> Inputs:
    return {name: value for name, value in inputs.items() if value is not None}


def _prompts(points: Sequence[Any], box: Sequence[float] | None) -> dict[str, Any]:
    prompts: dict[str, Any] = {}
    if len(points):
        prompts["points"] = [[*map(float, point[:2]), float(point[2]) if len(point) > 2 else 1.0] for point in points]
    if box is not None:
        prompts["box"] = [float(n) for n in box]
    return prompts
