"""arch-isc-0016-is-uboot; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding
from .. import fixes
from ..case import Case
from ..evidence import evidence
from ..rule import Cause


class ArchIsc0016IsUboot(Cause):
    """ISC dhcpd's rule may say 00:16, which is 22 and not 16.

    What happens
        The x64 HTTP client (architecture 16) falls through to the default branch and is offered a BIOS or PXE file without
        option 60; U-Boot on ARM64 (22) would match instead.
    On the wire
        An architecture 16 client is offered pxelinux.0 or another path, option 60 is not echoed.
    Not to be confused with
        A server that has no rule for HTTP clients at all, which looks the same.
    Causes
        option arch = 00:16 is 0x0016 = 22: tables that print decimal codes with 0x before them are common.
    Fix
        if option arch = 00:10 { option vendor-class-identifier "HTTPClient"; filename "http://…"; }
    Sources
        IANA processor architecture registry; U-Boot Kconfig (0x16: ARM64 U-Boot); kraxel.org, network boot with libvirt.
    """

    code = "arch-isc-0016-is-uboot"
    stage = "dhcp"
    symptoms = ("dhcp-http-offer-without-usable-uri",)
    summary = "{name} got the default {file}: a rule “option arch = 00:16” would mean 22, x64 HTTP is 00:10"

    def explain(self, case: Case, symptom: Finding) -> Iterator[Finding]:
        if 16 not in case.stage.arch or case.dialect not in (None, "isc-dhcpd"):
            return
        path = next((o for o in case.offers if o.boot_file and not o.is_url and not o.echoes_http), None)
        if path is None:
            return
        yield self.finding(
            case,
            [evidence(path.heard, f"default file {path.boot_file}, no option 60")],
            confidence="possible",  # there may be no rule for HTTP at all
            explains=symptom.code,
            name=case.stage.name or case.client,
            file=path.boot_file,
            proof="grep -n 'arch' dhcpd.conf",
            fixes=tuple(fix for fix in fixes.http_boot(case, fixes.example_url(case)) if fix.target == "isc-dhcpd"),
        )
