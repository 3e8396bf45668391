"""Machines behind a relay, a router or a bridge, captured on one side of it or on both."""

from __future__ import annotations

from pathlib import Path

from bootsniff.model import Finding

from .boots import give_up
from .packets import Wire, machine, read

RELAY, SERVER = "192.168.122.1", "192.168.2.14"
TIMES = (0, 4, 12, 28)


def of(tmp_path: Path, *wires: Wire) -> dict[str, Finding]:
    """The findings of captures made at the same time."""
    paths = [wire.quiet(150).save(tmp_path / f"{number}.pcap") for number, wire in enumerate(wires)]
    found = machine(read(*paths))
    assert found.status == "stalled"
    return {finding.code: finding for finding in found.findings}


def in_front(*, answered: bool = True, file: str = "grubx64.efi") -> Wire:
    """The machine's own network; the relay leaves giaddr in what it hands on, as ISC dhcrelay does."""
    wire = Wire("efi-x64-http")
    for time in TIMES:
        wire.discover(time)
        if answered:
            wire.dhcp(time + 0.02, 2, server=SERVER, relay=RELAY, file=file, handed_on=True)
    return wire


def behind(*, answered: bool = True, file: str = "grubx64.efi", kind: str = "efi-x64-http") -> Wire:
    """Between the relay and the server."""
    wire = Wire(kind)
    for time in TIMES:
        wire.dhcp(time + 0.001, 1, server=SERVER, relay=RELAY, secs=time)
        if answered:
            wire.dhcp(time + 0.01, 2, server=SERVER, relay=RELAY, file=file, next_server=SERVER)
    return wire


def test_an_offer_that_a_relay_hands_on_has_reached_the_machine(tmp_path: Path) -> None:
    found = of(tmp_path, in_front(), behind())
    assert set(found) >= {"dhcp-http-offer-without-usable-uri"}
    assert "dhcp-relay-missing-or-one-way" not in found
    lost = of(tmp_path, in_front(answered=False), behind())
    assert lost["dhcp-relay-missing-or-one-way"].confidence == "certain"


def test_behind_the_relay_an_offer_of_no_use_tells_nothing_of_the_way_back(tmp_path: Path) -> None:
    assert "dhcp-relay-missing-or-one-way" not in of(tmp_path, behind())
    found = of(tmp_path, behind(kind="efi-x64-pxe"))
    assert found["dhcp-relay-missing-or-one-way"].confidence == "likely"


def test_behind_a_relay_that_brought_an_answer_before_the_way_back_is_there(tmp_path: Path) -> None:
    wire = Wire()
    for time, number in ((0, 1), (0.1, 2), (1, 3), (1.1, 5)):
        wire.dhcp(time, number, server=SERVER, relay=RELAY, file="grubx64.efi", next_server=SERVER)
    later = behind(kind="efi-x64-http", file="http://192.168.2.14/x.efi").packets
    wire.packets += [(time + 60, data) for time, data in later]
    found = machine(read(wire.quiet(150).save(tmp_path / "x.pcap")))
    assert "dhcp-relay-missing-or-one-way" not in {finding.code for finding in found.findings}


def test_a_server_that_does_not_answer_a_relay(tmp_path: Path) -> None:
    found = of(tmp_path, in_front(answered=False), behind(answered=False))["dhcp-no-offer"]
    assert f"the relay {RELAY} hands them to {SERVER}, and no answer comes back" in found.summary
    assert [item.capture for item in found.evidence] == [0, 0, 1]
    fixes = {fix.target: fix.text for fix in found.fixes}
    assert fixes["dnsmasq"] == "dhcp-range=192.168.122.2,192.168.122.254,255.255.255.0,1h"
    assert "libvirt" not in fixes
    direct = of(tmp_path, in_front(answered=False))["dhcp-no-offer"]
    assert "relay" not in direct.summary


