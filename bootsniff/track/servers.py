"""What servers show of themselves: what they answer, and which software they are by its habits."""

from __future__ import annotations

from functools import lru_cache

from ..flow.records import TftpTransfer
from ..wire import dhcp_options as options
from ..wire.messages import DhcpMessage, Envelope
from .exchanges import Dhcp4Exchange
from .records import MachineRecord, ServerRecord, World

MAX_SERVERS = 1024
HABITS_SHOWN = 64
"""A server that has not shown by then what it is will not show it later."""


def note_server(world: World, envelope: Envelope, message: DhcpMessage, client: MachineRecord | None) -> None:
    """Remember who answered, and for which vendor class the client asked."""
    address = options.server_id(message) or envelope.source
    server = world.servers.get(address)
    if server is None:
        if len(world.servers) >= MAX_SERVERS:
            return
        server = world.servers[address] = ServerRecord(address, envelope.source_mac)
    server.dhcp_replies += 1
    if server.dialect is None and server.dhcp_replies <= HABITS_SHOWN:
        server.dialect = "qemu" if _is_qemu(envelope) else _dialect(message)
    stage = client.boots[-1].stages[-1] if client is not None and client.boots and client.boots[-1].stages else None
    vendor = (stage.vendor_class or "") if stage is not None and isinstance(stage.dhcp, Dhcp4Exchange) else ""
    if len(server.answered_vendor_classes) < 64:
        server.answered_vendor_classes.add(_first_word(vendor))


@lru_cache(256)
def _first_word(vendor_class: str) -> str:
    """`PXEClient` of `PXEClient:Arch:00007:UNDI:003000`, `U-Boot` of `U-Boot.armv8`."""
    return vendor_class.split(":", 1)[0].split(".", 1)[0]


def recognise_tftp(world: World, transfer: TftpTransfer) -> None:
    """Dnsmasq's TFTP error texts are its own (`file … not found for …`)."""
    error = transfer.error
    if error is None:
        return
    address = transfer.reply_from[0] if transfer.reply_from is not None else transfer.server
    server = world.servers.get(address)
    if server is None:
        if len(world.servers) >= MAX_SERVERS:
            return
        server = world.servers[address] = ServerRecord(address, transfer.server_mac)
    server.tftp_replies += 1
    if (
        server.dialect is None
        and error.text.startswith(("file ", "cannot access ", "cannot read "))
        and (" not found for " in error.text or error.code == 2)
    ):
        server.dialect = "dnsmasq"


def _is_qemu(envelope: Envelope) -> bool:
    """QEMU's user network makes its hosts' MACs of 52:55 and their IPv4 addresses (libslirp slirp.c, special_ethaddr)."""
    mac, address = envelope.source_mac, envelope.source.split(".")
    return (
        mac is not None and len(address) == 4 and mac == ":".join(["52:55", *(f"{int(part):02x}" for part in address)])
    )


def _dialect(message: DhcpMessage) -> str | None:
    """By the end of its names and the order of its options, which each program has from its source."""
    # dnsmasq ends options 66 and 67 with a NUL on purpose (rfc2131.c); the others do not.
    for code in (66, 67):
        value = message.options.get(code)
        if value is not None and value.endswith(b"\0"):
            return "dnsmasq"
    codes = message.options.codes
    # dnsmasq always sends lease time, T1 and T2 in this order right after the server identifier (rfc2131.c do_options).
    if codes[:5] == bytes((53, 54, 51, 58, 59)):
        return "dnsmasq"
    if codes[:6] == bytes((53, 1, 58, 59, 51, 54)):
        return "windows"
    if codes[:3] == bytes((53, 54, 51)) and 58 not in codes and 59 not in codes and not _is_forever(message):
        # ISC dhcpd sends these first, and T1 and T2 only when told to (options.c, cons_options). A few others begin alike
        # (udhcpd, RouterOS); dnsmasq is none of them.
        return "isc-dhcpd"
    rest = codes[1:].rstrip(b"\x52")  # option 82, which comes back at the end
    if codes[:1] == b"\x35" and 51 in rest and 54 in rest and rest == bytes(sorted(rest)):
        return "kea"  # the type of the message, then everything by its number (libdhcp++.cc, packOptions4)
    return None


def _is_forever(message: DhcpMessage) -> bool:
    """A lease without end has no T1 and T2, whoever gives it."""
    return message.options.get(51) == b"\xff\xff\xff\xff"
