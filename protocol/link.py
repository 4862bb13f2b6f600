"""The client's network thread: one DEALER socket, its monitor, and the connection's state.

A ZeroMQ socket belongs to one thread. Everything here but `start`, `stop` and `call` runs on that thread.
"""

from __future__ import annotations

import contextlib
import logging
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import zmq

from .connection import is_loopback
from .frames import Buffer, decode_message, encode_message
from .messages import LOOPBACK_BUFFER, PRODUCT, PROTOCOL, Bye, Hello, Ping, Pong, Refused, Welcome
from .problems import ErrorCode, Problem, ProblemError
from .security import KeyPair, make_keys
from .states import IN_TROUBLE, ConnectionState, advance_connection

logger = logging.getLogger("wholeform.client")

HEARTBEAT_S = 5.0
SILENCE_S = 15.0
HANDSHAKE_S = 3.0
RETRY_S = 3.0

# libzmq's ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH: one side encrypts and the other does not.
_MECHANISM_MISMATCH = 0x11000002
_HANDSHAKE_FAILED = (
    zmq.EVENT_HANDSHAKE_FAILED_AUTH,
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL,
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL,
)


class Handler(Protocol):
    """What the link tells its owner, on the network thread."""

    def on_state(self, state: ConnectionState, problem: Problem | None) -> None: ...
    def on_welcome(self, welcome: Welcome) -> None: ...
    def on_message(self, message: Any, arrays: list[Buffer]) -> None: ...
    def on_pong(self, pong: Pong, round_trip_s: float) -> None: ...


