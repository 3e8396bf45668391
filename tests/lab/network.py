"""Network namespaces shaped like a hypervisor with guests and a boot server behind its NAT.

    guest -- tap0 -- virbr0 [hypervisor] up0 -- up0 [boot server]
                       |
                     [other hosts on the bridge]

``virbr0`` is 192.168.122.1/24, the uplink 192.168.2.1/24, the boot server 192.168.2.14.
"""

import itertools
import os
from contextlib import ExitStack
from types import TracebackType
from typing import Literal, Self

from .process import run

BRIDGE = "virbr0"
BRIDGE_IP = "192.168.122.1"
UPLINK = "up0"
UPLINK_IP = "192.168.2.1"
SERVER_IP = "192.168.2.14"
Nat = Literal["none", "masquerade", "helper"]

_counter = itertools.count()

MASQUERADE = """
table ip lab_nat {
  chain postrouting {
    type nat hook postrouting priority 100;
    oifname "up0" ip saddr 192.168.122.0/24 masquerade
  }
}
"""
# Since kernel 6.0 nothing assigns conntrack helpers by itself: a rule has to
# (Documentation/networking/nf_conntrack-sysctl.rst; nft(8), "ct helper").
TFTP_HELPER = """
table ip lab_helper {
  ct helper tftp-std { type "tftp" protocol udp; }
  chain prerouting {
    type filter hook prerouting priority 0;
    udp dport 69 ct helper set "tftp-std"
  }
}
"""


class Namespaces:
    """The namespaces of one scenario. A context manager: leaving it removes all of them.

    ``nat``: "none" leaves the boot server out, "masquerade" puts it behind a NAT as libvirt
    makes one, "helper" adds the conntrack TFTP helper to it.
    """

    def __init__(self, nat: Nat = "none") -> None:
        self.nat: Nat = nat
        self._prefix = f"lab{os.getpid()}-{next(_counter)}"
        self.hypervisor = f"{self._prefix}-hyp"
        self.server = f"{self._prefix}-srv"
        self._hosts = 0
        self._taps = 0
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self._cleanup.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cleanup.close()

    def _build(self) -> None:
        self._add_namespace(self.hypervisor)
        self.ip("link", "add", BRIDGE, "type", "bridge", "stp_state", "0", "forward_delay", "0")
        self.ip("addr", "add", f"{BRIDGE_IP}/24", "dev", BRIDGE)
        self.ip("link", "set", BRIDGE, "up")
        if self.nat == "none":
            return
        self._add_namespace(self.server)
        self.ip("link", "add", UPLINK, "type", "veth", "peer", "name", UPLINK, "netns", self.server)
        self.ip("addr", "add", f"{UPLINK_IP}/24", "dev", UPLINK)
        self.ip("link", "set", UPLINK, "up")
        self.ip("addr", "add", f"{SERVER_IP}/24", "dev", UPLINK, netns=self.server)
        self.ip("link", "set", UPLINK, "up", netns=self.server)
        run("ip", "netns", "exec", self.hypervisor, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        self.nft(MASQUERADE)
        if self.nat == "helper":
            self.nft(TFTP_HELPER)

    def _add_namespace(self, name: str) -> None:
        run("ip", "netns", "add", name)
        self._cleanup.callback(run, "ip", "netns", "del", name, check=False)
        run("ip", "-n", name, "link", "set", "lo", "up")

    def ip(self, *words: str, netns: str | None = None) -> str:
        """``ip`` inside a namespace, the hypervisor's unless another is named."""
        return run("ip", "-n", netns or self.hypervisor, *words)

    def nft(self, ruleset: str, netns: str | None = None) -> None:
        """Load nft rules into a namespace, the hypervisor's unless another is named."""
        run("ip", "netns", "exec", netns or self.hypervisor, "nft", "-f", "-", stdin=ruleset)

    def add_tap(self) -> str:
        """A new tap interface on the bridge for one more guest; returns its name."""
        name = f"tap{self._taps}"
        self._taps += 1
        self.ip("tuntap", "add", name, "mode", "tap")
        self.ip("link", "set", name, "master", BRIDGE, "up")
        return name

    def add_host(self, address: str) -> str:
        """Another host on the bridge (``address`` without mask, /24); returns its namespace."""
        name = f"{self._prefix}-host{self._hosts}"
        port = f"host{self._hosts}"
        self._hosts += 1
        self._add_namespace(name)
        self.ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
        self.ip("link", "set", port, "master", BRIDGE, "up")
        self.ip("addr", "add", f"{address}/24", "dev", "eth0", netns=name)
        self.ip("link", "set", "eth0", "up", netns=name)
        return name
