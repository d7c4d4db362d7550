"""What goes on beside the requests that are measured: open pages of the console, and a collector of traces."""

from __future__ import annotations

import contextlib
import http.server
import selectors
import socket
import threading
import time
from collections.abc import Iterator

from .process import MeasureError

PATIENCE = 30.0


@contextlib.contextmanager
def console_clients(port: int, count: int) -> Iterator[None]:
    """Has so many pages of the console open, each of which reads what it is told. All have heard something before it
    begins, and are still told at the end."""
    with contextlib.ExitStack() as opened, selectors.DefaultSelector() as selector:
        heard = [0] * count
        for number in range(count):
            page = opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
            page.sendall(b"GET /console/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            page.setblocking(False)
            selector.register(page, selectors.EVENT_READ, number)
        ended = threading.Event()

        def read() -> None:
            while not ended.is_set():
                for key, _ in selector.select(timeout=0.1):
                    told = key.fileobj.recv(1 << 18)
                    heard[key.data] += told.count(b"data: ")
                    if not told:
                        selector.unregister(key.fileobj)

        def all_hear(before: list[int]) -> None:
            until = time.monotonic() + PATIENCE
            while any(now <= then for now, then in zip(heard, before, strict=True)):
                if time.monotonic() > until:
                    raise MeasureError(f"not all of {count} pages of the console are told anything")
                time.sleep(0.01)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            all_hear([0] * count)
            yield
            all_hear(list(heard))
        finally:
            ended.set()
            reader.join()


class Collector:
    """Takes traces by OTLP over HTTP, and looks at none of them."""

    def __init__(self) -> None:
        self.messages = 0
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                collector.messages += self.path == "/v1/traces"
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self) -> Collector:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
