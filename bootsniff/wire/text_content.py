"""Scripts, configurations and web pages told apart by their first lines and their names; nothing is interpreted."""

from __future__ import annotations

import re

from .transfers import BootContent

_LOOKED_AT = 4096
_SCRIPT = re.compile(rb"#!(ipxe|gpxe)(?:\s|$)")
_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_ESXI_LINE = re.compile(rb"^(?:kernel|modules)=", re.MULTILINE)
_CONTROL = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")
_GRUB_NAME = re.compile(r"grub[\w.-]*\.cfg|(^|/)grub\.cfg|/grub/.*\.cfg$", re.IGNORECASE)
_PXELINUX_NAME = re.compile(
    r"pxelinux\.cfg(/|$)|(ext|sys|iso|pxe)linux\.(cfg|conf)$|(^|/)(01-([0-9a-f]{2}-){5}[0-9a-f]{2})$", re.IGNORECASE
)
_GRUB_LINE = re.compile(
    rb"^[ \t]*(?:menuentry\s+\S|submenu\s+\S|insmod\s+\w|set\s+(?:timeout|default|root|prefix|superusers|gfxmode)\s*=|"
    rb"search\s+--|linuxefi\s|initrdefi\s|configfile\s|loadfont\s|if\s+\[\s|chainloader\s+[(/])",
    re.MULTILINE,
)  # fmt: skip
_PXELINUX_LINE = re.compile(
    rb"^[ \t]*(label|default|kernel|linux|append|ui|timeout|prompt|localboot|menu|include|ipappend|com32|fdtdir|"
    rb"devicetree|initrd)[ \t]+\S",
    re.MULTILINE | re.IGNORECASE,
)  # fmt: skip
_PXELINUX_STRONG = frozenset({b"label", b"ui", b"localboot", b"ipappend", b"append", b"com32", b"fdtdir"})


def classify_text(head: bytes, name: str, base: str) -> BootContent | None:
    """What a text is; None when it is none. `name` is the path or URL, `base` its last part."""
    start = head[:_LOOKED_AT]
    script = _SCRIPT.match(start)
    if script:
        return BootContent("ipxe-script", "iPXE script" if script[1] == b"ipxe" else "gPXE script")
    if _CONTROL.search(start) or not _is_text(start):
        return None
    if _HTML.match(start):
        return BootContent("html", "HTML page")
    path = name.split("?", 1)[0]
    if _GRUB_NAME.search(path):
        return BootContent("grub-config", "GRUB configuration")
    words = {match[1].lower() for match in _PXELINUX_LINE.finditer(start)}
    if _PXELINUX_NAME.search(path) and not (_GRUB_LINE.search(start) and not words & _PXELINUX_STRONG):
        return BootContent("pxelinux-config", "PXELINUX configuration")
    if base.lower() == "boot.cfg" and _ESXI_LINE.search(start):
        return BootContent("esxi-config", "ESXi boot configuration")
    if base.lower().endswith(".ipxe"):
        # iPXE looks at the first line, not at the name.
        return BootContent("text", "text without the #!ipxe line")
    if _GRUB_LINE.search(start):
        return BootContent("grub-config", "GRUB configuration")
    if len(words) >= 2 and words & _PXELINUX_STRONG:
        return BootContent("pxelinux-config", "PXELINUX configuration")
    return BootContent("text", "text")


def _is_text(data: bytes) -> bool:
    """UTF-8, the last character perhaps cut; or Latin text that is mostly ASCII."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start >= len(data) - 3:
            return True
        return sum(byte > 0x7F for byte in data) * 20 < len(data)
    return True
