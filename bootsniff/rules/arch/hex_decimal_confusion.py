"""arch-hex-decimal-confusion; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Confidence, Finding, Fix
from ...wire.http import is_web_url
from .. import fixes, names
from ..case import Case
from ..evidence import evidence
from ..overview import Answer
from ..rule import Cause
from .siblings import siblings, treated_otherwise

_AMBIGUOUS = {10, 11, 15, 16, 18, 19, 21, 22, 23, 24, 25, 27, 28, 31}
"""Architecture numbers that mean another one when read in the other base."""


class ArchHexDecimalConfusion(Cause):
    """The server's rule for this architecture may be written in the wrong base.

    What happens
        The registry of architectures is in hexadecimal, dnsmasq wants decimal, ISC dhcpd and Kea take hexadecimal bytes. A
        rule in the wrong base matches another architecture, so this one gets the default file or none.
    On the wire
        A client of architecture 10 or above gets no file, or the one of another kind. In dnsmasq's client-arch, 16 and
        00:10 match 16 (x64 HTTP); 10 and 0010 match 10 (ARM32 UEFI); 0x10 never matches.
    Not to be confused with
        A rule that is missing altogether: packets show the effect only. A second machine that got the file meant for this
        one makes it likely.
    Causes
        Numbers copied from a table of the other base.
    Fix
        dnsmasq: decimal. ISC dhcpd: bytes in hexadecimal (00:10). Kea: 0x0010.
    Sources
        IANA processor architecture registry; dnsmasq option.c; lab captures with dnsmasq 2.90.
    """

    code = "arch-hex-decimal-confusion"
    stage = "dhcp"
    symptoms = (
        "dhcp-offer-without-boot-file",
        "dhcp-http-offer-without-usable-uri",
        "arch-bios-file-to-efi",
        "arch-wrong-efi-machine",
    )
    summary = "the rule for architecture {number} (0x{number:02x}) may be written in the wrong base{sign}"

    def explain(self, case: Case, symptom: Finding) -> Iterator[Finding]:
        number = case.stage.arch[0] if case.stage.arch else None
        if number not in _AMBIGUOUS or number is None or not symptom.evidence:
            return
        if symptom.code == "arch-bios-file-to-efi" and names.suits(case.boot_file or "", case.client):
            return  # the rule matched: the file under that name is another one
        twin = _twin(case, number)
        other = twin or treated_otherwise(case)
        if other is None:
            return  # no sign that the server looks at architectures at all
        confidence: Confidence = "likely" if twin else "possible"
        role = f"architecture {other.arch} is offered {other.file or 'no file'}"
        yield self.finding(
            case,
            [*symptom.evidence[:1], evidence(other.at, role)],
            confidence=confidence,
            explains=symptom.code,
            number=number,
            sign=f": architecture {twin.arch} was given {twin.file}" if twin else "",
            proof="The server's configuration: which number does its rule name?",
            fixes=fixes.arrange(
                case,
                Fix("dnsmasq", f"dhcp-match=set:{case.client},option:client-arch,{number}"),
                Fix("isc-dhcpd", f"# the condition of its rule: option arch = {number >> 8:02x}:{number & 255:02x}"),
                Fix("kea", f"// the test of its class: option[93].hex == 0x{number:04x}"),
            ),
        )


def _twin(case: Case, number: int) -> Answer | None:
    """A client whose number is this one read in the other base, and that got a URL (as HTTP clients should)."""
    twins = {int(f"{number:x}") if f"{number:x}".isdigit() else -1, int(str(number), 16)} - {number}
    if not case.is_http:
        return None
    return next((other for other in siblings(case) if other.arch in twins and is_web_url(other.file)), None)
