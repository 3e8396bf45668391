"""dhcp-option-overload; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...text import printable
from .. import fixes, quoting
from ..case import Case
from ..evidence import evidence, first_and_last
from ..offers import Offer
from ..rule import Rule
from ..tftp import transfers

_FILE_FIELD = 1
"""Bit of option 52: the header's file field holds options."""
_HEAD = 2
"""Bytes of an option before its value."""


class DhcpOptionOverload(Rule):
    """The reply puts options into the header's file and sname fields, and the machine does not know that.

    What happens
        The DHCP server had more to say than fits into the options field, and goes on in the file and sname fields (option
        52). An old ROM takes what stands in the file field for a name: an option code, its length, and the name behind.
    On the wire
        Option 52 in the OFFER and the ACK, the boot file's name in option 67. Then a request for a name that is one of the
        reply's options, with its code and its length: with option 67 it begins with “C”. Or no request at all.
    Not to be confused with
        Programs that read option 52, which most do: they ask for the name itself. A ROM that adds a byte to option 67 or takes
        one away (dhcp-bootfile-name-mangled).
    Causes
        Long option lists; a server that puts the name into option 67 to have the file field free.
    Fix
        Keep the server from using the fields: dnsmasq dhcp-no-override. Send fewer options.
    Sources
        RFC 2131 section 4.1; RFC 2132 section 9.3; dnsmasq manual page.
    """

    code = "dhcp-option-overload"
    stage = "dhcp"
    needs = "dhcp4"
    explains_away = ("tftp-file-not-found", "tftp-no-reply", "tftp-access-violation", "dhcp-bootfile-name-mangled")
    summary = "the reply of {server} has options in the header's {fields} (option 52), {what}"

    def check(self, case: Case) -> Iterator[Finding]:
        replies = [reply for reply in [*case.acks[-1:], *case.offers] if reply.message.overload and reply.boot_file]
        if not replies or not (case.is_firmware_pxe or case.client == "raspberry-pi"):
            return
        reply = replies[0]
        named = reply.boot_file or ""
        for _, flow in transfers.failed(case):
            if _is_option(reply, flow.filename):
                yield self.finding(
                    case,
                    [evidence(reply.heard, f"option 52; option 67 names {named}"), *transfers.proof(flow)],
                    subject=flow.filename,
                    server=reply.server,
                    fields=_fields(reply),
                    what=f"and the machine takes {flow.filename} for the file's name",
                    expected=f"RRQ {named}",
                    fixes=_fixes(case, named),
                )
                return
        if (
            case.failed_here
            and case.asked_nothing
            and not case.sought_in_vain
            and case.dhcp4
            and not case.dhcp4.pxe_requests
        ):
            yield self.finding(
                case,
                [
                    evidence(reply.heard, f"option 52; option 67 names {named}"),
                    *first_and_last(case.dhcp4.discovers[1:], "asks again"),
                ],
                confidence="possible",
                subject=named,
                server=reply.server,
                fields=_fields(reply),
                what="and the machine asks for no file",
                expected=f"RRQ {named}",
                proof="The same boot with fewer options, or with dhcp-no-override in dnsmasq.",
                fixes=_fixes(case, named),
            )


def _is_option(reply: Offer, asked: str) -> bool:
    """Whether a name is what a program reads in the file field that takes the option there for text."""
    if not reply.message.overload & _FILE_FIELD:
        return False
    texts = (bytes((code, len(value) & 255)) + value for code, value in reply.message.options if value)
    return any(len(text := raw.split(b"\0")[0]) > _HEAD and asked.startswith(printable(text)) for raw in texts)


def _fields(reply: Offer) -> str:
    return {1: "file field", 2: "sname field"}.get(reply.message.overload, "file and sname fields")


def _fixes(case: Case, named: str) -> tuple[Fix, ...]:
    return fixes.arrange(
        case,
        Fix("dnsmasq", "dhcp-no-override"),
        Fix("isc-dhcpd", f"filename {quoting.quoted(named)};   # without option bootfile-name, and fewer options"),
        Fix("kea", f'"boot-file-name": {quoting.quoted(named)}   // the field; and fewer option-data'),
    )
