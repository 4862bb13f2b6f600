"""What the client says about whatever answers at an address. Real sockets on loopback, no Wholeform server."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator

import pytest
import zmq
from zmq.auth.thread import ThreadAuthenticator

from protocol import Client, ConnectionState, ErrorCode, ProblemError
from protocol.frames import decode_message, encode_message
from protocol.messages import PRODUCT, Limits, Welcome
from protocol.security import KeyPair, make_keys


def _refusal(address: str, keys: KeyPair | None = None, server_key: str = "") -> tuple[ConnectionState, ProblemError]:
    client = Client(address, keys=keys, server_key=server_key)
    try:
        with pytest.raises(ProblemError) as caught:
            client.connect(8)
        return client.state, caught.value
    finally:
        client.close()


class _Peer:
    """A ROUTER that answers every message with ``reply`` (frames), or never."""

    def __init__(self, reply: list[bytes] | None, keys: KeyPair | None = None) -> None:
        self.context = zmq.Context()
        self.authenticator = None
        if keys is not None:
            self.authenticator = ThreadAuthenticator(self.context)
            self.authenticator.start()
            nobody = type("Nobody", (), {"callback": lambda self, domain, key: False})()
            self.authenticator.configure_curve_callback(domain="*", credentials_provider=nobody)
        self.router = self.context.socket(zmq.ROUTER)
        if keys is not None:
            self.router.curve_server = True
            self.router.curve_publickey, self.router.curve_secretkey = keys.public.encode(), keys.secret.encode()
        self.address = f"tcp://127.0.0.1:{self.router.bind_to_random_port('tcp://127.0.0.1')}"
        self.heard: list[list[bytes]] = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._serve, args=(reply,))
        self.thread.start()

    def _serve(self, reply: list[bytes] | None) -> None:
        while not self.stopping.is_set():
            if self.router.poll(20):
                client, *frames = self.router.recv_multipart()
                self.heard.append(frames)
                if reply is not None:
                    self.router.send_multipart([client, *reply])

    def close(self) -> None:
        self.stopping.set()
        self.thread.join()
        if self.authenticator is not None:
            self.authenticator.stop()
        self.context.destroy(linger=0)


@pytest.fixture
def peers() -> Iterator[list[_Peer]]:
    made: list[_Peer] = []
    yield made
    for peer in made:
        peer.close()


def test_nobody_there() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        client = Client(f"127.0.0.1:{reserved.getsockname()[1]}")
        try:
            with pytest.raises(ProblemError) as caught:
                client.connect(0.5)
            assert client.state is ConnectionState.OFFLINE
            assert caught.value.problem.code is ErrorCode.UNREACHABLE
        finally:
            client.close()


def test_a_web_server_is_not_ours() -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        state, error = _refusal(f"http://127.0.0.1:{server.server_port}/")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert state is ConnectionState.WRONG_SERVER
    assert "not a Wholeform server" in str(error)


def test_a_peer_that_takes_the_connection_and_keeps_silent_is_not_ours() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        state, error = _refusal(f"127.0.0.1:{silent.getsockname()[1]}")
    assert state is ConnectionState.WRONG_SERVER
    assert error.problem.code is ErrorCode.WRONG_SERVER


def test_another_zeromq_program_is_not_ours(peers: list[_Peer]) -> None:
    peers.append(_Peer([b"hello"]))
    state, _ = _refusal(peers[0].address)
    assert state is ConnectionState.WRONG_SERVER


def test_a_server_of_another_major_version_says_who_must_update(peers: list[_Peer]) -> None:
    peers.append(_Peer([b"WHOLEFORM\x02\x00", b"\x80"]))
    state, error = _refusal(peers[0].address)
    assert state is ConnectionState.TOO_OLD
    assert "Update this side" in str(error)


def test_an_unknown_key_shows_the_key_to_add(peers: list[_Peer]) -> None:
    server, mine = make_keys(), make_keys()
    peers.append(_Peer(None, server))
    state, error = _refusal(peers[0].address, mine, server.public)
    assert state is ConnectionState.KEY_REFUSED
    assert mine.public in error.problem.hint


def test_a_server_with_another_key_than_expected_is_refused(peers: list[_Peer]) -> None:
    peers.append(_Peer(None, make_keys()))
    state, _ = _refusal(peers[0].address, make_keys(), make_keys().public)
    assert state is ConnectionState.KEY_REFUSED


def test_a_server_that_wants_keys_says_so(peers: list[_Peer]) -> None:
    peers.append(_Peer(None, make_keys()))
    state, error = _refusal(peers[0].address)
    assert state is ConnectionState.KEY_REFUSED
    assert "wants keys" in str(error)


def test_a_server_without_keys_is_not_trusted_with_them(peers: list[_Peer]) -> None:
    peers.append(_Peer(None))
    state, _ = _refusal(peers[0].address, make_keys(), make_keys().public)
    assert state is ConnectionState.KEY_REFUSED


def test_a_welcome_connects_and_the_first_message_was_hello(peers: list[_Peer]) -> None:
    welcome = Welcome(PRODUCT, (1, 0), "0.1.0", "s", Limits())
    peers.append(_Peer([bytes(frame) for frame in encode_message(welcome)]))
    client = Client(peers[0].address, name="test", session="s" * 20)
    try:
        assert client.connect(5) == welcome
        hello, _ = decode_message(peers[0].heard[0], "client")
        assert (hello.session, hello.client) == ("s" * 20, "test")
    finally:
        client.close()


def test_a_fault_in_a_callback_does_not_end_the_client(peers: list[_Peer]) -> None:
    welcome = Welcome(PRODUCT, (1, 0), "0.1.0", "s", Limits())
    peers.append(_Peer([bytes(frame) for frame in encode_message(welcome)]))

    def fail(event: object) -> None:
        raise RuntimeError("a fault in the program")

    client = Client(peers[0].address, on_event=fail)
    try:
        client.connect(5)
        assert client.state is ConnectionState.CONNECTED
    finally:
        client.close()
