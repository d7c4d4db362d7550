"""What clients feel of a Redis that hangs: stopped by SIGSTOP, its connections stay open and nothing is answered."""

from __future__ import annotations

import http.client
import json
import random
import signal
import threading
import time

from measure.percentiles import nearest_rank
from measure.process import MeasureError, Server, fetch
from measure.report import Figure

CLIENTS = 8
# Each pauses so long after each answer, so that nothing is saturated.
PAUSE = 0.008
SECONDS = 10


class Client(threading.Thread):
    """Reads one product after the other, and notes when each answer was there and how long it took."""

    def __init__(self, port: int, paths: list[str], seed: int) -> None:
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        self.paths, self.draw, self.ended = paths, random.Random(seed), threading.Event()
        self.answers: list[tuple[float, float, int]] = []

    def run(self) -> None:
        while not self.ended.wait(PAUSE):
            begun = time.monotonic()
            self.connection.request("GET", self.draw.choice(self.paths))
            answer = self.connection.getresponse()
            answer.read()
            now = time.monotonic()
            self.answers.append((now, now - begun, answer.status))


def found(admin: int) -> int:
    """How many values the node found in Redis so far."""
    return json.loads(fetch(admin, "/admin/cache").body)["l2"]["hits"]


def measure(node: Server, admin: int, redis: Server, paths: list[str], notes: list[str]) -> list[Figure]:
    """Ten seconds as usual, ten in which Redis hangs, and on until it is used again; `node` has its L1 off."""
    clients = [Client(node.port, paths, seed) for seed in range(CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(2)
    begun = time.monotonic()
    time.sleep(SECONDS)
    stopped = time.monotonic()
    redis.process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(SECONDS)
        before = found(admin)
    finally:
        redis.process.send_signal(signal.SIGCONT)
    resumed = time.monotonic()
    while found(admin) == before:
        if time.monotonic() - resumed > 30:
            raise MeasureError("Redis is not used again after 30 s")
        time.sleep(0.02)
    back = time.monotonic() - resumed
    for client in clients:
        client.ended.set()
    for client in clients:
        client.join(timeout=10)
    answers = [answer for client in clients for answer in client.answers]

    def p99(since: float, until: float) -> float:
        took = sorted(took for at, took, _ in answers if since <= at < until)
        if len(took) < 100:
            raise MeasureError(f"only {len(took)} answers in {until - since:.0f} s")
        return 1000 * nearest_rank(took, 0.99)

    usual, at_once, later = p99(begun, stopped), p99(stopped, stopped + 1), p99(stopped + 2, resumed)
    refused = sum(status != 200 for _, _, status in answers)
    notes.append(
        f"Redis hangs: p99 {usual:.1f} ms as usual, {at_once:.1f} ms in the first second, {later:.1f} ms from the third on;"
        f" {len(answers):,} reads by {CLIENTS} clients."
    )
    return [
        Figure("Redis hangs: p99 of the first second, added", at_once - usual, "ms", 25),
        Figure("Redis hangs: p99 from the third second on, added", max(0.0, later - usual), "ms", 1),
        Figure("Redis hangs: reads that failed", refused, "", 0),
        Figure("Redis answers again: until it is used", back, "s", 2),
    ]
