"""A network namespace with one veth pair: `far` sends, `near` is captured on. Needs root."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator

import pytest

CLONE_NEWNET = 0x40000000
FAR, NEAR = "far0", "near0"

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("ip") is None, reason="needs root and ip(8) for network namespaces"
)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)


class Namespace:
    """Made by the `namespace` fixture, which also moves the test itself into it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def ip(self, *words: str) -> None:
        ip("-n", self.name, *words)

    def add_pair(self, far: str = FAR, near: str = NEAR) -> None:
        self.ip("link", "add", far, "type", "veth", "peer", "name", near)
        for name in (far, near):
            # No addresses: IPv6 would send packets of its own.
            self.ip("link", "set", name, "addrgenmode", "none")
            self.ip("link", "set", name, "up")

    def show(self, name: str) -> str:
        """What ip(8) tells of an interface, in detail."""
        words = ["ip", "-n", self.name, "-d", "link", "show", name]
        return subprocess.run(words, check=True, capture_output=True, text=True, timeout=30).stdout

    def send(self, frames: list[bytes], *interfaces: str) -> None:
        """Send through the far end, or through several interfaces in turn."""
        with contextlib.ExitStack() as stack:
            senders = []
            for interface in interfaces or (FAR,):
                sender = stack.enter_context(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
                sender.bind((interface, 0))
                senders.append(sender)
            for sender, frame in zip(itertools.cycle(senders), frames, strict=False):
                sender.send(frame)


@contextlib.contextmanager
def entered(name: str) -> Iterator[None]:
    """The calling process is in the namespace meanwhile, as are all that it starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net", "rb") as home, open(f"/run/netns/{name}", "rb") as there:  # noqa: PTH123
        assert libc.setns(there.fileno(), CLONE_NEWNET) == 0
        try:
            yield
        finally:
            assert libc.setns(home.fileno(), CLONE_NEWNET) == 0


@contextlib.contextmanager
def new_namespace(name: str) -> Iterator[Namespace]:
    ip("netns", "add", name)
    try:
        namespace = Namespace(name)
        namespace.ip("link", "set", "lo", "up")
        namespace.add_pair()
        with entered(name):
            yield namespace
    finally:
        ip("netns", "del", name)
