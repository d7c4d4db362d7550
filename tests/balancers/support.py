"""What the tests of the edge configurations share: the shipped files with addresses of this machine, and nodes."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "loadtest"))

from measure.process import Response, Server, free_port  # noqa: E402

PROGRAM = Path(os.environ.get("DOORBUSTER", ROOT / "target/debug/doorbuster"))
PATIENCE = 20.0


def need(*tools: str) -> Callable:
    """Skips where a program is not installed, or where root is needed to run it."""
    missing = [tool for tool in tools if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin")]
    return unittest.skipIf(bool(missing), f"not installed: {', '.join(missing)}")


def ask(
    port: int,
    path: str,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: str | None = None,
    source: str | None = None,
    host: str = "127.0.0.1",
) -> Response:
    """One request on a connection of its own, from an address of the loopback."""
    bound = (source, 0) if source else None
    connection = http.client.HTTPConnection(host, port, timeout=10, source_address=bound)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return Response(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def cache_status(answer: Response) -> str:
    """What the cache next to the reader says (RFC 9211), without how long it keeps it."""
    last = ", ".join(answer.headers.get_all("Cache-Status") or []).split(", ")[-1]
    return last.split("; ttl=")[0]


def until(what: str, attempt: Callable[[], bool], limit: float = PATIENCE) -> float:
    """Tries until it holds; returns the seconds that took."""
    started = time.monotonic()
    while not attempt():
        if time.monotonic() - started > limit:
            raise AssertionError(f"not within {limit} s: {what}")
        time.sleep(0.01)
    return time.monotonic() - started


class Node:
    """Stands for a node where a test has to know what reached it: answers with its name, and does as it is told."""

    def __init__(self, name: str, address: str = "127.0.0.1", port: int = 0) -> None:
        self.name, self.ready, self.broken, self.pause = name, True, False, 0.0
        self.headers: dict[str, str] = {"Cache-Control": "no-store"}
        # Everything but health checks, as method and path.
        self.asked: list[tuple[str, str]] = []
        self.seen: list[http.client.HTTPMessage] = []
        self.checks = 0
        self.release = threading.Event()
        self.release.set()
        node = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.path in ("/readyz", "/balancer-health"):
                    node.checks += 1
                    return self.answer(200 if node.ready else 503, b"")
                node.asked.append((self.command, self.path))
                node.seen.append(self.headers)
                if node.broken:
                    self.close_connection = True
                    return None
                node.release.wait(PATIENCE)
                time.sleep(node.pause)
                return self.answer(200, node.name.encode(), node.headers)

            def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
                self.send_response(status)
                for key, value in (headers or {}).items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_: object) -> None:
                pass

        class Threads(http.server.ThreadingHTTPServer):
            request_queue_size = 128
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A balancer that goes away in the middle is no news."""

        self.server = Threads((address, port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Place(unittest.TestCase):
    """A temporary folder, and what is started in it; all of it goes with the test."""

    def setUp(self) -> None:
        self.running = contextlib.ExitStack()
        self.addCleanup(self.running.close)
        self.folder = Path(self.running.enter_context(tempfile.TemporaryDirectory(prefix="doorbuster-edge-")))
        self.folder.chmod(0o755)

    def nodes(self, count: int = 3) -> list[Node]:
        nodes = [Node(f"node{number}") for number in range(1, count + 1)]
        for node in nodes:
            self.running.callback(node.stop)
        return nodes

    def configuration(self, name: str, replaced: dict[str, str]) -> Path:
        """A shipped file with other addresses. What is to be replaced has to be there."""
        text = (ROOT / "systemd/edge" / name).read_text()
        for old, new in replaced.items():
            self.assertIn(old, text, f"{name} has changed, and this test has not")
            text = text.replace(old, new)
        path = self.folder / name
        path.write_text(text)
        return path

    def start(self, name: str, command: list[str], port: int, path: str | None = None) -> Server:
        """Starts a server, and awaits that it takes connections, or answers a path with 200."""
        program = shutil.which(command[0], path=os.environ["PATH"] + ":/usr/sbin") or command[0]
        server = Server(name, [program, *command[1:]], port, self.folder / f"{name}.log")
        self.running.enter_context(server)
        if path:
            server.wait_for(path)
        else:
            until(f"{name} listens: {server.tail()}", lambda: listens(port) or server.process.poll() is not None)
            self.assertIsNone(server.process.poll(), server.tail())
        return server

    def doorbuster(self, *flags: str, name: str = "doorbuster", **environment: str) -> Server:
        """A real node, on a data folder that all nodes of the test share."""
        port = free_port()
        command = [str(PROGRAM), "serve", "--data-dir", str(self.folder / "shop"), *flags]
        command += ["--listen", f"127.0.0.1:{port}", "--admin-listen", f"127.0.0.1:{free_port()}"]
        server = Server(name, command, port, self.folder / f"{name}.log", None, environment)
        self.running.enter_context(server).wait_for("/readyz")
        return server

    def lose_nodes(self, balancer: Callable[[list], int]) -> None:
        """Of three nodes behind a balancer kills one and stops another one while clients ask; none of them may notice."""
        # The first one fills the shop.
        nodes = [self.doorbuster("--demo", name=name) for name in ("a", "b", "c")]
        # Many, so that a cache in the balancer has few of them.
        clients = Clients(balancer(nodes), [f"/products/{number}/availability" for number in range(1, 900)])
        until("it is answered", lambda: clients.got[200] > 200)
        nodes[0].process.send_signal(signal.SIGKILL)
        count = clients.got[200]
        until("it is answered without it", lambda: clients.got[200] > count + 300)
        nodes[1].process.send_signal(signal.SIGTERM)
        nodes[1].process.wait(timeout=30)
        count = clients.got[200]
        until("it is answered by the last one", lambda: clients.got[200] > count + 300)
        got = clients.stop()
        self.assertEqual({key: count for key, count in got.items() if key not in (200, 404, 410)}, {})

    def token(self) -> str:
        """A token for writes to the shop."""
        command = [str(PROGRAM), "token", "new", "--data-dir", str(self.folder / "shop"), "--name", "edge"]
        command += ["--scope", "catalog:write"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def names(self, port: int, paths: list[str], source: str | None = None) -> list[str]:
        """Which node answered each."""
        answers = [ask(port, path, source=source) for path in paths]
        self.assertEqual({answer.status for answer in answers}, {200})
        return [answer.body.decode() for answer in answers]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def addresses(nodes: list) -> dict[str, str]:
    """What stands for the nodes in the shipped files."""
    return {f"10.0.1.{11 + number}:8080": f"127.0.0.1:{node.port}" for number, node in enumerate(nodes)}


class Clients:
    """Ask for paths on kept connections until they are stopped, and count what they got."""

    def __init__(self, port: int, paths: list[str], count: int = 8) -> None:
        self.port, self.paths = port, paths
        self.got: Counter = Counter()
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(number,), daemon=True) for number in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        turn = number
        while not self.ended.is_set():
            try:
                connection.request("GET", self.paths[turn % len(self.paths)])
                answer = connection.getresponse()
                answer.read()
                self.got[answer.status] += 1
            except (OSError, http.client.HTTPException) as error:
                self.got[type(error).__name__] += 1
                connection.close()
            turn += 1
        connection.close()

    def stop(self) -> Counter:
        self.ended.set()
        for thread in self.threads:
            thread.join()
        return self.got
