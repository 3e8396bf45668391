"""chain-ipxe-loop; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.circles import ipxe_loaded, runs_ipxe_again
from ...track.kinds import is_ipxe
from ...track.records import StageRecord
from .. import fixes, names, quoting
from ..case import Case
from ..evidence import evidence, naming
from ..rule import Rule


class ChainIpxeLoop(Rule):
    """iPXE is given iPXE again.

    What happens
        The firmware loads iPXE, iPXE asks DHCP, and is told to load iPXE: it never gets to a script.
    On the wire
        A DISCOVER with user class iPXE (or option 175), answered with an iPXE binary (undionly.kpxe, ipxe.efi, snponly.efi),
        which is fetched. The bytes prove it. Or a script that names an iPXE binary, which gets the same script again.
    Not to be confused with
        The normal chain, where the firmware fetches the binary once and iPXE then gets a script; a ROM's iPXE that loads a
        newer one which then goes on. iPXE for BIOS that is given iPXE for UEFI, which it cannot start (arch-bios-file-to-efi).
    Causes
        DHCP does not look at option 77 or 175; the order of tags; an architecture rule that matches first; a ProxyDHCP menu
        that overrides the iPXE tag.
    Fix
        Give iPXE (option 175 set) a script, and the binary only to everybody else; or embed a script.
    Sources
        iPXE chainloading documentation; iPXE issues 203, 913 and 922; opnsense/core issue 3557.
    """

    code = "chain-ipxe-loop"
    stage = "chain"
    needs = "fetches"
    always = True
    explains_away = ("arch-bios-file-to-efi", "nbp-secure-boot-refused", "nbp-stalls-after-download")
    summary = "{who} {file}, which is iPXE again{times}"

    def concerns(self, client: str) -> bool:
        return is_ipxe(client)

    def check(self, case: Case) -> Iterator[Finding]:
        binary = ipxe_loaded(case.stage)
        if binary is None or (case.client == "ipxe-bios" and binary.content is not None and binary.content.efi):
            return  # iPXE for BIOS does not start an EFI program: arch-bios-file-to-efi
        loops = [stage for stage in _stages(case) if stage.client.startswith("ipxe-") and ipxe_loaded(stage)]
        if len(loops) < 2 and not runs_ipxe_again(case.stage):
            return  # a script may lead to a newer iPXE
        if case.stage is not loops[0]:
            return  # told once, at the first turn
        last = case.boot.stages[case.option[-1]]
        if case.boot.stalled_at != "chain" and len(loops) < 2:
            return  # a ROM's iPXE may load a newer one
        turns = {names.path_of(again) for stage in loops if (again := ipxe_loaded(stage))}
        if last not in loops and any(
            fetch.status != "optional" and names.path_of(fetch) not in turns for fetch in last.fetches
        ):
            return  # it got out of the circle
        named = runs_ipxe_again(case.stage)
        yield self.finding(
            case,
            [
                *naming(case),
                evidence(binary.ended, f"{names.base(names.path_of(binary))} fetched by iPXE"),
                *(evidence(again.ended, "fetched again") for stage in loops[1:4] if (again := ipxe_loaded(stage))),
            ],
            confidence="certain" if len(loops) > 1 or (binary.content and binary.content.ipxe) else "likely",
            subject=names.path_of(binary),
            file=names.path_of(binary),
            times=f", {len(loops)} times over" if len(loops) > 1 else "",
            expected="A script, a kernel or another loader for iPXE.",
            proof="" if len(loops) > 1 else "The file's bytes, or a second turn.",
            who="iPXE was given" if named else "iPXE's script leads it to",
            fixes=fixes.ipxe_script(case, fixes.example_url(case, "menu.ipxe"))
            if named
            else _script_fixes(names.path_of(binary)),
        )


def _stages(case: Case) -> list[StageRecord]:
    return [case.boot.stages[index] for index in case.option]


def _script_fixes(binary: str) -> tuple[Fix, ...]:
    """The iPXE that a script loads needs a script of its own, or it comes back to the first one."""
    name = names.base(binary)
    return (Fix("ipxe", f"make bin/{quoting.shell(name)} EMBED=menu.ipxe   # bin-x86_64-efi/ for EFI"),)
