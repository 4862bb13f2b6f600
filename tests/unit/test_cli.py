"""The command line against a real server: what it writes, what it prints where, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import trimesh
import typer
from PIL import Image as PillowImage
from PIL import ImageSequence
from typer.testing import CliRunner, Result

from backend.cli.following import follow, sentence
from backend.cli.main import app
from backend.cli.prompts import parse_box, parse_points
from backend.cli.serve import bind_address
from backend.serving.embedded import EmbeddedServer
from protocol import Client, JobState, ProblemError
from protocol.connection import load_session
from protocol.messages import Progress
from protocol.tasks import TASKS

ROOT = Path(__file__).parents[2]
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path_factory.mktemp("server"), ("--no-warm",)) as running:
        yield running


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with settings of its own and no server to be found."""
    for name in ("CONFIG", "STATE", "RUNTIME"):
        monkeypatch.setenv(f"WHOLEFORM_{name}_DIR", str(tmp_path / name.lower()))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run() -> Run:
    """Runs `wholeform ARGUMENTS` in this process."""
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def photo(place: Path) -> Path:
    """A red ball on blue: 120 x 90 pixels, centre (60, 45), radius 28."""
    y, x = np.mgrid[:90, :120]
    ball = (x - 60) ** 2 + (y - 45) ** 2 < 28**2
    pixels = np.where(ball[..., None], (200, 30, 20), (30, 60, 160)).astype(np.uint8)
    PillowImage.fromarray(pixels).save(place / "ball.png")
    return place / "ball.png"


@pytest.fixture
def own_client(server: EmbeddedServer) -> Iterator[Client]:
    """A client whose jobs are the command line's."""
    with Client(server.address, session=load_session("cli")) as client:
        yield client


@pytest.mark.parametrize("task", [task for task in TASKS.values() if not task.internal], ids=lambda task: task.name)
def test_every_task_has_a_command_with_all_its_parameters(task, run: Run) -> None:
    shown = run("run", task.name.replace("_", "-"), "--help").output
    for parameter in task.parameters:
        assert f"--{parameter.name.replace('_', '-').removesuffix('s')}" in shown
    for port in task.inputs:
        assert port.name in shown


def test_paths_are_printed_on_stdout_and_nothing_else(run: Run, server: EmbeddedServer, photo: Path) -> None:
    done = run("run", "segment", photo, "--box", "25,10,95,80", "--model", "grabcut", "--server", server.address)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == ["ball-segment/mask.png", "ball-segment/confidence.npz"]
    mask = np.asarray(PillowImage.open("ball-segment/mask.png")) > 0
    assert mask[45, 60]
    assert abs(mask.sum() / (np.pi * 28**2) - 1) < 0.1
    assert "Done in" in done.stderr


def test_the_whole_path_and_a_handle_used_afterwards(run: Run, server: EmbeddedServer, photo: Path) -> None:
    arguments = ("--quality", "draft", "--faces", 5000, "--samples", 2, "--texture-size", 128, "--json")
    done = run(
        "run", "whole-object", photo, "--point", "60,45", "--out", "ball", "--server", server.address, *arguments
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["outputs"]["completed"] == ["ball/completed_1.png", "ball/completed_2.png"]
    assert all(Path(path).is_file() for path in told["files"])
    assert told["info"]["parameters"]["faces"] == 5000
    assert trimesh.load_mesh("ball/mesh.ply").is_watertight
    views = ("--object", told["outputs"]["mesh_handle"], "--views", 3, "--size", 64, "--server", server.address)
    assert run("run", "render", *views).stdout.splitlines() == [f"render/view_{n}.png" for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("run", "segment", "nowhere.png"), 2, "There is no file nowhere.png."),
        (("run", "segment", "{photo}", "--point", "1;2"), 2, "Write it like --point 420,310."),
        (("run", "segment", "{photo}", "--set", "nonsense"), 2, "--set NAME=VALUE"),
        (("run", "segment", "{photo}", "--model", "magic", "--server", "{server}"), 2, "There is no model"),
        (("run", "segment", "{photo}", "--set", "colour=1", "--server", "{server}"), 2, "no parameter “colour”"),
        (("run", "mesh", "field:gone-gone", "--server", "{server}"), 2, ""),
        (("run", "segment", "{photo}", "--server", "127.0.0.1:1"), 3, "127.0.0.1:1"),
        (("run", "segment", "{photo}", "--server", "a b"), 2, "is not an address"),
        (("serve", "--bind", "0.0.0.0:0"), 3, "keys"),
        (("jobs", "list"), 3, "wholeform serve"),
        (("jobs", "get", "nothing", "--server", "{server}"), 2, "wholeform jobs list"),
        (("keys", "show"), 3, "wholeform keys make"),
        (("demo", "nowhere.png"), 2, "There is no file nowhere.png."),
    ],
)
def test_problems_are_two_sentences_and_a_status(
    run: Run, server: EmbeddedServer, photo: Path, arguments: tuple[str, ...], status: int, says: str
) -> None:
    done = run(*(text.format(photo=photo, server=server.address) for text in arguments))
    assert done.exit_code == status, done.output
    assert says in done.stderr
    assert "Traceback" not in done.output
    assert 1 <= len(done.stderr.strip().splitlines()) <= 3


