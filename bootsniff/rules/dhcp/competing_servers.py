"""dhcp-competing-servers; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Confidence, Evidence, Finding, Fix, Severity
from ...wire import dhcp_options
from .. import fixes, names, quoting
from ..case import Case
from ..evidence import evidence
from ..offers import Offer
from ..recognise import dnsmasq_match
from ..rule import Rule


class DhcpCompetingServers(Rule):
    """Two DHCP servers answer the same machine.

    What happens
        Two servers on one network both offer addresses. The machine takes the offer that knows nothing of network boot,
        or mixes both: boot data from one, the lease from the other. edk2 may take packets of two racing servers for one
        conversation and fail with a protocol error.
    On the wire
        OFFERs with an address (yiaddr is not 0.0.0.0) and different server identifiers (option 54) for one machine; then
        a REQUEST for the one without boot data, an ACK from another server than asked, or no REQUEST at all.
    Not to be confused with
        DHCP beside ProxyDHCP: the proxy's offers have no address. A failover pair that offers the same boot data is no
        fault either.
    Causes
        The router's own DHCP server beside the one of the boot server; a virtual network that is bridged to the office; a
        forgotten test server.
    Fix
        Switch one off, or turn the one with the boot data into a ProxyDHCP server (dnsmasq is one that
        speaks only with a pxe-service or pxe-prompt line).
    Sources
        RFC 2131 section 3.1; edk2 NetworkPkg PxeBcDhcp4.c (PxeBcDhcp4BootInfo); iPXE dhcp.c (option 175.1 priority).
    """

    code = "dhcp-competing-servers"
    stage = "dhcp"
    needs = "dhcp4"
    explains_away = (
        "dhcp-offer-without-boot-file",
        "chain-ipxe-nothing-to-boot",
        "dhcp-http-offer-without-usable-uri",
        "dhcp-http-vendor-class-not-echoed",
    )
    summary = "{servers} both offer addresses; {what}"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None:
            return
        by_server: dict[str, Offer] = {}
        for offer in case.offers:
            if offer.address:
                by_server.setdefault(offer.server, offer)
        if len(by_server) < 2 or len({(o.boot_file, o.message.next_server) for o in by_server.values()}) < 2:
            return
        with_file = [offer for offer in by_server.values() if offer.boot_file or offer.has_pxe_options]
        if not with_file:
            return  # nobody offers a boot file: dhcp-offer-without-boot-file is the fault
        chosen, seen = _chosen(case)
        severity: Severity = "error"
        confidence: Confidence = "certain"
        acked = case.acks[-1].server if case.acks else None
        if chosen and acked and chosen != acked:
            what = f"the machine asked {chosen} and {acked} answered"
        elif chosen in by_server and by_server[chosen] not in with_file:
            what = f"the machine took the offer of {chosen}, which names no boot file"
        elif chosen is None and not case.acks:
            what, confidence = "the machine takes neither", "likely"
        elif len(with_file) > 1 and not case.boot_fetch:
            what, confidence = "their boot data differ, and what was named did not arrive", "likely"
        else:
            what, severity, confidence = "their boot data differ", "warning", "possible"
        yield self.finding(
            case,
            [*(evidence(o.heard, _role(o)) for o in list(by_server.values())[:4]), *seen],
            confidence=confidence,
            severity=severity,
            subject=names.joined(sorted(by_server)),
            servers=names.joined(by_server),
            what=what,
            expected="One DHCP server that gives addresses.",
            proof="" if confidence == "certain" else "Switch one of the servers off and try again.",
            fixes=_fixes(case, with_file[0]),
        )


def _role(offer: Offer) -> str:
    return (
        f"offer of {offer.server}, boot file {offer.boot_file}"
        if offer.boot_file
        else f"offer of {offer.server}, no boot file"
    )


def _chosen(case: Case) -> tuple[str | None, list[Evidence]]:
    """The server that the machine asked for its lease, and where."""
    for request in case.dhcp4.requests if case.dhcp4 else ():
        server = dhcp_options.server_id(request.message)
        if server:
            acks = [evidence(ack.heard, f"ACK of {ack.server}") for ack in case.acks[:1]]
            return server, [evidence(request, f"REQUEST to {server}"), *acks]
    return None, []


def _fixes(case: Case, boot: Offer) -> tuple[Fix, ...]:
    network = (boot.address or fixes.EXAMPLE_SERVER).rsplit(".", 1)[0] + ".0"
    match, tags = dnsmasq_match(case)
    file = boot.boot_file or fixes.example_file(case)
    return fixes.arrange(
        case,
        Fix(
            "dnsmasq",
            "\n".join(
                (
                    "# on the boot server, beside the router's DHCP: be a proxy",
                    f"dhcp-range={network},proxy",
                    fixes.PROXY_ANSWERS,
                    *match,
                    f"dhcp-boot={tags},{quoting.field(file)},,{boot.next_server}",
                )
            ),
        ),
        Fix("dnsmasq", "# iPXE prefers the server with the higher option 175.1:\ndhcp-option=encap:175,1,5b")
        if case.is_ipxe
        else None,
    )
