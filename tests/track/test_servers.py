"""Which software a DHCP server is, by the order of its options: recorded from each, in the laboratory or by others."""

import pytest

from bootsniff.track.records import World
from bootsniff.track.servers import note_server
from bootsniff.wire import dhcp
from bootsniff.wire.messages import Envelope

SERVER = "192.168.122.1"
_VALUES = {
    51: bytes((0, 0, 14, 16)),
    53: b"\2",
    54: bytes(map(int, SERVER.split("."))),
    67: b"pxelinux.0",
    82: b"\1\1x",
}


def software(*codes: int, lease: bytes = _VALUES[51]) -> str | None:
    """What an OFFER with these options, in this order, is taken for."""
    values = _VALUES | {51: lease}
    options = b"".join(bytes((code, len(value))) + value for code in codes for value in [values.get(code, b"\1\2\3\4")])
    message = dhcp.parse(b"\2\1\6\0" + bytes(232) + b"\x63\x82\x53\x63" + options + b"\xff")
    world = World()
    note_server(world, Envelope(0, 1, 1, "52:54:00:00:00:01", None, None, SERVER, "255.255.255.255"), message, None)
    return world.servers[SERVER].dialect


@pytest.mark.parametrize(
    ("codes", "name"),
    [
        ((53, 54, 51, 58, 59, 1, 28, 3), "dnsmasq"),
        ((53, 54, 51, 1, 3), "isc-dhcpd"),
        ((53, 54, 51, 1, 3, 67), "isc-dhcpd"),
        ((53, 1, 3, 51, 54, 60), "kea"),
        ((53, 1, 51, 54, 61, 82), "kea"),
        ((53, 1, 58, 59, 51, 54, 3, 6), "windows"),
        ((53, 54, 60, 97, 43), None),  # a proxy
        ((53, 54, 51, 1, 58, 59, 3), None),
        ((53, 1, 3), None),  # of no server that leases addresses
        ((1, 3, 51, 53, 54), None),
        ((53, 51, 1, 3, 54), None),
    ],
)
def test_the_order_of_the_options_tells_the_program(codes: tuple[int, ...], name: str | None) -> None:
    assert software(*codes) == name


def test_a_lease_without_end_has_no_renewal_times_whoever_gives_it() -> None:
    assert software(53, 54, 51, 1, 3, lease=b"\xff" * 4) is None
