"""proxydhcp-4011-unanswered; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from .. import fixes, recognise
from ..case import Case
from ..evidence import evidence
from ..offers import boot_servers
from ..rule import Rule
from . import port_4011


class ProxyDhcp4011Unanswered(Rule):
    """Nobody answers on UDP port 4011, where the boot file was to be asked for.

    What happens
        The ProxyDHCP offer sends the machine to port 4011 of the boot server for the file name. No answer comes. UEFI shows
        PXE-E16 or PXE-E18, BIOS PXE-E55; iPXE goes on after two seconds without it.
    On the wire
        After the ACK: DHCP REQUEST to port 4011 (edk2 four times, after 1, 2, 3 and 4 s), no reply, often ICMP port
        unreachable.
    Not to be confused with
        A first try that draws port unreachable and is answered when it is repeated; a DHCP server that says PXEClient by
        mistake (dhcp-option60-without-43).
    Causes
        The proxy is not running any more, or a firewall keeps UDP 4011 shut.
    Fix
        Open UDP 4011 and run the proxy; or give the file name in the offer itself.
    Sources
        PXE specification 2.1 section 2.2.3; edk2 NetworkPkg PxeBcDhcp4.c; iPXE dhcp.c; support.microsoft.com KB 259670.
    """

    code = "proxydhcp-4011-unanswered"
    stage = "proxydhcp"
    needs = "dhcp4"
    explains_away = ("dhcp-offer-without-boot-file",)
    summary = "{server} does not answer on port 4011 ({count} requests){icmp}"

    def check(self, case: Case) -> Iterator[Finding]:
        requests = port_4011.unanswered(case)
        if not requests or (len(requests) < 2 and not case.gave_up):
            return
        icmp = case.dhcp4.icmp if case.dhcp4 else []
        server = requests[-1].target
        yield self.finding(
            case,
            [
                *(evidence(proxy.heard, "ProxyDHCP offer") for proxy in case.proxy_offers[:1]),
                *port_4011.proof(case, requests),
            ],
            confidence="certain" if icmp else case.silence(second_sign=True),
            subject=server,
            server=server,
            count=case.dhcp4.pxe_request_count if case.dhcp4 else len(requests),
            icmp=": port unreachable" if icmp else "",
            expected="An ACK from port 4011 with the boot file's name.",
            proof="" if icmp else f"A capture on {server}: do the requests arrive?",
            fixes=fixes.arrange(
                case,
                fixes.firewalld(case, "--add-port=4011/udp", server),
                fixes.accept("udp", 4011, server),
                Fix("shell", f"ss -lunp 'sport = :4011'   # on {server}"),
                *(_own_service(case) if server in _named_by_menu(case) else fixes.boot_file(case)[:1]),
            ),
        )


def _named_by_menu(case: Case) -> set[str]:
    """Boot servers that a menu of option 43 names, beside the server that sent it."""
    replies = [reply for reply in (*case.proxy_offers, *case.acks) if reply.has_menu]
    return {address for reply in replies for address in boot_servers(reply)} - {reply.server for reply in replies}


def _own_service(case: Case) -> tuple[Fix, ...]:
    """A menu goes before the file's name in the reply, so that the item itself has to be another."""
    return fixes.dnsmasq(
        "# instead of the pxe-service of this architecture:",
        fixes.pxe_service(recognise.arch(case.stage), fixes.example_file(case)),
    )
