"""option43-foreign-content; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...text import printable
from ...wire import dhcp_options
from .. import fixes, quoting
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Rule

_SHOWN = 40


class Option43ForeignContent(Rule):
    """The answer says PXEClient, but its vendor options (43) are those of another vendor, or not the ones a ROM wants.

    What happens
        With option 60 PXEClient in the answer the firmware reads option 43 as PXE's own list: boot servers, a menu. It
        finds the address of a Wi-Fi controller there, or text, and waits for servers that do not exist, or gives up. The
        ROM of a Raspberry Pi takes an offer only when it finds the words “Raspberry Pi Boot” in option 43.
    On the wire
        Option 60 PXEClient and an option 43 that does not add up as PXE sub-options; no request for the boot file. Raspberry
        Pi: DISCOVER again and again, and no offer with a menu “Raspberry Pi Boot”.
    Not to be confused with
        Answers without option 43 (dhcp-option60-without-43). Other vendors' option 43 without PXEClient, which UEFI firmware
        does not look at; of BIOS ROMs some do, and it is named where such a one has everything and asks for nothing.
    Causes
        One scope for access points and for machines that boot, with option 43 for all of it.
    Fix
        Give option 43 to its vendor class only, and leave option 60 out: alone it sends UEFI to port 4011
        (dhcp-option60-without-43). For a Raspberry Pi a pxe-service with its words.
    Sources
        PXE 2.1 section 2.2.4 and table 2-1; support.quest.com article 4272601; raspberrypi/firmware issues 764 and 941.
    """

    code = "option43-foreign-content"
    stage = "proxydhcp"
    needs = "dhcp4"
    explains_away = ("http-plain-disabled",)
    summary = "{server} {what}"

    def check(self, case: Case) -> Iterator[Finding]:
        if case.stage.fetches or not case.failed_here or case.pxe_replies:
            return
        if case.client == "raspberry-pi":
            yield from self._raspberry(case)
            return
        if not case.is_firmware_pxe:
            return
        for reply in [*case.acks, *case.offers]:
            raw = reply.message.options.get(43)
            heeded = reply.echoes_pxe or (case.client == "bios-pxe" and bool(case.acks) and bool(case.boot_file))
            if not raw or not heeded or dhcp_options.pxe(reply.message) is not None:
                continue
            named = reply.echoes_pxe
            yield self.finding(
                case,
                [evidence(reply.heard, f"{'option 60 PXEClient, ' if named else ''}option 43 {_shown(raw)}")],
                confidence="likely" if named else "possible",
                subject=reply.server,
                server=reply.server,
                what=f"{'says PXEClient, and ' if named else ''}sends option 43 {_shown(raw)}, which is no list of PXE options",
                expected="PXE sub-options in option 43, or none at all, and a request for the boot file.",
                proof="The same boot without option 43.",
                fixes=fixes.arrange(
                    case,
                    *fixes.dnsmasq(
                        f"# {'remove: option 60 PXEClient; and ' if named else ''}43 only for its vendor, here as an example:",
                        "dhcp-vendorclass=set:access-point,Cisco AP",
                        f"dhcp-option=tag:access-point,43,{_text(raw)}",
                    ),
                    fixes.windows_removes(case, *([60] if named else []), 43),
                ),
            )
            return

    def _raspberry(self, case: Case) -> Iterator[Finding]:
        offers = [*case.offers, *case.proxy_offers]
        if not offers or any(case.would_take(offer) for offer in offers):
            return
        again = case.asked_again(offers[0])
        if not again:
            return
        # siaddr, option 66 (raspberrypi/firmware issue 670): a Raspberry Pi that knows no other address asks one of them.
        nobody = not any(offer.message.next_server or 66 in offer.message.options for offer in offers)
        yield self.finding(
            case,
            [evidence(offers[0].heard, "offer without “Raspberry Pi Boot”"), *first_and_last(again, "DISCOVER again")],
            confidence="likely",
            subject=offers[0].server,
            server=offers[0].server,
            what="offers no menu “Raspberry Pi Boot” in option 43, which the boot ROM waits for"
            + (", and no TFTP server (siaddr 0.0.0.0, no option 66)" if nobody else ""),
            expected="Option 43 with the menu text “Raspberry Pi Boot   ” (three blanks at its end)"
            + (", and the TFTP server's address." if nobody else "."),
            proof="The same boot with such an option 43.",
            fixes=_raspberry_fixes(case, offers[0].next_server if nobody else None),
        )


def _raspberry_fixes(case: Case, server: str | None) -> tuple[Fix, ...]:
    """The menu as dnsmasq sends it; `server` is an address for TFTP, where the offers name none."""
    words = b"Raspberry Pi Boot   "
    entry = bytes((0, 0, len(words))) + words
    menu = bytes.fromhex("060103") + b"\n\4\0PXE\t" + bytes((len(entry),)) + entry + b"\xff"
    return fixes.arrange(
        case,
        *fixes.dnsmasq('pxe-service=0,"Raspberry Pi Boot   "'),
        fixes.isc_branch(
            case,
            'option vendor-class-identifier "PXEClient";',
            f"option vendor-encapsulated-options {menu.hex(':')};",
            *((f"next-server {server};", f"option tftp-server-name {quoting.quoted(server)};") if server else ()),
        ),
    )


def _text(raw: bytes) -> str:
    """A value as dnsmasq takes it: text (between quotes no number and no address), or bytes in hexadecimal."""
    plain = raw.rstrip(b"\0")
    readable = plain.isascii() and plain.decode("ascii").isprintable()
    return quoting.quoted(plain.decode("ascii")) if readable else raw[:_SHOWN].hex(":")


def _shown(raw: bytes) -> str:
    plain = raw.rstrip(b"\0")
    if plain.isascii() and plain.decode("ascii").isprintable():
        return f"“{printable(plain, _SHOWN)}”"
    return raw[:12].hex(" ") + (" …" if len(raw) > 12 else "")
