"""nbp-secure-boot-refused; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.kinds import architecture
from .. import fixes, names, quoting
from ..case import Case
from ..rule import Rule
from . import downloads


class NbpSecureBootRefused(Rule):
    """Secure Boot may refuse the program.

    What happens
        The program arrives whole and fits the processor, but it carries no signature; firmware with Secure Boot on throws it
        away and goes on, or fetches it again.
    On the wire
        Every block of the file, a PE header of the right machine type without a certificate table; then silence, the same
        download again, or the next boot option. Never autoexec.ipxe, grub.cfg or another DHCP exchange of the program.
    Not to be confused with
        A program for another processor (arch-wrong-efi-machine). A program that starts slowly: some need ten seconds. A
        program that starts and hangs (nbp-stalls-after-download): packets cannot tell which, so this is never certain.
        systemd-boot, which finds nothing to boot over the network whoever signed it (nbp-stalls-after-download).
    Causes
        Unsigned or test-signed GRUB, iPXE or syslinux without shim.
    Fix
        Offer shim with a signed loader beside it, or switch Secure Boot off.
    Sources
        UEFI specification section 32 (Secure Boot); FOGProject issue 960; iPXE issues 1776 and 1825.
    """

    code = "nbp-secure-boot-refused"
    stage = "nbp"
    needs = "fetches"
    explains_away = ("nbp-stalls-after-download",)
    summary = "{file} arrived whole and is not signed; {then}"

    def check(self, case: Case) -> Iterator[Finding]:
        fetch = downloads.idle_program(case)
        if fetch is None or fetch.content is None or fetch.content.signed is not False:
            return
        again = downloads.times_fetched(case, fetch)
        if downloads.looks_for_its_disk(fetch) or (again == 1 and downloads.is_lost_with_dns(case, fetch)):
            return
        if again > 1:
            then = f"the firmware fetched it {again} times"
        else:
            then = "the firmware goes on to its next boot option" if case.went_on else "nothing follows"
        arch = fixes_name(case)
        grub = "GRUB" in fetch.content.details and not case.went_on
        yield self.finding(
            case,
            downloads.proof(case, fetch),
            confidence="likely" if case.went_on or again > 1 or case.client == "shim" else "possible",
            subject=fetch.flow.url,
            file=names.path_of(fetch),
            then=then,
            expected="The program's own requests: autoexec.ipxe, grub.cfg, or another DHCP exchange.",
            proof=("The machine's screen: at a “grub>” prompt GRUB runs, and has no configuration. " if grub else "")
            + "The firmware's setup: is Secure Boot on? Switch it off for one try.",
            fixes=(
                *(
                    fixes.http_boot(case, fixes.example_url(case, f"shim{arch}.efi"))
                    if case.is_http
                    else fixes.boot_file(case, f"shim{arch}.efi")
                    if case.dhcp4
                    else ()
                ),
                Fix(
                    "shell",
                    f"sbverify --list {quoting.shell(names.base(names.path_of(fetch)))}\nmokutil --sb-state   # on the machine",
                ),
            ),
        )


def fixes_name(case: Case) -> str:
    arch = architecture(case.client) or "x64"
    return names.EFI_LETTERS.get(arch, arch)
