"""A real HTTP server of this process, which answers as well or as badly as a test wants."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class TinyWeb:
    """Serves ``files`` (path -> bytes) at ``url`` while it is a context. What is asked for goes into ``requests``, as
    (path, Range or "")."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.ranges = True
        self.tag: str | None = '"one"'  # the ETag of every file
        self.minds_if_range = True
        self.cuts: list[int] = []  # after how many bytes each next answer is cut
        self.statuses: list[int] = []  # what each next answer is in place of the file
        self.says_length = True
        self.pause_s = 0.0  # after each 10 000 bytes
        self.requests: list[tuple[str, str]] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web._answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> TinyWeb:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range", "")
        self.requests.append((handler.path, asked))
        content = self.files.get(handler.path)
        status = self.statuses.pop(0) if self.statuses else 200 if content is not None else 404
        if content is None or status != 200:
            handler.send_error(status)
            return
        begins = 0
        if asked and self.ranges and self._unchanged(handler):
            begins = int(asked.removeprefix("bytes=").rstrip("-"))
            if begins >= len(content):
                handler.send_error(416)
                return
        handler.send_response(206 if begins else 200)
        if begins:
            handler.send_header("Content-Range", f"bytes {begins}-{len(content) - 1}/{len(content)}")
        if self.tag is not None:
            handler.send_header("ETag", self.tag)
        if self.says_length:
            handler.send_header("Content-Length", str(len(content) - begins))
        handler.end_headers()
        rest = content[begins:]
        if self.cuts:
            rest = rest[: self.cuts.pop(0)]
        for start in range(0, len(rest), 10_000):
            handler.wfile.write(rest[start : start + 10_000])
            time.sleep(self.pause_s)

    def _unchanged(self, handler: BaseHTTPRequestHandler) -> bool:
        return not self.minds_if_range or handler.headers.get("If-Range", self.tag) == self.tag
