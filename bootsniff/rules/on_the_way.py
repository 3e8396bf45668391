"""What rules about replies that get lost behind the capture point share: how to prove it, and where to look; judges nothing.

The machine asks again for what the capture shows it was given. What keeps the reply back stands between the two: a
filter of the bridge or the hypervisor, a switch that trusts another port, a broken cable or card.
"""

from __future__ import annotations

from ..model import Fix
from . import fixes
from .case import Case

BRIDGE = (
    Fix("nft", "nft list ruleset   # rules of the families bridge, inet and netdev on the way"),
    Fix("shell", "sysctl net.bridge.bridge-nf-call-iptables   # 1: iptables filters the bridge as well"),
)
GUEST_FILTER = Fix("shell", "virsh nwfilter-binding-list   # libvirt: does one of them filter the machine's port?")
SNOOPING = Fix("ios", "ip dhcp snooping trust   # on the switch port that leads to the DHCP server")
INSPECTION = Fix(
    "ios", "show ip arp inspection statistics   # does the switch drop ARP? The server's port: ip arp inspection trust"
)


def nearer(reply: str) -> str:
    """What would prove that a reply is lost."""
    return f"A capture nearer to the machine, on its own tap or switch port: does {reply} arrive there?"


def remedies(case: Case, *more: Fix) -> tuple[Fix, ...]:
    """Where to look for what drops it."""
    return fixes.arrange(case, *BRIDGE, GUEST_FILTER, *more)
