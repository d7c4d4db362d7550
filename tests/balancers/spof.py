"""A whole fleet, each part of which is lost in turn while customers read and an editor writes: two HAProxy with keepalived in
namespaces of their own, three nodes, Redis under three sentinels, and a primary with a synchronous standby and a replica.
scripts/spof runs it."""

from __future__ import annotations

import http.client
import itertools
import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable

from support import PROGRAM, Place, free_port, until
from test_keepalived import VIRTUAL, Balancer, run

from measure.process import Server
from measure.servers import Postgres, as_postgres, postgres_programs, replicated

PRODUCTS = 200


def product(handle: str) -> dict:
    """The least of one that is shown."""
    variant = {"sku": handle, "price": {"amount_minor": 100, "currency": "USD"}}
    shown = {"status": "active", "published_at": "2026-01-01T00:00:00Z"}
    return {"handle": handle, "title": handle, "variants": [variant], **shown}


class Client(threading.Thread):
    """Does one thing after the other at the virtual address, and notes what failed and how long nothing went well."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.good, self.last_good, self.longest = 0, time.monotonic(), 0.0
        self.failed: Counter = Counter()
        self.start()

    def ask(self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None) -> int:
        connection = http.client.HTTPConnection(VIRTUAL, 80, timeout=3)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            answer.read()
            outcome: int | str = answer.status
        except (OSError, http.client.HTTPException) as error:
            outcome = type(error).__name__
        finally:
            connection.close()
        now = time.monotonic()
        if isinstance(outcome, int) and outcome < 300:
            self.good += 1
            self.longest, self.last_good = max(self.longest, now - self.last_good), now
        else:
            self.failed[outcome] += 1
        return outcome if isinstance(outcome, int) else 0

    def stop(self) -> None:
        self.ended.set()
        self.join()


class Reader(Client):
    """Products, which caches have, and their stock, which no cache has for longer than a second or two."""

    def run(self) -> None:
        for turn in itertools.count():
            if self.ended.wait(0.01):
                return
            self.ask("GET", f"/products/{turn % PRODUCTS + 1}" + ("/availability" if turn % 2 else ""))


class Writer(Client):
    """Adds products, and says again what was not acknowledged, under the same key."""

    def __init__(self, token: str) -> None:
        self.acknowledged: list[str] = []
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        super().__init__()

    def run(self) -> None:
        for number in itertools.count():
            handle = f"written-{number}"
            headers = {**self.headers, "Idempotency-Key": f'"{handle}"'}
            while self.ask("POST", "/products", json.dumps(product(handle)), headers) not in (200, 201):
                if self.ended.wait(0.05):
                    return
            self.acknowledged.append(handle)
            if self.ended.wait(0.02):
                return


class Fleet(Place):
    def test_each_part_in_turn(self) -> None:
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "bridge", "type", "bridge")
        for last in (11, 12, 13, 100):
            run("ip", "address", "add", f"10.0.1.{last}/24", "dev", "bridge")
        run("ip", "link", "set", "bridge", "up")
        self.start_postgres()
        self.start_redis()
        self.web = [self.start_node(number) for number in range(3)]
        for node in self.web:
            node.wait_for("/readyz")
        self.balancers = [Balancer(self, 1), Balancer(self, 2)]
        until("the first one has the address", self.balancers[0].has_the_address)

        token = [str(PROGRAM), "token", "new", *self.stores, "--name", "spof", "--scope", "catalog:write"]
        done = subprocess.run(token, capture_output=True, text=True, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.readers = [Reader() for _ in range(4)]
        self.writer = Writer(done.stdout.strip())
        until("it is read and written", lambda: self.readers[0].good > 20 and len(self.writer.acknowledged) > 5)

        print(f"{'lost':<24}{'failed reads':>14}{'longest ms':>12}{'failed writes':>15}{'longest ms':>12}")
        first = self.balancers[0]
        self.lose("nothing", lambda: None)
        self.lose("HAProxy of the first", first.haproxy.kill, may_fail=True)
        first.haproxy = first.start_haproxy()
        self.lose("nothing: it comes back", lambda: until("it takes the address back", first.has_the_address), may_fail=True)
        for number in range(3):
            self.lose(f"node {number + 1}", self.web[number].kill)
            self.web[number] = self.start_node(number)
            self.web[number].wait_for("/readyz")
            time.sleep(1.5)  # HAProxy asks twice before it takes it again.
        self.lose("a sentinel", self.sentinels[0].kill)
        self.lose("the master of Redis", self.redis[0].kill)
        self.lose("the replica", lambda: self.kill_postgres(self.copies[1]))
        self.copies[1] = self.start_again(self.copies[1])
        self.lose("the standby", lambda: self.kill_postgres(self.copies[0]))
        self.copies[0] = self.start_again(self.copies[0])
        until("both replay", lambda: self.primary.psql("SELECT count(*) FROM pg_stat_replication") == "2")
        self.lose("the primary", self.fail_over)

        for client in (*self.readers, self.writer):
            client.stop()
        stored = set(self.primary.psql("SELECT handle FROM product WHERE handle LIKE 'written-%'").split())
        lost = [handle for handle in self.writer.acknowledged if handle not in stored]
        print(f"{len(self.writer.acknowledged)} writes acknowledged, of which {len(lost)} are not there")
        self.assertEqual(lost, [])

    def lose(self, what: str, act: Callable[[], object], may_fail: bool = False) -> None:
        """Loses a part, and looks at what clients see until both kinds go well again, and for some seconds. No read may
        fail, but where the address moves."""
        clients = (*self.readers, self.writer)
        for client in clients:
            client.failed.clear()
            client.longest = 0.0
        act()
        good = [client.good for client in clients]
        began = time.monotonic()

        def goes_well() -> bool:
            return all(client.good > before + 10 for client, before in zip(clients, good, strict=True))

        until(f"all goes well: {what}", goes_well, 60)
        time.sleep(max(0.0, began + 4 - time.monotonic()))
        reads = sum((client.failed for client in self.readers), Counter())
        longest = max(client.longest for client in self.readers)
        row = f"{what:<24}{sum(reads.values()):>14}{1000 * longest:>12.0f}"
        if not may_fail:
            self.assertEqual(dict(reads), {}, what)
        row += f"{sum(self.writer.failed.values()):>15}{1000 * self.writer.longest:>12.0f}"
        print(row, dict(reads) or "", dict(self.writer.failed) or "", flush=True)

    def start_postgres(self) -> None:
        self.primary, copies = self.running.enter_context(replicated(self.folder, 2))
        self.copies = list(copies)
        # A write is acknowledged when one of them has it, too.
        self.primary.psql("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'")
        self.primary.psql("SELECT pg_reload_conf()")
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in (self.primary, *copies))
        self.stores = ["--catalog-url", f"postgres://postgres@{hosts}/shop"]
        files = self.folder / "products.jsonl"
        files.write_text("".join(json.dumps(product(f"product-{number}")) + "\n" for number in range(PRODUCTS)))
        command = [str(PROGRAM), "import", *self.stores, str(files)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        for copy in copies:
            self.stores += ["--replica-url", copy.url()]

    def kill_postgres(self, server: Postgres) -> None:
        """Without a word to anybody."""
        stop = [*as_postgres(), str(postgres_programs() / "pg_ctl"), "stop", "-D", str(server.folder), "-m", "immediate", "-w"]
        subprocess.run(stop, capture_output=True, check=True, cwd="/")

    def start_again(self, server: Postgres) -> Postgres:
        again = self.running.enter_context(Postgres("again", server.folder, server.port, server.log))
        again.wait_for_database()
        return again

    def fail_over(self) -> None:
        """What Patroni would do: the one that has more is promoted, and the other one follows it."""
        self.kill_postgres(self.primary)
        received = "SELECT pg_last_wal_receive_lsn() - '0/0'::pg_lsn"
        best, other = sorted(self.copies, key=lambda copy: -int(copy.psql(received)))
        best.psql("SELECT pg_promote()")
        other.psql(f"ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port={best.port} user=postgres'")
        other.psql("SELECT pg_reload_conf()")
        self.primary = best

    def start_redis(self) -> None:
        self.redis: list[Server] = []
        for number in range(3):
            port = free_port()
            follow = ["--replicaof", "127.0.0.1", str(self.redis[0].port)] if self.redis else []
            folder = self.folder / f"redis{number}"
            folder.mkdir()
            command = ["redis-server", "--port", str(port), "--dir", str(folder), "--save", "", "--appendonly", "no"]
            self.redis.append(self.start(folder.name, [*command, "--repl-diskless-sync-delay", "0", *follow], port))
        self.sentinels = []
        for number in range(3):
            port, folder = free_port(), self.folder / f"sentinel{number}"
            folder.mkdir()
            path = folder / "sentinel.conf"
            path.write_text(
                f"port {port}\nsentinel monitor shop 127.0.0.1 {self.redis[0].port} 2\n"
                "sentinel down-after-milliseconds shop 500\nsentinel failover-timeout shop 3000\n"
            )
            self.sentinels.append(self.start(f"sentinel{number}", ["redis-server", str(path), "--sentinel"], port))

        def know_each_other() -> bool:
            told = [
                subprocess.run(["redis-cli", "-p", str(one.port), "info", "sentinel"], capture_output=True, text=True).stdout
                for one in self.sentinels
            ]
            return all("slaves=2,sentinels=3" in text for text in told)

        until("the sentinels know each other", know_each_other, 30)
        hosts = ",".join(f"127.0.0.1:{one.port}" for one in self.sentinels)
        self.stores += ["--redis-url", f"redis+sentinel://{hosts}/shop"]

    def start_node(self, number: int) -> Server:
        port = free_port()
        command = [str(PROGRAM), "serve", *self.stores, "--data-dir", str(self.folder / f"node{number}")]
        command += ["--listen", f"10.0.1.{11 + number}:8080,127.0.0.1:{port}", "--admin-listen", f"127.0.0.1:{free_port()}"]
        server = Server(f"node{number}", command, port, self.folder / f"node{number}.log")
        return self.running.enter_context(server)
