"""Processes under measurement: started on one core, watched through /proc, stopped by their id."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

CLOCK_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class MeasureError(Exception):
    """Something is missing or went wrong; the text says what to do about it."""


@dataclass
class Response:
    """What a server answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(port: int, path: str, headers: dict[str, str] | None = None) -> Response:
    """One GET request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return Response(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def run(command: list[str], folder: Path | None = None) -> str:
    """Runs a command to its end and returns what it printed; 2 means done with warnings."""
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 2):
        raise MeasureError(f"`{' '.join(command)}` ended with {done.returncode}")
    return done.stdout


def import_catalogue(doorbuster: Path, files: list[str], mapping: str | Path | None, *flags: str) -> dict:
    """Imports files into the catalogue that the flags name; returns the summary that the program prints."""
    command = [str(doorbuster), "import", "--json", *flags, *files]
    command += ["--map", str(mapping)] if mapping else []
    return json.loads(run(command).strip().splitlines()[-1])


class Server:
    """A server process, pinned to a core if one is given. Its output goes to `log`."""

    def __init__(
        self,
        name: str,
        command: list[str],
        port: int,
        log: Path,
        core: int | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        self.port = port
        # For operators, where there is one.
        self.admin_port: int | None = None
        self.log = log
        # Settings of the caller's shell must not change what is measured.
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("DOORBUSTER_")}
        pin = [] if core is None else ["taskset", "--cpu-list", str(core)]
        self.started = time.monotonic()
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [*pin, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**inherited, **(environment or {})},
            )

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_for(self, path: str, timeout: float = 60.0) -> float:
        """Waits until `path` answers 200; returns the seconds since the process was started."""
        while time.monotonic() - self.started < timeout:
            if self.process.poll() is not None:
                raise MeasureError(
                    f"{self.name} ended with {self.process.returncode}; its last words:\n{self.tail()}"
                )
            try:
                if fetch(self.port, path).status == 200:
                    return time.monotonic() - self.started
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.001)
        raise MeasureError(f"{self.name} did not answer {path} with 200 within {timeout:.0f} s:\n{self.tail()}")

    def wait_until_it_listens(self, timeout: float = 20.0) -> None:
        """Waits until it takes connections."""
        while time.monotonic() - self.started < timeout and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.001)
        raise MeasureError(f"{self.name} takes no connections:\n{self.tail()}")

    def kill(self) -> None:
        """Ends the process without a word to it."""
        self.process.kill()
        self.process.wait()

    def tail(self) -> str:
        """The end of what the process wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        return cpu_seconds_of(self.process.pid)

    def resident_bytes(self) -> int:
        """Memory in RAM."""
        resident = resident_bytes_of(self.process.pid)
        if resident is None:
            raise MeasureError(f"{self.name} has no VmRSS: it has ended")
        return resident

    def stop(self) -> None:
        """Asks the process to end, and after ten seconds makes it."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Family(Server):
    """A server whose work is done by children of the process that was started, such as Varnish."""

    def members(self) -> list[int]:
        """The process and all that descend from it."""
        found, waiting = [], [self.process.pid]
        while waiting:
            one = waiting.pop()
            found.append(one)
            for children in Path(f"/proc/{one}/task").glob("*/children"):
                waiting += map(int, children.read_text().split())
        return found

    def cpu_seconds(self) -> float:
        """Of all members that live."""
        return sum(cpu_seconds_of(pid) for pid in self.members())

    def resident_bytes(self) -> int:
        """Of all members; what they share counts for each."""
        return sum(resident_bytes_of(pid) or 0 for pid in self.members())


def cpu_seconds_of(pid: int) -> float:
    """User and system time of all threads of a process so far (proc(5), fields 14 and 15 of `stat`)."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    # The name in parentheses may hold spaces; fields count from after it, from 3.
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS_PER_SECOND


def resident_bytes_of(pid: int) -> int | None:
    """Memory in RAM (`VmRSS`); None if the process has ended."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return None


def require(tool: str, package: str) -> None:
    """Makes sure that a tool is there; installs it where apt and root allow."""
    if shutil.which(tool):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(["apt-get", "update"], check=False, **quiet)
        subprocess.run(["apt-get", "install", "--yes", package], check=False, **quiet)
    if not shutil.which(tool):
        raise MeasureError(f"{tool} is missing; install the package {package}")
