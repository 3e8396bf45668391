"""tftp-client-aborts; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TftpTransfer
from ...model import Finding, Fix
from ...track.records import FetchRecord
from ...track.tftp_outcome import gave_up_waiting
from .. import fixes, names
from ..case import Case
from ..evidence import evidence, maybe
from ..rule import Rule
from . import transfers

_MIB = 1024 * 1024
_LARGE = 64 * _MIB
_TOO_LARGE = "once it knows the size: no room for the file"
_MEANING = {
    3: "no room for the file",
    4: "it takes the server's packet for an illegal one",
    5: "it takes the server's port for an unknown one",
}


class TftpClientAborts(Rule):
    """The machine itself ends the transfer.

    What happens
        The boot program tells the server that it will not go on: the file is too large for its memory, a packet looks
        wrong, or the program was left.
    On the wire
        ERROR from the client's side: 3 (disk full: memory block too small), 0 ("Early terminate", "Closed by application"),
        4 or 5, or 8 ("User aborted the transfer"), and no further request for the file. When it comes right after an OACK that
        tells the size, the machine has no room for that much. BIOS shows PXE-E05 or PXE-E79 ("NBP is too big to fit in
        free base memory"), UEFI the file's size and then the next boot option.
    Not to be confused with
        The size probe: the client ends the transfer right after the OACK and asks again. A server that fell silent, until
        the machine gave up waiting (tftp-timeout-mid-transfer).
    Causes
        A file that is no boot program for this machine (an ISO, a kernel, ipxe.lkrn to a BIOS ROM, which has about 500 KB),
        a program for EFI that a BIOS is given, a wrong tsize, a server that answers an ERROR, which ends a transfer, with another
        (the size probe is none to such a server, and the ROM hangs), a virtual machine with little memory, a key pressed at the machine.
    Fix
        Offer a smaller loader and let that one fetch the large file; give the machine more memory.
    Sources
        RFC 1350 sections 5 and 7; RFC 2349; edk2 Mtftp4Rrq.c; ptftpd issue 5; PXE error codes of the PXE specification.
    """

    code = "tftp-client-aborts"
    stage = "tftp"
    needs = "fetches"
    summary = "the machine ends the transfer of {file}{size}: error {number}, {meaning}"

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in transfers.failed(case):
            error = flow.error
            if error is None or not flow.error_by_client or flow.complete or fetch.role == "optional":
                continue
            if gave_up_waiting(flow):
                continue  # tftp-timeout-mid-transfer
            if error.code in (4, 8) and not flow.body.packets and not transfers.size_only(flow):
                continue  # tftp-option-negotiation-refused
            if any(other.filename == flow.filename and record.start > fetch.start for record, other in case.tftp):
                continue
            meaning = _TOO_LARGE if transfers.size_only(flow) else _MEANING.get(error.code, "its own decision")
            yield self.finding(
                case,
                [
                    *(evidence(ref, f"RRQ {flow.filename}") for ref in flow.requests[:1]),
                    *(evidence(ref, f"OACK, tsize {flow.size}") for ref in flow.oacks[:1]),
                    *maybe(flow.error_at, f"error {error.code} “{error.text}” from the machine"),
                    *maybe(flow.error_answered, "error of the server, in answer"),
                ],
                subject=fetch.flow.url,
                file=flow.filename,
                size=f" ({_spoken(flow.size)})" if flow.size else "",
                number=error.code,
                meaning=(f"{meaning} (“{error.text}”)" if error.text else meaning) + _beside(case, flow),
                expected="ACKs up to the last block.",
                fixes=_fixes(case, fetch, flow),
            )


def _beside(case: Case, flow: TftpTransfer) -> str:
    """What else is wrong with the transfer that the machine ended."""
    if flow.error_answered is not None:
        return "; the server answers that with an error of its own, which no ROM expects"
    if case.client == "bios-pxe" and flow.filename.lower().endswith(".efi"):
        return "; by its name it is a program for EFI, and a BIOS asks for it"
    return ""


def _spoken(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size} bytes"


def _fixes(case: Case, fetch: FetchRecord, flow: TftpTransfer) -> tuple[Fix, ...]:
    """Another file where DHCP names this one; memory where the file fills a good part of what small machines have."""
    if flow.error_answered is not None:
        return fixes.arrange(case, fixes.DNSMASQ_TFTP)
    size = flow.size or 0
    room = f"{max(2048, 4 * size // _MIB)}M"
    memory = Fix(
        "shell",
        f"machine=NAME   # as virsh list --all has it; elsewhere: more memory\n"
        f"virsh setmaxmem $machine {room} --config\nvirsh setmem $machine {room} --config",
    )
    named = case.dhcp4 and case.takes_loader and case.is_boot_file(fetch)
    smaller = fixes.boot_file(case, names.loader_for(case.client), flow.server) if named else ()
    return (*((memory,) if size > _LARGE else ()), *smaller)
