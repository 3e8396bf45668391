"""Boot scripts and configurations: which files they name, whether they wait for a key; read, never run.

iPXE scripts, PXELINUX/extlinux configurations, GRUB configurations, ESXi's boot.cfg, one module each.
"""

from __future__ import annotations

from . import script_esxi, script_grub, script_ipxe, script_pxelinux
from .script_plan import NamedFile, ScriptPlan

__all__ = ["READABLE", "NamedFile", "ScriptPlan", "read_script"]

MAX_TEXT = 65536
_READERS = {
    "ipxe-script": script_ipxe.read,
    "pxelinux-config": script_pxelinux.read,
    "grub-config": script_grub.read,
    "esxi-config": script_esxi.read,
}


READABLE = frozenset(_READERS)
"""Kinds of content (`BootContent.kind`) that name the files to come."""


def read_script(kind: str, text: str) -> ScriptPlan:
    """The plan of a script of that kind (`BootContent.kind`); an empty plan for other kinds."""
    reader = _READERS.get(kind)
    return reader(text[:MAX_TEXT]) if reader else ScriptPlan()
