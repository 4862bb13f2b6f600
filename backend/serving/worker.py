"""A worker process: owns one device and runs one job at a time.

The main thread runs jobs; a control thread owns the socket, so that a cancel is heard and a heartbeat is sent while a
job computes. Started by the gateway as `python -m backend.serving.worker`, with its settings as JSON on standard input.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import mmap
import os
import queue
import secrets
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import psutil
import zmq

from backend.hub import registry as hub
from backend.pipelines import registry as pipelines
from backend.pipelines.context import Cancelled
from protocol.connection import process_lives
from protocol.frames import Buffer, pack_values, unpack_values
from protocol.messages import PIECE_BYTES, Progress, WorkerState
from protocol.problems import ErrorCode, Problem, ProblemError

from .memory import HandleStore, ModelCache, memory_in_use, return_memory
from .worker_context import WorkerContext
from .worker_messages import (
    Beat,
    Broken,
    Done,
    Drop,
    Free,
    FreedBytes,
    Moved,
    Quit,
    Ready,
    Run,
    Stop,
    Stopped,
    WorkerSettings,
    decode_to_worker,
    encode,
)

logger = logging.getLogger("wholeform.worker")

BEAT_S = 1.0
PROGRESS_S = 0.1  # at most ten a second
_LIBRARIES = ("cv2", "scipy.sparse.linalg", "torch", "trimesh")  # of nearly every task


class Worker:
    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._models = ModelCache(hub.load, settings.device, settings.model_idle_s)
        self._handles = HandleStore(settings.handle_budget, f"{settings.slot}.{secrets.token_hex(3)}")
        self._orders: queue.Queue[tuple[Any, list[Buffer]]] = queue.Queue()
        self._outgoing: deque[list[Any]] = deque()
        self._context: WorkerContext | None = None
        self._state = "idle"
        self._stop_early: set[str] = set()
        zcontext = zmq.Context()
        self._socket = zcontext.socket(zmq.DEALER)
        self._socket.linger = 1000
        self._socket.connect(settings.endpoint)
        self._wake_in, self._wake_out = zcontext.socket(zmq.PAIR), zcontext.socket(zmq.PAIR)
        self._wake_in.bind("inproc://wake")
        self._wake_out.connect("inproc://wake")

    # --- main thread ---

    def run(self) -> None:
        """Run jobs until told to quit."""
        self._send(Ready(self._settings.token, device_name(self._settings.device)))
        threading.Thread(target=self._control, name="control", daemon=True).start()
        ahead: list[str] = []
        if self._settings.warm:
            import_quietly(*_LIBRARIES)
            ahead = hub.shipped_code()
        if self._settings.vram_budget and self._settings.device.startswith("cuda"):
            hold_to_budget(self._settings.device, self._settings.vram_budget)
        while True:
            try:
                order, arrays = self._orders.get(timeout=min(1.0, self._settings.model_idle_s))
            except queue.Empty:
                self._models.unload_idle()
                if ahead:
                    import_quietly(ahead.pop(0))
                continue
            match order:
                case Run():
                    self._run_job(order, arrays)
                case Free():
                    self._send(FreedBytes(self._release(order.handles)))
                case Drop():
                    self._handles.drop(order.handle)
                case Quit():
                    return

    def _run_job(self, order: Run, arrays: list[Buffer]) -> None:
        settings = self._settings
        context = WorkerContext(
            order.job, settings.device, self._models, self._handles, self._send, settings.vram_budget
        )
        logger.info("job %s: %s", order.job, order.task)
        if order.job in self._stop_early:
            context.stop()
        self._context, self._state = context, "running"
        self._wake()  # the control thread looks at progress from now on
        try:
            self._send(*self._outcome(order, arrays, context))
        finally:
            self._context, self._state = None, "idle"
            self._stop_early.discard(order.job)

    def _outcome(self, order: Run, arrays: list[Buffer], context: WorkerContext) -> tuple[Any, Sequence[Any]]:
        """The message that ends the job, with its arrays."""
        try:
            inputs = unpack_values(order.inputs, arrays, lambda digest: _map(order.blobs[digest]))
            try:
                outputs, info = pipelines.run(order.task, inputs, order.parameters, context)
            except Exception as error:
                if not _is_out_of_memory(error):
                    raise
                logger.warning("out of memory in job %s: freeing and trying once more", order.job)
                self._release(handles=False)
                outputs, info = pipelines.run(order.task, inputs, order.parameters, context)
            context.check()
            packed = pack_values(outputs, name_blob=lambda data: secrets.token_hex(32))
            if packed.blobs:
                folder = Path(order.results)
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                for name, data in packed.blobs.items():
                    _write(folder / name, data)
            info = {**info, "device": self._settings.device, "memory_bytes": memory_in_use(self._settings.device)}
            return Done(order.job, packed.wire, info), packed.frames
        except Cancelled:
            return Stopped(order.job), ()
        except ProblemError as error:
            return Broken(order.job, error.problem), ()
        except Exception as error:
            return Broken(order.job, _problem_of(error)), ()

    def _release(self, handles: bool) -> int:
        """Unload the models, with ``handles`` what they name too; returns about how many bytes that freed."""
        before = memory_in_use(self._settings.device)
        freed = self._handles.nbytes if handles else 0
        self._models.clear()
        if handles:
            self._handles.clear()
        return_memory()
        return max(freed, before - memory_in_use(self._settings.device))

    def _send(self, message: Any, arrays: Sequence[Any] = ()) -> None:
        """From the job's thread: the control thread owns the socket."""
        self._outgoing.append([encode(message), *arrays])
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(zmq.Again):
            self._wake_in.send(b"", zmq.NOBLOCK)

    # --- control thread ---

    def _control(self) -> None:
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._wake_out, zmq.POLLIN)
        beat_at = 0.0
        told: Progress | None = None
        told_at = 0.0
        while True:
            now = time.monotonic()
            if now - beat_at >= BEAT_S:
                beat_at = now
                self._socket.send(encode(Beat(self._describe())))
                if not self._gateway_lives():
                    os._exit(1)
            context = self._context
            if context is not None and context.latest is not told and now - told_at >= PROGRESS_S:
                told, told_at = context.latest, now
                self._socket.send(encode(Moved(told)))
            ready = dict(poller.poll(50 if context is not None else 500))
            if self._wake_out in ready:
                with contextlib.suppress(zmq.Again):
                    while True:
                        self._wake_out.recv(zmq.NOBLOCK)
            while self._outgoing:
                self._socket.send_multipart(self._outgoing.popleft(), copy=False)
            if self._socket in ready:
                frames = self._socket.recv_multipart(copy=False)
                self._take(decode_to_worker(frames[0].buffer), [frame.buffer for frame in frames[1:]])

    def _take(self, order: Any, arrays: list[Buffer]) -> None:
        if isinstance(order, Stop):
            context = self._context
            if context is not None and context.job == order.job:
                context.stop()
            else:
                self._stop_early.add(order.job)
            return
        self._orders.put((order, arrays))

    def _gateway_lives(self) -> bool:
        parent = self._settings.gateway_pid
        return os.getppid() == parent if sys.platform != "win32" else process_lives(parent)

    def _describe(self) -> WorkerState:
        context = self._context
        return WorkerState(
            device=self._settings.device,
            state=self._state,
            job=context.job if context is not None else "",
            stage=context.latest.stage if context is not None else "",
            models=self._models.names,
            memory_bytes=memory_in_use(self._settings.device),
            memory_total_bytes=memory_total(self._settings.device),
            handles=len(self._handles),
            handle_bytes=self._handles.nbytes,
        )


