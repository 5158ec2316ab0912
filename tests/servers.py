"""Database servers of the tests' own: in a folder each, on the loopback interface, killed at will.

They are run from Debian's packages (``postgresql``, ``mariadb-server``) by whoever runs the tests;
root, whom the servers refuse, lets ``nobody`` run them.
"""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from conftest import unavailable
from sqlalchemy.exc import OperationalError

PATIENCE = 60
"""Seconds until a server that does not answer is given up."""


def find(*programs: str) -> list[str]:
    """Return the paths of programs; where one is missing the test is skipped, or fails in CI."""
    newest_first = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    places = os.pathsep.join(map(str, [os.environ["PATH"], "/usr/sbin", *newest_first]))
    found = {program: shutil.which(program, path=places) for program in programs}
    missing = [program for program, path in found.items() if path is None]
    if missing:
        unavailable(f"not installed: {', '.join(missing)}")
    return [path for path in found.values() if path]


def wait_until(condition: Callable[[], object]) -> None:
    """Ask again and again until it is so, within bounds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback interface at which nobody listens.

    They are not among those that the system takes for a connection, as of a server that is down.
    """
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()[0])
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(10_000, lowest)
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            found += [port] * (port not in found)
    return found


class Server:
    """A server that is a child process; ``with`` stops it and removes its folder."""

    process: subprocess.Popen[bytes]
    ending = signal.SIGTERM

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sqlsoup-"))
        self.as_user: dict[str, Any] = {}
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self.as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        (self.port,) = free_ports(1)
        self.log = self.folder / "log"

    def command(self) -> list[str]:
        """Return the command that runs the server."""
        raise NotImplementedError

    @property
    def url(self) -> sa.URL:
        """The URL of a database of the server, for its administrator."""
        raise NotImplementedError

    def run(self, *command: str) -> str:
        """Run a program of the server's until it ends, and return what it prints."""
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, **self.as_user, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def start(self, *more: str) -> None:
        """Start the server, with further options, and wait until it takes connections."""
        self.launch(*more)
        self.wait()

    def launch(self, *more: str) -> None:
        """Start the server without waiting for it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command(), *more],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,  # an interrupt of the tests is theirs to handle
                **self.as_user,
            )

    def wait(self) -> None:
        """Wait until the server takes connections."""
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        end = time.monotonic() + PATIENCE
        while not self.answers(engine):
            ended = self.process.poll() is not None
            if ended or time.monotonic() > end:
                state = "ended" if ended else "does not answer"
                raise RuntimeError(f"{state}: {self.process.args}\n{self.log.read_text()[-4000:]}")
            time.sleep(0.05)

    def answers(self, engine: sa.Engine) -> bool:
        """Tell if the server takes connections."""
        try:
            with engine.connect() as connection:
                return bool(connection.scalar(sa.text("SELECT 1")))
        except OperationalError:
            return False

    def stop(self, how: signal.Signals | None = None) -> None:
        """Stop the server by a signal to its process, and wait until it has ended."""
        self.process.send_signal(how or self.ending)
        self.process.wait(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            if hasattr(self, "process") and self.process.poll() is None:
                self.stop()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(PATIENCE)
            raise
        finally:
            shutil.rmtree(self.folder)


class PostgreSQL(Server):
    """A PostgreSQL server, not started yet.

    SIGINT, the default, ends its sessions at once; SIGQUIT is a crash, after which it recovers.
    """

    ending = signal.SIGINT

    def __init__(self, *settings: str, copy_of: PostgreSQL | None = None) -> None:
        """Make the server's files, as a streaming replica of another server where one is given."""
        programs = find("initdb", "postgres", "pg_basebackup")
        super().__init__()
        self.postgres = programs[1]
        self.settings = settings
        self.data = self.folder / "data"
        if copy_of is None:
            initdb = [programs[0], "--auth=trust", "--username=postgres", "--no-sync"]
            self.run(*initdb, "--encoding=UTF8", "--locale=C.UTF-8", f"--pgdata={self.data}")
        else:
            source = f"host=127.0.0.1 port={copy_of.port} user=postgres"
            take = [programs[2], "--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
            self.run(*take, f"--dbname={source}", f"--pgdata={self.data}")

    @property
    def url(self) -> sa.URL:
        """The URL of the database ``postgres``."""
        return sa.make_url(f"postgresql+psycopg2://postgres@127.0.0.1:{self.port}/postgres")

    def command(self) -> list[str]:
        """Return the command that runs the server."""
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"]
        options = [word for setting in (*settings, *self.settings) for word in ("-c", setting)]
        return [self.postgres, "-D", str(self.data), "-p", str(self.port), *options]


class MariaDB(Server):
    """A MariaDB server, not started yet."""

    def __init__(self, *options: str, empty: bool = False) -> None:
        """Make the server's files, unless it is to get them from another node of its cluster."""
        install, self.mariadbd = find("mariadb-install-db", "mariadbd")
        super().__init__()
        self.options = options
        self.data = self.folder / "data"
        for name in ("data", "tmp"):
            self.run("mkdir", name)
        if not empty:
            root = ["--auth-root-authentication-method=normal", "--skip-test-db"]
            place = [f"--datadir={self.data}", f"--tmpdir={self.folder / 'tmp'}"]
            self.run(install, "--no-defaults", *root, *place)
        self.run("mkdir", "-p", "data/test")

    @property
    def url(self) -> sa.URL:
        """The URL of the database ``test``."""
        address = f"root@127.0.0.1:{self.port}"
        return sa.make_url(f"mysql+pymysql://{address}/test?ssl_disabled=true")

    def command(self) -> list[str]:
        """Return the command that runs the server."""
        return [
            self.mariadbd,
            "--no-defaults",  # it has to stand first
            f"--datadir={self.data}",
            f"--tmpdir={self.folder / 'tmp'}",
            f"--socket={self.folder / 'socket'}",
            f"--pid-file={self.folder / 'pid'}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=16M",
            *self.options,
        ]


SERVERS: dict[str, Callable[[], Server]] = {
    "postgresql": PostgreSQL,
    "mariadb": lambda: MariaDB("--innodb-flush-log-at-trx-commit=0"),
}
"""Servers that need not survive a crash."""
