"""UDP ports whose packets are messages, never bulk."""

from __future__ import annotations

DNS_PORT = 53
PORTMAP_PORT = 111
DHCP_PORTS = frozenset({67, 68, 4011})
DHCPV6_PORTS = frozenset({546, 547})
CONTROL_PORTS = frozenset({DNS_PORT, PORTMAP_PORT}) | DHCP_PORTS | DHCPV6_PORTS
