"""tftp-file-not-found; reads records, never changes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from ...flow.records import TftpTransfer
from ...model import Finding, Fix
from ...track.naming import is_kernel_name, is_raspberry_loader
from ...track.records import Expectation, FetchRecord
from ...track.switches import is_switch
from ...wire.http import is_web_url
from .. import fixes, names, quoting, unset
from ..case import Case
from ..evidence import evidence, expectation_of, naming_of
from ..header_file import lost_directory, put_there
from ..rule import Rule
from . import transfers

_DISK = re.compile(r"/(srv|var|home|opt|usr|mnt|export|data|tftpboot)/.")
_SLASHES = "# /etc/tftpd.map, with --map-file\nrg \\\\ /"
_DOUBLED = "\\\\"
_BACKSLASHES = re.compile(r"\\+")
"""Two where a server's configuration, FortiOS's for one, wanted them quoted, or did not."""
_QUOTES = "\"'\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"
"""Straight ones and those that a word processor or a web page makes of them."""
_GRUB_URL = re.compile(r"/?(https?|tftp):/+([^/]+)(/.*)", re.IGNORECASE)
"""What GRUB makes of a URL: a path without the second slash."""
_LAYER = re.compile(r".+\.(kpxe|kkpxe|pxe|ipxe|efi|lkrn|com|0)\.0", re.IGNORECASE)
"""A name that has its own ending, and the layer of a PXE boot server behind it."""
_PXE_LAYER = ": dnsmasq before 2.76 puts .0 behind the name in a pxe-service"
_SHOWN = 8
"""Labels."""
_NO_DIRECTORY = (
    ": mboot takes its directory from the header's file field, which is empty (option 67 alone has the name)"
)
_LOAD_OPTIONS = ": shim takes the words behind its own name in the firmware's boot entry for its loader's name"


class TftpFileNotFound(Rule):
    """The boot file does not exist on the TFTP server.

    What happens
        The server answers that it has no such file. Firmware shows PXE-T01, PXE-E3B or PXE-E23.
    On the wire
        TFTP ERROR 1 for the file that DHCP or a script named. dnsmasq writes "file /srv/tftp/NAME not found".
    Not to be confused with
        Names of a search list (pxelinux.cfg/…, grub.cfg-…), of which only one has to exist, and optional extras
        (autoexec.ipxe, revocations_sbat.efi): these fail in healthy boots too.
    Causes
        A typing mistake, upper and lower case, a backslash as the separator, a missing directory, the server's root given
        twice (tftp-root or --secure, and name), a trailing blank or 0xff byte, a file that was never copied. The `.0` that
        dnsmasq before 2.76 puts behind each name of a pxe-service. A DEFAULT or ONTIMEOUT of PXELINUX that names no label:
        it is taken for the name of a file then, with and without the usual endings. A shim that takes the words behind its name in the
        firmware's boot entry for a loader's name.
    Fix
        Put the file there, or correct the name.
    Sources
        RFC 1350 section 5; dnsmasq tftp.c and its CHANGELOG of 2.76; rhboot/shim issue 696; lab captures (dnsmasq maps a
        backslash to a slash, but not the case).
    """

    code = "tftp-file-not-found"
    stage = "tftp"
    needs = "fetches"
    side_issue = True
    summary = "{server} has no file {file}{hint}"

    def check(self, case: Case) -> Iterator[Finding]:
        windows = _windows_servers(case)
        for fetch, flow in _by_weight(case):
            error = flow.error
            if error is None or flow.error_by_client or fetch.role in ("config-search", "optional"):
                continue
            if not error.says_missing or transfers.is_guess(case, flow.filename):
                continue
            text = f" “{error.text}”" if error.text else ""
            knows = flow.server in windows
            told = [case.booted_alike] if case.booted_alike and case.is_boot_file(fetch) else []
            yield self.finding(
                case,
                [
                    *naming_of(case, fetch),
                    *unset.naming(case, names.path_of(fetch)),
                    *transfers.proof(flow, text),
                    *(evidence(alike.at, f"{alike.file} for {alike.mac}, which boots") for alike in told),
                ],
                confidence="certain" if error.code == 1 else "likely",
                subject=fetch.flow.url,
                server=flow.server,
                file=names.visible(flow.filename) or "(empty name)",
                hint=_hint(case, flow, knows_backslashes=knows)
                or "".join(f"; {alike.mac} is told {alike.file}, and boots" for alike in told),
                expected="An OACK or the first DATA block.",
                proof="" if error.code == 1 else "The server's log.",
                fixes=_fixes(case, flow, by_dhcp=case.is_boot_file(fetch), knows_backslashes=knows),
            )
            if case.client == "raspberry-pi" or is_switch(case.stage):
                return  # one of a list of names, of which one would do


def _by_weight(case: Case) -> list[tuple[FetchRecord, TftpTransfer]]:
    """What did not come; of a Raspberry Pi's names first those of programs, then of kernels: it does without the others."""
    failed = list(transfers.failed(case))
    if case.client == "raspberry-pi":
        failed.sort(key=lambda one: (not is_raspberry_loader(one[1].filename), not is_kernel_name(one[1].filename)))
    return failed


