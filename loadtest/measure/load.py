"""Rounds of load: wrk on one core, the server on another, processor time read around each round."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .process import MeasureError, Server

SCRIPTS = Path(__file__).resolve().parent.parent / "wrk"


@dataclass(frozen=True)
class Generator:
    """How wrk is run."""

    core: int
    connections: int
    seconds: int


@dataclass(frozen=True)
class Pace:
    """Clients who wait between two requests, so many that the server is at some half of what it can do."""

    connections: int
    longest_pause_ms: int


@dataclass(frozen=True)
class Round:
    """One run of wrk against one subject."""

    cpu_us_per_request: float
    requests_per_second: float
    p50_us: int
    p99_us: int
    p999_us: int


@dataclass
class Subject:
    """A server and what is asked of it."""

    key: str
    title: str
    server: Server
    paths: list[str]
    headers: dict[str, str] = field(default_factory=dict)
    # None asks as fast as is answered.
    pace: Pace | None = None
    # What goes on during each round.
    beside: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext
    rounds: list[Round] = field(default_factory=list)

    def median(self, figure: str) -> float:
        """Median over all rounds of a field of `Round`."""
        return statistics.median(getattr(one, figure) for one in self.rounds)

    def ratio_to(self, other: Subject, figure: str = "cpu_us_per_request") -> float:
        """Median of the ratios within each round: drift of the machine hits both sides alike."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return statistics.median(getattr(a, figure) / getattr(b, figure) for a, b in pairs)

    def spread(self) -> float:
        """Largest over smallest round, less one."""
        costs = [one.cpu_us_per_request for one in self.rounds]
        return max(costs) / min(costs) - 1


def run(subject: Subject, generator: Generator, seconds: int, folder: Path) -> Round:
    """One run of wrk, keep-alive, with the server's processor time around it."""
    command = ["taskset", "--cpu-list", str(generator.core), "wrk", "-t1"]
    connections = subject.pace.connections if subject.pace else generator.connections
    command += [f"-c{connections}", f"-d{seconds}s"]
    for name, value in subject.headers.items():
        command += ["-H", f"{name}: {value}"]
    url = f"http://127.0.0.1:{subject.server.port}"
    if subject.pace:
        longest = str(subject.pace.longest_pause_ms)
        command += ["-s", str(SCRIPTS / "paced.lua"), url + subject.paths[0], "--", longest]
    elif len(subject.paths) == 1:
        command += ["-s", str(SCRIPTS / "report.lua"), url + subject.paths[0]]
    else:
        paths = folder / f"{subject.key}.paths"
        paths.write_text("".join(f"{path}\n" for path in subject.paths))
        command += ["-s", str(SCRIPTS / "cycle.lua"), url, "--", str(paths)]

    with subject.beside():
        before = subject.server.cpu_seconds()
        wrk = subprocess.run(command, capture_output=True, text=True, check=False)
        cpu_seconds = subject.server.cpu_seconds() - before
    lines = wrk.stdout.strip().splitlines()
    if wrk.returncode != 0 or not lines or not lines[-1].startswith("{"):
        raise MeasureError(f"wrk failed on {subject.title}: {wrk.stdout}{wrk.stderr}")
    summary = json.loads(lines[-1])
    failures = summary["status_errors"] + summary["socket_errors"]
    if failures or not summary["requests"]:
        raise MeasureError(f"{subject.title}: {failures} of {summary['requests']} requests failed")
    return Round(
        cpu_us_per_request=cpu_seconds * 1e6 / summary["requests"],
        requests_per_second=summary["requests"] / summary["seconds"],
        p50_us=summary["p50_us"],
        p99_us=summary["p99_us"],
        p999_us=summary["p999_us"],
    )


def measure(subjects: list[Subject], generator: Generator, rounds: int, folder: Path) -> None:
    """Warms every subject up, then runs A B C, A B C …: interleaved, so that no subject has the
    machine's good minutes to itself."""
    for subject in subjects:
        run(subject, generator, 2, folder)
    for number in range(1, rounds + 1):
        for subject in subjects:
            one = run(subject, generator, generator.seconds, folder)
            subject.rounds.append(one)
            print(
                f"round {number}/{rounds}  {subject.title:<28}"
                f"{one.cpu_us_per_request:8.2f} µs {one.requests_per_second:10.0f} requests/s",
                flush=True,
            )