def test_a_problem_as_json(run: Run) -> None:
    done = run("run", "segment", "nowhere.png", "--json")
    assert (done.exit_code, json.loads(done.stdout)["problem"]["code"]) == (2, "bad_input")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, also where the tests run in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_cancels_the_job_on_the_server(own_client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    job = own_client.submit("echo", {}, {"seconds": 60.0, "steps": 600})
    job.wait_accepted(30)
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(typer.Exit) as ended:
        follow(job)
    assert ended.value.exit_code == 130
    assert job.state is JobState.CANCELLED
    assert "Cancelled on the server." in capsys.readouterr().err


def test_jobs_are_listed_fetched_and_cancelled_from_another_command(
    run: Run, server: EmbeddedServer, own_client: Client
) -> None:
    long = own_client.submit("echo", {}, {"seconds": 60.0, "steps": 600}, keep=True, label="long one")
    long.wait_accepted(30)
    listed = json.loads(run("jobs", "list", "--server", server.address, "--json").stdout)["jobs"]
    assert [(job["job"], job["label"]) for job in listed] == [(long.id, "long one")]
    assert "long one" in run("jobs", "list", "--server", server.address).stdout
    assert run("jobs", "cancel", long.id[-6:], "--server", server.address).stdout == f"Cancelled {long.id}.\n"
    short = own_client.submit("echo", {}, {"seconds": 0.1}, keep=True)
    short.result(60)
    told = json.loads(run("jobs", "get", short.id, "--out", "got", "--server", server.address, "--json").stdout)
    assert told["job"] == short.id


def test_keys_are_made_shown_and_allowed(run: Run, place: Path) -> None:
    public = run("keys", "make").stdout.strip()
    assert len(public) == 40
    assert run("keys", "show").stdout.strip() == public
    again = run("keys", "make")
    assert again.exit_code == 2
    assert "already" in again.stderr
    assert run("keys", "allow", public, "Ada Lovelace").exit_code == 0
    assert run("keys", "allowed").stdout == f"{public}  Ada Lovelace\n"
    assert (place / "config" / "client.key.json").stat().st_mode & 0o077 == 0


def test_where_only_the_protocol_is_installed_it_says_what_to_install() -> None:
    program = "import sys; sys.modules['typer'] = None; from backend.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'wholeform[backend]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_models_with_their_licences(run: Run, server: EmbeddedServer) -> None:
    here = json.loads(run("models", "--json").stdout)["models"]
    assert {"u2netp", "grabcut", "symmetry-inpaint", "inflate"} <= {model["name"] for model in here}
    assert all(model["licence"] and model["good_for"] for model in here)
    cats = next(model for model in here if model["name"] == "seg2cat")
    assert cats["labels"][1] == {"name": "face", "colour": [204, 0, 0]}
    assert cats["label_size"] == 512
    assert all(model["ready"] or model["missing"].endswith(f"wholeform models pull {model['name']}") for model in here)
    assert all(model["ready"] for model in here if model["level"] != "released")
    assert json.loads(run("models", "--json", "--server", server.address).stdout)["models"] == here


def test_doctor_names_every_lack_and_its_remedy(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    told = json.loads(run("doctor", "--json").stdout)
    names = {check["name"] for check in told["checks"]}
    assert {"Python", "torch", "GPU", "OpenGL (EGL)", "Models", "Local server", "Jobs", "Desktop"} <= names
    monkeypatch.setattr("backend.cli.checks.SERVER_PACKAGES", ("no-such-package",))
    lacking = run("doctor")
    assert lacking.exit_code == 1
    assert "no-such-package" in lacking.stdout
    assert "pip install 'wholeform[backend]'" in lacking.stdout


def test_the_demo_makes_all_it_promises(run: Run, place: Path) -> None:
    done = run("demo")
    assert done.exit_code == 0, done.output
    made = place / "demo-output"
    names = {"modal_mask.png", "amodal_mask.png", "completed.png", "object.glb", "object.ply", "views.png"}
    assert {path.name for path in made.iterdir()} == names | {"turntable.gif", "overview.png"}
    assert all(f"demo-output/{path.name}" in done.stdout for path in made.iterdir())
    mesh = trimesh.load_mesh(made / "object.ply")
    assert mesh.is_watertight
    assert 5_000 <= len(mesh.faces) <= 100_000
    textured = next(iter(trimesh.load_scene(made / "object.glb").geometry.values()))
    assert min(textured.visual.material.baseColorTexture.size) >= 512
    with PillowImage.open(made / "turntable.gif") as turntable:
        assert len(list(ImageSequence.Iterator(turntable))) == 36
    visible, whole = (np.asarray(PillowImage.open(made / f"{name}.png")) > 0 for name in ("modal_mask", "amodal_mask"))
    assert whole[visible].mean() > 0.99


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:0", "tcp://127.0.0.1:0"),
        ("*:5555", "tcp://0.0.0.0:5555"),
        ("tcp://127.0.0.1:7000/", "tcp://127.0.0.1:7000"),
    ],
)
def test_bind_addresses(text: str, address: str) -> None:
    assert bind_address(text) == address


def test_prompts_as_typed() -> None:
    assert parse_points(["420,310", "5, 6, 0"]) == [[420, 310, 1], [5, 6, 0]]
    assert parse_box("1,2,3.5,4") == [1, 2, 3.5, 4]
    with pytest.raises(ProblemError, match="120,80,460,390"):
        parse_box("1,2,3")


def test_what_a_person_is_told_of_a_job() -> None:
    running = Progress("job", JobState.RUNNING, "complete", 7, 20, 0.4, 4.2, message="Completing the hidden part")
    assert sentence(running) == "Completing the hidden part, step 7 of 20, about 4 s"
    assert sentence(Progress("job", JobState.QUEUED, position=2)) == "Queued, place 2 in line"
