"""`wholeform models`: what it prints where, whom it asks, how it ends."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from backend.cli.main import app
from backend.hub import registry
from backend.hub.cards import Card
from backend.hub.installed import is_ready, model_folder
from backend.hub.pulling import pull
from backend.hub.removing import remove
from protocol import Client

from . import tiny_released
from .tiny_released import NAME
from .tiny_web import TinyWeb

ROOT = Path(__file__).parents[2]
FILES = {"config.json": tiny_released.CONFIG, "weights.ckpt": tiny_released.checkpoint()}
PROGRAM = """
import signal, sys
from backend.cli.main import app
from backend.hub import registry
from tests.unit import tiny_released
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs tests behind has it ignored
card = tiny_released.card({"config.json": b"", "weights.ckpt": b""}, sys.argv.pop(1), known=False)
registry.cards = lambda: {card.name: card}
app()
"""
Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WHOLEFORM_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")
    return tmp_path


@pytest.fixture
def web() -> Iterator[TinyWeb]:
    with TinyWeb({f"/{name}": content for name, content in FILES.items()}) as running:
        yield running


@pytest.fixture
def card(web: TinyWeb, monkeypatch: pytest.MonkeyPatch) -> Card:
    made = tiny_released.card(FILES, web.url)
    found = {**registry.cards(), NAME: made}
    monkeypatch.setattr(registry, "cards", lambda: found)
    return made


@pytest.fixture
def run() -> Run:
    return lambda *arguments: CliRunner().invoke(app, ["models", *map(str, arguments)])


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert true()


def test_without_a_command_it_lists(run: Run, card: Card) -> None:
    assert run().output == run("list").output
    line = next(line for line in run().stdout.splitlines() if line.startswith(NAME))
    assert f"no: Fetch it: wholeform models pull {NAME}" in line
    told = json.loads(run("--json").stdout)
    assert told == json.loads(run("list", "--json").stdout)
    assert [model["ready"] for model in told["models"] if model["name"] == NAME] == [False]


def test_a_model_comes_is_verified_and_goes(run: Run, card: Card) -> None:
    done = run("pull", NAME, "--accept-licence")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [str(model_folder(NAME))]
    assert "Fetching weights.ckpt" in done.stderr
    assert "Converting" in done.stderr
    assert run("pull", NAME).stdout.splitlines() == [str(model_folder(NAME))]  # there already: nobody is asked
    assert f"{NAME}: as it should be" in run("verify").stdout
    assert json.loads(run("verify", NAME, "--json").stdout) == {"ok": True, "faults": {NAME: []}}
    (model_folder(NAME) / "model.safetensors").write_bytes(b"damaged")
    damaged = run("verify", NAME)
    assert damaged.exit_code == 4
    assert "bytes in place of" in damaged.stdout
    assert "are free again" in run("remove", NAME).stdout
    assert not is_ready(NAME)
    assert run("remove", NAME).exit_code == 2


def test_a_licence_is_shown_and_nothing_comes_without_a_yes(run: Run, card: Card, web: TinyWeb) -> None:
    for arguments in (("pull", NAME), ("import", NAME, "nowhere")):
        done = run(*arguments)
        assert done.exit_code == 2
        for said in ("CC-BY-NC-4.0", "Be kind.", "NOT FOR COMMERCIAL USE", "https://licence.example/nc", "--accept-li"):
            assert said in done.stderr
        assert done.stdout == ""
    assert web.requests == []


@pytest.mark.parametrize(("answer", "status"), [(b"y\n", 0), (b"\n", 2)])
def test_on_a_terminal_it_asks(web: TinyWeb, answer: bytes, status: int) -> None:
    keyboard, terminal = pty.openpty()
    os.write(keyboard, answer)
    command = [sys.executable, "-c", PROGRAM, web.url, "models", "pull", NAME]
    done = subprocess.run(command, cwd=ROOT, stdin=terminal, capture_output=True, text=True, check=False, timeout=200)
    os.close(keyboard)
    os.close(terminal)
    assert done.returncode == status, done.stderr
    assert "Do you accept it?" in done.stderr
    assert is_ready(NAME) == bool(web.requests) == (status == 0)


def test_ctrl_c_keeps_what_came_and_says_so(web: TinyWeb, place: Path) -> None:
    web.pause_s = 0.2
    web.files["/config.json"] = bytes(3_000_000)
    command = [sys.executable, "-c", PROGRAM, web.url, "models", "pull", NAME, "--accept-licence"]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    part = place / "models" / ".downloads" / NAME / "config.json.part"
    wait_until(lambda: part.exists() and part.stat().st_size > 0)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 130
    assert (out, err.splitlines()[-1]) == ("", "Stopped. What was fetched is kept: the same command goes on there.")
    came = part.stat().st_size
    assert 0 < came < 3_000_000
    web.pause_s, web.files["/config.json"] = 0.0, bytes(3_000_000)
    web.requests.clear()
    pull(tiny_released.card(FILES, web.url, known=False), licence_accepted=True)
    assert web.requests[0] == ("/config.json", f"bytes={came}-")


def test_files_given_by_hand(run: Run, card: Card, web: TinyWeb, place: Path) -> None:
    for name, content in FILES.items():
        (place / name).write_bytes(content)
    lacking = run("import", NAME, place / "weights.ckpt", "--accept-licence")
    assert lacking.exit_code == 2
    assert f"config.json from {web.url}/config.json" in lacking.stderr
    done = run("import", NAME, place / "weights.ckpt", place / "config.json", "--accept-licence")
    assert done.stdout.splitlines() == [str(model_folder(NAME))]
    assert web.requests == []


def test_a_mirror_from_option_or_environment(
    run: Run, card: Card, web: TinyWeb, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "is no mirror" in run("pull", NAME, "--accept-licence", "--mirror", "nonsense").stderr
    monkeypatch.setenv("WHOLEFORM_MIRROR", (place / "disk").as_uri())
    assert "--mirror URL" in run("pull", NAME, "--accept-licence").stderr
    (place / "disk" / NAME).mkdir(parents=True)
    for name, content in FILES.items():
        (place / "disk" / NAME / name).write_bytes(content)
    assert run("pull", NAME, "--accept-licence").exit_code == 0
    assert web.requests == []


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("pull", "magic"), 2, "There is no model “magic”"),
        (("pull", "u2netp"), 2, "comes with Wholeform"),
        (("import", "u2netp", "x"), 2, "comes with Wholeform"),
        (("remove", "u2netp"), 2, "comes with Wholeform"),
        (("verify", NAME), 2, f"wholeform models pull {NAME}"),
    ],
)
def test_problems(run: Run, card: Card, arguments: tuple[str, ...], status: int, says: str) -> None:
    done = run(*arguments)
    assert done.exit_code == status
    assert says in done.stderr
    assert "Traceback" not in done.output


def test_the_doctor_does_not_miss_what_nobody_fetched(card: Card) -> None:
    from backend.cli.checks import check_models

    states = {check.name: (check.state, check.found) for check in check_models()}
    assert states["Models"][0] == "ok"
    state, found = states["Models to fetch"]
    assert state == "optional"
    assert NAME in found.split(", ")


def test_a_running_server_notices_what_comes_and_goes(card: Card, web: TinyWeb, place: Path) -> None:
    def ready() -> list[tuple[str, bool]]:
        with Client(address) as client:
            return [(model.name, model.ready) for model in client.catalogue().models]

    command = [sys.executable, "-c", PROGRAM, web.url, "serve", "--no-warm", "--bind", "127.0.0.1:0"]
    environment = {**os.environ, "WHOLEFORM_RUNTIME_DIR": str(place / "run")}
    with subprocess.Popen([*command, "--state", str(place / "jobs")], cwd=ROOT, env=environment) as server:
        try:
            wait_until(lambda: (place / "run" / "connection.json").exists())
            address = json.loads((place / "run" / "connection.json").read_text())["address"]
            assert ready() == [(NAME, False)]
            pull(card, licence_accepted=True)
            assert ready() == [(NAME, True)]
            remove(card)
            assert ready() == [(NAME, False)]
        finally:
            server.terminate()
