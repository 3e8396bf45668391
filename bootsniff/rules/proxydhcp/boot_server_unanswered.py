"""pxe-boot-server-discovery-unanswered; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding
from ...track.boot_file import is_discovery
from ...track.exchanges import Heard
from ...wire import dhcp_options
from ...wire.messages import DhcpMessage
from .. import fixes, recognise
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Rule


class PxeBootServerUnanswered(Rule):
    """No PXE boot server answers the discovery that option 43 asked for.

    What happens
        Option 43 tells the machine to look for a boot server of a type, by broadcast, multicast or a list. Nobody answers.
    On the wire
        OFFER or ACK with option 43 (discovery control, boot servers, a menu); requests with option 43.71 (boot item), and no
        answer with 43.71. A DHCP server may acknowledge such a request as if it were about the lease, which helps nobody.
    Not to be confused with
        A menu that waits for a key (43.10): no stall for that many seconds, 255 means for ever. A server whose own port
        4011 is asked, and is silent (proxydhcp-4011-unanswered).
    Causes
        A pxe-service line with a type number instead of a file name, and no server of that type; several pxe-service
        lines, which make dnsmasq send a menu that many UEFI programs handle badly.
    Fix
        One pxe-service line per architecture, or discovery control 8 and a file name.
    Sources
        PXE specification 2.1 sections 2.2.5 and 3; dnsmasq rfc2131.c (pxe_uefi_workaround); edk2 NetworkPkg PxeBcBoot.c.
    """

    code = "pxe-boot-server-discovery-unanswered"
    stage = "proxydhcp"
    needs = "dhcp4"
    summary = "no boot server of type {type} answers ({count})"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None or case.stage.fetches:
            return
        requests = [heard for heard in dhcp.pxe_requests if is_discovery(heard)]
        if not requests or any(reply.time > requests[0].time for reply in dhcp.pxe_replies):
            return
        if len(requests) < 2 and not case.gave_up:
            return
        items = [options.boot_item for h in requests if (options := dhcp_options.pxe(h.message)) and options.boot_item]
        replies = [*case.pxe_replies, *case.acks, *case.proxy_offers, *case.offers]
        menu = next((reply for reply in replies if reply.has_pxe_options), None)
        loader = fixes.example_file(case)
        yield self.finding(
            case,
            [
                *([evidence(menu.heard, "option 43 asks for boot server discovery")] if menu else []),
                *first_and_last(requests, f"discovery of boot server type {items[0][0]}"),
                *(evidence(ack.heard, "only the lease") for ack in case.acks if _answers(ack.heard, requests)),
            ],
            confidence=case.silence(second_sign=True),
            type=items[0][0],
            count="one request" if len(requests) == 1 else f"{len(requests)} requests",
            expected="An ACK with option 43.71 from a boot server.",
            proof="A capture at the boot server: do the requests arrive?",
            fixes=fixes.arrange(
                case,
                *fixes.dnsmasq(fixes.pxe_service(recognise.arch(case.stage), loader)),
                fixes.dnsmasq_boot(case, loader, fixes.address_of_server(case))[0],
            ),
        )


def _answers(ack: Heard[DhcpMessage], requests: list[Heard[DhcpMessage]]) -> bool:
    """Whether an ACK came for one of the requests, and not for the lease before them, whose transaction id they may share."""
    return any(heard.message.xid == ack.message.xid and heard.time < ack.time for heard in requests)
