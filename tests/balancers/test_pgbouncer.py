"""systemd/edge/pgbouncer.ini, in a real PgBouncer before a real PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess

from support import PROGRAM, ROOT, Place, ask, free_port, need, until

from measure.servers import replicated


@need("pgbouncer", "psql")
class PgBouncer(Place):
    def test_a_node_works_through_it(self) -> None:
        primary, _ = self.running.enter_context(replicated(self.folder, 0))
        port = free_port()
        home = self.folder / "pgbouncer"
        home.mkdir()
        home.chmod(0o777)
        path = self.configuration(
            "pgbouncer.ini",
            {
                "host=10.0.2.10 port=5432": f"host=127.0.0.1 port={primary.port} user=postgres",
                "listen_addr = 10.0.2.10": "listen_addr = 127.0.0.1",
                "listen_port = 6432": f"listen_port = {port}",
                "auth_type = scram-sha-256": "auth_type = any",
                "auth_file = /etc/pgbouncer/userlist.txt": "",
                "/var/log/postgresql/": f"{home}/",
                "/var/run/postgresql": str(home),
            },
        )
        # It refuses to be root.
        user = ["-u", "postgres"] if os.geteuid() == 0 else []
        self.start("pgbouncer", ["pgbouncer", *user, str(path)], port)
        url = f"postgres://shop@127.0.0.1:{port}/shop"
        files = ["import", "--catalog-url", url, str(ROOT / "samples/shopify-products.csv")]
        done = subprocess.run(
            [str(PROGRAM), *files], capture_output=True, text=True, env={"DOORBUSTER_CATALOG_PGBOUNCER": "true"}
        )
        self.assertIn(done.returncode, (0, 2), done.stderr)
        node = self.doorbuster("--catalog-url", url, DOORBUSTER_CATALOG_PGBOUNCER="true")
        answer = ask(node.port, "/products?limit=1")
        product = json.loads(answer.body)["items"][0]
        shown = f"/products/{product['id']}"
        version = json.loads(ask(node.port, shown).body)["version"]
        primary.psql(f"UPDATE product SET title = 'Another' WHERE id = {product['id']}")
        until("the change is seen", lambda: json.loads(ask(node.port, shown).body)["version"] > version, 5)
