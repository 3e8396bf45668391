"""arch-option-missing; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding
from .. import fixes
from ..case import Case
from ..evidence import first_and_last
from ..rule import Cause


class ArchOptionMissing(Cause):
    """The machine does not tell its architecture, so rules for architectures do not match.

    What happens
        The client sends no option 93. A server that chooses boot files by architecture gives it the default or nothing.
    On the wire
        DISCOVER with option 60 and without option 93.
    Not to be confused with
        A server without any boot file.
    Causes
        Old or odd ROMs; U-Boot built without a client architecture.
    Fix
        Recognise the client by its vendor class (option 60).
    Sources
        RFC 4578 section 2.1; U-Boot Kconfig (CONFIG_DHCP_PXE_CLIENTARCH); metal3-io/ironic-image pull request 916.
    """

    code = "arch-option-missing"
    stage = "dhcp"
    symptoms = ("dhcp-offer-without-boot-file", "arch-bios-file-to-efi", "chain-uboot-bootfile-env")
    summary = "the machine sends no option 93; only its vendor class {vendor} tells what it is"

    def explain(self, case: Case, symptom: Finding) -> Iterator[Finding]:
        if case.stage.arch or not case.stage.vendor_class or case.dhcp4 is None:
            return
        yield self.finding(
            case,
            first_and_last(case.dhcp4.discovers[:1], "DISCOVER without option 93"),
            confidence="possible",
            explains=symptom.code,
            vendor=case.stage.vendor_class,
            proof="The server's rules: do they ask for option 93?",
            fixes=fixes.boot_file(case),
        )
