"""Ten thousand frames that no client of ours would send: no crash, no leak, and valid clients are served meanwhile."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import msgspec
import psutil
import zmq

from protocol import ErrorCode
from protocol.connection import new_session
from protocol.frames import MAGIC, decode_message, encode_message
from protocol.messages import PRODUCT, PROTOCOL, ArrayRef, Fetch, Hello, Submit, Upload, WireValue
from tests.unit.golden_messages import ALL, SENDERS

from .running import RunningServer

COUNT = 10_000
CLIENT = {name: message for name, message in ALL.items() if SENDERS[name] == "client"}


def _message(rng: random.Random) -> list[bytes]:
    """One multipart: noise, a damaged message, a valid one out of order, or one that claims giants."""
    golden = encode_message(rng.choice(list(CLIENT.values())), [rng.randbytes(rng.randrange(64))] * rng.randrange(3))
    frames = [bytes(frame) for frame in golden]
    match rng.randrange(8):
        case 0:
            return [rng.randbytes(rng.randrange(300)) for _ in range(rng.randrange(1, 6))]
        case 1:
            return [MAGIC, rng.randbytes(rng.randrange(300)), *frames[2:]]
        case 2:
            which = rng.randrange(len(frames))
            damaged = bytearray(frames[which] or b"\0")
            for _ in range(rng.randrange(1, 4)):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
            frames[which] = bytes(damaged)
        case 3:
            frames[1] = frames[1][: rng.randrange(len(frames[1]))]
        case 4:
            frames = frames[: rng.randrange(1, 3)] + [b""] * rng.choice([0, 1, 300])
        case 5:
            return _giant(rng)
        case 6:
            rng.shuffle(frames)
    return frames


def _giant(rng: random.Random) -> list[bytes]:
    job, digest = f"{rng.randrange(1 << 40):012x}", f"{rng.randrange(1 << 64):064x}"
    nbytes = 1 << rng.randrange(10, 52)
    array = WireValue("array", {"data": ArrayRef("uint8", [nbytes], digest=digest, nbytes=nbytes)})
    deep = msgspec.Raw(b"\x91" * rng.choice([1, 50, 2000]) + b"\x90")
    raw = msgspec.msgpack.encode
    return rng.choice(
        [
            lambda: encode_message(Submit(job, "echo", {"value": array})),
            lambda: encode_message(Upload(digest, 1 << 52, 1 << 53), [b"x"]),
            lambda: encode_message(Fetch(job, digest, 1 << 53, 1 << 20)),
            lambda: [MAGIC, b"\xdf\xff\xff\xff\xff"],  # a map that claims 4 billion keys
            lambda: [MAGIC, b"\x91" * 5000],
            lambda: [MAGIC, raw({"type": "submit", "job": job, "task": "echo", "parameters": {"steps": deep}})],
            lambda: [MAGIC, raw({"type": "submit", "job": "x" * 100_000, "task": "echo"})],
            lambda: [MAGIC, raw({"type": "ping", "token": "1" * 1000}), b"\0" * 100_000],
        ]
    )()


def test_ten_thousand_strange_messages(new_server: Callable[..., RunningServer]) -> None:
    server = new_server()
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    served, stop = [], threading.Event()

    def be_valid() -> None:
        with server.client() as client:
            while not stop.is_set():
                began = time.monotonic()
                client.submit("echo").result(20)
                served.append(time.monotonic() - began)
                time.sleep(0.02)

    rng = random.Random(20_240)
    context = zmq.Context()
    valid = threading.Thread(target=be_valid)
    valid.start()
    sizes: list[int] = []
    codes: set[str] = set()
    try:
        for batch in range(20):
            dealer = context.socket(zmq.DEALER)
            dealer.linger = 0
            dealer.connect(server.address)
            if batch % 2:
                dealer.send_multipart(encode_message(Hello(new_session(), PRODUCT, PROTOCOL, "fuzz")))
            for n in range(COUNT // 20):
                dealer.send_multipart(_message(rng))
                while dealer.poll(0):
                    codes.add(_code(dealer.recv_multipart()))
                if n % 100 == 0:
                    time.sleep(0.01)
            dealer.send_multipart(encode_message(CLIENT["ping"]))
            _drain(dealer, codes)
            dealer.close(0)
            sizes.append(process.memory_info().rss)
    finally:
        stop.set()
        valid.join(30)
        context.destroy(linger=0)
    assert server.process.poll() is None
    assert len(served) > 20
    assert max(served) < 5
    assert sizes[-1] - sizes[3] < 64 << 20
    assert {ErrorCode.BAD_MESSAGE, ErrorCode.WRONG_SERVER, ErrorCode.VERSION, ErrorCode.NOT_FOUND} <= codes
    assert ErrorCode.INTERNAL not in codes, server.log()[-3000:]
    assert "Traceback" not in server.log()
    with server.client() as client:
        client.submit("echo").result(10)


def _code(frames: list[bytes]) -> str:
    message, _ = decode_message(frames, "server")
    return message.problem.code if message.__struct_config__.tag == "refused" else ""


def _drain(dealer: zmq.Socket[bytes], codes: set[str]) -> None:
    """Read until the pong: the server has taken everything before it."""
    while dealer.poll(10_000):
        frames = dealer.recv_multipart()
        codes.add(_code(frames))
        if decode_message(frames, "server")[0].__struct_config__.tag == "pong":
            return
    raise AssertionError("no answer to a ping")
