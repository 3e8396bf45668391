"""arch-wrong-efi-machine; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.records import FetchRecord
from .. import fixes, names, quoting
from ..case import Case
from ..evidence import evidence, naming
from ..nbp import downloads
from ..rule import Rule
from .machines import SPOKEN, is_for_another, machines_of


class ArchWrongEfiMachine(Rule):
    """The EFI program is for another processor.

    What happens
        The file arrives whole, is an EFI program, and the firmware refuses it as unsupported: it was built for another
        architecture. U-Boot refuses such a kernel too (“Bad magic”).
    On the wire
        The Machine field of the PE header in the first block (0x8664 x86-64, 0x014c IA32, 0xaa64 ARM64, 0x01c4 ARM)
        contradicts option 93 (7, 6, 11, 10, and 16, 15, 19, 18 for HTTP). Then the next boot option, or nothing.
    Not to be confused with
        A Secure Boot refusal (nbp-secure-boot-refused): there the machine type fits. A BIOS file (arch-bios-file-to-efi).
    Causes
        One EFI file for all architectures; a rule that matches everyone; files that were swapped on the server.
    Fix
        Serve the file of the client's architecture: names end in x64, ia32, aa64, arm, riscv64.
    Sources
        Microsoft PE format; IANA processor architecture registry; UEFI specification section 3.5.1.1; pftf/RPi4 issue 191.
    """

    code = "arch-wrong-efi-machine"
    stage = "nbp"
    needs = "fetches"
    explains_away = ("nbp-secure-boot-refused", "nbp-stalls-after-download")
    summary = "{name} was given {file}, a program for {machine}"

    def check(self, case: Case) -> Iterator[Finding]:
        wanted = machines_of(case)
        if wanted is None:
            return
        for fetch in case.stage.fetches[-4:]:
            content = fetch.content
            if content is None or content.machine is None or not is_for_another(case, fetch):
                continue
            told = case.stage.arch or case.boot.stages[case.option[0]].arch
            numbers = ", ".join(map(str, told)) or "not told"
            yield self.finding(
                case,
                [
                    *naming(case),
                    *(evidence(ref, "the program's header") for ref in [fetch.flow.body.first] if ref),
                    evidence(fetch.ended, f"{names.base(names.path_of(fetch))} is whole, nothing starts"),
                ],
                subject=fetch.flow.url,
                name=f"{case.stage.name or case.client}",
                file=names.path_of(fetch),
                machine=f"{SPOKEN.get(content.machine, hex(content.machine))} (option 93: {numbers})",
                expected=f"A program for {SPOKEN.get(wanted[-1], hex(wanted[-1]))}.",
                fixes=_fixes(case, fetch),
            )


def _fixes(case: Case, fetch: FetchRecord) -> tuple[Fix, ...]:
    if fetch.role != "boot-file":
        return (Fix("shell", f"file {quoting.shell(downloads.on_disk(fetch))}   # on {fetch.server}"),)
    if case.is_http:
        return fixes.http_boot(case, fixes.example_url(case))
    return fixes.boot_file(case) if case.dhcp4 else ()
