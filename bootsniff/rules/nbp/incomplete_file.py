"""nbp-incomplete-file; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.arrived import is_empty
from ...track.left_out import empty_initrd
from ...track.records import FetchRecord
from .. import names, quoting
from ..case import Case
from ..evidence import evidence, maybe, naming_of
from ..rule import Rule
from ..tftp import transfers
from . import downloads


class NbpIncompleteFile(Rule):
    """The file on the server is empty, or shorter than its own headers say.

    What happens
        The transfer goes well, but what the server has is no whole program: firmware refuses it and tries its next boot
        option, iPXE says “Exec format error” (2e008081) and gives up. A kernel of which the end is missing is started all the
        same on BIOS, and by GRUB, crashes, and the machine hangs or starts over, again and again. So is a whole one whose
        initrd is empty (“Unable to mount root fs on unknown-block(0,0)”).
    On the wire
        A whole transfer of no bytes (UEFI asks by TFTP for the size first, and leaves it at that: "NBP filesize is 0
        Bytes"), or of an EFI program or a kernel whose section table, or certificate table, ends behind the end of
        the file, or of an x86 kernel, or a module of GRUB or PXELINUX (ELF), whose header tells of more. Nothing that the
        program would ask for follows.
    Not to be confused with
        A transfer that breaks off (tcp-reset-or-stall-mid-body, tftp-timeout-mid-transfer): there the server says that there
        is more. A program that Secure Boot refuses (nbp-secure-boot-refused) is whole.
    Causes
        A copy or a download that was cut off, a full disk, a build that failed after it had made the file; a web application
        that answers 200 without a body; a wrong Content-Length.
    Fix
        Put the whole file there; compare size and checksum with where it comes from.
    Sources
        Microsoft PE/COFF specification, section table; Linux Documentation/arch/x86/boot.rst (setup_sects, syssize); edk2 MdePkg BasePeCoff.c (PeCoffLoaderGetImageInfo); lab captures.
    """

    code = "nbp-incomplete-file"
    stage = "nbp"
    needs = "fetches"
    explains_away = (
        "arch-bios-file-to-efi",
        "chain-ipxe-nothing-to-boot",
        "chain-no-config-found",
        "http-content-type-not-boot",
        "nbp-secure-boot-refused",
        "nbp-stalls-after-download",
    )
    summary = "{file} is {what} on {server}"

    def check(self, case: Case) -> Iterator[Finding]:
        if case.client == "os":
            return
        yield from self._unwanted(case)
        initrd = empty_initrd(case.stage)
        fetch = initrd or _last(case)
        if fetch is None or fetch.content is None:
            return
        missing = fetch.content.missing
        if not missing and not is_empty(case.stage, fetch) and initrd is None:
            return
        size = fetch.flow.size or fetch.flow.body.received
        said = f"cut short: its headers tell of {size + missing} bytes, it has {size}" if missing else "an empty file"
        yield self.finding(
            case,
            [
                *naming_of(case, fetch),
                evidence(fetch.ended, f"{names.base(names.path_of(fetch))} has {size} bytes; nothing follows"),
            ],
            subject=fetch.flow.url,
            file=downloads.shown(fetch),
            server=fetch.server,
            what=said,
            expected=f"{size + missing} bytes." if missing else "A file with something in it.",
            fixes=(Fix("shell", _look(fetch)),),
        )

    def _unwanted(self, case: Case) -> Iterator[Finding]:
        """UEFI and PXELINUX want no more of a file when they are told that it has no bytes; PXELINUX does not say so."""
        for fetch, flow in transfers.failed(case):
            if flow.size != 0 or flow.oack is None or flow.body.packets:
                continue
            silent = flow.error is None and flow.request_count == 1 and flow.acked_block < 0
            if not flow.error_by_client and not silent:
                continue
            yield self.finding(
                case,
                [
                    *naming_of(case, fetch),
                    *(evidence(ref, "OACK: 0 bytes") for ref in flow.oacks[:1]),
                    *maybe(flow.error_at, "the machine does not want it"),
                ],
                confidence="likely" if silent else "certain",
                subject=fetch.flow.url,
                file=names.path_of(fetch),
                server=flow.server,
                what="an empty file",
                expected="A file with something in it.",
                proof=_look(fetch).partition("   #")[0] if silent else "",
                fixes=(Fix("shell", _look(fetch)),),
            )


def _last(case: Case) -> FetchRecord | None:
    """What came last, RAM disks aside, when it came whole."""
    for fetch in reversed(case.stage.fetches):
        if not fetch.useful or fetch.role == "initrd":
            continue
        return fetch if fetch.status == "complete" and names.is_body(fetch) else None
    return None


def _look(fetch: FetchRecord) -> str:
    file = quoting.shell(downloads.on_disk(fetch))
    return f"ls -l {file}; df {file}   # on {fetch.server}: copy the whole file there"