class Link:
    """Keeps one connection to ``address`` alive and its state true. Never blocks the caller."""

    def __init__(
        self,
        address: str,
        handler: Handler,
        session: str,
        client: str,
        keys: KeyPair | None = None,
        server_key: str = "",
    ) -> None:
        self.address = address
        self.state = ConnectionState.OFFLINE
        self.problem: Problem | None = None
        self._handler = handler
        self._hello = Hello(session, PRODUCT, PROTOCOL, client)
        self._keys = keys
        self._server_key = server_key
        self._context = zmq.Context()
        self._calls: deque[Callable[[], object]] = deque()
        self._wake_lock = threading.Lock()
        self._wake_in = self._context.socket(zmq.PAIR)
        self._wake_out = self._context.socket(zmq.PAIR)
        self._wake_in.bind(f"inproc://wake-{id(self)}")
        self._wake_out.connect(f"inproc://wake-{id(self)}")
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._socket: zmq.Socket[bytes] | None = None
        self._monitor: zmq.Socket[bytes] | None = None
        self._last_heard = 0.0
        self._last_ping = 0.0
        self._pings: dict[int, float] = {}
        self._greeted_at = 0.0  # when the peer took the connection; 0 while there is none
        self._opened_at = 0.0
        self._backlog: deque[list[Any]] = deque()

    def start(self) -> None:
        """Start the thread (once)."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="wholeform-network", daemon=True)
            self._thread.start()

    def stop(self, timeout: float = 2.0) -> None:
        """End the thread and close the sockets."""
        if self._thread is not None and self._thread.is_alive():
            self._stopping = True
            self._wake()
            self._thread.join(timeout)
        if self._thread is None or not self._thread.is_alive():
            self._context.destroy(linger=0)

    def call(self, function: Callable[[], object]) -> None:
        """Run ``function`` on the network thread, soon and in order."""
        self._calls.append(function)
        self._wake()

    def on_thread(self) -> bool:
        """Whether the caller is the network thread, where waiting for an answer would wait for ever."""
        return threading.current_thread() is self._thread

    def send(self, message: Any, arrays: Sequence[Any] = ()) -> bool:
        """Send, or return False when there is no connection: what matters is sent anew after a reconnect."""
        if self.state is not ConnectionState.CONNECTED:
            return False
        self._backlog.append(encode_message(message, arrays))
        self._flush()
        return True

    def ping(self, token: int) -> bool:
        """Send a ping; the round trip arrives through the handler."""
        self._pings[token] = time.monotonic()
        return self.send(Ping(token))

    # --- the thread ---

    def _wake(self) -> None:
        with self._wake_lock, contextlib.suppress(zmq.ZMQError):
            self._wake_in.send(b"", zmq.NOBLOCK)

    def _run(self) -> None:
        self._set(ConnectionState.CONNECTING, None)
        self._open()
        while not self._stopping:
            self._wait()
            while self._calls:
                self._safely(self._calls.popleft())
            self._watch_clock()
        if self.state is ConnectionState.CONNECTED and self._socket is not None:
            with contextlib.suppress(zmq.ZMQError):
                self._socket.send_multipart(encode_message(Bye()), zmq.NOBLOCK)
        self._set(ConnectionState.OFFLINE, None)
        self._close(linger=100)
        with self._wake_lock:
            self._context.destroy(linger=100)

    def _open(self) -> None:
        socket = self._context.socket(zmq.DEALER)
        socket.linger = 0
        socket.sndhwm = 64
        # Unlimited: a suspended process that wakes to a full queue made libzmq abort. What comes is bounded by what was
        # asked for (pieces) and by the server (ten progress messages a second).
        socket.rcvhwm = 0
        socket.immediate = True  # nothing is queued to a dead peer
        socket.ipv6 = True
        socket.reconnect_ivl = 100
        socket.reconnect_ivl_max = 5000
        socket.handshake_ivl = int(HANDSHAKE_S * 1000)
        if is_loopback(self.address):
            socket.sndbuf = socket.rcvbuf = LOOPBACK_BUFFER
        socket.heartbeat_ivl = 5000
        socket.heartbeat_timeout = 15000
        if self._server_key:
            keys = self._keys or make_keys()
            socket.curve_publickey = keys.public.encode()
            socket.curve_secretkey = keys.secret.encode()
            socket.curve_serverkey = self._server_key.encode()
        self._monitor = socket.get_monitor_socket()
        self._socket = socket
        self._greeted_at = 0.0
        self._opened_at = time.monotonic()
        self._backlog.clear()
        try:
            socket.connect(self.address)
        except zmq.ZMQError as error:
            self._trouble(
                ConnectionState.OFFLINE,
                ErrorCode.UNREACHABLE,
                f"{self.address} cannot be used: {error}.",
            )

    def _close(self, linger: int = 0) -> None:
        if self._socket is not None:
            self._socket.disable_monitor()
            if self._monitor is not None:
                self._monitor.close(0)
            self._socket.close(linger)
            self._socket = self._monitor = None

    def _reopen(self) -> None:
        self._close()
        self._open()

    def _wait(self) -> None:
        poller = zmq.Poller()
        poller.register(self._wake_out, zmq.POLLIN)
        if self._socket is not None and self._monitor is not None:
            poller.register(self._socket, zmq.POLLIN | (zmq.POLLOUT if self._backlog else 0))
            poller.register(self._monitor, zmq.POLLIN)
        ready = dict(poller.poll(500))
        if self._wake_out in ready:
            with contextlib.suppress(zmq.Again):
                while True:
                    self._wake_out.recv(zmq.NOBLOCK)
        if self._monitor is not None and self._monitor in ready:
            self._on_monitor()
        if self._socket is not None and self._socket in ready:
            self._flush()
            self._receive()

    def _flush(self) -> None:
        while self._backlog and self._socket is not None:
            try:
                self._socket.send_multipart(self._backlog[0], zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            self._backlog.popleft()

    def _receive(self) -> None:
        for _ in range(64):  # then look after the other sockets
            if self._socket is None:
                return
            try:
                parts = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            self._last_heard = time.monotonic()
            try:
                message, arrays = decode_message([part.buffer for part in parts], "server")
            except ProblemError as error:
                code = error.problem.code
                state = ConnectionState.TOO_OLD if code is ErrorCode.VERSION else ConnectionState.WRONG_SERVER
                self._trouble(state, code, error.problem.message, error.problem.hint)
                continue
            self._safely(lambda m=message, a=arrays: self._dispatch(m, a))

    def _safely(self, function: Callable[[], object]) -> None:
        """One bad message must not end the network thread."""
        try:
            function()
        except Exception:
            logger.exception("a message could not be handled")

    def _dispatch(self, message: Any, arrays: list[Buffer]) -> None:
        if isinstance(message, Welcome):
            self._on_welcome(message)
        elif isinstance(message, Pong):
            sent = self._pings.pop(message.token, None)
            self._handler.on_pong(message, time.monotonic() - sent if sent is not None else 0.0)
        elif isinstance(message, Refused) and message.problem.code is ErrorCode.VERSION:
            self._trouble(
                ConnectionState.TOO_OLD,
                ErrorCode.VERSION,
                message.problem.message,
                message.problem.hint,
            )
        elif isinstance(message, Refused) and message.about == "hello" and self.state is ConnectionState.CONNECTED:
            # The server has forgotten this connection (it was silent, or is another process now): begin anew.
            self._set(ConnectionState.CONNECTING, None)
            self._reopen()
        else:
            self._handler.on_message(message, arrays)

    def _on_welcome(self, welcome: Welcome) -> None:
        if welcome.product != PRODUCT:
            self._trouble(
                ConnectionState.WRONG_SERVER,
                ErrorCode.WRONG_SERVER,
                f"{self.address} is “{welcome.product}”.",
            )
        elif welcome.protocol[0] != PROTOCOL[0]:
            older = "this program" if welcome.protocol[0] > PROTOCOL[0] else "the server"
            theirs, ours = (
                ".".join(map(str, welcome.protocol)),
                ".".join(map(str, PROTOCOL)),
            )
            what = f"The server speaks protocol {theirs}, this program {ours}."
            self._trouble(ConnectionState.TOO_OLD, ErrorCode.VERSION, what, f"Update {older}.")
        else:
            self._greeted_at = 0.0
            self._set(ConnectionState.CONNECTED, None)
            self._handler.on_welcome(welcome)

    def _on_monitor(self) -> None:
        assert self._monitor is not None
        with contextlib.suppress(zmq.Again):
            while self._monitor is not None:
                # zmq.utils.monitor would do this, but importing it imports asyncio.
                what, _endpoint = self._monitor.recv_multipart(zmq.NOBLOCK)
                event, value = struct.unpack("=HI", what)
                self._on_event(zmq.Event(event), value)

    def _on_event(self, event: zmq.Event, value: int) -> None:
        if event == zmq.EVENT_CONNECTED:
            self._greeted_at = time.monotonic()
            if self.state is ConnectionState.OFFLINE:
                self._set(ConnectionState.CONNECTING, None)
        elif event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self._last_heard = self._last_ping = time.monotonic()
            assert self._socket is not None
            with contextlib.suppress(zmq.Again):
                self._socket.send_multipart(encode_message(self._hello), zmq.NOBLOCK)
        elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL and self._kept_waiting():
            self._not_ours()
        elif event in _HANDSHAKE_FAILED:
            if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH or self._server_key or value == _MECHANISM_MISMATCH:
                self._key_refused(value == _MECHANISM_MISMATCH)
            elif event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
                self._not_ours()
        elif event == zmq.EVENT_DISCONNECTED:
            if self.state is ConnectionState.CONNECTED:
                self._set(ConnectionState.CONNECTING, None)
        elif event in (zmq.EVENT_CLOSED, zmq.EVENT_CONNECT_RETRIED) and self.state is ConnectionState.CONNECTING:
            self._greeted_at = 0.0
            self._trouble(
                ConnectionState.OFFLINE,
                ErrorCode.UNREACHABLE,
                f"No Wholeform server answers at {self.address}.",
                "Start it there, or check the address.",
            )

    def _kept_waiting(self) -> bool:
        """Whether the peer took the connection but never spoke ZeroMQ (a web server), or speaks it and never
        welcomes us."""
        return self._greeted_at > 0 and time.monotonic() - self._greeted_at > HANDSHAKE_S * 0.9

    def _key_refused(self, mismatch: bool) -> None:
        public = self._keys.public if self._keys else ""
        if mismatch and not self._server_key:
            what, hint = (
                f"The server at {self.address} wants keys.",
                "Enter its public key; its owner has it.",
            )
        elif mismatch:
            what, hint = (
                f"The server at {self.address} does not use keys.",
                "Remove its key from the settings.",
            )
        elif public:
            what = f"The server at {self.address} does not know this key, or is not the one expected."
            hint = f"Check its public key and ask its owner to add yours: {public}"
        else:
            what, hint = (
                f"The server at {self.address} wants a key of yours.",
                "Make one: wholeform keys make.",
            )
        self._trouble(ConnectionState.KEY_REFUSED, ErrorCode.KEY_REFUSED, what, hint)

    def _not_ours(self) -> None:
        self._trouble(
            ConnectionState.WRONG_SERVER,
            ErrorCode.WRONG_SERVER,
            f"Something answers at {self.address}, but it is not a Wholeform server.",
            "Check the port; a Wholeform server prints its address when it starts.",
        )

    def _watch_clock(self) -> None:
        now = time.monotonic()
        if self.state is ConnectionState.CONNECTED:
            if now - self._last_heard > SILENCE_S:
                self._set(ConnectionState.CONNECTING, None)
                self._reopen()
            elif now - self._last_ping > HEARTBEAT_S:
                self._last_ping = now
                self._pings = {token: at for token, at in self._pings.items() if now - at < SILENCE_S}
                self.ping(int(now * 1e3))
        elif self.state is ConnectionState.CONNECTING and self._kept_waiting():
            self._not_ours()
        elif self.state in IN_TROUBLE and now - self._opened_at > RETRY_S:
            # libzmq gives up after a failed handshake; a key added meanwhile must heal the connection.
            self._reopen()

    def _trouble(self, state: ConnectionState, code: ErrorCode, message: str, hint: str = "") -> None:
        self._set(state, Problem(code, message, hint))

    def _set(self, state: ConnectionState, problem: Problem | None) -> None:
        if state is self.state and problem == self.problem:
            return
        if state is not self.state:
            self.state = advance_connection(self.state, state)
        self.problem = problem
        if state is not ConnectionState.CONNECTED:
            self._backlog.clear()
        self._handler.on_state(state, problem)
