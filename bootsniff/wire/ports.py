"""Ports of UDP and TCP, and which of UDP carry messages, never bulk."""

from __future__ import annotations

from typing import Final

DNS: Final = 53
DHCP_SERVER: Final = 67
DHCP_CLIENT: Final = 68
TFTP: Final = 69
PORTMAP: Final = 111
NFS: Final = 2049
ISCSI: Final = 3260
PXE: Final = 4011
"""Where PXE boot servers are asked (PXE specification 2.1 section 2.2.1)."""
NBD: Final = 10809

DHCP_PORTS = frozenset({DHCP_SERVER, DHCP_CLIENT, PXE})
DHCPV6_PORTS = frozenset({546, 547})
CONTROL_PORTS = frozenset({DNS, PORTMAP}) | DHCP_PORTS | DHCPV6_PORTS
