"""chain-text-instead-of-program; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import HttpExchange
from ...model import Confidence, Finding, Fix
from ...text import printable
from ...track.arrived import dead_end, is_mere_text
from ...track.records import FetchRecord
from .. import fixes, names, quoting
from ..case import Case
from ..evidence import evidence, naming
from ..nbp import downloads
from ..recognise import dnsmasq_match
from ..rule import Rule

_MAGIC = b"#!ipxe"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LOOKED_AT = 512
_SHOWN = 48


class ChainTextInsteadOfProgram(Rule):
    """A text arrives where a boot program, a kernel or an iPXE script should.

    What happens
        The file comes whole, but it is a text that the boot program cannot start. iPXE takes a text as a script only when
        its very first line is “#!ipxe”; else it says “Exec format error” (2e008081), or on BIOS it starts the text as a
        program and hangs. A BIOS ROM cannot read scripts at all. U-Boot runs a script only from an image: "Wrong image format
        for "source" command".
    On the wire
        The whole transfer, its bytes are text (JSON, a configuration of another program, a script behind a blank line or a
        byte order mark), and nothing that it would ask for follows.
    Not to be confused with
        A web page (http-page-instead-of-file). Texts that are fetched as data: imgfetch, files for wimboot, kickstart and
        the like. Texts after which the program goes on: it did without.
    Causes
        The first line was left out or moved down; a web application that answers with JSON; an iPXE script that is offered
        to the firmware instead of to iPXE; the wrong path.
    Fix
        Make U-Boot's script with mkimage. Begin the script with “#!ipxe”; give the firmware an iPXE binary first, and the script to iPXE only.
    Sources
        iPXE image/script.c, arch/x86/image/pxe_image.c and error page 2e008081; PXE 2.1 section 2.4.
    """

    code = "chain-text-instead-of-program"
    stage = "chain"
    needs = "fetches"
    explains_away = (
        "arch-bios-file-to-efi",
        "chain-ipxe-nothing-to-boot",
        "chain-no-config-found",
        "nbp-stalls-after-download",
    )
    summary = "{name} was given {file}, {what}{begins}"

    def check(self, case: Case) -> Iterator[Finding]:
        fetch = dead_end(case.stage)
        if fetch is None or case.client == "os" or not is_mere_text(case.stage, fetch):
            return
        confidence: Confidence = "certain" if fetch.role in ("boot-file", "kernel") else "likely"
        path = names.path_of(fetch)
        yield self.finding(
            case,
            [
                *(naming(case) if fetch.role == "boot-file" else ()),
                evidence(fetch.ended, f"{names.base(path) or path} is whole, a text; nothing follows"),
            ],
            confidence=confidence,
            subject=fetch.flow.url,
            name=case.stage.name or case.client,
            file=fetch.flow.url if isinstance(fetch.flow, HttpExchange) else path,
            what=_what(case, fetch),
            begins=_begins(fetch),
            expected=_expected(case, fetch),
            proof=""
            if confidence == "certain"
            else "The machine's screen: “Exec format error” (on BIOS: nothing more)?",
            fixes=_fixes(case, fetch, path),
        )


def _is_script(fetch: FetchRecord) -> bool:
    return fetch.content is not None and fetch.content.kind == "ipxe-script"


def _what(case: Case, fetch: FetchRecord) -> str:
    if fetch.role == "kernel":
        return "a text, as a kernel"
    if case.is_uboot:
        return "a text, where it wants a script image"
    if _is_script(fetch):
        return "an iPXE script, which only iPXE can read"
    if case.client == "bios-pxe":
        return "a text, as a boot program"
    if _MAGIC in fetch.flow.body.head[:_LOOKED_AT]:
        return "a script whose #!ipxe is not at its very beginning"
    if _is_foreign(fetch):
        return "a configuration of another program"
    return "a text without the #!ipxe line"


def _is_foreign(fetch: FetchRecord) -> bool:
    """A configuration of GRUB or PXELINUX: a first line of iPXE's makes no script of it."""
    return fetch.content is not None and fetch.content.kind in ("grub-config", "pxelinux-config")


def _begins(fetch: FetchRecord) -> str:
    """What the text begins with, which mostly tells where it comes from."""
    if _is_script(fetch):
        return ""
    lines = printable(fetch.flow.body.head[:_LOOKED_AT].replace(b"\r", b"").split(b"\n", 1)[0], _SHOWN).strip()
    return f": it begins with “{lines}”" if lines else ": it begins with an empty line"


def _expected(case: Case, fetch: FetchRecord) -> str:
    if fetch.role == "kernel":
        return "A kernel."
    if case.is_uboot:
        return "What mkimage makes of the text, or a FIT image."
    return "A boot program." if case.client == "bios-pxe" else "#!ipxe as the first line, or a program."


def _fixes(case: Case, fetch: FetchRecord, path: str) -> tuple[Fix, ...]:
    url = fetch.flow.url
    look = Fix("shell", f"curl -s {quoting.shell(url)} | head -n 3")
    if fetch.role == "kernel":
        return (look,)
    if case.is_uboot:
        place = quoting.shell(downloads.on_disk(fetch))
        return (Fix("shell", f"mv {place} boot.cmd\nmkimage -T script -C none -d boot.cmd {place}"),)
    if case.client == "bios-pxe":
        server = fixes.address_of_server(case)
        match, tags = dnsmasq_match(case)
        return fixes.arrange(
            case,
            *fixes.dnsmasq(
                *match,
                f"dhcp-boot={tags},undionly.kpxe,,{server}",
                *([f"dhcp-boot=tag:ipxe,{quoting.field(path)},,{server}"] if _is_script(fetch) else []),
            ),
        )
    flow = fetch.flow
    edit = _edit(flow.body.head[:_LOOKED_AT])
    if edit is None or (_is_foreign(fetch) and _MAGIC not in flow.body.head[:_LOOKED_AT]):
        return (look,)
    return Fix("shell", f"sed -i {edit} {quoting.shell(downloads.on_disk(fetch))}"), look


def _edit(head: bytes) -> str | None:
    """What makes #!ipxe the beginning of a script; None for what is no script at all."""
    if head.startswith(_BYTE_ORDER_MARK):
        return "'1s/^\\xef\\xbb\\xbf//'"
    if _MAGIC in head:
        return "'1,/#!ipxe/{/#!ipxe/!d;s/^.*#!ipxe/#!ipxe/}'"
    return None if head.lstrip()[:1] in (b"{", b"[", b"<", b"") else "'1i #!ipxe'"
