"""How long each boot program waits, and how often it asks: numbers of firmware sources, in ns. No state.

Sources: edk2 `NetworkPkg` (mPxeDhcpTimeout 4 8 16 32 s, MTFTP 4 s x 6, HTTP 5 s), PXE 2.1 section 2.2.4, iPXE
`config/dhcp.h` and `retry.c`, U-Boot `net/bootp.c` and `net/tftp.c`, GRUB `net/net.h`, and the recorded boots.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ..model import NANOSECONDS as S
from .kinds import is_ipxe, is_u_boot


class Patience(NamedTuple):
    """One program's waits. A silence longer than the one that fits is a stall."""

    discovers: int
    """DISCOVERs of a full exchange."""
    dhcp_silence: int
    """Longest wait after a DISCOVER."""
    after_ack: int
    """Longest quiet time between the last ACK and the first fetch."""
    requests: int
    """RRQs of a full attempt."""
    request_silence: int
    """Longest wait between two RRQs, with some room."""
    transfer_silence: int
    """Longest quiet time inside a transfer."""
    last_answer: int = 4 * S
    """After its last DISCOVER: an answer that takes longer comes from no server (dnsmasq itself waits 3 s)."""


_EDK2 = Patience(4, 36 * S, 30 * S, 6, 8 * S, 26 * S)
_BIOS = Patience(4, 36 * S, 30 * S, 6, 40 * S, 40 * S)
_IPXE = Patience(4, 20 * S, 40 * S, 6, 20 * S, 40 * S)
_U_BOOT = Patience(20, 15 * S, 15 * S, 10, 8 * S, 55 * S)
_PXELINUX = Patience(4, 30 * S, 30 * S, 6, 30 * S, 40 * S)
_GRUB = Patience(4, 30 * S, 20 * S, 30, 6 * S, 30 * S)
_RASPBERRY = Patience(5, 20 * S, 20 * S, 5, 15 * S, 30 * S)
_OS = Patience(3, 64 * S, 60 * S, 5, 60 * S, 60 * S, last_answer=10 * S)
_OTHER = Patience(4, 60 * S, 60 * S, 5, 30 * S, 60 * S)

NOTHING_TO_BOOT = 20 * S
"""iPXE that was named nothing to load gives up at once; a script inside it begins within this time."""
NBP_SILENCE = 30 * S
"""A loader that was fetched whole is expected to ask for something within this time."""
PAGE_SILENCE = 10 * S
"""A program that was given a web page notices at once."""
KERNEL_SILENCE = 5 * S
"""After a kernel alone: an initrd would have been asked for by now."""
REACTION = 2 * S
"""A program that goes on after a request that failed asks again within this time."""
SEARCH_SILENCE = 5 * S
"""A search list goes on at once; after this long it is over."""
NAMES_SILENCE = 60 * S
"""A switch that tries one name after the other, and one server after the other, pauses for less."""
AT_WORK = 10 * S
"""A machine that got new bytes of a file so short a time ago has not given up: who resets it now did not wait for that."""
ABORT_SILENCE = 3 * S
"""A size probe is followed by the real request well before."""
SERVER_PATIENCE = 10 * S
"""Every TFTP server repeats a block without an ACK sooner: tftpd-hpa after 1 s, dnsmasq after 2, atftpd after 5."""
TCP_SILENCE = 20 * S
"""SYNs are repeated at 1, 3, 7, 15 s; quiet this long after several, the program has given up."""
SCRIPT_GAP = 2 * S
"""A script that chains another does so at once; one that waits for something sleeps longer."""
SCRIPT_TURNS = 16
"""Scripts, or redirects, that led to each other so often will do so for ever."""
TRIED_AGAIN = 10 * S
"""After a connection that came to nothing: the next try would have begun by now."""
IMAGE_TRIED = 5 * S
"""Firmware that cannot start a disk image tries its next option within this time; after a reset it takes longer."""


@lru_cache(256)
def patience_of(client: str) -> Patience:
    """The waits of a client kind."""
    if is_ipxe(client):
        return _IPXE
    if is_u_boot(client) or client == "u-boot-script":
        return _U_BOOT
    if client.startswith("efi-") or client == "shim":
        return _EDK2
    return {"bios-pxe": _BIOS, "pxelinux": _PXELINUX, "grub": _GRUB, "raspberry-pi": _RASPBERRY, "os": _OS}.get(
        client, _OTHER
    )
