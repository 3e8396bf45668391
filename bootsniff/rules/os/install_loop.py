"""os-install-loop; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import NANOSECONDS, Finding, Fix
from ...track.arrived import is_kernel
from ...track.naming import same_file
from ...track.records import BootRecord, FetchRecord, StageRecord, World
from .. import fixes, names
from ..case import Case
from ..evidence import evidence
from ..rule import Rule

_INSTALLS = 120 * NANOSECONDS, 7200 * NANOSECONDS
"""Between a kernel and the machine's next boot: longer than a crash takes, shorter than a day's work lasts."""
_BOOTS = 3


class OsInstallLoop(Rule):
    """The machine is installed over and over: whenever it has finished, it boots from the network again.

    What happens
        The installer ends with a restart, the network is still first in the boot order, and DHCP still names the installer.
    On the wire
        The same machine goes through its whole chain again, down to the same kernel, minutes after it had gone quiet; at
        least three times.
    Not to be confused with
        A chain that starts over within seconds (chain-ipxe-loop); a diskless machine, which is meant to boot like this, though
        seldom so often; restarts by hand while somebody tries things.
    Causes
        Network before disk in the boot order; a provisioning service that does not switch to the disk when it is done.
    Fix
        Boot from disk once the system is installed.
    Sources
        tinkerbell/tink issue 951; Debian installer guide, preseed and netboot.
    """

    code = "os-install-loop"
    stage = "os"
    severity = "note"
    needs = "fetches"
    always = True
    summary = "{file} was started {count} times, {pause} apart: is it an installer that is never told that it is done?"

    def may(self, stage: StageRecord, _world: World) -> bool:
        return any(is_kernel(fetch) for fetch in stage.fetches)

    def check(self, case: Case) -> Iterator[Finding]:
        boots = case.machine.boots
        if case.boot_index < len(boots) - 1 or len(boots) < _BOOTS:
            return
        kernels = _turns(boots)
        if len(kernels) < _BOOTS or kernels[-1] not in case.stage.fetches:
            return
        path = names.path_of(kernels[-1])
        yield self.finding(
            case,
            [
                evidence(kernel.ended, f"{names.base(path)} fetched, time {n}")
                for n, kernel in enumerate(kernels[:6], 1)
            ],
            confidence="possible",
            subject=path,
            file=names.base(path),
            count=len(kernels),
            pause=names.seconds((kernels[-1].end - kernels[0].end) // (len(kernels) - 1)),
            expected="A boot from disk after the installation.",
            proof="The machine's screen, or the installer's log on its disk.",
            fixes=fixes.arrange(
                case,
                Fix(
                    "shell", "efibootmgr   # the numbers; then efibootmgr -o DISK,NETWORK as the installer's last step"
                ),
                Fix("ipxe", "sanboot --no-describe --drive 0x80   # BIOS: the disk, for machines that are installed"),
            ),
        )


def _turns(boots: list[BootRecord]) -> list[FetchRecord]:
    """The kernels of the latest boots that all started the same one and were quiet for as long as an installation takes."""
    found: list[FetchRecord] = []
    later: BootRecord | None = None
    for boot in reversed(boots):
        kernel = next(
            (
                fetch
                for stage in boot.stages
                for fetch in stage.fetches
                if is_kernel(fetch) and fetch.status == "complete"
            ),
            None,
        )
        if kernel is None or (found and not same_file(kernel.name, found[0].name)):
            break
        if later is not None and not _INSTALLS[0] <= later.start - kernel.end <= _INSTALLS[1]:
            break
        found.insert(0, kernel)
        later = boot
    return found
