"""arch-dnsmasq-b-matches-everyone; reads records, never changes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...model import Finding
from ...track.kinds import architecture
from .. import fixes, names
from ..case import Case
from ..evidence import evidence
from ..rule import Cause
from .siblings import siblings

_ARM64 = re.compile(r"aa64|aarch64|arm64", re.IGNORECASE)


class ArchDnsmasqBMatchesEveryone(Cause):
    """dnsmasq's rule for ARM64 may match every client.

    What happens
        Clients of all architectures are offered the ARM64 file.
    On the wire
        A BIOS, x64 PXE or x64 HTTP client is offered a file that is named for AArch64, with the next server of that rule.
        An HTTP client may get option 60 HTTPClient and a TFTP path.
    Not to be confused with
        One machine with a wrong reservation. A second client of yet another architecture that got the same file makes this
        cause likely.
    Causes
        dhcp-match=set:…,option:client-arch,b: dnsmasq takes a lone b, s or i at the end for a length suffix and keeps an
        empty value, and an empty value matches any client that sends option 93. The number must be decimal: 11.
    Fix
        dhcp-match=set:efi-aa64-pxe,option:client-arch,11
    Sources
        dnsmasq option.c (parse_dhcp_opt) and dhcp-common.c (match_bytes); lab captures: 6 of 6 clients got the wrong file.
    """

    code = "arch-dnsmasq-b-matches-everyone"
    stage = "dhcp"
    symptoms = (
        "arch-wrong-efi-machine",
        "arch-bios-file-to-efi",
        "dhcp-http-offer-without-usable-uri",
        "tftp-file-not-found",
    )
    summary = "{file} looks meant for ARM64: “option:client-arch,b” in dnsmasq matches every client{sign}"

    def explain(self, case: Case, symptom: Finding) -> Iterator[Finding]:
        named = case.named
        if named is None or not named.boot_file or not _ARM64.search(named.boot_file):
            return
        if architecture(case.client) == "arm64" or case.dialect not in (None, "dnsmasq", "libvirt"):
            return
        others = sorted(_others_with(case, named.boot_file))
        yield self.finding(
            case,
            [
                evidence(
                    named.heard, f"{named.boot_file} for architecture {', '.join(map(str, case.stage.arch)) or '?'}"
                )
            ],
            confidence="likely" if others else "possible",
            explains=symptom.code,
            file=named.boot_file,
            sign=f"; {names.joined(others)} got it too" if others else "",
            proof="grep client-arch in dnsmasq's configuration.",
            fixes=fixes.arrange(
                case,
                *fixes.dnsmasq(
                    "# instead of option:client-arch,b", "dhcp-match=set:efi-aa64-pxe,option:client-arch,11"
                ),
            ),
        )


def _others_with(case: Case, file: str) -> set[str]:
    """Other kinds of client that were offered the same file, ARM64 ones aside."""
    return {other.client for other in siblings(case) if other.file == file and architecture(other.client) != "arm64"}
