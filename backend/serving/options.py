"""How a server is started."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from protocol.connection import config_dir, state_dir
from protocol.messages import DEFAULT_PORT, Limits

MiB = 1 << 20
DAY_S = 86_400.0


@dataclass(frozen=True)
class ServeOptions:
    """``bind`` is tcp://HOST:PORT (port 0: any free one). Times in seconds, sizes in bytes."""

    bind: str = f"tcp://127.0.0.1:{DEFAULT_PORT}"
    state: Path = field(default_factory=state_dir)
    devices: tuple[str, ...] = ("cpu",)  # one worker process each
    key_file: Path | None = None  # CURVE keys of the server; required off loopback
    allowed_file: Path = field(default_factory=lambda: config_dir() / "allowed_clients")
    limits: Limits = field(default_factory=Limits)
    handle_budget: int = 1024 * MiB  # fields and meshes kept in a worker
    vram_budget: int = 0  # of each GPU, 0 for all of it
    model_idle_s: float = 600.0  # a model unused for so long is unloaded
    result_ttl_s: float = 7 * DAY_S  # results that nobody acknowledged
    cancel_grace_s: float = 2.0  # after that a worker that does not stop is ended
    stage_limit_s: float = 900.0  # a job that says nothing for so long is ended
    input_cache: int = 2048 * MiB  # inputs kept on disk for the next job
    disk_reserve: int = 256 * MiB
    warm: bool = True  # let idle workers import what the tasks need
    log_level: str = "INFO"
