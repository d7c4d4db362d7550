"""systemd/edge/varnish.vcl, in a real Varnish with the xkey module."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from support import Place, addresses, ask, cache_status, free_port, need, unittest, until


@need("varnishd", "cc")
@unittest.skipUnless(list(Path("/usr/lib").glob("*/varnish/vmods/libvmod_xkey.so")), "varnish-modules is not installed")
class Varnish(Place):
    def balancer(self, nodes: list, port: int = 0) -> int:
        """The shipped file before these nodes, of which there are three. Returns its port."""
        port = port or free_port()
        replaced = {
            f'.host = "10.0.1.{11 + number}"; .port = "8080"': f'.host = "127.0.0.1"; .port = "{node.port}"'
            for number, node in enumerate(nodes)
        }
        path = self.configuration("varnish.vcl", replaced)
        command = ["varnishd", "-F", "-f", str(path), "-a", f"127.0.0.1:{port}", "-n", str(self.folder / "varnish")]
        # Without a jail: the folder is the test's.
        command += ["-j", "none", "-s", "default,64m", "-T", "none", "-p", "http_gzip_support=off"]
        self.start("varnish", command, port, "/balancer-health")
        return port

    def test_a_product_is_kept_under_its_keys_and_gone_when_one_is_purged(self) -> None:
        node = self.doorbuster("--demo")
        port = self.balancer([node, node, node])
        first = ask(port, "/products/456")
        self.assertEqual((first.status, cache_status(first)), (200, "varnish; fwd=miss"))
        self.assertEqual(cache_status(ask(port, "/products/456")), "varnish; hit")
        self.assertEqual(first.headers["Cache-Control"], "public, no-cache")
        for name in ("Surrogate-Key", "CDN-Cache-Control", "xkey"):
            self.assertIsNone(first.headers[name])
        self.assertEqual(ask(port, "/products/456", headers={"If-None-Match": first.headers["ETag"]}).status, 304)

        headers = {"Authorization": f"Bearer {self.token()}", "Content-Type": "application/merge-patch+json"}
        written = ask(port, "/products/456", "PATCH", headers, '{"title": "Another"}')
        self.assertEqual(written.status, 200, written.body)
        self.assertEqual(ask(port, "/products/456").body, first.body, "nobody has said yet that it changed")
        began = time.monotonic()
        purged = ask(port, "/", "PURGE", {"Surrogate-Key": "product-456"})
        self.assertEqual((purged.status, purged.headers["Purged"]), (200, "1"))
        self.assertEqual(json.loads(ask(port, "/products/456").body)["title"], "Another")
        self.assertLess(time.monotonic() - began, 1.0)

    def test_webhooks_purge_what_changed(self) -> None:
        port = free_port()
        node = self.doorbuster(
            "--demo",
            DOORBUSTER_WEBHOOKS_URLS=f"http://127.0.0.1:{port}/purge-webhook",
            DOORBUSTER_WEBHOOKS_SECRET="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            DOORBUSTER_WEBHOOKS_ALLOW_PRIVATE="true",
        )
        self.assertEqual(self.balancer([node, node, node], port), port)
        before = json.loads(ask(port, "/products/456").body)
        other = ask(port, "/products/7")
        self.assertEqual(cache_status(ask(port, "/products/456")), "varnish; hit")
        # Kept for a minute, and eleven more while a new one is fetched, were it not purged.
        headers = {"Authorization": f"Bearer {self.token()}", "Content-Type": "application/merge-patch+json"}
        ask(node.port, "/products/456", "PATCH", headers, '{"title": "Another"}')
        seen = until("it is seen", lambda: json.loads(ask(port, "/products/456").body)["version"] > before["version"], 10)
        print(f"a change is seen through Varnish {1000 * seen:.0f} ms after the answer to the write", file=sys.stderr)
        self.assertEqual(cache_status(ask(port, "/products/7")), "varnish; hit")
        self.assertEqual(other.status, 200)
        self.assertEqual(ask(port, "/purge-webhook", "POST", {"Webhook-Id": "msg_7_1"}, source="127.0.0.9").status, 403)
        self.assertEqual(ask(port, "/purge-webhook", "POST", {"Webhook-Id": "product-7"}).status, 400)

    def test_what_changed_is_purged_by_its_key_within_a_second(self) -> None:
        port = free_port()
        edge = json.dumps([{"kind": "varnish", "url": f"http://127.0.0.1:{port}"}])
        node = self.doorbuster("--demo", DOORBUSTER_EDGE_PURGE=edge)
        self.assertEqual(self.balancer([node, node, node], port), port)
        headers = {"Authorization": f"Bearer {self.token()}", "Content-Type": "application/merge-patch+json"}

        def change(number: int) -> None:
            ask(node.port, "/products/456", "PATCH", headers, json.dumps({"title": f"Another {number}"}))

        def is_seen(number: int) -> bool:
            return json.loads(ask(port, "/products/456").body)["title"] == f"Another {number}"

        ask(port, "/products/456")
        ask(port, "/products/7")
        # The stream is followed from the first look on.
        change(0)
        until("the first one is seen", lambda: is_seen(0), 90)
        for number in (1, 2, 3):
            self.assertEqual(cache_status(ask(port, "/products/456")), "varnish; hit")
            change(number)
            seen = until("it is seen", lambda number=number: is_seen(number), 1)
            print(f"a purge by key is seen {1000 * seen:.0f} ms after the answer to the write", file=sys.stderr)
        self.assertEqual(cache_status(ask(port, "/products/7")), "varnish; hit")

    def test_a_tag_drops_all_that_bear_it_and_nothing_else(self) -> None:
        nodes = self.nodes()
        port = self.balancer(nodes)
        keys = {"/a": "product-1 vendor-acme", "/b": "product-2 vendor-acme category-home", "/c": "product-3 vendor-other"}
        for path, key in keys.items():
            for node in nodes:
                node.headers = {"CDN-Cache-Control": "max-age=60", "Surrogate-Key": key}
            ask(port, path)
        self.assertEqual(ask(port, "/", "PURGE", {"Surrogate-Key": "vendor-acme"}).headers["Purged"], "2")
        for path, status in (("/a", "varnish; fwd=miss"), ("/b", "varnish; fwd=miss"), ("/c", "varnish; hit")):
            self.assertEqual(cache_status(ask(port, path)), status, path)
        self.assertEqual(ask(port, "/", "PURGE").status, 400)

    def test_strangers_purge_nothing(self) -> None:
        nodes = self.nodes()
        port = self.balancer(nodes)
        # localhost is 127.0.0.1 alone.
        self.assertEqual(ask(port, "/", "PURGE", {"Surrogate-Key": "a"}, source="127.0.0.9").status, 403)

    def test_the_old_one_is_given_while_the_new_one_is_fetched(self) -> None:
        nodes = self.nodes()
        port = self.balancer(nodes)
        for node in nodes:
            node.headers = {"CDN-Cache-Control": "max-age=1, stale-while-revalidate=60", "Cache-Control": "no-cache"}
        first = ask(port, "/products/1")
        time.sleep(1.1)
        for node in nodes:
            node.release.clear()
        # Whoever would answer waits, and the reader does not.
        stale = ask(port, "/products/1")
        self.assertEqual((stale.status, stale.body), (200, first.body))
        asked = until("it is being fetched", lambda: sum(len(node.asked) for node in nodes) == 2)
        self.assertLess(asked, 5)
        for node in nodes:
            node.release.set()

    def test_an_age_is_heeded_and_what_says_nothing_is_not_kept(self) -> None:
        nodes = self.nodes()
        port = self.balancer(nodes)
        for node in nodes:
            node.headers = {"CDN-Cache-Control": "max-age=60", "Age": "60"}
        for _ in range(2):
            self.assertEqual(cache_status(ask(port, "/old")), "varnish; fwd=miss")
        for node in nodes:
            node.headers = {"Cache-Control": "public, no-cache"}
        for _ in range(2):
            self.assertEqual(cache_status(ask(port, "/unsaid")), "varnish; fwd=miss")

    def test_a_product_is_asked_of_one_node_and_of_another_one_when_that_is_not_ready(self) -> None:
        nodes = self.nodes()
        port = self.balancer(nodes)
        paths = [f"/products/{number}" for number in range(30)]
        first = self.names(port, paths)
        self.assertEqual(first, self.names(port, paths))
        self.assertEqual(set(first), {"node1", "node2", "node3"})
        nodes[0].ready = False
        until("node1 is left", lambda: "node1" not in self.names(port, paths), 5)

    def test_codings_are_kept_apart(self) -> None:
        node = self.doorbuster("--demo")
        port = self.balancer([node, node, node])

        def coding(wanted: str | None) -> str | None:
            headers = {"Accept-Encoding": wanted} if wanted else {}
            return ask(port, "/products/456", headers=headers).headers["Content-Encoding"]

        # Compressed in the background at the first demand; what came before that is not kept for long.
        until("gzip is built", lambda: coding("gzip, deflate") == "gzip")
        self.assertIsNone(coding(None))
        self.assertEqual(coding("deflate, gzip;q=1.0"), "gzip")
