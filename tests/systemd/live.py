"""The units under a real systemd, with clients that keep their connections. Runs in the container that
scripts/test-systemd-live boots."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/balancers"))

from support import Clients, ask, until  # noqa: E402

WEB, PUBLIC, ADMIN = "doorbuster-web.service", 8080, 9090
CONFIGURATION = Path("/etc/doorbuster/doorbuster.toml")


def systemctl(*arguments: str) -> str:
    done = subprocess.run(["systemctl", "--no-pager", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        journal = subprocess.run(["journalctl", "-n", "30", "--no-pager", "-o", "cat"], capture_output=True, text=True)
        raise AssertionError(f"systemctl {' '.join(arguments)}: {done.stderr}\n{journal.stdout}")
    return done.stdout.strip()


def shown(what: str, unit: str = WEB) -> str:
    return systemctl("show", "--value", "-p", what, unit)


def is_ready(port: int = PUBLIC) -> bool:
    try:
        return ask(port, "/readyz").status == 200
    except OSError:
        return False


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        until("the node is started", lambda: shown("ActiveState") == "active")
        until("it is ready", is_ready)
        files = [str(ROOT / "samples/shopify-products.csv")]
        done = subprocess.run(
            ["runuser", "-u", "doorbuster", "--", "/usr/bin/doorbuster", "import", "--data-dir", "/var/lib/doorbuster", *files],
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode in (0, 2), done.stderr
        until("it has products", lambda: ask(PUBLIC, "/products/1").status == 200)

    def under_load(self, what: str, times: int, action) -> None:
        """Does something many times while clients ask, none of whom may notice."""
        clients = Clients(PUBLIC, ["/products/1", "/products?limit=5", "/products/2"])
        began = time.monotonic()
        for _ in range(times):
            action()
            until("it is ready again", is_ready)
        seconds = time.monotonic() - began
        got = clients.stop()
        print(f"{times} {what} in {seconds:.0f} s: {sum(got.values())} requests, {dict(got)}", file=sys.stderr)
        self.assertGreater(got[200], 50)
        self.assertEqual(set(got), {200})

    def test_restarts_are_not_noticed(self) -> None:
        pids = set()

        def restart() -> None:
            systemctl("restart", WEB)
            pids.add(shown("MainPID"))

        self.under_load("restarts", 20, restart)
        self.assertEqual(len(pids), 20)

    def test_upgrades_are_not_noticed(self) -> None:
        def upgrade() -> None:
            # The same program as a new file.
            program = {**os.environ, "DOORBUSTER": "/usr/bin/doorbuster"}
            subprocess.run(["sh", str(ROOT / "systemd/install.sh")], check=True, capture_output=True, env=program)

        before = os.stat("/usr/bin/doorbuster").st_ino
        self.under_load("upgrades", 20, upgrade)
        self.assertNotEqual(os.stat("/usr/bin/doorbuster").st_ino, before)

    def test_a_reload_takes_settings_over_and_refuses_what_makes_no_sense(self) -> None:
        pid, good = shown("MainPID"), CONFIGURATION.read_text()
        try:
            CONFIGURATION.write_text(good.replace('log_format = "json"', 'log_format = "json"\nlog_level = "debug"'))
            self.under_load("reloads", 10, lambda: systemctl("reload", WEB))
            CONFIGURATION.write_text(good + "\n[nonsense]\nkey = 1\n")
            self.under_load("refused reloads", 3, lambda: systemctl("reload", WEB))
        finally:
            CONFIGURATION.write_text(good)
        self.assertEqual(shown("MainPID"), pid)
        systemctl("reload", WEB)

    def test_a_killed_node_comes_back_by_itself(self) -> None:
        pid = shown("MainPID")
        os.kill(int(pid), 9)
        # Whoever comes meanwhile waits for it: the socket is systemd's.
        self.assertEqual(ask(PUBLIC, "/products/1").status, 200)
        until("there is another process", lambda: shown("MainPID") not in (pid, "0"))

    def test_a_node_that_hangs_is_started_anew(self) -> None:
        until("it is started", lambda: shown("MainPID") != "0" and is_ready())
        pid = shown("MainPID")
        os.kill(int(pid), 19)
        took = until("the watchdog has it started anew", lambda: shown("MainPID") not in (pid, "0"), 40)
        until("it is ready", is_ready)
        print(f"a node that hung was replaced after {took:.1f} s", file=sys.stderr)

    def test_secrets_come_from_the_store_of_credentials(self) -> None:
        store = Path("/etc/credstore/doorbuster.redis.url")
        store.write_text("redis://:s3cret@127.0.0.1:1\n")
        store.chmod(0o600)
        try:
            systemctl("restart", WEB)
            until("it is ready, and lacks the Redis that is not there", lambda: b"redis" in ask(PUBLIC, "/readyz").body)
            environment = Path(f"/proc/{shown('MainPID')}/environ").read_bytes()
            self.assertNotIn(b"s3cret", environment)
        finally:
            store.unlink()
            systemctl("restart", WEB)

    def test_a_worker_and_two_more_nodes_run_beside_it(self) -> None:
        units = ["doorbuster-worker.service", "doorbuster-web@1.service", "doorbuster-web@2.service"]
        systemctl("start", *units)
        try:
            for port in (8081, 8082):
                self.assertEqual(ask(port, "/products/1").status, 200)
            for unit in units:
                self.assertEqual((shown("ActiveState", unit), shown("NRestarts", unit)), ("active", "0"))
            self.assertEqual(shown("Slice", units[0]), "doorbuster-work.slice")
            self.assertEqual(shown("User", units[0]), "doorbuster")
        finally:
            systemctl("stop", *units)

    def test_nothing_of_the_host_can_be_written(self) -> None:
        root = Path(f"/proc/{shown('MainPID')}/root")
        status = Path(f"/proc/{shown('MainPID')}/status").read_text()
        self.assertIn("NoNewPrivs:\t1", status)
        self.assertIn("Seccomp:\t2", status)
        self.assertIn("CapBnd:\t0000000000000000", status)
        mounts = (root / f"proc/{shown('MainPID')}/mountinfo").read_text().splitlines()
        of_root = next(line for line in mounts if line.split()[4] == "/")
        self.assertTrue(of_root.split()[5].startswith("ro"), of_root)


if __name__ == "__main__":
    unittest.main(verbosity=2)
