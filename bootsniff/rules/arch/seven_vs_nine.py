"""arch-7-vs-9; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding
from .. import fixes, names, quoting
from ..case import Case
from ..evidence import evidence
from ..recognise import IPXE_TAG
from ..rule import Cause
from .siblings import siblings, treated_otherwise


class Arch7Vs9(Cause):
    """The server may know x64 UEFI by only one of its two numbers.

    What happens
        x64 UEFI clients send architecture 7 or, older ones, 9. A server with a rule for one of them gives the other the
        default file, or none. With iPXE in the middle it shows as a loop: the firmware matched, iPXE does not.
    On the wire
        A client with option 93 = 7 (or 9) gets the BIOS file, no file, or iPXE gets iPXE again.
    Not to be confused with
        A server without any rule for UEFI. Only its configuration tells.
    Causes
        RFC 4578 had both numbers swapped (7 "EFI BC", 9 "EFI x86-64") until its erratum; practice is 7.
    Fix
        Match both numbers.
    Sources
        RFC 4578 section 2.1, erratum 4625; IANA registry; serverfault.com question 349693; xCAT pull request 7645.
    """

    code = "arch-7-vs-9"
    stage = "dhcp"
    symptoms = ("arch-bios-file-to-efi", "dhcp-offer-without-boot-file", "chain-ipxe-loop")
    summary = "the server may know x64 UEFI as architecture {other} only; this client is {number}"

    def explain(self, case: Case, symptom: Finding) -> Iterator[Finding]:
        number = next((code for code in case.stage.arch if code in (7, 9)), None)
        if number is None or not symptom.evidence:
            return
        if symptom.code == "arch-bios-file-to-efi" and names.suits(case.boot_file or "", case.client):
            return  # the rule matched: the file under that name is another one
        other = 16 - number
        if symptom.code == "chain-ipxe-loop":
            before = self._firmware_arch(case)
            if before in (None, number):
                return  # the firmware sent the same number, and its rule matched
            sign = [evidence(case.boot.stages[case.option[0]].last, f"the firmware said architecture {before}")]
        else:
            sibling = treated_otherwise(case)
            if sibling is None:
                return  # no sign that the server looks at architectures at all
            sign = [evidence(sibling.at, f"architecture {sibling.arch} is offered {sibling.file or 'no file'}")]
        server, file = fixes.address_of_server(case), names.loader_for(case.firmware)
        yield self.finding(
            case,
            [*symptom.evidence[:1], *sign],
            confidence="likely" if any(s.arch == other and s.file for s in siblings(case)) else "possible",
            explains=symptom.code,
            number=number,
            other=other,
            proof=f"The server's rules: is architecture {number} among them?",
            fixes=fixes.arrange(
                case,
                *fixes.dnsmasq(
                    IPXE_TAG,
                    "dhcp-match=set:efi64,option:client-arch,7",
                    "dhcp-match=set:efi64,option:client-arch,9",
                    f"dhcp-boot=tag:efi64,tag:!ipxe,{quoting.field(file)},,{server}",
                ),
                fixes.isc_if(
                    'option user-class != "iPXE" and (option arch = 00:07 or option arch = 00:09)',
                    f"next-server {server};",
                    f"filename {quoting.quoted(file)};",
                ),
                fixes.kea_class(
                    "efi64",
                    "(option[93].hex == 0x0007 or option[93].hex == 0x0009) and not option[175].exists",
                    [("next-server", server), ("boot-file-name", file)],
                ),
            ),
        )

    @staticmethod
    def _firmware_arch(case: Case) -> int | None:
        """The architecture that the program before iPXE sent."""
        arch = case.boot.stages[case.option[0]].arch
        return arch[0] if arch and case.stage_index > case.option[0] else None
