"""chain-pxelinux-module-missing; reads records, never changes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...model import Finding, Fix
from .. import fixes, names, quoting
from ..case import Case
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
        pxelinux.0 is fetched whole, then a name that ends in .c32 or .e64 is answered by ERROR 1.
    Not to be confused with
        A configuration that is missing (chain-no-config-found).
        A kernel or label that the configuration names and that is nowhere: PXELINUX then tries its name with .c32 and other
        endings, and bare (tftp-file-not-found).
    Causes
        Only pxelinux.0 was copied; modules of another version; a path prefix in option 210 that leads elsewhere.
    Fix
        Copy the modules of the same version beside pxelinux.0.
    Sources
        Syslinux documentation, pxelinux.txt and wiki page Library modules; RFC 5071.
    """

    code = "chain-pxelinux-module-missing"
    stage = "chain"
    needs = "fetches"
    explains_away = ("tftp-file-not-found",)
    summary = "PXELINUX does not find its module {file}"

    def check(self, case: Case) -> Iterator[Finding]:
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
            folder = quoting.shell(names.directory(transfers.place(flow)))
            efi = names.architecture(asker(case).client)
            yield self.finding(
                case,
                transfers.proof(flow),
                subject=names.base(flow.filename),
                file=flow.filename,
                expected="The module, of the same version as pxelinux.0.",
                fixes=fixes.arrange(
                    case,
                    Fix("shell", _copy(names.base(flow.filename), efi, folder)),
                ),
            )
            return


def _copy(module: str, efi: str | None, folder: str) -> str:
    """UEFI's syslinux has modules of its own under the same names, and a core that is called ldlinux.e64 or ldlinux.e32."""
    stem = module.rsplit(".", 1)[0].lower()
    stems = list(dict.fromkeys((*_OFTEN, *([stem] if stem.isalnum() and stem != "ldlinux" else []))))
    bits = {"x64": "64", "ia32": "32"}.get(efi or "")
    if bits is None:
        return f"cp /usr/lib/syslinux/modules/bios/{{{','.join(('ldlinux', *stems))}}}.c32 {folder}"
    names_of = ",".join((f"ldlinux.e{bits}", *(f"{stem}.c32" for stem in stems)))
    return f"cp /usr/lib/syslinux/modules/efi{bits}/{{{names_of}}} {folder}"