def _windows_servers(case: Case) -> set[str]:
    """Servers that delivered a name with a backslash: Windows', or ones that take them for slashes."""
    return {
        fetch.server
        for stage in case.boot.stages
        for fetch in stage.fetches
        if "\\" in names.path_of(fetch) and fetch.status == "complete"
    }


def _hint(case: Case, flow: TftpTransfer, *, knows_backslashes: bool) -> str:
    if _is_no_loader(case, flow):
        return _LOAD_OPTIONS
    if _is_layered(case, flow):
        return _PXE_LAYER
    meant = _meant_for_label(case, flow)
    if meant is not None:
        return f": {meant.named_in} has no label of that name, so that PXELINUX takes it for a file"
    if _is_mboot(case, flow):
        return _NO_DIRECTORY
    name = flow.filename
    if "\\xff" in name:
        return ": the ROM added a 0xff byte to the name"
    if knows_backslashes:
        name = name.replace("\\", "/")
    if "\\" in name:
        return f": {'two backslashes' if _DOUBLED in name else 'a backslash'}, where the server wants a slash"
    if name != name.strip():
        return ": the name begins or ends with a blank"
    if is_web_url(name):
        return ": a URL, where PXE needs a path"
    if _GRUB_URL.match(name):
        return ": a URL, which GRUB takes for a path"
    if name.strip(_QUOTES) != name:
        return ": the name has quotes in it"
    if _DISK.match(name):
        return ": a path of the server's disk, where names begin at the server's root (tftp-root, --secure)"
    if name != name.lower() and not knows_backslashes:
        return " (upper and lower case count)"
    return unset.hint(case, flow.filename)


def _in_script(case: Case, wanted: Expectation, flow: TftpTransfer, name: str) -> Fix | None:
    """The line of a script that names a file so that the server finds it."""
    if wanted.role not in ("kernel", "initrd") or "\\xff" in name:
        return None
    note = f"# in {wanted.named_in}\n"
    if case.is_ipxe:
        return Fix("ipxe", f"{note}{wanted.role} {quoting.ipxe(f'tftp://{flow.server}/{name}')}")
    if case.client == "pxelinux":
        return Fix("pxelinux", f"{note}{wanted.role.upper()} {name}")
    return None


def _is_no_loader(case: Case, flow: TftpTransfer) -> bool:
    """Whether shim asks for something that it can have from its load options only (load-options.c, set_second_stage)."""
    return case.client == "shim" and bool(flow.filename) and ".efi" not in flow.filename.lower()


def _is_mboot(case: Case, flow: TftpTransfer) -> bool:
    """Whether ESXi's loader looks for its configuration in the wrong directory (mboot of ESXi 8.0.3 and older)."""
    own = names.base(flow.filename) == "boot.cfg"
    return own and "mboot" in (case.first_boot_file or "") and lost_directory(case, flow.filename) is not None


def _is_layered(case: Case, flow: TftpTransfer) -> bool:
    """Whether a name may be one of a `pxe-service` of an old dnsmasq."""
    return case.dialect in (None, "dnsmasq", "libvirt") and _LAYER.fullmatch(flow.filename) is not None