def test_the_network_that_a_relay_selects_is_the_one_to_declare(tmp_path: Path) -> None:
    """A leaf of a VXLAN fabric relays from its own loopback address, and names the machine's link (RFC 3527)."""
    wire = Wire()
    for time in TIMES:
        wire.dhcp(time, 1, relay="10.33.33.33", secs=time, option82=b"\1\4vlan\5\4\xc0\xa8\x14\0")
    found = of(tmp_path, wire)["dhcp-no-offer"]
    assert "hands them to 192.168.122.1 for the network of 192.168.20.0, and no answer" in found.summary
    fixes = {fix.target: fix.text for fix in found.fixes}
    assert fixes["dnsmasq"] == "dhcp-range=192.168.20.2,192.168.20.254,255.255.255.0,1h"


def past_the_relay(*, relay: str = RELAY, source: str = SERVER) -> Wire:
    """As at a server that answers what a relay brings by a broadcast on its own network."""
    wire = Wire()
    for time in TIMES:
        wire.dhcp(time, 1, server=SERVER, relay=relay, secs=time)
        wire.dhcp(time + 0.01, 2, server=source, relay=relay, file="grubx64.efi", next_server=SERVER)
        moment, frame = wire.packets.pop()
        wire.udp(moment, source, 67, "255.255.255.255", 68, frame[42:])
    return wire


def test_an_offer_that_goes_past_the_relay(tmp_path: Path) -> None:
    finding = of(tmp_path, past_the_relay())["dhcp-relay-missing-or-one-way"]
    assert finding.confidence == "certain"
    assert (
        finding.summary
        == f"{SERVER} sends its OFFER to everybody on its own network, and not to the relay {RELAY}, port 67"
    )
    assert "dhcp-relay-missing-or-one-way" not in of(tmp_path, past_the_relay(source=RELAY))  # the relay hands it on
    in_both = past_the_relay()
    in_both.packets += in_front(answered=False).packets
    assert "dhcp-relay-missing-or-one-way" not in of(tmp_path, in_both)


def requests(*, answers: bool, server: str = SERVER, acknowledged: bool = False) -> Wire:
    """RRQs to the end, with or without the server's answers."""
    wire = Wire().lease(file="grubx64.efi", next_server=server, router="192.168.122.254")
    for number, time in enumerate((1, 5, 9, 13, 17, 21)):
        wire.rrq(time, "grubx64.efi", server=server, again=number > 0)
        if answers:
            wire.oack(time + 0.01, server=server)
            wire.oack(time + 1.01, server=server)
    if acknowledged:
        wire.ack(22, 0, server=server)
    return give_up(wire)


def test_answers_that_get_lost_between_two_capture_points(tmp_path: Path) -> None:
    found = of(tmp_path, requests(answers=False), requests(answers=True))["tftp-reply-lost"]
    assert (found.confidence, found.proof) == ("certain", "")
    assert [item.capture for item in found.evidence] == [0, 0, 1]
    assert "ct helper" in {fix.target: fix.text for fix in found.fixes}["nft"]


def test_from_the_far_side_alone_the_loss_is_likely(tmp_path: Path) -> None:
    found = of(tmp_path, requests(answers=True))["tftp-reply-lost"]
    assert (found.confidence, bool(found.proof)) == ("likely", True)
    inside = of(tmp_path, requests(answers=True, server="192.168.122.9"))["tftp-reply-lost"]
    assert "ct helper" not in "".join(fix.text for fix in inside.fixes)


def test_answers_that_are_acknowledged_are_not_lost(tmp_path: Path) -> None:
    assert "tftp-reply-lost" not in of(tmp_path, requests(answers=False), requests(answers=True, acknowledged=True))


def test_behind_the_relay_fetches_may_go_past_the_capture(tmp_path: Path) -> None:
    wire = Wire("ipxe-bios")
    for time, number in ((0, 1), (0.1, 2), (1, 3), (1.1, 5)):
        wire.dhcp(time, number, server=SERVER, relay=RELAY, file="pxelinux.0", next_server=SERVER)
    path = wire.quiet(150).save(tmp_path / "x.pcap")
    assert machine(read(path)).status == "in-progress"
    direct = Wire("ipxe-bios").lease(file="pxelinux.0").quiet(150)
    assert machine(read(direct.save(tmp_path / "y.pcap"))).status == "stalled"


