"""What tells that a capture point sees what is for one station alone."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bootsniff.track import vantage

from .play import MAC, Play

OTHER = "52:54:00:00:00:99"


@pytest.mark.parametrize(
    ("source", "target_mac", "target", "seen"),
    [
        (MAC, "52:54:00:00:00:01", "192.168.122.1", True),
        ("52:54:00:00:00:01", MAC, "255.255.255.255", True),
        (MAC, "ff:ff:ff:ff:ff:ff", "255.255.255.255", False),
        (MAC, "01:00:5e:00:00:fb", "224.0.0.251", False),
        (OTHER, "52:54:00:00:00:01", "192.168.122.1", False),
        (MAC, None, "", False),
        (MAC, None, "22.1.2.3", True),
        (MAC, None, "224.0.0.251", False),
        (MAC, None, "255.255.255.255", False),
        (MAC, None, "fe80::1", True),
        (MAC, None, "ff02::1:2", False),
        (None, None, "255.255.255.255", True),
    ],
)
def test_a_packet_for_one_station(source: str | None, target_mac: str | None, target: str, seen: bool) -> None:
    play = Play("0 DISCOVER efi-x64-pxe")
    play.engine.world.quality.unicast_seen = False
    envelope = play.envelope(0, "0.0.0.0", target)
    vantage.note(play.engine.world, replace(envelope, source_mac=source, target_mac=target_mac))
    assert play.engine.world.quality.unicast_seen is seen
