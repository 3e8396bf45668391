"""Asks the DHCP server of a network namespace for an offer, as each kind of client: run in the namespace, with an interface.

One JSON object goes to standard output: by kind what was offered.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time

from bootsniff.wire import dhcp, dhcp_options
from bootsniff.wire.messages import DhcpMessage
from tests.rules.packets import Wire, mac_bytes
from tests.rules.scene import KINDS

ASKED = [kind for kind in KINDS if kind not in ("s390x", "onie", "etherboot", "u-root")]
_TRIES, _PATIENCE = 4, 2.0


def discover(kind: str) -> tuple[bytes, bytes]:
    """The frame of a DISCOVER, and the hardware address in it."""
    wire = Wire(kind).as_kind(kind)
    wire.mac = f"52:54:00:00:01:{ASKED.index(kind):02x}"
    wire.dhcp(0, 1)
    return wire.packets[0][1], mac_bytes(wire.mac)


def offered(frame: bytes) -> DhcpMessage | None:
    """The OFFER that a frame holds."""
    start = 14 + 4 * (frame[14] & 15)
    if frame[12:14] != b"\x08\x00" or frame[23] != 17 or frame[start : start + 4] != b"\0\x43\0\x44":
        return None
    return dhcp.parse(frame[start + 8 :])


def ask(wire: socket.socket, kind: str) -> dict[str, str | None] | None:
    """What is offered to a kind of client; None when nothing is."""
    frame, mac = discover(kind)
    for _ in range(_TRIES):
        wire.send(frame)
        end = time.monotonic() + _PATIENCE
        while (left := end - time.monotonic()) > 0 and select.select([wire], [], [], left)[0]:
            message = offered(wire.recv(4096))
            if message is not None and message.client_mac == mac.hex(":"):
                named = dhcp_options.boot_file(message)
                return {
                    "file": named[0] if named else None,
                    "server": message.next_server,
                    "vendor_class": dhcp_options.vendor_class(message),
                }
    return None


def main() -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)) as wire:
        wire.bind((sys.argv[1], 0))
        json.dump({kind: ask(wire, kind) for kind in ASKED}, sys.stdout)


if __name__ == "__main__":
    main()
