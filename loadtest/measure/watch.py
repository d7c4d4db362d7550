"""Watches the nodes of a stage once a second, and does what a scenario plans for a moment."""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from collections.abc import Callable

from .stages import Stage

# What a request was answered from, as sums of what nodes count.
TIERS = {
    "L1, fresh": ("l1", "hits"),
    "L1, stale": ("l1", "stale"),
    "pages": ("pages", "hits"),
    "Redis": ("l2", "hits"),
    "store, queries": ("store", "queries"),
}


class Watch(threading.Thread):
    """Notes seconds, and of each what the nodes did in it."""

    def __init__(self, stage: Stage, seconds: float) -> None:
        super().__init__(daemon=True)
        self.stage, self.seconds = stage, seconds
        self.began = time.monotonic()
        self.ended = threading.Event()
        self.points: list[dict] = []
        self.events: list[tuple[float, str]] = []
        self.planned: list[tuple[float, str | None, Callable[[], None]]] = []
        self.failure: Exception | None = None
        # Of each node, by its process: what it had counted at the last look.
        self.before: dict[int, dict[str, float]] = {}

    def plan(self, second: float, name: str | None, action: Callable[[], None]) -> None:
        """Has something done at a moment; with a name, that is told in the report."""
        self.planned.append((second, name, action))
        self.planned.sort(key=lambda one: one[0])

    def run(self) -> None:
        following = 0.0
        while not self.ended.is_set():
            now = time.monotonic() - self.began
            while self.planned and self.planned[0][0] <= now:
                _, name, action = self.planned.pop(0)
                if name:
                    self.events.append((round(now, 1), name))
                    print(f"loadtest: {now:5.1f} s  {name}", file=sys.stderr, flush=True)
                try:
                    action()
                except Exception as error:  # A part that cannot be killed makes the whole run worthless.
                    self.failure = self.failure or error
            if now >= following:
                self.points.append(self.look(now))
                self.tell(self.points[-1])
                following = max(following + 1.0, now)
            next_plan = self.planned[0][0] if self.planned else following
            self.ended.wait(max(0.01, min(following, next_plan) - (time.monotonic() - self.began)))

    def tell(self, point: dict) -> None:
        """How it goes: on a terminal each second in one line, else every tenth second."""
        reads = sum(point[tier] for tier in TIERS)
        told = f"{point['second']:5.0f} s of {self.seconds:g}  {reads:7,.0f} cache reads/s  {point['cpu']:.2f} cores"
        told += f"  {point['memory']:,.0f} MiB" + (f"  {point['ladder']} steps of the ladder" if point["ladder"] else "")
        if sys.stderr.isatty():
            print(f"\r\033[Kloadtest: {told}", end="", file=sys.stderr, flush=True)
        elif len(self.points) % 10 == 1:
            print(f"loadtest: {told}", file=sys.stderr, flush=True)

    def look(self, now: float) -> dict:
        point = {"second": round(now, 1), "cpu": 0.0, "memory": 0.0, "ladder": 0, **dict.fromkeys(TIERS, 0.0)}
        for node in self.stage.nodes:
            try:
                cpu, memory = node.cpu_seconds(), node.resident_bytes()
            except Exception:  # It has been killed; its process has nothing to say.
                continue
            point["memory"] += memory / 2**20
            counts = {"cpu": cpu}
            caches = node.ask("/admin/cache")
            if caches:
                counts |= {name: (caches.get(group) or {}).get(key, 0) for name, (group, key) in TIERS.items()}
            flags = node.ask("/admin/flags")
            if flags:
                given_up = sum(flag["layer"] == "pressure" for flag in flags["flags"])
                point["ladder"] = max(point["ladder"], given_up)
            before = self.before.get(node.process.pid, {})
            for name, value in counts.items():
                # A process that was not seen before began at nothing, except at the first look of all.
                point[name] += value - before.get(name, 0.0 if self.points else value)
            self.before[node.process.pid] = before | counts
        return point

    def stop(self) -> None:
        """Ends the watching, and says what went wrong in it."""
        self.ended.set()
        self.join(timeout=30)
        if self.failure:
            raise self.failure


def purge(stage: Stage) -> None:
    """Empties the caches of all nodes; nothing old is served once more."""
    for node in stage.nodes:
        connection = http.client.HTTPConnection("127.0.0.1", node.admin, timeout=5)
        connection.request("POST", "/admin/cache/purge", json.dumps({"all": True, "hard": True}), {"Content-Type": "application/json"})
        connection.getresponse().read()
        connection.close()
