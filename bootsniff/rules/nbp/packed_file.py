"""nbp-packed-file; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import HttpExchange
from ...model import Finding, Fix
from ...track.arrived import dead_end, is_packed
from ...track.circles import kernel_again
from ...track.records import FetchRecord
from .. import names, quoting
from ..case import Case
from ..evidence import evidence, naming_of
from ..http import exchanges
from ..rule import Rule
from . import downloads


class NbpPackedFile(Rule):
    """The boot file, or a loader's kernel, is compressed or an archive, and boot programs do not unpack it.

    What happens
        The file arrives whole, but it is a gzip, xz or zstd file, an archive or a file system. UEFI and BIOS firmware start
        programs only; iPXE unpacks nothing unless it was built to. PXELINUX says “Booting kernel failed: Invalid argument”
        and is back at its menu or prompt.
    On the wire
        The bytes of the file begin with the magic of a packed format; the response may say Content-Encoding, which boot
        programs do not ask for and do not undo. Nothing follows but RAM disks, or the next boot option; or PXELINUX fetches
        the same kernel again, as often as its menu's time runs out.
    Not to be confused with
        Initial RAM disks, and GRUB's, U-Boot's and petitboot's kernels, which may be packed; what an iPXE script names
        (chain-script-stops). A disk image (nbp-stalls-after-download).
    Causes
        A download that was left packed, a tar or ZIP archive in the place of the kernel that is inside; an initrd where the
        kernel should be; a server or an object store that compresses whatever the client accepts.
    Fix
        Unpack the file on the server; switch compression off for the boot files.
    Sources
        RFC 9110 section 8.4; RFC 1952 section 2.3.1; UEFI specification section 2.1.1; iPXE image/gzip.c; SYSLINUX
        com32/lib/syslinux/load_linux.c (it wants 0xaa55 at byte 510); lab captures.
    """

    code = "nbp-packed-file"
    stage = "nbp"
    needs = "fetches"
    explains_away = (
        "arch-bios-file-to-efi",
        "chain-ipxe-nothing-to-boot",
        "http-content-type-not-boot",
        "http-no-length",
        "nbp-stalls-after-download",
    )
    summary = "{file} is {what}, which {name} does not unpack{encoding}"

    def check(self, case: Case) -> Iterator[Finding]:
        fetch = dead_end(case.stage)
        if fetch is None or fetch.content is None or not is_packed(case.stage, fetch):
            return
        flow = fetch.flow
        encoding = (
            flow.response.get("content-encoding") if isinstance(flow, HttpExchange) and flow.response else ""
        ) or ""
        then = "PXELINUX comes back for it" if kernel_again(case.stage) is not None else "nothing follows"
        yield self.finding(
            case,
            [
                *naming_of(case, fetch),
                *(exchanges.proof(flow) if isinstance(flow, HttpExchange) else ()),
                evidence(fetch.ended, f"{names.base(names.path_of(fetch))} is whole; {then}"),
            ],
            confidence="likely" if case.is_ipxe else "certain",
            subject=fetch.flow.url,
            file=downloads.shown(fetch),
            what=fetch.content.text,
            name=case.stage.name or case.client,
            encoding=f"; the server says Content-Encoding: {encoding}" if encoding else "",
            expected=_expected(case, fetch),
            proof="What the machine's screen says." if case.is_ipxe else "",
            fixes=_fixes(fetch, encoded=bool(encoding)),
        )


def _expected(case: Case, fetch: FetchRecord) -> str:
    if fetch.role == "kernel":
        return "A kernel."
    return "A script or a boot program." if case.is_ipxe else "A boot program."


def _fixes(fetch: FetchRecord, *, encoded: bool) -> tuple[Fix, ...]:
    flow = fetch.flow
    if isinstance(flow, HttpExchange) and encoded:
        look = Fix("shell", f"curl -sI {quoting.shell(flow.url)} | grep -i encoding")
        return look, *exchanges.suited(flow, (Fix("nginx", "gzip off;"), Fix("apache", "SetEnv no-gzip 1")))
    return (Fix("shell", f"file {quoting.shell(downloads.on_disk(fetch))}"),)
