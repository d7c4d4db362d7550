"""systemd/edge/gdnsd, in a real gdnsd."""

from __future__ import annotations

import os
import re
import shutil
import socket
import struct

from support import ROOT, Node, Place, free_port, need, until


def question(name: str, subnet: str) -> bytes:
    """A query for the address of a name, by a resolver whose client is in a network (RFC 1035, 7871)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    client = struct.pack("!HHHBB", 8, 7, 1, 24, 0) + socket.inet_aton(subnet)[:3]
    options = b"\0" + struct.pack("!HHIH", 41, 1232, 0, len(client)) + client
    return os.urandom(2) + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 1) + labels + b"\0" + struct.pack("!HH", 1, 1) + options


def address(answer: bytes) -> str:
    """The first address in an answer; its record ends with four bytes of data after their length."""
    found = re.search(rb"\x00\x01\x00\x01.{4}\x00\x04(.{4})", answer[12:], re.DOTALL)
    assert found, answer
    return socket.inet_ntoa(found.group(1))


@need("gdnsd")
class Geographic(Place):
    def test_clients_are_led_to_their_region_and_to_the_next_one_where_that_is_not_ready(self) -> None:
        port, served = free_port(), free_port()
        regions = {"eu": Node("eu", "127.0.0.11", served), "us": Node("us", "127.0.0.12", served)}
        for node in regions.values():
            self.running.callback(node.stop)
        folder = self.folder / "gdnsd"
        shutil.copytree(ROOT / "systemd/edge/gdnsd", folder)
        text = (folder / "config").read_text()
        for old, new in {
            "listen => [ 0.0.0.0 ]": f"listen => [ 127.0.0.1:{port} ]\n  run_dir = {self.folder}/run\n"
            f"  state_dir = {self.folder}/state",
            "port => 80": f"port => {served}",
            "interval => 3": "interval => 2",
            "203.0.113.10,": "127.0.0.11,",
            "us => 198.51.100.10": "us => 127.0.0.12",
        }.items():
            self.assertIn(old, text, "the file has changed, and this test has not")
            text = text.replace(old, new)
        (folder / "config").write_text(text)
        self.start("gdnsd", ["gdnsd", "-c", str(folder), "start"], port)

        def led(subnet: str) -> str:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver:
                resolver.settimeout(5)
                resolver.sendto(question("www.shop.example", subnet), ("127.0.0.1", port))
                return address(resolver.recv(1500))

        self.assertEqual((led("10.9.1.0"), led("10.17.1.0")), ("127.0.0.11", "127.0.0.12"))
        self.assertEqual(led("192.0.2.0"), "127.0.0.11")
        regions["us"].ready = False
        until("the next region is given", lambda: led("10.17.1.0") == "127.0.0.11")
        regions["us"].ready = True
        until("their own is given again", lambda: led("10.17.1.0") == "127.0.0.12")
        self.assertEqual(led("10.9.1.0"), "127.0.0.11")
