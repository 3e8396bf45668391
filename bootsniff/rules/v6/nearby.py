"""Where the server of a DHCPv6 boot file URL is, seen from the machine; pure functions."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_network

from ...wire import urls
from ...wire.messages import Dhcpv6Message


def neighbour(message: Dhcpv6Message) -> str | None:
    """The address in the URL, when it is in the /64 that firmware takes for its own network (edk2 Ip6If.c)."""
    return _target(message, near=True)


def elsewhere(message: Dhcpv6Message) -> str | None:
    """The address in the URL, when it is not."""
    return _target(message, near=False)


def _target(message: Dhcpv6Message, *, near: bool) -> str | None:
    host = urls.host_of(message.boot_file_url or "")
    try:
        target = IPv6Address(host)
        own = ip_network(f"{message.addresses[0]}/64", strict=False)
    except (ValueError, IndexError):
        return None
    return host if (target in own or target.is_link_local) is near else None
