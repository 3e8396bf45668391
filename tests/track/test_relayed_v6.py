"""DHCPv6 between relay and server: whose message it is, when Ethernet and IPv6 name the relay alone."""

from __future__ import annotations

from pathlib import Path

from scapy.layers.dhcp6 import (
    DHCP6_Advertise,
    DHCP6_RelayForward,
    DHCP6_RelayReply,
    DHCP6_Solicit,
    DHCP6OptBootFileUrl,
    DHCP6OptClientArchType,
    DHCP6OptClientLinkLayerAddr,
    DHCP6OptIA_NA,
    DHCP6OptIAAddress,
    DHCP6OptRelayMsg,
)
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

from bootsniff.model import Dhcp, Machine

from ..rules.packets import read

RELAY, SERVER = "fd00::fe", "fd01::1"
RELAY_MAC, SERVER_MAC = "52:54:00:99:99:99", "52:54:00:00:00:01"
URL = "tftp://[fd01::1]/x.efi"


def exchange(number: int, peer: str, link_layer: str | None = None) -> list[Packet]:
    """SOLICIT and ADVERTISE of a client that names itself by UUID (OVMF does), as the server's network sees them."""
    duid = Raw(b"\0\1\0\x12\0\4" + bytes((number,)) * 16)
    asked = DHCP6_Solicit(trid=number) / DHCP6OptClientArchType(archtypes=[7]) / DHCP6OptIA_NA() / duid
    address = DHCP6OptIAAddress(addr=f"fd00::1{number}")
    told = DHCP6_Advertise(trid=number) / DHCP6OptIA_NA(ianaopts=[address]) / DHCP6OptBootFileUrl(optdata=URL) / duid
    forward = DHCP6_RelayForward(linkaddr="fd00::1", peeraddr=peer)
    if link_layer is not None:
        forward /= DHCP6OptClientLinkLayerAddr(clladdr=link_layer)
    up = Ether(src=RELAY_MAC, dst=SERVER_MAC) / IPv6(src=RELAY, dst=SERVER) / UDP(sport=547, dport=547)
    down = Ether(src=SERVER_MAC, dst=RELAY_MAC) / IPv6(src=SERVER, dst=RELAY) / UDP(sport=547, dport=547)
    back = DHCP6_RelayReply(linkaddr="fd00::1", peeraddr=peer)
    return [up / forward / DHCP6OptRelayMsg(message=asked), down / back / DHCP6OptRelayMsg(message=told)]


def machines(path: Path, *packets: Packet) -> list[Machine]:
    for second, packet in enumerate(packets):
        packet.time = 1_700_000_000 + second
    wrpcap(str(path), list(packets))
    return list(read(path).machines)


def dhcp_of(machine: Machine) -> Dhcp:
    found = machine.boots[0].stages[0].dhcp
    assert found is not None
    return found


def test_relayed_clients_are_machines_of_their_own(tmp_path: Path) -> None:
    first = exchange(1, "fe80::5054:ff:fe00:aa01")
    found = machines(tmp_path / "x.pcap", *first, *exchange(2, "fe80::5054:ff:fe00:aa02"))
    assert [machine.mac for machine in found] == ["52:54:00:00:aa:01", "52:54:00:00:aa:02"]
    assert [dhcp_of(machine).boot_file for machine in found] == [URL, URL]
    assert [machine.addresses for machine in found] == [(), ()]


def test_an_answer_without_option_79_reaches_its_machine(tmp_path: Path) -> None:
    packets = exchange(1, "fe80::1234:5678:9abc:def0", "52:54:00:00:aa:03")
    (machine,) = machines(tmp_path / "x.pcap", *packets)
    assert (machine.mac, dhcp_of(machine).boot_file) == ("52:54:00:00:aa:03", URL)
