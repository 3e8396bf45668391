"""link-wrong-vlan-or-nic; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from .. import fixes
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Cause


class LinkWrongVlanOrNic(Cause):
    """The machine asks in a VLAN in which no server ever answers, while other VLANs are served.

    What happens
        The firmware sends untagged packets, or the tags it was set up with; the port's native VLAN, or the network card that is
        tried first, is not the one that the DHCP server is in.
    On the wire
        DISCOVERs with one VLAN id (or none) and no answer; every DHCP reply of the capture, to other machines, has another id.
    Not to be confused with
        A network in which nobody is served (dhcp-no-offer), or a relay that is missing in a VLAN which is right.
    Causes
        The port's native VLAN; a VLAN id in the firmware's settings; cards swapped; a bond whose fallback is untagged.
    Fix
        Make the boot network the port's native VLAN, or serve the VLAN the machine is in (a relay, a range).
    Sources
        IEEE 802.1Q; iPXE issue 826; Dell knowledge base 000184053.
    """

    code = "link-wrong-vlan-or-nic"
    stage = "link"
    symptoms = ("dhcp-no-offer",)
    summary = "it asks {mine}, but servers were seen to answer {theirs} only"

    def explain(self, case: Case, symptom: Finding) -> Iterator[Finding]:
        served = case.overview.served_vlans
        mine = case.machine.vlan
        dhcp = case.dhcp4
        if dhcp is None or not served or mine in served:
            return
        ids = sorted(vlan for vlan in served if vlan is not None)
        tagged = f"in VLAN {', '.join(map(str, ids[:4]))}" if ids else ""
        theirs = " and ".join(words for words in ("untagged" if None in served else "", tagged) if words)
        yield self.finding(
            case,
            [
                *first_and_last(dhcp.discovers, _in_vlan("DISCOVER", mine)),
                *(evidence(at, _in_vlan("an answer to another machine", vlan)) for vlan, at in [*served.items()][:4]),
            ],
            confidence="possible",
            explains=symptom.code,
            mine="untagged" if mine is None else f"in VLAN {mine}",
            theirs=theirs,
            proof="The switch: which VLAN is the port in, and is there a DHCP server or a relay in it?",
            fixes=fixes.arrange(
                case,
                Fix("ios", f"interface GigabitEthernet1/0/1\n switchport trunk native vlan {ids[0] if ids else 1}"),
                Fix("ipxe", "isset ${filename} || dhcp net1"),
            ),
        )


def _in_vlan(what: str, vlan: int | None) -> str:
    return f"{what}, untagged" if vlan is None else f"{what}, VLAN {vlan}"
