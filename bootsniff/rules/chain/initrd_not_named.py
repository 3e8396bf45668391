"""chain-initrd-not-named; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.kinds import is_ipxe
from ...track.left_out import initrd_not_found
from ...track.patience import PAGE_SILENCE
from ...track.records import StageRecord, World
from ...wire.script_plan import LeftOut
from .. import names, quoting
from ..case import Case
from ..evidence import evidence
from ..rule import Rule


class ChainInitrdNotNamed(Rule):
    """The kernel of an iPXE script does not find its initrd: on UEFI its arguments must name it.

    What happens
        Kernel and initrd arrive whole and the kernel starts, without the initrd. It finds no root file system and stops
        (“Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)”); or, where its arguments name a file
        that is not there, its EFI stub ends (“Failed to open file”, “Failed to load initrd”).
    On the wire
        An iPXE script whose kernel line has no initrd=, or one with a name that the script loads nothing under. Kernel and
        initrd are fetched, or the kernel alone, and nothing of a started system follows.
    Not to be confused with
        iPXE on BIOS, which hands over in any case what it loads. initrd=initrd.magic, and initrd --name. iPXE since February 2023
        and a kernel since 5.8, which find each other without a name: where the User-Agent does not tell that iPXE is older,
        this is a note. wimboot, which takes its files by itself. A system that does not use the network.
    Causes
        A script that was written for BIOS, or for PXELINUX, where initrd= alone loads it; an initrd that was renamed.
    Fix
        Load the initrd, and name it among the kernel's arguments as it is loaded.
    Sources
        ipxe.org/cmd/initrd; ipxe/ipxe issue 893 and pull request 895; Linux drivers/firmware/efi/libstub/file.c; lab captures.
    """

    code = "chain-initrd-not-named"
    stage = "chain"
    needs = "fetches"
    always = True
    summary = "{kernel} starts without its initrd: {why}"

    def concerns(self, client: str) -> bool:
        return is_ipxe(client)

    def may(self, stage: StageRecord, _world: World) -> bool:
        return bool(stage.left_out)

    def check(self, case: Case) -> Iterator[Finding]:
        found = initrd_not_found(case.stage)
        if found is None or case.followers or case.world.now - case.stage.fetches[-1].end < PAGE_SILENCE:
            return
        told = found.said.told
        base = names.base(names.path_of(found.kernel))
        latest = found.initrd or found.kernel
        yield self.finding(
            case,
            [
                evidence(found.said.at, f"{names.base(found.said.script)}: initrd={told.asked or '… is not there'}"),
                *([evidence(found.kernel.ended, f"{base} is whole")] if found.initrd is not None else ()),
                evidence(latest.ended, f"{names.base(names.path_of(latest))} is whole; nothing follows"),
            ],
            confidence="likely" if found.sure else "possible",
            severity="error" if found.sure else "note",
            subject=found.said.kernel,
            kernel=base,
            why=_why(told),
            expected=f"initrd={told.loaded} among the arguments of {base}."
            if told.loaded
            else f"A request for {told.asked}.",
            proof="The machine's screen: “Unable to mount root fs”, or “Failed to open file”?",
            fixes=(Fix("ipxe", _repaired(told)),),
        )


def _why(told: LeftOut) -> str:
    if not told.asked:
        return f"its arguments do not name {told.loaded}, as UEFI needs it"
    return f"its arguments name {told.asked}, and the script loads {told.loaded or 'no initrd'}"


def _repaired(told: LeftOut) -> str:
    """The line of the script that is wrong, or the one that it lacks."""
    kernel = quoting.ipxe(told.kernel)
    if not told.loaded:
        folder, slash, _ = kernel.rpartition("/")
        return f"initrd {folder}{slash}{quoting.ipxe(told.asked)}"
    others = [word for word in told.arguments.split() if not word.startswith("initrd=")]
    return " ".join(["kernel", kernel, *others, f"initrd={told.loaded}"])
