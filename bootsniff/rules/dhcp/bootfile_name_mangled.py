"""dhcp-bootfile-name-mangled; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from .. import fixes, quoting
from ..case import Case
from ..evidence import naming
from ..rule import Rule
from ..tftp import transfers
from ..tftp.transfers import STRIP_MAP


class DhcpBootfileNameMangled(Rule):
    """The machine asks for the boot file under a name that is one byte off.

    What happens
        An old ROM reads one byte too many or one too few of the name in option 67, and asks for a file that does not exist.
    On the wire
        The RRQ's name is the offered one with a 0xff byte behind it, or without its last character; ERROR 1 follows.
    Not to be confused with
        A file that is really missing (tftp-file-not-found): there the names are the same.
    Causes
        The ROM needs, or must not have, the NUL at the end of option 67.
    Fix
        Put the name into the header's file field, or map the name on the TFTP server.
    Sources
        Syslinux mailing list 2008-February 009778; dnsmasq rfc2131.c; tftpd-hpa manual page, filename remapping.
    """

    code = "dhcp-bootfile-name-mangled"
    stage = "tftp"
    needs = "fetches"
    explains_away = ("tftp-file-not-found",)
    summary = "DHCP names {named}, the machine asks for {asked}: the name is one byte off"

    def check(self, case: Case) -> Iterator[Finding]:
        named = case.boot_file
        if not named:
            return
        for _, flow in transfers.failed(case):
            asked = flow.filename
            if asked not in (named + "\\xff", named[:-1]) or flow.error is None or flow.error_by_client:
                continue
            yield self.finding(
                case,
                [*naming(case), *transfers.proof(flow)],
                subject=asked,
                named=named,
                asked=asked,
                expected=f"RRQ {named}",
                fixes=fixes.arrange(
                    case,
                    Fix("dnsmasq", "dhcp-no-override"),
                    Fix("isc-dhcpd", f"filename {quoting.quoted(named)};   # without option bootfile-name"),
                    Fix("tftpd-hpa", STRIP_MAP),
                ),
            )
            return