def _map(path: str) -> memoryview:
    """The bytes of an input file, mapped and not copied."""
    with open(path, "rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _write(path: Path, data: Buffer) -> None:
    with path.open("wb", buffering=0) as file:
        view = memoryview(data).cast("B")
        while view:
            view = view[file.write(view[:PIECE_BYTES]) :]  # one large write takes over twice as long as pieces


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


def _problem_of(error: Exception) -> Problem:
    """What a person is told of an unexpected error; the rest stays in the log under the reference."""
    reference = secrets.token_hex(4)
    logger.error("reference %s\n%s", reference, "".join(traceback.format_exception(error)))
    if _is_out_of_memory(error):
        what, hint = "The server has not enough memory for this.", "Use a lower quality or a smaller picture."
        return Problem(ErrorCode.OUT_OF_MEMORY, what, hint, reference)
    return Problem(
        ErrorCode.INTERNAL,
        "The server failed at this job, by a fault of its own.",
        f"Try again; if it stays so, tell the server's owner the reference {reference}.",
        reference,
    )


def device_name(device: str) -> str:
    """For people: "CPU, 2 cores" or the GPU's name."""
    if device == "cpu":
        return f"CPU, {os.cpu_count()} cores"
    import torch

    return torch.cuda.get_device_name(device)


def memory_total(device: str) -> int:
    """Bytes of memory of the device."""
    torch = sys.modules.get("torch")
    if torch is not None and device.startswith("cuda"):
        return int(torch.cuda.get_device_properties(device).total_memory)
    return psutil.virtual_memory().total


def hold_to_budget(device: str, nbytes: int) -> None:
    """Let no model take more than ``nbytes`` of the GPU, whether or not it plans for that: what would take more fails
    as on a GPU of that size, and is tried again with nothing else there."""
    import torch

    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, nbytes / total), device)


def import_quietly(*names: str) -> None:
    """Import what tasks need while nobody waits for it; what is wrong with it is told by the job that needs it."""
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def main() -> None:
    logging.basicConfig(level="INFO", format="%(asctime)s %(name)s %(levelname)s %(message)s")
    settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=WorkerSettings)
    Worker(settings).run()
    time.sleep(0.05)  # let the control thread send what is left
    os._exit(0)


if __name__ == "__main__":
    main()
