"""systemd/edge/keepalived.conf on two load balancers, each in a network namespace that stands for its host. The addresses are
those of the shipped files: bridge, nodes and clients are in a namespace of their own as well."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time

from support import ROOT, Node, Place, ask, need, unittest, until

VIRTUAL, INSIDE = "10.0.1.5", "DOORBUSTER_EDGE_INSIDE"


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@need("keepalived", "haproxy", "curl", "ip", "unshare")
@unittest.skipUnless(os.geteuid() == 0, "namespaces of networks need root")
class VirtualAddress(unittest.TestCase):
    @unittest.skipIf(INSIDE in os.environ, "this is inside")
    def test_in_namespaces(self) -> None:
        inside = ["unshare", "--net", sys.executable, "-m", "unittest", "-v", "test_keepalived.Inside"]
        done = subprocess.run(inside, env={**os.environ, INSIDE: "1"}, capture_output=True, text=True, timeout=100)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for line in done.stderr.splitlines():
            if "virtual address:" in line:
                print(line[line.index("virtual address:") :], file=sys.stderr)


class Balancer:
    """One of the two hosts."""

    def __init__(self, place: Inside, number: int) -> None:
        self.place, self.number = place, number
        self.address = f"10.0.1.{1 + number}"
        self.host = subprocess.Popen(["unshare", "--net", "sleep", "1000"])
        place.running.callback(self.host.kill)
        pid = str(self.host.pid)
        until("the namespace is there", lambda: os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net"))
        run("ip", "link", "add", f"lb{number}", "type", "veth", "peer", "name", "eth0", "netns", pid)
        run("ip", "link", "set", f"lb{number}", "master", "bridge", "up")
        self.inside = ["nsenter", "--target", pid, "--net"]
        run(*self.inside, "ip", "link", "set", "lo", "up")
        run(*self.inside, "ip", "address", "add", f"{self.address}/24", "dev", "eth0")
        run(*self.inside, "ip", "link", "set", "eth0", "up")
        self.haproxy = self.start_haproxy()
        self.keepalived = self.start_keepalived()

    def start(self, name: str, command: list[str]) -> subprocess.Popen:
        log = (self.place.folder / f"{name}{self.number}.log").open("ab")
        with log:
            process = subprocess.Popen([*self.inside, *command], stdout=log, stderr=log)
        self.place.running.callback(end, process)
        return process

    def start_haproxy(self) -> subprocess.Popen:
        folder = self.place.folder
        local = {"/run/haproxy/admin.sock": f"{folder}/admin{self.number}.sock", "log /dev/log local0": "log stderr local0"}
        path = self.place.configuration("haproxy.cfg", local | {"maxconn 50000": "maxconn 1000"})
        named = path.rename(folder / f"haproxy{self.number}.cfg")
        return self.start("haproxy", ["/usr/sbin/haproxy", "-db", "-f", str(named)])

    def start_keepalived(self) -> subprocess.Popen:
        """The shipped file is that of the first; of the second it says itself what differs."""
        text = (ROOT / "systemd/edge/keepalived.conf").read_text()
        if self.number == 2:
            text = text.replace("state MASTER", "state BACKUP").replace("priority 150", "priority 100")
            text = text.replace("10.0.1.2", "10.0.1.X").replace("10.0.1.3", "10.0.1.2").replace("10.0.1.X", "10.0.1.3")
        path = self.place.folder / f"keepalived{self.number}.conf"
        path.write_text(text)
        pids = [f"--{name}={self.place.folder}/{name}{self.number}" for name in ("pid", "vrrp_pid", "checkers_pid")]
        return self.start("keepalived", ["/usr/sbin/keepalived", "--dont-fork", "--log-console", "-f", str(path), *pids])

    def has_the_address(self) -> bool:
        shown = subprocess.run([*self.inside, "ip", "-4", "address", "show", "eth0"], capture_output=True, text=True)
        return f" {VIRTUAL}/" in shown.stdout


def end(process: subprocess.Popen) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
    process.kill()


class Reader(threading.Thread):
    """Asks at the virtual address, a connection for each request, and notes when it got no answer."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.answered = 0
        self.failed: list[tuple[float, str]] = []
        self.last_good = time.monotonic()
        self.longest = 0.0
        self.start()

    def run(self) -> None:
        import http.client

        while not self.ended.is_set():
            connection = http.client.HTTPConnection(VIRTUAL, 80, timeout=0.2)
            try:
                connection.request("GET", "/products/1")
                status = connection.getresponse().status
            except OSError as error:
                status = type(error).__name__
            connection.close()
            now = time.monotonic()
            if status == 200:
                self.answered += 1
                self.longest = max(self.longest, now - self.last_good)
                self.last_good = now
            else:
                self.failed.append((now, str(status)))
            time.sleep(0.01)

    def outage(self) -> float:
        """The longest time between two good answers since the last call."""
        longest, self.longest = self.longest, 0.0
        return longest


@unittest.skipUnless(INSIDE in os.environ, "test_in_namespaces runs it")
class Inside(Place):
    def test_the_address_moves(self) -> None:
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "bridge", "type", "bridge")
        for last in (11, 12, 13, 100):
            run("ip", "address", "add", f"10.0.1.{last}/24", "dev", "bridge")
        run("ip", "link", "set", "bridge", "up")
        for number in range(3):
            node = Node(f"node{number + 1}", f"10.0.1.{11 + number}", 8080)
            self.running.callback(node.stop)
        first, second = Balancer(self, 1), Balancer(self, 2)
        until("the first one has the address", first.has_the_address)
        reader = Reader()
        until("it is answered", lambda: reader.answered > 20)
        self.assertFalse(second.has_the_address())
        reader.outage()

        def tell(what: str) -> None:
            count = reader.answered
            until(f"it is answered after {what}", lambda: reader.answered > count + 20)
            print(f"virtual address: {what}: {1000 * reader.outage():.0f} ms without an answer", file=sys.stderr)

        first.haproxy.kill()
        until("the second one takes it", second.has_the_address)
        tell("HAProxy of the first was killed")
        self.assertFalse(first.has_the_address())

        first.haproxy = first.start_haproxy()
        until("the first one takes it back", first.has_the_address)
        tell("it came back")

        run("ip", "link", "set", "lb1", "down")
        until("the second one takes it again", second.has_the_address)
        tell("the first host was cut off")
        reader.ended.set()
        reader.join()
        self.assertEqual(ask(80, "/products/1", host=VIRTUAL).status, 200)
