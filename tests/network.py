"""A network of the tests' own, in which packets can be dropped: namespaces of Linux, on one switch.

It takes root, Python 3.12, and Debian's packages ``iproute2`` and ``nftables``. The namespaces have
no names, so the system removes each when no process and no file of a process is in it any more.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from conftest import unavailable
from servers import find

HERE = "/proc/thread-self/ns/net"
DROP = """
table ip cable {
    set lost { type ipv4_addr; }
    chain input { type filter hook input priority 0; ip saddr @lost drop; }
}
"""


class Namespace:
    """A machine as far as its network goes; a thread that is in it hands it on to what it starts.

    Sockets stay in the namespace that they were made in.
    """

    def __init__(self) -> None:
        before = os.open(HERE, os.O_RDONLY)
        try:
            os.unshare(os.CLONE_NEWNET)
            self.file = os.open(HERE, os.O_RDONLY)
            os.setns(before, os.CLONE_NEWNET)
        finally:
            os.close(before)
        self.address = ""

    def enter(self) -> None:
        """Move the thread here for good."""
        os.setns(self.file, os.CLONE_NEWNET)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Move the thread here, and back at the end."""
        before = os.open(HERE, os.O_RDONLY)
        self.enter()
        try:
            yield
        finally:
            os.setns(before, os.CLONE_NEWNET)
            os.close(before)

    def run(self, program: str, *words: str, text: str | None = None) -> None:
        """Run a program here."""
        (path,) = find(program)
        with self.inside():
            done = subprocess.run(
                [path, *words], input=text, capture_output=True, text=True, check=False
            )
        assert done.returncode == 0, f"{program} {words}: {done.stderr}"


@contextmanager
def network(size: int) -> Iterator[list[Namespace]]:
    """Give so many machines, each with an address at which the others reach it."""
    find("ip", "nft")
    if not hasattr(os, "setns") or os.geteuid() != 0:
        unavailable("network namespaces take root and Python 3.12")
    with ExitStack() as stack:
        made: list[Namespace] = []
        for _ in range(size + 1):
            try:
                made.append(Namespace())
            except PermissionError as error:
                unavailable(f"no network namespaces: {error}")
            stack.callback(os.close, made[-1].file)
        switch, *hosts = made
        switch.run("ip", "link", "add", "switch", "type", "bridge")
        switch.run("ip", "link", "set", "switch", "up")
        for number, host in enumerate(hosts, start=1):
            host.address = f"198.18.0.{number}"  # of a net that is set aside for tests
            place = f"/proc/{os.getpid()}/fd/{host.file}"
            port = f"port{number}"
            switch.run(
                *("ip", "link", "add", port, "type", "veth"),
                *("peer", "name", "cable", "netns", place),
            )
            switch.run("ip", "link", "set", port, "up", "master", "switch")
            host.run("ip", "address", "add", f"{host.address}/24", "dev", "cable")
            for device in ("cable", "lo"):
                host.run("ip", "link", "set", device, "up")
            host.run("nft", "--file", "-", text=DROP)
        yield hosts


def lose(sender: Namespace, receiver: Namespace) -> None:
    """Have all packets from one machine to another vanish."""
    receiver.run("nft", "add", "element", "ip", "cable", "lost", f"{{ {sender.address} }}")


def cut(one: Namespace, *others: Namespace) -> None:
    """Have all packets between a machine and others vanish."""
    for other in others:
        lose(one, other)
        lose(other, one)


def mend(*hosts: Namespace) -> None:
    """Have machines get all packets again."""
    for host in hosts:
        host.run("nft", "flush", "set", "ip", "cable", "lost")
