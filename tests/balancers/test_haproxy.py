"""systemd/edge/haproxy.cfg and strategies.cfg, in a real HAProxy."""

from __future__ import annotations

import subprocess
import threading
from collections import Counter

from support import Node, Place, addresses, ask, free_port, need, until


@need("haproxy")
class HAProxy(Place):
    def balancer(self, nodes: list) -> int:
        """The shipped file before these nodes, of which there are three. Returns its port."""
        port = free_port()
        path = self.configuration(
            "haproxy.cfg",
            addresses(nodes)
            | {"bind :80\n": f"bind 127.0.0.1:{port}\n"}
            | {"/run/haproxy/admin.sock": str(self.folder / "admin.sock"), "log /dev/log local0": "log stderr local0"}
            | {"maxconn 50000": "maxconn 1000"},
        )
        self.start("haproxy", ["haproxy", "-f", str(path)], port, "/balancer-health")
        return port

    def test_a_node_that_is_not_ready_is_left_and_taken_again(self) -> None:
        nodes = self.nodes()
        port = self.balancer(nodes)
        paths = [f"/products/{number}" for number in range(12)]
        until("all nodes answer", lambda: set(self.names(port, paths)) == {"node1", "node2", "node3"})
        nodes[1].ready = False
        until("node2 is left", lambda: "node2" not in self.names(port, paths), 3)
        nodes[1].ready = True
        until("node2 is taken again", lambda: "node2" in self.names(port, paths))
        for node in nodes:
            node.ready = False
        until("nothing is left", lambda: ask(port, "/balancer-health").status == 503, 3)

    def test_only_reads_are_sent_again(self) -> None:
        nodes = self.nodes()
        port = self.balancer(nodes)
        nodes[0].broken = True
        for number in range(9):
            self.assertEqual(ask(port, f"/read/{number}").status, 200)
        self.assertTrue(nodes[0].asked, "the broken node was asked, too")
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            nodes[0].broken = nodes[1].broken = nodes[2].broken = True
            ask(port, f"/write/{method}", method, body="{}")
            reached = [path for node in nodes for _, path in node.asked if path == f"/write/{method}"]
            self.assertLessEqual(len(reached), 1, f"{method} was sent {len(reached)} times")

    def test_the_address_of_a_client_is_appended_to_what_it_claims(self) -> None:
        nodes = self.nodes()
        port = self.balancer(nodes)
        ask(port, "/who", headers={"X-Forwarded-For": "203.0.113.9"}, source="127.0.0.7")
        seen = [message for node in nodes for message in node.seen]
        claimed = ", ".join(seen[0].get_all("X-Forwarded-For"))
        self.assertEqual(claimed, "203.0.113.9, 127.0.0.7")

    def test_a_client_is_counted_by_its_own_address_whatever_it_claims(self) -> None:
        limits = '[[limits.policy]]\nname = "few"\nwindows = [{ name = "w", quota = 3, window = "10m" }]\n'
        (self.folder / "limits.toml").write_text(limits)
        node = self.doorbuster(
            "--demo", "--config", str(self.folder / "limits.toml"), DOORBUSTER_SERVER_TRUSTED_PROXIES="127.0.0.1/32"
        )
        port = self.balancer([node, node, node])
        claims = [{"X-Forwarded-For": f"198.51.100.{number}"} for number in range(5)]
        first = [ask(port, "/products/456", headers=claim, source="127.0.0.8").status for claim in claims]
        self.assertEqual(first, [200, 200, 200, 429, 429])
        self.assertEqual(ask(port, "/products/456", source="127.0.0.9").status, 200)

    def test_no_read_fails_when_a_node_is_killed_or_stopped(self) -> None:
        self.lose_nodes(self.balancer)

    def test_the_shipped_file_is_without_warnings(self) -> None:
        path = self.configuration("haproxy.cfg", {"maxconn 50000": "maxconn 1000"})
        done = subprocess.run(["/usr/sbin/haproxy", "-c", "-f", str(path)], capture_output=True, text=True)
        said = [line for line in done.stderr.splitlines() if "WARNING" in line or "ALERT" in line]
        self.assertEqual((done.returncode, said), (0, []), done.stderr)


@need("haproxy")
class Strategies(Place):
    def setUp(self) -> None:
        super().setUp()
        self.three = self.nodes()
        self.ports: dict[str, int] = {}
        text = self.configuration("strategies.cfg", addresses(self.three)).read_text()
        names = [line.split()[1] for line in text.splitlines() if line.startswith("backend ")]
        for name in names:
            self.ports[name] = free_port()
            text += f"\nfrontend to_{name}\n  bind 127.0.0.1:{self.ports[name]}\n  default_backend {name}\n"
        path = self.folder / "strategies.cfg"
        path.write_text(text)
        self.start("haproxy", ["haproxy", "-f", str(path)], self.ports["round_robin"])
        for port in self.ports.values():
            until("it answers", lambda port=port: ask(port, "/").status == 200)

    def ask_many(self, strategy: str, count: int) -> Counter:
        return Counter(self.names(self.ports[strategy], [f"/products/{number}" for number in range(count)]))

    def test_round_robin(self) -> None:
        self.assertEqual(self.ask_many("round_robin", 30), {"node1": 10, "node2": 10, "node3": 10})

    def test_weighted(self) -> None:
        self.assertEqual(self.ask_many("weighted", 50), {"node1": 30, "node2": 10, "node3": 10})

    def test_ip_hash(self) -> None:
        answered = {}
        for last in range(2, 30):
            names = set(self.names(self.ports["ip_hash"], ["/a", "/b", "/c"], source=f"127.0.0.{last}"))
            self.assertEqual(len(names), 1, "a client has one server")
            answered[last] = names.pop()
        self.assertEqual(set(answered.values()), {"node1", "node2", "node3"})

    def test_consistent_hash(self) -> None:
        paths = [f"/products/{number}" for number in range(60)]
        port = self.ports["consistent_hash"]
        before = self.names(port, paths)
        self.assertEqual(set(before), {"node1", "node2", "node3"})
        # hash-balance-factor moves some requests while others are under way, health checks among them.
        again = self.names(port, paths)
        self.assertGreater(sum(old == new for old, new in zip(before, again, strict=True)), 50)
        self.three[2].ready = False
        until("node3 is left", lambda: "node3" not in self.names(port, paths), 5)
        after = self.names(port, paths)
        stayed = [old == new for old, new in zip(before, after, strict=True) if old != "node3"]
        self.assertGreater(sum(stayed), 0.8 * len(stayed), "only the share of the lost server moves")

    def slowest_gets_least(self, strategy: str) -> None:
        slow: Node = self.three[1]
        slow.pause = 0.2
        for node in self.three:
            node.asked.clear()
        clients = [
            threading.Thread(target=lambda: self.names(self.ports[strategy], ["/"] * 40)) for _ in range(9)
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        counts = [len(node.asked) for node in self.three]
        # In turn it would be a third of them.
        self.assertLess(counts[1], sum(counts) / 5, counts)
        self.assertGreater(counts[1], 0)

    def test_least_connections(self) -> None:
        self.slowest_gets_least("least_connections")

    def test_least_time(self) -> None:
        self.slowest_gets_least("least_time")
