"""arch-wrong-efi-machine; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from .. import fixes, names
from ..case import Case
from ..evidence import evidence, naming
from ..rule import Rule

_MACHINES = {
    "ia32": (0x014C,),
    "x64": (0x8664,),
    "arm32": (0x01C0, 0x01C2, 0x01C4),
    "arm64": (0xAA64,),
    "riscv32": (0x5032,),
    "riscv64": (0x5064,),
    "riscv128": (0x5128,),
    "loongarch32": (0x6232,),
    "loongarch64": (0x6264,),
}
"""PE machine types (Microsoft PE format, machine types) by the word of our client kinds."""
_EBC = 0x0EBC
_SPOKEN = {0x014C: "IA32", 0x8664: "x86-64", 0xAA64: "ARM64", 0x01C0: "ARM", 0x01C2: "ARM", 0x01C4: "ARM", 0x5064: "RISC-V 64",
           0x5032: "RISC-V 32", 0x6264: "LoongArch 64"}  # fmt: skip


class ArchWrongEfiMachine(Rule):
    """The EFI program is for another processor.

    What happens
        The file arrives whole, is an EFI program, and the firmware refuses it as unsupported: it was built for another
        architecture.
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
        wanted = _MACHINES.get(names.architecture(case.client if case.is_efi else case.firmware) or "")
        if wanted is None:
            return
        for fetch in case.stage.fetches[-4:]:
            content = fetch.content
            if fetch.status != "complete" or content is None or content.machine is None or not names.is_body(fetch):
                continue
            if content.kind not in ("pe", "linux-kernel") or content.machine in wanted or content.machine == _EBC:
                continue
            numbers = ", ".join(map(str, case.stage.arch)) or "not told"
            yield self.finding(
                case,
                [
                    *naming(case),
                    *(evidence(ref, "the program's header") for ref in [fetch.flow.body.first] if ref),
                    evidence(fetch.ended, f"{names.base(names.path_of(fetch))} is whole, nothing starts"),
                ],
                subject=names.url_of(fetch),
                name=f"{case.stage.name or case.client}",
                file=names.path_of(fetch),
                machine=f"{_SPOKEN.get(content.machine, hex(content.machine))} (option 93: {numbers})",
                expected=f"A program for {_SPOKEN.get(wanted[-1], hex(wanted[-1]))}.",
                fixes=_fixes(case),
            )


def _fixes(case: Case) -> tuple[Fix, ...]:
    if case.is_http:
        return fixes.http_boot(case, fixes.example_url(case))
    return fixes.boot_file(case, names.loader_for(case.client)) if case.dhcp4 else ()
