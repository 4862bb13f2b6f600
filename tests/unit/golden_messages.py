"""Messages of each type as recorded in tests/golden/protocol, by version. Run this file to record a new version's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from protocol import messages as m
from protocol.frames import encode_message
from protocol.problems import ErrorCode, Problem
from protocol.states import JobState

JOB = "019a5c3e77aa-0123456789abcdef"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_PROBLEM = Problem(ErrorCode.BAD_INPUT, "A mask has values other than 0 and 255.", "Use 255 inside.", "ref-1")
_INLINE = m.WireValue("mask", {"pixels": m.ArrayRef("uint8", [2, 3], 0, nbytes=6)})
_BLOB = m.WireValue("image", {"pixels": m.ArrayRef("uint8", [480, 640, 3], digest=DIGEST, nbytes=921_600)})
_ZIPPED = m.WireValue("mask", {"pixels": m.ArrayRef("uint8", [480, 640], 1, nbytes=712, encoding="zlib")})
_HANDLE = m.WireValue("handle", plain={"id": "h-1", "holds": "mesh", "nbytes": 4096})
_WORKER = m.WorkerState("cuda:0", "running", JOB, "complete", ["u2netp"], 1 << 30, 1 << 34, 2, 1 << 20)
_STATE = m.ServerState(12.5, 3, 1, 2, [_WORKER])

_CLIENT: dict[str, Any] = {
    "hello": m.Hello("0123456789abcdefghij", m.PRODUCT, (1, 0), "blender 4.5.15"),
    "describe": m.Describe(),
    "submit": m.Submit(
        JOB,
        "whole_object",
        {"image": _BLOB, "mask": _ZIPPED, "views": [_INLINE, _INLINE]},
        {"points": [[420.0, 310.0, 1.0]], "quality": "best", "samples": 3, "box": None},
        "batch",
        "mug",
    ),
    "attach": m.Attach(JOB),
    "upload": m.Upload(DIGEST, 1 << 20, 3 << 20),
    "fetch": m.Fetch(JOB, DIGEST, 0, 1 << 20),
    "cancel": m.Cancel(JOB),
    "acknowledge": m.Acknowledge(JOB),
    "list_jobs": m.ListJobs(),
    "release": m.Release("h-1"),
    "free_memory": m.FreeMemory(),
    "ping": m.Ping(7),
    "bye": m.Bye(),
}
_SERVER: dict[str, Any] = {
    "welcome": m.Welcome(m.PRODUCT, (1, 0), "0.1.0", "5f1c", m.Limits(), "studio-gpu", "CPU, 2 cores", _STATE),
    "catalogue": m.Catalogue(
        [
            m.TaskInfo(
                "segment",
                "Point at an object",
                "Finds it.",
                [m.PortInfo("image", "image", help="The picture.")],
                [
                    m.ParameterInfo("points", "points", default=[], title="Points"),
                    m.ParameterInfo("samples", "integer", 3, 1.0, 8.0, unit="samples", title="Samples", basic=True),
                    m.ParameterInfo("model", "model", "u2netp", model_task="segment"),
                ],
                [m.PortInfo("masks", "mask", many=True, required=False)],
                ["segment"],
            )
        ],
        [m.ModelInfo("u2netp", "U2-Net small", ["segment"], "released", "clear subjects", "Apache-2.0")],
    ),
    "need": m.Need(JOB, [DIGEST]),
    "got": m.Got(DIGEST, 1 << 20),
    "accepted": m.Accepted(JOB, 2),
    "progress": m.Progress(JOB, JobState.RUNNING, "complete", 7, 20, 0.4, 4.2, 0, "Completing the hidden part"),
    "preview": m.Preview(JOB, "segment", {"mask": _INLINE}),
    "result": m.Result(JOB, {"mask": _INLINE, "completed": [_BLOB], "mesh_handle": _HANDLE}, {"seconds": 4.5}),
    "failed": m.Failed(JOB, _PROBLEM),
    "cancelled": m.Cancelled(JOB),
    "snapshot": m.Snapshot([m.JobSummary(JOB, "echo", JobState.QUEUED, "mug", 1.5, "", 0.0, 2)]),
    "piece": m.Piece(DIGEST, 0, 921_600),
    "released": m.Released("h-1"),
    "freed": m.Freed(1 << 30),
    "pong": m.Pong(7, _STATE),
    "refused": m.Refused(_PROBLEM, "submit", JOB),
}

_LABELLED_MESH = m.WireValue(
    "mesh",
    {
        "vertices": m.ArrayRef("float32", [3, 3], 0, nbytes=36),
        "faces": m.ArrayRef("int32", [1, 3], 1, nbytes=12),
        "face_labels": m.ArrayRef("uint16", [1], 2, nbytes=2),
    },
)
_LABELS = [m.LabelInfo("background", (255, 255, 255)), m.LabelInfo("body", (204, 0, 0))]
# What each later version added to messages, by version: recorded are the messages that have it.
_ADDED: dict[str, dict[str, Any]] = {
    "1.1": {
        "catalogue": m.Catalogue(
            [],
            [
                m.ModelInfo("seg2car", "Cars", ["synthesize"], "starter", labels=_LABELS, label_size=128),
                m.ModelInfo("edge2car", "Cars", ["synthesize"], label_size=128, draws=True),
            ],
        ),
        "result": m.Result(JOB, {"mesh": _LABELLED_MESH}, {"labels": [{"id": 1, "name": "body"}]}),
    }
}

ALL = _CLIENT | _SERVER
GOLDEN: dict[str, dict[str, Any]] = {"1.0": ALL} | _ADDED
SENDERS = dict.fromkeys(_CLIENT, "client") | dict.fromkeys(_SERVER, "server")


def record(folder: Path) -> None:
    """Write every message's header to ``folder``/VERSION/NAME.msgpack."""
    for version, messages in GOLDEN.items():
        (folder / version).mkdir(parents=True, exist_ok=True)
        for name, message in messages.items():
            (folder / version / f"{name}.msgpack").write_bytes(encode_message(message)[1])


if __name__ == "__main__":
    record(Path(__file__).parents[1] / "golden" / "protocol")
