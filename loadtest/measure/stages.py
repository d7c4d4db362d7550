"""The stages S0 to S3 on this machine: what runs, where customers ask, and which parts can be killed."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .process import MeasureError, Server, fetch, free_port, import_catalogue, run
from .servers import Postgres, as_postgres, haproxy, postgres_programs, redis, replicated

STAGES = ("S0", "S1", "S2", "S3")


class Node(Server):
    """A web node."""

    def __init__(self, name: str, command: list[str], ports: tuple[int, int], log: Path, settings: dict[str, str]) -> None:
        port, self.admin = ports
        self.again = (name, command, ports, log, settings)
        listen = ["--listen", f"127.0.0.1:{port}", "--admin-listen", f"127.0.0.1:{self.admin}"]
        super().__init__(name, [*command, *listen], port, log, None, settings)

    def ask(self, path: str) -> dict | None:
        """What it tells operators; None if it does not answer."""
        with contextlib.suppress(OSError, ValueError):
            return json.loads(fetch(self.admin, path).body)
        return None


@dataclass
class Part:
    """Something that can be lost."""

    name: str
    kill: Callable[[], None]
    restart: Callable[[], None]


class Stage:
    """A running stage. What it starts is stopped when `running` ends."""

    def __init__(self, name: str, program: Path, folder: Path, running: contextlib.ExitStack) -> None:
        self.name, self.program, self.folder, self.running = name, program, folder, running
        self.nodes: list[Node] = []
        self.parts: list[Part] = []
        self.port = 0

    def fill(self, files: list[Path], mapping: Path | None) -> Path:
        """Makes the catalogue in SQLite: of files, or the demo shop. Returns its path."""
        shop = self.folder / "shop"
        if files:
            import_catalogue(self.program, list(map(str, files)), mapping, "--data-dir", str(shop))
        else:
            with self.node("filling", "--demo", "--data-dir", str(shop)) as node:
                node.wait_for("/readyz")
            self.nodes.clear()
        return shop / "catalog.db"

    def start(self, settings: dict[str, str], config: Path | None) -> None:
        """Starts everything, and awaits that it is ready."""
        configured = ["--config", str(config)] if config else []
        stores: list[str] = []
        if self.name != "S0":
            stores = self.start_postgres(replicas=0 if self.name == "S1" else 2)
        if self.name in ("S2", "S3"):
            stores += ["--redis-url", self.start_redis()]
        count = 3 if self.name == "S3" else 1
        for number in range(1, count + 1):
            data = self.folder / ("shop" if self.name == "S0" else f"node{number}")
            node = self.node(f"node{number}", *configured, *stores, "--data-dir", str(data), **settings)
            self.running.callback(lambda number=number: self.nodes[number - 1].stop())
            # Where there is one node, nothing takes its place; that is looked at where it is all there is.
            if count > 1 or self.name == "S0":
                self.parts.append(Part(node.name, node_killer(self, number - 1), node_starter(self, number - 1)))
        for node in self.nodes:
            node.wait_for("/readyz")
        self.port = self.nodes[0].port
        if self.name == "S3":
            balancer = self.running.enter_context(haproxy(self.folder, self.nodes))
            balancer.wait_for("/balancer-health")
            self.port = balancer.port

    def node(self, name: str, *flags: str, **settings: str) -> Node:
        command = [str(self.program), "serve", *flags]
        # Requests of the generator come from here, and say whose they are.
        trusted = {"DOORBUSTER_SERVER_TRUSTED_PROXIES": "127.0.0.1/32"}
        node = Node(name, command, (free_port(), free_port()), self.folder / f"{name}.log", trusted | settings)
        self.nodes.append(node)
        return node

    def start_postgres(self, replicas: int) -> list[str]:
        """Fills a cluster from the catalogue in SQLite; returns the flags that lead to it."""
        primary, copies = self.running.enter_context(replicated(self.folder, replicas))
        source = f"sqlite:{self.folder}/shop/catalog.db"
        run([str(self.program), "copy", "--from", source, "--to", primary.url()])
        primary.psql("VACUUM ANALYZE")
        for server in (primary, *copies):
            self.parts.append(postgres_part(self, server))
        flags = ["--catalog-url", primary.url()]
        for copy in copies:
            flags += ["--replica-url", copy.url()]
        return flags

    def start_redis(self) -> str:
        current = [self.running.enter_context(redis(self.folder))]
        port = current[0].port
        current[0].wait_until_it_listens()

        def restart() -> None:
            current.append(self.running.enter_context(redis(self.folder, port)))

        self.parts.append(Part("Redis", lambda: current[-1].kill(), restart))
        return f"redis://127.0.0.1:{port}"


def node_killer(stage: Stage, index: int) -> Callable[[], None]:
    return lambda: stage.nodes[index].kill()


def node_starter(stage: Stage, index: int) -> Callable[[], None]:
    def restart() -> None:
        stage.nodes[index] = Node(*stage.nodes[index].again)

    return restart


def postgres_part(stage: Stage, server: Postgres) -> Part:
    """A server of PostgreSQL: ended without a word to anybody, and started on what it left."""

    def kill() -> None:
        command = [*as_postgres(), str(postgres_programs() / "pg_ctl"), "stop", "-D", str(server.folder), "-m", "immediate"]
        done = subprocess.run([*command, "-w"], capture_output=True, text=True, check=False, cwd="/")
        if done.returncode != 0:
            raise MeasureError(f"{server.name}: {done.stderr.strip()}")

    def restart() -> None:
        stage.running.enter_context(Postgres(server.name.split("(")[1].rstrip(")"), server.folder, server.port, server.log))

    return Part(server.name, kill, restart)
