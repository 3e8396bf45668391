"""chain-pxelinux-module-missing; reads records, never changes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...flow.records import TftpTransfer
from ...model import Finding, Fix
from ...track.kinds import architecture
from ...track.records import FetchRecord
from .. import fixes, names, quoting
from ..case import Case
from ..evidence import evidence
from ..recognise import asker
from ..rule import Rule
from ..tftp import transfers

_OFTEN = ("libutil", "libcom32", "menu")
"""What the other modules need, and the one that most configurations name."""
_MODULE = re.compile(r"(?:^|/)[^/]+\.(?:c32|e32|e64)$", re.IGNORECASE)


class ChainPxelinuxModuleMissing(Rule):
    """PXELINUX does not find one of its own modules.

    What happens
        PXELINUX 5 and later is in pieces: ldlinux.c32 (ldlinux.e64 for UEFI) and, for menus, libutil.c32, libcom32.c32 and
        menu.c32. When one is missing it stops, or shows "Failed to load ldlinux.c32".
    On the wire
        pxelinux.0 is fetched whole, then a name that ends in .c32 or .e64 is answered by ERROR 1. Or the module comes, and
        is an ELF file for the other kind of firmware: PXELINUX ends the transfer ("No error, file close") and looks elsewhere.
    Not to be confused with
        A configuration that is missing (chain-no-config-found).
        A kernel or label that the configuration names and that is nowhere: PXELINUX then tries its name with .c32 and other
        endings, and bare (tftp-file-not-found).
    Causes
        Only pxelinux.0 was copied; modules of another version, or of the other firmware's tree; a path prefix in option 210 that leads elsewhere.
    Fix
        Copy the modules of the same version beside pxelinux.0.
    Sources
        Syslinux documentation, pxelinux.txt and wiki page Library modules; RFC 5071.
    """

    code = "chain-pxelinux-module-missing"
    stage = "chain"
    needs = "fetches"
    explains_away = ("tftp-file-not-found", "tftp-client-aborts")
    summary = "PXELINUX {fails} its module {file}"

    def check(self, case: Case) -> Iterator[Finding]:
        efi = architecture(asker(case).client)
        for fetch, flow in case.tftp:
            if not case.over or not _MODULE.search(flow.filename) or not _is_of_other_firmware(fetch, efi):
                continue
            ended = [
                evidence(at, "PXELINUX ends the transfer") for at in (flow.error_at,) if at and flow.error_by_client
            ]
            yield self.finding(
                case,
                [*(evidence(ref, f"RRQ {flow.filename}") for ref in flow.requests[:1]), *ended],
                subject=names.base(flow.filename),
                fails="has no use for",
                file=f"{flow.filename}: it is {'the BIOS one' if efi else 'one for UEFI'} ({fetch.content.text})"
                if fetch.content
                else flow.filename,
                expected=f"The module of the same name for {'UEFI' if efi else 'BIOS'}.",
                fixes=_fixes(case, flow, efi),
            )
            return
        for _, flow in transfers.failed(case):
            if flow.error is None or flow.error_by_client or flow.error.code != 1 or not _MODULE.search(flow.filename):
                continue
            if transfers.is_guess(case, flow.filename):
                continue
            if any(
                f.status == "complete" and names.base(names.path_of(f)) == names.base(flow.filename)
                for f in case.stage.fetches
            ):
                continue
            yield self.finding(
                case,
                transfers.proof(flow),
                subject=names.base(flow.filename),
                fails="does not find",
                file=flow.filename,
                expected=f"The module, of the same version as {names.base(case.first_boot_file or 'pxelinux.0')}.",
                fixes=_fixes(case, flow, efi),
            )
            return


def _is_of_other_firmware(fetch: FetchRecord, efi: str | None) -> bool:
    """Modules are ELF files: for x86-64 where x64 UEFI loads them, for 386 in BIOS and 32-bit UEFI (elflink/load_env32.c)."""
    content = fetch.content
    if content is None or content.kind != "elf" or fetch.flow.body.received == 0:
        return False
    return content.text.endswith(", x86" if efi == "x64" else ", x86-64")


def _fixes(case: Case, flow: TftpTransfer, efi: str | None) -> tuple[Fix, ...]:
    folder = quoting.shell(names.directory(transfers.place(flow)))
    return fixes.arrange(case, Fix("shell", _copy(names.base(flow.filename), efi, folder)))


def _copy(module: str, efi: str | None, folder: str) -> str:
    """UEFI's syslinux has modules of its own under the same names, and a core that is called ldlinux.e64 or ldlinux.e32."""
    stem = module.rsplit(".", 1)[0].lower()
    stems = list(dict.fromkeys((*_OFTEN, *([stem] if stem.isalnum() and stem != "ldlinux" else []))))
    bits = {"x64": "64", "ia32": "32"}.get(efi or "")
    if bits is None:
        return f"cp /usr/lib/syslinux/modules/bios/{{{','.join(('ldlinux', *stems))}}}.c32 {folder}"
    names_of = ",".join((f"ldlinux.e{bits}", *(f"{stem}.c32" for stem in stems)))
    return f"cp /usr/lib/syslinux/modules/efi{bits}/{{{names_of}}} {folder}"
