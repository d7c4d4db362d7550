"""The parts beside Doorbuster, from installed packages: PostgreSQL with replicas, Redis, nginx, HAProxy."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .process import MeasureError, Server, free_port, require

EDGE = Path(__file__).resolve().parents[2] / "systemd/edge"
SUPERUSER = "postgres"
DATABASE = "shop"


def postgres_programs() -> Path:
    """The newest installed server."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        require("pg_ctlcluster", "postgresql")
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise MeasureError("PostgreSQL is missing; install the package postgresql")
    return found[-1].parent


class Postgres(Server):
    """One server of PostgreSQL. It refuses to run as root, so then it runs as the user `postgres`."""

    def __init__(self, name: str, folder: Path, port: int, log: Path) -> None:
        self.folder = folder
        programs = postgres_programs()
        command = [*as_postgres(), str(programs / "postgres"), "-D", str(folder), "-p", str(port)]
        super().__init__(f"PostgreSQL ({name})", command, port, log)

    def url(self) -> str:
        """Where the catalogue is."""
        return f"postgres://{SUPERUSER}@127.0.0.1:{self.port}/{DATABASE}"

    def psql(self, sql: str, database: str = DATABASE) -> str:
        """Runs statements as an operator would; returns the rows, unaligned."""
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port)]
        done = subprocess.run(
            [*command, "-U", SUPERUSER, "-d", database, "-c", sql], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise MeasureError(f"psql on {self.name}: {done.stderr.strip()}")
        return done.stdout.strip()

    def wait_for_database(self, database: str = "postgres") -> None:
        """Waits until it takes connections."""
        while self.process.poll() is None:
            with contextlib.suppress(MeasureError):
                self.psql("SELECT 1", database)
                return
        raise MeasureError(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")

    def stop(self) -> None:
        """SIGTERM would wait for every client."""
        if self.process.poll() is None:
            program = str(postgres_programs() / "pg_ctl")
            stop = [*as_postgres(), program, "stop", "-D", str(self.folder), "-m", "fast", "-w"]
            subprocess.run(stop, stdout=subprocess.DEVNULL, check=False)
        super().stop()


def as_postgres() -> list[str]:
    return ["runuser", "-u", SUPERUSER, "--"] if os.geteuid() == 0 else []


def own(folder: Path) -> None:
    """Makes a folder that the server may write to."""
    folder.mkdir()
    if os.geteuid() == 0:
        user = pwd.getpwnam(SUPERUSER)
        os.chown(folder, user.pw_uid, user.pw_gid)


SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_buffers = 512MB
max_connections = 100
max_wal_size = 4GB
wal_level = replica
max_wal_senders = 8
hot_standby = on
shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.track_utility = off
"""


@contextlib.contextmanager
def replicated(folder: Path, replicas: int) -> Iterator[tuple[Postgres, list[Postgres]]]:
    """A primary with streaming replicas and an empty database."""
    programs = postgres_programs()
    folder.chmod(0o755)
    home = folder / "postgres"
    own(home)

    def run(*command: str) -> None:
        done = subprocess.run([*as_postgres(), *command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise MeasureError(f"{command[0]}: {done.stderr.strip()}")

    data = home / "primary"
    run(str(programs / "initdb"), "-D", str(data), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(SETTINGS)
    with contextlib.ExitStack() as running:
        primary = running.enter_context(Postgres("primary", data, free_port(), folder / "primary.log"))
        primary.wait_for_database()
        primary.psql(f"CREATE DATABASE {DATABASE}", "postgres")
        primary.psql("CREATE EXTENSION pg_stat_statements")
        copies = []
        for number in range(1, replicas + 1):
            copy = home / f"replica-{number}"
            source = f"host=127.0.0.1 port={primary.port} user={SUPERUSER}"
            run(str(programs / "pg_basebackup"), "-D", str(copy), "-d", source, "-R", "-c", "fast", "-X", "stream")
            replica = Postgres(f"replica {number}", copy, free_port(), folder / f"replica-{number}.log")
            copies.append(running.enter_context(replica))
            replica.wait_for_database()
        yield primary, copies


def redis(folder: Path, port: int = 0) -> Server:
    """A Redis that keeps nothing on disk."""
    require("redis-server", "redis-server")
    port = port or free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    command += ["--dir", str(folder), "--maxmemory", "4gb", "--maxmemory-policy", "allkeys-lru"]
    return Server("Redis", command, port, folder / "redis.log")


def nginx(folder: Path, nodes: list[Server]) -> Server:
    """A load balancer before some nodes, with connections kept."""
    require("nginx", "nginx")
    port = free_port()
    root = folder / "nginx"
    root.mkdir()
    nodes_listed = " ".join(f"server 127.0.0.1:{node.port};" for node in nodes)
    (root / "nginx.conf").write_text(
        f"""daemon off; master_process off; pid {root}/pid; error_log stderr;
        events {{ worker_connections 4096; }}
        http {{
          access_log off; keepalive_requests 1000000000;
          client_body_temp_path {root}/body; proxy_temp_path {root}/proxy;
          fastcgi_temp_path {root}/fastcgi; uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;
          upstream nodes {{ {nodes_listed} keepalive 128; keepalive_requests 1000000000; }}
          server {{
            listen 127.0.0.1:{port};
            location / {{ proxy_pass http://nodes; proxy_http_version 1.1; proxy_set_header Connection ""; }}
          }}
        }}"""
    )
    command = [shutil.which("nginx") or "nginx", "-p", str(root), "-c", str(root / "nginx.conf")]
    return Server("nginx", command, port, folder / "nginx.log")


def with_addresses(name: str, replaced: dict[str, str]) -> str:
    """A file of systemd/edge with addresses of this machine. What is to be replaced has to be there."""
    text = (EDGE / name).read_text()
    for old, new in replaced.items():
        if old not in text:
            raise MeasureError(f"systemd/edge/{name} has changed: there is no {old!r} in it")
        text = text.replace(old, new)
    return text


def haproxy(folder: Path, nodes: list[Server]) -> Server:
    """The shipped load balancer before three nodes."""
    require("haproxy", "haproxy")
    port = free_port()
    addresses = {f"10.0.1.{11 + number}:8080": f"127.0.0.1:{node.port}" for number, node in enumerate(nodes)}
    local = {"bind :80\n": f"bind 127.0.0.1:{port}\n", "/run/haproxy/admin.sock": f"{folder}/haproxy.sock"}
    quiet = {"    log /dev/log local0\n": "", "    log global\n    option httplog\n": "", "maxconn 50000": "maxconn 5000"}
    configuration = folder / "haproxy.cfg"
    configuration.write_text(with_addresses("haproxy.cfg", addresses | local | quiet))
    command = [shutil.which("haproxy") or "/usr/sbin/haproxy", "-db", "-f", str(configuration)]
    return Server("HAProxy", command, port, folder / "haproxy.log")
