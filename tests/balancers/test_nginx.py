"""systemd/edge/nginx.conf, in a real nginx."""

from __future__ import annotations

import json
import signal

from support import Place, addresses, ask, cache_status, free_port, need, until


@need("nginx")
class Nginx(Place):
    def balancer(self, nodes: list) -> int:
        """The shipped file before these nodes, of which there are three. Returns its port."""
        port = free_port()
        cache = self.folder / "cache"
        cache.mkdir()
        self.configuration(
            "nginx.conf",
            addresses(nodes)
            | {"listen 80;": f"listen 127.0.0.1:{port};"}
            | {"/run/nginx-doorbuster.sock": str(self.folder / "inner.sock")}
            | {"/var/cache/nginx/doorbuster": str(cache)},
        )
        root = self.folder
        main = root / "main.conf"
        # The user of the tests, be it root: a folder of theirs is not another one's.
        main.write_text(
            f"""user root; daemon off; worker_processes 1; pid {root}/pid; error_log stderr;
            events {{ worker_connections 1024; }}
            http {{
              access_log off; client_body_temp_path {root}/body; proxy_temp_path {root}/proxy;
              fastcgi_temp_path {root}/fastcgi; uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;
              include {root}/nginx.conf;
            }}"""
        )
        self.start("nginx", ["nginx", "-p", str(root), "-c", str(main)], port)
        return port

    def test_only_reads_are_sent_again(self) -> None:
        nodes = self.nodes()
        port = self.balancer(nodes)
        nodes[0].broken = True
        for number in range(9):
            self.assertEqual(ask(port, f"/read/{number}").status, 200)
        self.assertTrue(nodes[0].asked, "the broken node was asked, too")
        for node in nodes:
            node.broken = True
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            self.assertEqual(ask(port, f"/write/{method}", method, body="{}").status, 502)
            reached = [path for node in nodes for _, path in node.asked if path == f"/write/{method}"]
            self.assertLessEqual(len(reached), 1, f"{method} was sent {len(reached)} times")

    def test_the_address_of_a_client_is_appended_to_what_it_claims(self) -> None:
        nodes = self.nodes()
        port = self.balancer(nodes)
        for method in ("GET", "POST"):
            ask(port, f"/{method}", method, {"X-Forwarded-For": "203.0.113.9"}, source="127.0.0.7")
        seen = [message.get_all("X-Forwarded-For") for node in nodes for message in node.seen]
        self.assertEqual(seen, [["203.0.113.9, 127.0.0.7"]] * 2)

    def test_a_product_is_kept_as_a_shared_cache_is_told_and_browsers_as_they_are(self) -> None:
        node = self.doorbuster("--demo")
        port = self.balancer([node, node, node])
        first = ask(port, "/products/456")
        self.assertEqual((first.status, cache_status(first)), (200, "nginx; fwd=miss"))
        second = ask(port, "/products/456")
        self.assertEqual((second.body, cache_status(second)), (first.body, "nginx; hit"))
        for answer in (first, second):
            self.assertEqual(answer.headers.get_all("Cache-Control"), ["public, no-cache"])
            self.assertIsNone(answer.headers["Surrogate-Key"])
        same = ask(port, "/products/456", headers={"If-None-Match": first.headers["ETag"]})
        self.assertEqual(same.status, 304)
        # What nobody may keep is not kept.
        for _ in range(2):
            self.assertNotEqual(cache_status(ask(port, "/healthz")), "nginx; hit")

    def test_a_change_is_seen_within_two_seconds_of_the_write(self) -> None:
        node = self.doorbuster("--demo")
        port = self.balancer([node, node, node])
        product = json.loads(ask(port, "/products/456").body)
        headers = {"Authorization": f"Bearer {self.token()}", "Content-Type": "application/merge-patch+json"}
        written = ask(port, "/products/456", "PATCH", headers, '{"title": "Another"}')
        self.assertEqual(written.status, 200, written.body)

        def is_seen() -> bool:
            return json.loads(ask(port, "/products/456").body)["version"] > product["version"]

        self.assertLess(until("the change is seen", is_seen), 2.5)

    def test_what_is_kept_outlives_the_nodes(self) -> None:
        node = self.doorbuster("--demo")
        port = self.balancer([node, node, node])
        first = ask(port, "/products/456")
        node.process.send_signal(signal.SIGKILL)
        node.process.wait()
        until("it is stale", lambda: cache_status(ask(port, "/products/456")) == "nginx; hit; detail=stale")
        self.assertEqual(ask(port, "/products/456").body, first.body)
        # A page may be kept a second longer and no more.
        self.assertEqual(ask(port, "/products/7").status, 502)

    def test_no_read_fails_when_a_node_is_killed_or_stopped(self) -> None:
        self.lose_nodes(self.balancer)
