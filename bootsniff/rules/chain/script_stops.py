"""chain-script-stops; reads records, never changes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ...flow.records import HttpExchange
from ...model import Confidence, Evidence, Finding, Fix
from ...text import printable
from ...track.arrived import dead_end, network_disk, never_started
from ...track.kinds import architecture
from ...track.next_file import goes_on_by_http, next_named, next_without_tls
from ...track.records import Expectation, FetchRecord, IdleScript
from ...wire import urls
from ...wire.content import COMPRESSED
from .. import fixes, names, quoting
from ..case import Case
from ..dhcp.next_server_missing import server_fixes
from ..evidence import evidence
from ..http import exchanges
from ..nbp import downloads
from ..rule import Rule

_VARIABLE = re.compile(r"(\$\{[\w./:-]{1,64}\})", re.ASCII)
_GOTO = re.compile(r"(?:.*\|\|\s*)?goto\s+([\w.-]{1,64})(?=\s|$)")
"""Where a command stands alone or for one that failed, and not behind `&&`; a variable may hold any label."""
_NEXT_SERVER = "${next-server}"
"""From siaddr, which 0.0.0.0 leaves unset (iPXE net/dhcppkt.c, dhcppkt_applies and used_len_ipv4)."""
_UNKNOWN = ": a command above it fails"
_SCRIPTS = ("boot-file", "script", "config-search")
_SPOKEN = ("http", "https", "tftp")
_KERNELS = {
    "x64": "x86",
    "ia32": "x86",
    "arm64": "ARM64",
    "arm32": "ARM",
    "riscv64": "RISC-V",
    "loongarch64": "LoongArch",
}
"""Beginnings of our words for kernels, by the word in our client kinds."""


class ChainScriptStops(Rule):
    """A script names a file that is never asked for, or loads a kernel and starts nothing.

    What happens
        iPXE ends a script at the first command that fails, GRUB an entry; what stands below it is not done. PXELINUX may
        hang or reset the machine where its modules are of another version than itself. Nothing of it is
        on the wire when the command fails by itself: a kernel that the program does not take, an address that is empty
        because its variable is, a scheme or a command that this build does not have. A
        script without boot, or one that ends at a misspelt command, leaves its kernel in memory: iPXE goes on to the next
        device.
    On the wire
        The script, or the kernel that it names, is whole; what the script names next is neither asked for nor tried: no
        ARP, no DNS, no connection. Then silence. Or the kernel and its RAM disks are whole, and the text of the script has
        no command behind them that starts them.
    Not to be confused with
        A script that waits for a key or sleeps. A kernel without an initrd in its script. An https URL and an iPXE without
        TLS (tls-unsupported). A file that is asked for and missing. A script that another one chained, which may go on.
    Causes
        A line that was lost, a misspelt command or variable, a jump to a label that the script does not have; ${next-server}
        where DHCP leaves siaddr empty, or a host name where it names no name
        server; a kernel that the web server compresses on the
        way (Content-Encoding), or that lies packed; a kernel for another processor; a kernel that Secure Boot refuses (“bad shim signature”); imgtrust,
        imgverify or a scheme such as nfs in an iPXE that was built without; a condition that leads elsewhere.
    Fix
        Name the server in DHCP (next-server), and a name server (option 6) or addresses in URLs; switch compression off. Look at the machine's screen; write the failing command with “|| shell” behind it and look at the variables.
    Sources
        ipxe.org/scripting; iPXE core/exec.c and image/bzimage.c; GRUB grub-core/kern/efi/sb.c; lab captures.
    """

    code = "chain-script-stops"
    stage = "chain"
    needs = "fetches"
    summary = "{script} {what}{why}"

    def concerns(self, client: str) -> bool:
        return client.startswith("ipxe-") or client in ("grub", "pxelinux")

    def check(self, case: Case) -> Iterator[Finding]:
        stage, last = case.stage, case.stage.fetches[-1]
        idle = stage.idle_script
        if idle is not None and (idle.misspelt or never_started(stage) is not None):
            if case.failed_here and last.status == "complete" and not _something_else(case, last):
                yield self._idle(case, idle)
            return
        wanted = next_named(stage)
        if wanted is None or not case.failed_here or last.status != "complete" or stage.menu is not None:
            return
        if not case.world.quality.sees_tcp and goes_on_by_http(stage):
            return  # it may go on where this capture cannot show it
        if dead_end(stage) is not None or next_without_tls(stage) is not None or _something_else(case, last):
            return
        refused = last.role == "kernel"
        if refused and (wanted.role != "initrd" or case.client == "pxelinux"):
            return  # kernels of other entries may stand below; PXELINUX fetches all of one before it looks at any
        lack = None if refused else _lack(case, wanted)
        if lack is not None:
            confidence, why = lack.verdict
        else:
            confidence, why = _of_kernel(case, last) if refused else _of_goto(last) or _of_url(case, wanted)
        if why == _UNKNOWN and not case.world.quality.arp_seen:
            return  # the server may not be there
        yield self.finding(
            case,
            [
                *([lack.proof] if lack is not None else ()),
                evidence(wanted.at, f"{names.base(wanted.named_in)} names {wanted.url}"),
                evidence(last.ended, f"{names.base(names.path_of(last))} is whole; nothing follows"),
            ],
            confidence=confidence,
            subject=wanted.url,
            script=wanted.named_in,
            what=f"names {wanted.url}, and {case.stage.name or case.client} does not ask for it",
            why=why,
            expected=f"A request for {wanted.url}.",
            proof="The machine's screen, where the failing command says why.",
            fixes=(
                *(lack.fixes if lack is not None else ()),
                *_fixes(case, last, wanted, refused=refused),
            ),
        )

    def _idle(self, case: Case, script: IdleScript) -> Finding:
        """It starts nothing, as its text tells."""
        last = case.stage.fetches[-1]
        kernel = never_started(case.stage)
        loaded = names.base(names.path_of(kernel)) if kernel is not None else ""
        word, meant = script.misspelt or ("", "boot")
        return self.finding(
            case,
            [
                evidence(script.at, f"{names.base(script.name)} is whole"),
                *(
                    [evidence(last.ended, f"{names.base(names.path_of(last))} is whole; nothing follows")]
                    if loaded
                    else ()
                ),
            ],
            confidence="likely",
            subject=script.name,
            script=script.name,
            what=f"ends at {word}, which is no command of iPXE"
            if word
            else f"loads {loaded}, and nothing in it starts it",
            why=f" ({meant}?)" if word else ": it has no boot",
            expected=f"{meant}, and what the script says behind it." if word else "boot, behind the last file.",
            proof="The machine's screen: “command not found”?" if word else "The machine's screen: does iPXE go on?",
            fixes=(Fix("ipxe", _edit(case, script, word, meant)),),
        )


def _edit(case: Case, script: IdleScript, word: str, meant: str) -> str:
    """What mends the script on its server."""
    fetch = next((fetch for fetch in case.stage.fetches if fetch.name == script.name), case.stage.fetches[0])
    place = quoting.shell(downloads.on_disk(fetch))
    return f"sed -i 's/^ *{word}\\b/{meant}/' {place}" if word else f"printf '\\nboot\\n' >> {place}"


class _Lack(NamedTuple):
    """What the lease does not have, and the URL needs."""

    verdict: tuple[Confidence, str]
    proof: Evidence
    fixes: tuple[Fix, ...]


def _lack(case: Case, wanted: Expectation) -> _Lack | None:
    lease = case.lease
    if lease is None:
        return None
    if case.is_ipxe and _NEXT_SERVER in wanted.url:
        replies = [*case.acks, *case.pxe_replies, *case.proxy_offers]
        if not case.acks or any(reply.message.next_server for reply in replies) or _sets(case, "next-server"):
            return None
        why = f": {_NEXT_SERVER} is empty, since DHCP names no server (siaddr)"
        mended = server_fixes(case, lease.server) if lease.server else ()
        return _Lack(("likely", why), evidence(lease.heard, "lease with siaddr 0.0.0.0"), mended)
    host = urls.host_of(wanted.url)
    if "$" in host or not urls.is_name(host) or lease.dns_servers or case.stage.lookups or _sets(case, "dns"):
        return None
    why = f": nobody can tell it the address of {host}, since DHCP names no name server (option 6)"
    server = next(iter(lease.routers), lease.server) or fixes.EXAMPLE_SERVER
    mended = fixes.option(case, 6, server, "domain-name-servers", "domain-name-servers")
    return _Lack(("likely", why), evidence(lease.heard, "lease without option 6"), mended)


def _sets(case: Case, setting: str) -> bool:
    """Whether a script may give the program a setting that the lease lacks: iPXE's `set net0/dns`, GRUB's `net_add_dns`."""
    line = re.compile(rf"\b(?:set\s+(?:\S*/)?|net_add_){setting}\s".encode())
    return any(line.search(fetch.flow.body.head) for fetch in case.stage.fetches if fetch.role in _SCRIPTS)


def _something_else(case: Case, last: FetchRecord) -> bool:
    """Whether anything was tried after the last fetch: then that is what failed."""
    stage = case.stage
    return (
        network_disk(stage) is not None
        or any(connection.start > last.start and not connection.exchange_count for connection in stage.connections)
        or any(arps.requests and arps.requests[0].time > last.start and not arps.reply for arps in stage.arps)
        or any(look.last.time > last.start and not (look.answer and look.answer.addresses) for look in stage.lookups)
    )


def _of_kernel(case: Case, kernel: FetchRecord) -> tuple[Confidence, str]:
    name = names.base(names.path_of(kernel))
    text = kernel.content.text if kernel.content is not None else ""
    arch = architecture(case.firmware if case.client == "grub" else case.client) or "x64"
    word = _KERNELS.get(arch)
    if text.startswith("Linux kernel, ") and word and not text.startswith(f"Linux kernel, {word}"):
        return "certain", f": {name} is a {text}, which it cannot start"
    if kernel.content is not None and kernel.content.kind in COMPRESSED:
        return "likely", f": {name} is {text}, which it does not unpack{_said(kernel)}"
    refusal = " (Secure Boot, another processor, or damaged)" if case.is_efi or case.client == "grub" else ""
    return "likely", f": it does not take {name}{refusal}"


def _said(fetch: FetchRecord) -> str:
    """What a web server said of the packing."""
    flow = fetch.flow
    encoding = flow.response.get("content-encoding") if isinstance(flow, HttpExchange) and flow.response else None
    return f"; the server says Content-Encoding: {encoding}" if encoding else ""


def _of_goto(script: FetchRecord) -> tuple[Confidence, str] | None:
    """A jump to a label that the script, which the capture holds whole, does not have: iPXE ends there (core/script.c)."""
    body = script.flow.body
    if script.content is None or script.content.kind != "ipxe-script" or len(body.head) < body.received:
        return None
    lines = [line.strip() for line in body.head.decode("utf-8", "replace").splitlines()]
    labels = {line[1:].split()[0] for line in lines if line.startswith(":") and line[1:].split()}
    jumps = [jump[1] for line in lines if (jump := _GOTO.match(line)) is not None]
    lost = next((label for label in jumps if label not in labels), None)
    return ("likely", f": it has no label {printable(lost.encode())}, to which it jumps") if lost is not None else None


def _of_url(case: Case, wanted: Expectation) -> tuple[Confidence, str]:
    if case.client == "pxelinux":
        return "possible", ": it stops there" + (", and the machine starts anew" if case.gave_up else "")
    variables = _VARIABLE.findall(wanted.url)
    if variables:
        return "possible", f": {names.joined(variables)} may be empty, or a command above it fails"
    url = urls.split(wanted.url)
    if url is not None and url.scheme not in _SPOKEN:
        return "likely", f": it may be built without {url.scheme}"
    return "possible", _UNKNOWN


def _fixes(case: Case, last: FetchRecord, wanted: Expectation, *, refused: bool) -> tuple[Fix, ...]:
    flow = last.flow
    if refused and isinstance(flow, HttpExchange) and _said(last):
        asked = Fix("shell", f"curl -sI -H 'Accept-Encoding: identity' {quoting.shell(flow.url)} | grep -i encoding")
        return asked, *exchanges.suited(flow, (Fix("nginx", "gzip off;"), Fix("apache", "SetEnv no-gzip 1")))
    if refused and isinstance(flow, HttpExchange):
        return (
            Fix(
                "shell", f"curl -sO {quoting.shell(flow.url)} && file {quoting.shell(names.base(names.path_of(last)))}"
            ),
        )
    if case.client in ("grub", "pxelinux") or refused:
        return ()
    variables = _VARIABLE.findall(wanted.url)
    look = "\n".join(f"echo {name[2:-1]}: {name}" for name in dict.fromkeys(variables[:4]))
    command = {"kernel": "kernel", "initrd": "initrd", "image": "sanboot"}.get(wanted.role, "chain")
    url = "".join(part if _VARIABLE.fullmatch(part) else quoting.ipxe(part) for part in _VARIABLE.split(wanted.url))
    return (Fix("ipxe", f"{look}\n{command} {url} || shell".lstrip("\n")),)
