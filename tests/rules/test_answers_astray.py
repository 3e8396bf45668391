"""Answers that go to another hardware address than the machine's."""

from __future__ import annotations

from pathlib import Path

from .packets import Wire, machine, read
from .scene import CLIENT, MAC, SERVER
from .scenes_unheard import OTHER, astray, syn_acks_astray


def to_another(wire: Wire, time: float, *, part: bool) -> None:
    """What the server sends from now on goes to another host; `part`: behind the first block, which arrives."""
    wire.rrq(time, "grubx64.efi")
    if part:
        wire.oack(time + 0.01, tsize=9000)
        wire.ack(time + 0.02, 0)
        wire.data(time + 0.03, 1, b"MZ".ljust(1468))
        wire.ack(time + 0.04, 1)
    for number in range(6):
        if not part:
            wire.rrq(time + 4 * number, "grubx64.efi", again=True)
        wire.hosts[CLIENT] = OTHER
        if part:
            wire.data(time + 0.05 + 4 * number, 2, b"x" * 1468)
        else:
            wire.oack(time + 0.05 + 4 * number, tsize=9000)
        wire.hosts[CLIENT] = MAC


def test_an_entry_in_the_servers_table_that_is_anothers(tmp_path: Path) -> None:
    for part in False, True:
        wire = Wire().lease(file="grubx64.efi")
        to_another(wire, 1, part=part)
        found = machine(read(wire.quiet(200).save(tmp_path / "x.pcap")))
        assert (found.status, found.boots[0].stalled_at) == ("stalled", "tftp")
        (finding,) = found.findings
        assert (finding.code, finding.confidence) == ("arp-wrong-owner", "certain")
        assert f"{SERVER} sends its answers for {CLIENT} to {OTHER}" in finding.summary
        assert "ip neigh flush" in finding.fixes[0].text


def test_a_connection_whose_answers_go_astray() -> None:
    scene = syn_acks_astray()
    assert scene.codes("error") == {"arp-wrong-owner"}


def test_whose_address_it_is_is_told() -> None:
    scene = astray()
    scene.world.arp["192.168.122.60"] = OTHER
    finding = scene.finding("arp-wrong-owner")
    assert finding is not None
    assert f"{OTHER} (192.168.122.60)" in finding.summary