def test_requests_that_get_lost_between_two_capture_points(tmp_path: Path) -> None:
    inside = Wire().lease(file="grubx64.efi", next_server=SERVER, server=SERVER)
    beyond = Wire()
    for time, number in ((0, 1), (0.1, 2), (0.2, 3), (0.3, 5)):
        beyond.dhcp(time + 0.001, number, server=SERVER, relay=RELAY, file="grubx64.efi", next_server=SERVER)
    for number, time in enumerate((1, 5, 9, 13, 17, 21)):
        inside.rrq(time, "grubx64.efi", server=SERVER, again=number > 0)
    found = of(tmp_path, give_up(inside), beyond)["tftp-no-reply"]
    assert "the requests are lost on the way" in found.summary
    assert {item.capture for item in found.evidence} == {0, 1}
    assert "forward udp dport 69" in {fix.target: fix.text for fix in found.fixes}["nft"]
    alone = of(tmp_path, inside)["tftp-no-reply"]
    assert "lost" not in alone.summary


def near(*, offers: bool, taken: bool = False, port: int | None = None, file: str = "grubx64.efi") -> Wire:
    """The machine's own port, or the server's side of the bridge."""
    wire = Wire()
    for time in TIMES:
        wire.discover(time)
        if offers:
            wire.dhcp(time + 0.01, 2, file=file, port=port)
    if taken:
        wire.dhcp(29, 3)
    return wire


def test_offers_that_only_one_capture_point_sees_are_lost(tmp_path: Path) -> None:
    found = of(tmp_path, near(offers=False), near(offers=True))
    assert {code for code, finding in found.items() if finding.severity == "error"} == {"dhcp-offer-lost"}
    assert found["dhcp-offer-lost"].confidence == "certain"
    assert found["dhcp-offer-lost"].evidence[0].capture == 1


def test_of_three_capture_points_one_may_be_a_neighbours(tmp_path: Path) -> None:
    """Who gets to hear every DISCOVER, as they are broadcast, and no OFFER."""
    found = of(tmp_path, near(offers=False), near(offers=True), near(offers=True))
    assert found["dhcp-offer-lost"].confidence == "likely"


def test_offers_that_both_capture_points_see_are_not_lost(tmp_path: Path) -> None:
    assert "dhcp-offer-lost" not in of(tmp_path, near(offers=True), near(offers=True))
    assert "dhcp-offer-lost" not in of(tmp_path, near(offers=False), near(offers=True, file=""))
    taken = [near(offers=seen, taken=True).quiet(150).save(tmp_path / f"{seen}.pcap") for seen in (True, False)]
    assert "dhcp-offer-lost" not in {finding.code for finding in machine(read(*taken)).findings}


def test_offers_from_another_port_are_none_of_dhcp(tmp_path: Path) -> None:
    found = of(tmp_path, near(offers=True, port=1067))["dhcp-offer-lost"]
    assert (found.confidence, found.summary.endswith("they come from port 1067, not from 67")) == ("likely", True)
    assert "postrouting" in " ".join(fix.text for fix in found.fixes)


def test_a_server_that_answers_on_neither_side_is_not_behind_a_nat_that_loses_it(tmp_path: Path) -> None:
    def asked(*, lease: bool) -> Wire:
        wire = Wire()
        if lease:
            wire.lease(file="grubx64.efi", next_server=SERVER, router=RELAY)
        for number, time in enumerate((1, 5, 9, 13, 17, 21)):
            wire.rrq(time, "grubx64.efi", server=SERVER, again=number > 0)
        return give_up(wire) if lease else wire

    assert "tftp-nat-loss" in of(tmp_path, asked(lease=True))
    found = of(tmp_path, asked(lease=True), asked(lease=False))
    assert "tftp-nat-loss" not in found
    assert "ip route get" in "".join(fix.text for fix in found["tftp-no-reply"].fixes)
