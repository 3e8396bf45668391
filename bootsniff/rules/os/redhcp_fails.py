"""os-redhcp-fails; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from .. import names
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Rule


class OsRedhcpFails(Rule):
    """The operating system's own DHCP gets no address.

    What happens
        Kernel and initrd arrived whole; the started system asks for an address again and gets none. Installers and live
        systems then wait, or drop to a shell.
    On the wire
        DISCOVERs of the same machine without PXE options, some time after the last initrd byte, and no answer.
    Not to be confused with
        No DISCOVER at all: the system need not use the network. One that is late: a link that was just reset needs seconds.
        A network of IPv6 alone, where firmware booted over DHCPv6 and systems ask DHCPv4 in vain.
    Causes
        The wrong network card, a VLAN that the firmware set and the kernel does not, another client identifier (option 61)
        than the reservation has, a switch port that is not forwarding yet.
    Fix
        Tell the initrd which card to use and to wait for the link.
    Sources
        dracut.cmdline manual page (rd.net.timeout.carrier, rd.net.dhcp.retry); fedoraproject.org, Anaconda network issues;
        harvester/harvester issue 1363.
    """

    code = "os-redhcp-fails"
    stage = "os"
    needs = "dhcp4"
    explains_away = ("dhcp-no-offer", "dhcp-pool-exhausted")
    summary = "the started system sends {count} DISCOVERs in {time} and gets {answer}{blind}"

    def concerns(self, client: str) -> bool:
        return client == "os"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None or dhcp.discover_count < 2 or dhcp.acks or not dhcp.discovers:
            return
        mac = case.machine.mac.replace(":", "-")
        answer = "a refusal" if dhcp.naks else "no ACK" if dhcp.offers else "no answer"
        yield self.finding(
            case,
            [
                *first_and_last(dhcp.discovers, "DISCOVER of the operating system"),
                *(evidence(offer, "OFFER, not taken") for offer in dhcp.offers[:1]),
                *(evidence(nak, "NAK") for nak in dhcp.naks[:1]),
            ],
            confidence="certain" if dhcp.naks else case.silence(second_sign=True),
            count=dhcp.discover_count,
            time=names.seconds(dhcp.discovers[-1].at.time - dhcp.discovers[0].at.time),
            answer=answer,
            blind="" if dhcp.naks else case.blind_spot(),
            expected="An OFFER and an ACK, as the boot programs got them.",
            proof="" if dhcp.naks else "The server's log at that time.",
            fixes=(
                Fix("kernel", f"ip=dhcp rd.net.timeout.carrier=30 rd.net.dhcp.retry=10 BOOTIF=01-{mac}"),
                Fix("pxelinux", "IPAPPEND 2"),
                Fix("dnsmasq", "dhcp-ignore-clid"),
                Fix("kea", '"match-client-id": false'),
                Fix("isc-dhcpd", "ignore-client-uids true;"),
            ),
        )
