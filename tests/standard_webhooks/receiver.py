"""Takes a webhook of a change of the demo shop, and verifies it by the official library.

    receiver.py PROGRAM FOLDER
"""

from __future__ import annotations

import http.server
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PATIENCE = 60.0

taken: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        taken.put(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def address(log: Path) -> str:
    """Where the server listens, as its log says."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found = re.search(r'listening on (http:[^,"\s]+)', log.read_text())
        if found:
            return found.group(1)
        time.sleep(0.05)
    raise SystemExit(f"standard_webhooks: the server does not start:\n{log.read_text()}")


def change(shop: str, token: str, title: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/merge-patch+json"}
    body = json.dumps({"title": title}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{shop}/products/456", body, headers, method="PATCH")).read()


def verify() -> None:
    """What came is verified, and what was changed on its way is not."""
    headers, body = taken.get(timeout=PATIENCE)
    webhook = Webhook(SECRET)
    said = webhook.verify(body, headers)
    assert said["type"] == "product.updated", said
    assert said["data"]["product"]["title"].startswith("Another lamp"), said
    for forged in (body.replace(b"Another", b"Anothar"), body + b" "):
        try:
            webhook.verify(forged, headers)
        except WebhookVerificationError:
            continue
        raise AssertionError("a forged message was taken")


def main(program: str, folder: Path) -> None:
    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    environment = os.environ | {
        "DOORBUSTER_WEBHOOKS_URLS": f"http://127.0.0.1:{receiver.server_port}/hook",
        "DOORBUSTER_WEBHOOKS_SECRET": SECRET,
        "DOORBUSTER_WEBHOOKS_ALLOW_PRIVATE": "true",
    }
    log = folder / "log"
    places = ["--data-dir", str(folder / "shop"), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]
    with log.open("wb") as out:
        server = subprocess.Popen([program, "serve", "--demo", *places], stderr=out, env=environment)
    try:
        shop = address(log)
        made = [program, "token", "new", "--data-dir", str(folder / "shop"), "--name", "test", "--scope", "catalog:write"]
        token = subprocess.run(made, check=True, capture_output=True, text=True).stdout.strip()
        # It tells of what comes after the first look; until then a change is passed over.
        until = time.monotonic() + PATIENCE
        tries = 0
        while taken.empty():
            assert time.monotonic() < until, "no webhook came"
            tries += 1
            change(shop, token, f"Another lamp {tries}")
            time.sleep(0.5)
        verify()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(PATIENCE)
    print("a webhook is verified by the official library, and a forged one is not")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
