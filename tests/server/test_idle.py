"""What a worker does while nobody needs it."""

from __future__ import annotations

from collections.abc import Callable

from .running import RunningServer, wait_for


def _transformers_imported(server: RunningServer) -> bool:
    """Whether the worker has the library that, of all shipped models, the learned completion alone needs."""
    return any("tokenizers" in each.path for each in server.worker().memory_maps())


def test_an_idle_worker_imports_what_the_shipped_models_need(new_server: Callable[..., RunningServer]) -> None:
    eager, lazy = new_server(name="eager", warm=True), new_server(name="lazy", warm=False)
    wait_for(lambda: _transformers_imported(eager), 90)
    assert not _transformers_imported(lazy)
    with eager.client() as client:
        client.submit("echo").result(20)