def _meant_for_label(case: Case, flow: TftpTransfer) -> Expectation | None:
    """What the default of a configuration says, when it is none of its labels, nor a path."""
    wanted = expectation_of(case, flow.filename)
    return wanted if wanted is not None and wanted.labels and "/" not in flow.filename else None


def _mended(name: str) -> str:
    """The name without what keeps a server from finding it: blanks, backslashes, the way to the server's own root."""
    plain = _BACKSLASHES.sub("/", name.strip().strip(_QUOTES))
    if not _DISK.match(plain):
        return plain
    known = transfers.ROOT.match(plain)
    return plain[known.end() :] if known else names.base(plain)


def _fixes(case: Case, flow: TftpTransfer, *, by_dhcp: bool, knows_backslashes: bool) -> tuple[Fix, ...]:
    name = flow.filename.removeprefix("/")
    mended = _mended(flow.filename)
    if by_dhcp and case.dhcp4 and mended and mended != flow.filename and "\\xff" not in name and not is_web_url(name):
        remap = (Fix("tftpd-hpa", _SLASHES),) if "\\" in name else ()
        return (*fixes.boot_file(case, mended, flow.server), *remap)
    if _is_no_loader(case, flow):
        return (
            Fix(
                "shell",
                "efibootmgr -v   # on the machine: what stands behind shim's path in the entry that it boots from?",
            ),
        )
    if _is_layered(case, flow):
        place = transfers.place(flow)
        return (Fix("shell", f"cp {quoting.shell(place[: -len('.0')])} {quoting.shell(place)}"),)
    meant = _meant_for_label(case, flow)
    if meant is not None:
        label = next(iter(get_close_matches(flow.filename, meant.labels, 1, 0)), meant.labels[0])
        return (Fix("pxelinux", f"# the labels are: {', '.join(meant.labels[:_SHOWN])}\nDEFAULT {label}"),)
    if _is_mboot(case, flow):
        return fixes.arrange(case, *put_there(case.first_boot_file or ""))
    if not by_dhcp and mended and mended != flow.filename and (wanted := expectation_of(case, flow.filename)):
        line = _in_script(case, wanted, flow, mended)
        if line is not None:
            return (line,)
    url = _GRUB_URL.match(flow.filename) if case.client == "grub" else None
    if url:
        return (Fix("grub", f"linux {quoting.shell(f'({url[1].lower()},{url[2]}){url[3]}')}"),)
    place = quoting.below("/srv/tftp", flow.filename.replace("\\", "/")) if knows_backslashes else transfers.place(flow)
    path = quoting.shell(place)
    dnsmasq = ["# below tftp-root, readable for the dnsmasq user:", f"# {path}"]
    hpa = _SLASHES if "\\" in name and not knows_backslashes else f"ls -l {path}"
    lower = name.lower()
    if name != lower and not knows_backslashes:
        dnsmasq = ["tftp-lowercase"]
        root = quoting.shell(names.directory(place))
        hpa = f"find {root} -iname {quoting.shell(names.base(place))}   # how is it written there?"
    if "\\xff" in name:
        hpa = transfers.STRIP_MAP
    there = fixes.arrange(
        case,
        fixes.qemu(case, case.first_boot_file or name, path),
        _below_reminst(flow) if knows_backslashes else None,
        *transfers.for_software(flow, Fix("dnsmasq", "\n".join(dnsmasq)), Fix("tftpd-hpa", hpa)),
    )
    alike = case.booted_alike.file if case.booted_alike else "" if case.is_ipxe else names.loader_for(case.client)
    instead = flow.filename.lower() if name != lower else alike
    others = case.dhcp4 and by_dhcp and case.takes_loader and case.dialect != "qemu" and "\\" not in name and instead
    return (*there, *fixes.boot_file(case, instead, flow.server)[:2]) if others else there


def _below_reminst(flow: TftpTransfer) -> Fix:
    """Where the Windows Deployment Services have their files."""
    path = flow.filename.replace("/", "\\").lstrip("\\")
    return Fix("windows", "dir " + quoting.powershell(f"C:\\RemoteInstall\\{path}") + "   # in the share REMINST")
