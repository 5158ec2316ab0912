"""A cluster of MariaDB servers that replicate to each other, on the loopback interface or machines.

It is made of Debian's packages ``mariadb-server``, ``galera-4`` and ``rsync``.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

import sqlalchemy as sa
from conftest import unavailable
from network import Namespace
from servers import PATIENCE, MariaDB, find, free_ports
from sqlalchemy.exc import OperationalError

SYNCED = {"wsrep_ready": "ON", "wsrep_local_state_comment": "Synced"}


class Node(MariaDB):
    """A node, not started yet; all but the first take their data from another."""

    ending = signal.SIGKILL

    def __init__(
        self,
        number: int,
        library: Path,
        ports: list[int],
        members: list[str],
        machine: Namespace | None,
    ) -> None:
        port, group, ist, sst = ports
        host = machine.address if machine else "127.0.0.1"
        provider = {
            "base_host": host,
            "base_port": group,
            "gmcast.listen_addr": f"tcp://{host}:{group}",
            "ist.recv_addr": f"{host}:{ist}",
            "gcache.size": "32M",
        }
        super().__init__(
            "--wsrep-on=ON",
            f"--wsrep-provider={library}",
            f"--wsrep-provider-options={';'.join(f'{k}={v}' for k, v in provider.items())}",
            f"--wsrep-cluster-address=gcomm://{','.join(members)}",
            f"--wsrep-node-name=node{number}",
            f"--wsrep-node-address={host}:{group}",
            "--wsrep-sst-method=rsync",
            f"--wsrep-sst-receive-address={host}:{sst}",
            "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2",
            "--innodb-flush-log-at-trx-commit=2",
            f"--bind-address={'0.0.0.0' if machine else host}",
            empty=number > 0,
        )
        self.name = f"node{number}"
        self.port = port
        self.machine = machine

    def inside(self) -> AbstractContextManager[None]:
        """Move the thread to the machine of the node, and back at the end."""
        return self.machine.inside() if self.machine else nullcontext()

    def launch(self, *more: str) -> None:
        """Start the node on its machine, without waiting for it."""
        with self.inside():
            super().launch(*more)

    def wait(self) -> None:
        """Wait on its machine until the node takes connections."""
        with self.inside():
            super().wait()

    def answers(self, engine: sa.Engine) -> bool:
        """Tell if the node has all that the cluster has, and takes part in it."""
        try:
            return all(status(engine, name) == value for name, value in SYNCED.items())
        except OperationalError:
            return False

    def stop(self, how: signal.Signals | None = None) -> None:
        """Stop the node and the programs by which it sends or takes data."""
        os.killpg(self.process.pid, how or self.ending)
        self.process.wait(PATIENCE)

    def come_back(self) -> None:
        """Start a node that was killed, as Debian's service does: from the position it was at."""
        recovered = self.run(*self.command(), "--wsrep-recover")
        (position,) = re.findall(r"Recovered position: (\S+)", recovered)
        self.start(f"--wsrep-start-position={position}")

    def came_by(self) -> str:
        """Tell if the node got all data when it last joined (SST), or what it had missed (IST)."""
        return re.findall(r"rsync ([IS]ST) completed on joiner", self.log.read_text())[-1]


def status(engine: sa.Engine, name: str) -> str:
    """Return what a node says of itself under a name."""
    with engine.connect() as connection:
        return connection.execute(sa.text("SHOW STATUS LIKE :name"), {"name": name}).one()[1]


@contextmanager
def cluster(*machines: Namespace, size: int = 3) -> Iterator[list[Node]]:
    """Give the nodes of a cluster, on this machine or on others, and stop them at the end."""
    find("rsync", "wsrep_sst_rsync")
    libraries = [*Path("/usr").glob("lib*/galera*/libgalera_smm.so")]
    if not libraries:
        unavailable("not installed: libgalera_smm.so")
    ports = free_ports(4 * size)
    hosts = [machine.address for machine in machines] or ["127.0.0.1"] * size
    members = [f"{host}:{port}" for host, port in zip(hosts, ports[size:], strict=False)]
    with ExitStack() as stack:
        nodes = []
        for number in range(size):
            machine = machines[number] if machines else None
            node = Node(number, libraries[0], ports[number::size], members, machine)
            nodes.append(stack.enter_context(node))
        nodes[0].start("--wsrep-new-cluster")
        for node in nodes[1:]:
            node.launch()
        for node in nodes[1:]:
            node.wait()
        yield nodes


def running(nodes: list[Node]) -> list[str]:
    """Return the commands that still run in the folders of nodes."""
    commands = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(file.read_text(errors="replace").replace("\0", " "))
        except OSError:  # it has ended meanwhile
            continue
    return [text for text in commands if any(str(node.folder) in text for node in nodes)]
