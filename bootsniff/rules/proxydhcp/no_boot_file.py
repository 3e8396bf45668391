"""proxydhcp-no-boot-file; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding
from ...wire import dhcp_options
from .. import fixes, recognise
from ..case import Case
from ..evidence import evidence
from ..offers import Offer
from ..rule import Rule


class ProxyDhcpNoBootFile(Rule):
    """The ProxyDHCP server answers this kind of client and has no boot file for it.

    What happens
        The machine gets an address, asks the ProxyDHCP server what to load, and is told nothing: no file name, no boot
        server, no menu. UEFI shows PXE-E21 or goes on to its next boot option; iPXE says "Nothing to boot".
    On the wire
        A ProxyDHCP offer and an ACK from port 4011 (which a capture of ports 67 and 68 lacks); no reply names a file, and
        option 43 holds neither boot servers nor a menu. Or no question to that port at all, where the offer's option 43 has
        a prompt or discovery control alone: BIOS ROMs show PXE-E74 or PXE-E77.
    Not to be confused with
        A ProxyDHCP server that does not answer on port 4011 (proxydhcp-4011-unanswered); one that is silent for HTTP boot
        (proxydhcp-silent-for-non-pxeclient); a DHCP server alone that names no file (dhcp-offer-without-boot-file).
    Causes
        dnsmasq has pxe-service lines for other architectures only: it answers every PXE client all the same. An option 43
        that was put together by hand.
    Fix
        A pxe-service line for this architecture.
    Sources
        PXE specification 2.1 section 2.2; dnsmasq manual page, pxe-service; lab captures (AAVMF beside services for x86).
    """

    code = "proxydhcp-no-boot-file"
    stage = "proxydhcp"
    needs = "dhcp4"
    misses_options = True
    explains_away = ("chain-ipxe-nothing-to-boot", "proxydhcp-split-offer-rejected")
    summary = "ProxyDHCP server {server} answers {name} and names no boot file for it"

    def check(self, case: Case) -> Iterator[Finding]:
        stage = case.stage
        if not (case.failed_here and case.asked_nothing and stage.menu is None):
            return
        told = [*case.proxy_offers, *case.pxe_replies]
        if not case.proxy_offers or any(_leads_on(reply) for reply in (*told, *case.offers, *case.acks)):
            return
        answered = bool(case.pxe_replies)
        if not answered and not _ends_there(case):
            return
        proxy = told[-1]
        yield self.finding(
            case,
            [
                evidence(
                    case.proxy_offers[0].heard,
                    "ProxyDHCP offer without a boot file"
                    + ("" if answered else ", option 43 without a menu or servers"),
                ),
                *(evidence(reply.heard, "ACK from port 4011, without one too") for reply in case.pxe_replies[-1:]),
            ],
            confidence="certain" if answered else "likely",
            subject=proxy.server,
            server=proxy.server,
            name=stage.name or case.client,
            expected="A boot file, or boot servers in option 43.",
            proof="" if answered else "The machine's screen: PXE-E74 or PXE-E77?",
            fixes=fixes.dnsmasq(*_lines(case)),
        )


def _ends_there(case: Case) -> bool:
    """Whether the ROM has its lease, and asked no port 4011: what option 43 says of menus and servers was to be enough."""
    dhcp = case.dhcp4
    asked = dhcp is not None and bool(dhcp.pxe_requests)
    seen = case.world.quality.sees_fetches
    return seen and bool(case.acks) and not asked and all(reply.has_pxe_options for reply in case.proxy_offers)


def _leads_on(reply: Offer) -> bool:
    """Whether a reply names a file, or boot servers or a menu from which one would come."""
    pxe = dhcp_options.pxe(reply.message) if reply.has_pxe_options else None
    return bool(reply.boot_file or (pxe is not None and (pxe.boot_servers or pxe.menu)))


def _lines(case: Case) -> list[str]:
    """For iPXE a service of its own: the one without a tag would be offered to the firmware that loads it, too."""
    number, name = recognise.arch(case.stage), fixes.example_file(case)
    if not case.is_ipxe:
        return [fixes.pxe_service(number, name)]
    return [recognise.IPXE_TAG, fixes.pxe_service(number, name, tag="tag:ipxe,")]
