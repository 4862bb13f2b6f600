"""What the add-on says, and the forms it builds from a catalogue."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.unit.blender_staged import module

wording, forms, servers = module("wording"), module("forms"), module("servers")
messages, states, tasks = (module(f"protocol.{name}") for name in ("messages", "states", "tasks"))
JobState = states.JobState
TITLES = {"complete": "Complete the hidden part"}


def job(state: str, uploaded: tuple[int, int] = (0, 0), problem: object = None, **progress: object) -> SimpleNamespace:
    said = messages.Progress("job-00000001", JobState(state), **progress) if progress else None
    return SimpleNamespace(state=JobState(state), progress=said, uploaded=uploaded, problem=problem, cancelling=False)


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("queued, 2nd in line", job("queued", position=2)),
        ("queued", job("queued")),
        ("sending the picture, 40 %", job("uploading", (40, 100))),
        ("loading the model", job("loading")),
        (
            "Complete the hidden part, step 7 of 20, about 4 s",
            job("running", stage="complete", step=7, steps=20, eta_s=4.2),
        ),
        ("Something new", job("running", stage="something_new", steps=1)),
        ("fetching the result", job("finishing")),
        ("done", job("done")),
        ("cancelled", job("cancelled")),
        ("failed: Too dark.", job("failed", problem=SimpleNamespace(message="Too dark."))),
    ],
)
def test_job_lines(line: str, given: SimpleNamespace) -> None:
    assert wording.job_line(given, TITLES) == line


def test_job_lines_in_trouble() -> None:
    running = job("running", stage="complete", steps=1)
    assert wording.job_line(running, TITLES, connected=False) == "waiting for the server to come back"
    assert wording.job_line(running, TITLES, stopping=True) == "cancelling"
    assert wording.job_line(job("done"), TITLES, connected=False) == "done"


def test_numbers_in_words() -> None:
    assert [wording.ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 22, 111)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "111th",
    ]  # fmt: skip
    assert [wording.duration(s) for s in (0.2, 4.4, 89, 150, 7300)] == ["1 s", "4 s", "89 s", "2 min", "2 h"]
    assert [wording.size(n) for n in (512e6, 11.9e9)] == ["512 MB", "11.9 GB"]


def test_every_state_has_its_words() -> None:
    assert set(wording.CONNECTION_WORDS) == set(states.ConnectionState)
    for state in JobState:
        assert wording.job_line(job(state.value), TITLES)


def test_the_report_of_a_connection() -> None:
    worker = messages.WorkerState("cuda:0", "idle", memory_bytes=2_000_000_000, memory_total_bytes=24_000_000_000)
    state = messages.ServerState(workers=[worker])
    welcome = messages.Welcome("wholeform", (1, 0), "0.1.0", "x", messages.Limits(), "studio", "RTX 9000")
    assert wording.server_lines(welcome, state, 0.0123, ["U2-Net small", "Inflate"]) == [
        "studio, version 0.1.0, protocol 1.0",
        "Device: RTX 9000",
        "Memory on cuda:0: 2.0 GB used of 24.0 GB, idle",
        "Models: U2-Net small, Inflate",
        "Round trip: 12.3 ms",
    ]


@pytest.mark.parametrize(
    ("address", "key", "text", "good"),
    [
        ("", "", "The server that runs on this computer", True),
        ("http://127.0.0.1:8188/", "", "tcp://127.0.0.1:8188, not encrypted", True),
        ("studio-gpu", "x" * 40, "tcp://studio-gpu:5555, encrypted", True),
        ("studio-gpu", "short", "The server key is not a key: it has 40 characters", False),
        ("a b c", "", "“a b c” is not an address. Write host or host:port, e.g. gpu:5555.", False),
    ],
)
def test_what_was_understood_of_an_address(address: str, key: str, text: str, good: bool) -> None:
    assert servers.understood(servers.Server("x", address, key)) == (text, good)


def test_the_form_of_the_main_task() -> None:
    models = [
        messages.ModelInfo(
            "prompted-u2netp", "U2-Net small", ["segment"], level="starter", good_for="things that stand out"
        ),
        messages.ModelInfo("far", "Far away", ["segment"], ready=False, missing="Pull it"),
    ]
    form = {field.name: field for field in forms.form_fields(tasks.WHOLE_OBJECT, models)}
    assert "points" not in form
    assert "box" not in form
    assert [name for name, field in form.items() if field.basic] == ["quality", "samples", "faces"]
    assert form["quality"].property == "EnumProperty"
    assert [name for name, _, _ in form["quality"].arguments["items"]] == ["draft", "standard", "best"]
    assert form["faces"].arguments["min"] == 500
    assert form["seed"].arguments["max"] == 2**31 - 1
    items = form["segment_model"].arguments["items"]
    assert items[0] == ("prompted-u2netp", "U2-Net small", "starter model. things that stand out")
    assert items[1][1] == "Far away (not ready)"
    assert form["complete_model"].arguments["items"][0][0] == "starter-and-symmetry"  # the default, though not listed
    for field in form.values():
        assert not field.arguments["description"].endswith(".")  # Blender adds it


def test_every_kind_of_parameter_has_a_field_or_is_drawn() -> None:
    for kind in ("integer", "number", "boolean", "choice", "text", "model", "points", "box"):
        parameter = messages.ParameterInfo("p", kind, default={"choice": "a"}.get(kind), choices=["a"])
        field = forms.form_field(parameter, [messages.ModelInfo("m", "M", [""])])
        assert (field is None) == (kind in ("points", "box"))


def test_pointing_uses_the_form_s_model() -> None:
    assert forms.segment_parameters(tasks.SEGMENT, {"segment_model": "grabcut"}) == {"model": "grabcut"}
    assert forms.segment_parameters(tasks.SEGMENT, {}) == {}
