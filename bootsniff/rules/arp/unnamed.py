"""Addresses that a boot program looks for although nothing names them; reads records, never changes them."""

from __future__ import annotations

from ...model import Fix
from ...wire import dhcp_options
from ...wire.addresses import is_ipv4
from .. import fixes, names
from ..case import Case


def is_lost(case: Case, target: str) -> bool:
    """Whether looking for this one is all that a boot program does with its lease.

    It has the address from a script of its own, or reads wrongly what DHCP names (rpi-eeprom issue 72).
    """
    if case.client == "os" or case.lease is None or not case.failed_here or not case.asked_nothing:
        return False
    return target == case.stage.arps[-1].target


def instead(case: Case) -> str:
    """What DHCP does name."""
    servers = names.joined(f"{where} {server}" for where, server in _servers(case))
    return f", which nothing here names: DHCP gives {servers or 'no boot server'}"


def mend(case: Case, target: str) -> tuple[Fix, ...]:
    """Name the boot server in the header, where no program has to read it out of a text."""
    server = next((server for _, server in _servers(case) if is_ipv4(server)), None)
    return (
        Fix("shell", f"arping -I eth0 {target}   # is there such a host?"),
        *(fixes.arrange(case, *fixes.next_server(server)) if server else ()),
    )


def _servers(case: Case) -> list[tuple[str, str]]:
    """What the lease says of the boot server, and where."""
    message = case.lease.message if case.lease else None
    if message is None:
        return []
    said = (("siaddr", message.next_server), ("option 66", dhcp_options.server_name_option(message)))
    return [(where, server) for where, server in said if server]
