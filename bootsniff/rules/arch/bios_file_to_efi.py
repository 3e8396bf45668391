"""arch-bios-file-to-efi; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Confidence, Finding, Fix
from ...track.kinds import runs_u_boot
from ...track.records import FetchRecord
from .. import fixes, names, quoting
from ..case import Case
from ..evidence import evidence, naming
from ..nbp import downloads
from ..rule import Rule

_BIOS_KINDS = ("pxelinux", "boot-sector")
_NO_PROGRAM = ("html", "text", "empty", "ipxe-script", "grub-config", "pxelinux-config", "iso")


class ArchBiosFileToEfi(Rule):
    """UEFI firmware was given a BIOS boot program, or BIOS a UEFI one.

    What happens
        The file arrives whole and the firmware cannot start it. UEFI goes on to its next boot option; BIOS jumps into bytes
        that mean something else and hangs.
    On the wire
        Option 93 is 6, 7, 9, 10 or 11 and the file is pxelinux.0, undionly.kpxe or the like, or its first bytes are not
        "MZ". Reverse: option 93 is 0 and the file that DHCP named is an EFI application. Then silence, or the next option's
        DISCOVER.
    Not to be confused with
        An EFI program for another processor (arch-wrong-efi-machine); one that Secure Boot refuses
        (nbp-secure-boot-refused). Linux kernels begin with MZ too: only the file that DHCP named counts for BIOS.
    Causes
        One boot file for all clients; a rule for UEFI architectures that does not match. Where the name is that of a program
        of the right kind: another file under that name.
    Fix
        A rule per architecture: EFI loaders for 7, 9 and 11, pxelinux.0 or undionly.kpxe for 0; or the right file under its
        name.
    Sources
        RFC 4578 section 2.1 and the IANA registry; UEFI specification section 3.5; kraxel.org, network boot with libvirt.
    """

    code = "arch-bios-file-to-efi"
    stage = "nbp"
    needs = "fetches"
    explains_away = ("nbp-secure-boot-refused", "nbp-stalls-after-download")
    summary = "{name} was given {file}, {what}"

    def check(self, case: Case) -> Iterator[Finding]:
        fetch = case.boot_fetch
        if fetch is None or not (case.is_firmware_pxe or case.is_http or case.is_ipxe):
            return
        if case.is_ipxe and case.client != "ipxe-bios":
            return  # iPXE on UEFI runs scripts and kernels besides EFI programs
        verdict = _bios_for_efi(case, fetch) if case.is_efi else _efi_for_bios(fetch)
        if verdict is None:
            return
        confidence, what = verdict
        yield self.finding(
            case,
            [*naming(case), evidence(fetch.ended, f"{names.base(names.path_of(fetch))} is whole, nothing starts")],
            confidence=confidence,
            severity="warning" if _poses(case) else None,
            subject=fetch.flow.url,
            name=case.stage.name or case.client,
            file=names.path_of(fetch),
            what=what,
            expected="The loaded program asks for its next file." if case.is_efi else "A BIOS boot program.",
            proof="" if confidence == "certain" else "The file's first bytes: EFI programs begin with MZ.",
            fixes=_fixes(case, fetch),
        )


def _poses(case: Case) -> bool:
    """Whether U-Boot tries UEFI's way after its own, with whatever DHCP names for it (include/config_distro_bootcmd.h)."""
    return any(runs_u_boot(stage.client) for stage in case.boot.stages[: case.stage_index])


def _fixes(case: Case, fetch: FetchRecord) -> tuple[Fix, ...]:
    path = names.path_of(fetch)
    if names.suits(path, case.client):
        return (
            Fix(
                "shell",
                f"file {quoting.shell(downloads.on_disk(fetch))}   # on {fetch.server}: another file has its name",
            ),
        )
    if case.is_http:
        return fixes.http_boot(case, fixes.example_url(case))
    return fixes.boot_file(case, names.loader_like(path, case.client))


def _bios_for_efi(case: Case, fetch: FetchRecord) -> tuple[Confidence, str] | None:
    content = fetch.content
    by_name = names.BIOS_NAME.search(names.path_of(fetch)) is not None
    if content is None or content.kind == "unknown":
        head = fetch.flow.body.head
        if len(head) >= 2 and not head.startswith(b"MZ") and not case.is_http:
            return "certain", "which is no EFI program"
        return ("likely", "a BIOS boot program by its name") if by_name else None
    if content.kind in _BIOS_KINDS:
        return "certain", f"a BIOS boot program ({content.text})"
    if content.kind in ("pe", "linux-kernel") or content.efi:
        return None
    if case.is_http and not by_name:
        return None  # disk images and, with other rules, everything else
    if content.kind in _NO_PROGRAM:
        return "certain", f"which is no EFI program ({content.text})"
    return "certain", f"which is no EFI program ({content.text})"


def _efi_for_bios(fetch: FetchRecord) -> tuple[Confidence, str] | None:
    content = fetch.content
    if content is not None and content.kind == "pe" and content.efi:
        return "certain", f"an EFI program ({content.text})"
    return None
