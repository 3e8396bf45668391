"""chain-no-config-found; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import HttpExchange, TftpTransfer
from ...model import Finding, Fix
from ...track.exchanges import Dhcp4Exchange
from ...track.records import FetchRecord
from ...wire import dhcp_options, urls
from .. import fixes, names, on_the_way, quoting
from ..case import Case
from ..evidence import evidence
from ..header_file import lost_directory, put_there
from ..rule import Rule
from ..tftp import transfers

_NAMES = {
    "pxelinux": ("pxelinux.cfg/", "default"),
    "grub": ("", "grub.cfg"),
    "shim": ("", "grub.cfg"),
}


_STOPS = ", and then stops in the middle of its list"
_NO_DIRECTORY = ": its own directory came in option 67 alone, and older GRUB reads the header's file field"


class ChainNoConfigFound(Rule):
    """The loader found none of its configuration files.

    What happens
        PXELINUX, GRUB or U-Boot asks for its configuration from the most specific name (UUID, MAC, address) to the default,
        and the server has none of them. PXELINUX: "Unable to locate configuration file".
    On the wire
        The whole search list, each name answered by ERROR 1 (or 404), and then nothing.
    Not to be confused with
        The same list with a hit at its end, which is how every healthy boot looks. A list that breaks off before its last
        name: the loader does not hear the answer, or its next request is lost.
    Causes
        The configuration lies in another directory than the loader; a path prefix in option 210 that is wrong. GRUB before
        2.04 takes its directory from the header's file field, and knows none where option 67 alone has the name.
    Fix
        Put pxelinux.cfg/default, or grub.cfg, into the directory the loader asks.
    Sources
        Syslinux documentation, pxelinux.txt; U-Boot cmd/pxe.c; GRUB grub-core/net/net.c; RFC 5071;
        theforeman/foreman-packaging pull request 6220.
    """

    code = "chain-no-config-found"
    stage = "chain"
    needs = "fetches"
    explains_away = ("tftp-file-not-found", "http-404", "nbp-stalls-after-download")
    summary = "{name} found {count} it looked for{prefix}{stops}"

    def check(self, case: Case) -> Iterator[Finding]:
        if case.is_ipxe or case.is_http:
            return
        searched = [
            fetch
            for fetch in case.stage.fetches
            if fetch.role == "config-search" or (fetch.role == "script" and fetch.status in ("failed", "optional"))
        ]
        if not case.is_uboot and any(f.role == "boot-file" and f.status == "failed" for f in case.stage.fetches):
            return  # the search is what a missing boot file leads to; U-Boot takes but the directory of its name
        if not searched or (len(searched) < 2 and case.client not in ("grub", "pxelinux")):
            return
        if any(f.status == "complete" for f in searched) or any(
            f.status in ("in-progress", "stalled") for f in searched
        ):
            return
        if any(not f.missing and (isinstance(f.flow, HttpExchange) or f.role == "script") for f in searched):
            return  # denied, redirected, a directory, an error of the server: told by rules of their own
        # Something useful after the search (a kernel by another way) shows that the loader did not need it.
        if any(
            f.status == "complete" and f.start > searched[-1].start and f.role not in ("optional", "module")
            for f in case.stage.fetches
        ):
            return
        asked = {names.path_of(fetch) for fetch in searched}
        prefix = names.directory(names.path_of(searched[-1]))
        astray = lost_directory(case, names.path_of(searched[-1])) if case.client == "grub" else None
        folder, file = _NAMES.get(case.client, ("pxelinux.cfg/", "default"))
        wanted = prefix if prefix.endswith(folder) else prefix + folder
        whole = names.base(names.path_of(searched[-1])) == file
        root = "/var/www/html" if isinstance(searched[-1].flow, HttpExchange) else "/srv/tftp"
        yield self.finding(
            case,
            [
                evidence(searched[0].ended, f"{names.path_of(searched[0])} not found"),
                *(
                    [evidence(searched[-1].ended, f"{names.path_of(searched[-1])} not found, the last")]
                    if len(searched) > 1
                    else []
                ),
            ],
            confidence="certain" if whole else "possible",
            name=case.stage.name or case.client,
            count=f"none of the {len(asked)} configuration files"
            if len(asked) > 1
            else f"no {names.base(names.path_of(searched[0]))}, the configuration",
            prefix=(f" below {prefix}" if prefix else "") + (_NO_DIRECTORY if astray else ""),
            stops="" if whole else _STOPS,
            expected="One of the names of the list.",
            proof="" if whole else on_the_way.nearer("the last answer"),
            fixes=fixes.arrange(
                case,
                _look(case, _on_disk(searched[-1], wanted, root), file, searched),
                *(put_there(astray.boot_file or "") if astray is not None else ()),
                *(_beside(case, wanted, root) if case.client == "pxelinux" else ()),
            ),
        )


def _look(case: Case, directory: str, file: str, searched: list[FetchRecord]) -> Fix:
    """What there is in the directory, and what it should be called: by the machine's MAC, or the one for all."""
    asked = (names.base(names.path_of(one)) for one in searched)
    own = [name for name in asked if case.machine.mac.replace(":", "-") in name.lower()]
    named = [quoting.shell(name) for name in dict.fromkeys([*own[:1], file])]
    return Fix("shell", f"ls -l {quoting.shell(directory)}   # is {' or '.join(named)} there, and readable?")


def _on_disk(fetch: FetchRecord, wanted: str, root: str) -> str:
    """The directory of the configurations: where the server says that it looked, else below the usual root."""
    flow = fetch.flow
    if isinstance(flow, TftpTransfer) and names.directory(flow.filename) == wanted:
        return names.directory(transfers.place(flow))
    return quoting.below(root, wanted or "/")


def _beside(case: Case, wanted: str, root: str) -> Iterator[Fix]:
    """Where PXELINUX may look instead: in its own directory when option 210 names another, where one for all lies."""
    leases = [case.boot.stages[index].dhcp for index in case.option]
    replies = [heard for dhcp in leases if isinstance(dhcp, Dhcp4Exchange) for heard in dhcp.acks]
    own = names.directory(case.first_boot_file or "")
    folder = wanted.removesuffix("pxelinux.cfg/")
    if any(dhcp_options.pxelinux_path_prefix(reply.message) not in (None, own) for reply in replies):
        yield from fixes.dnsmasq(f"dhcp-option-force=210,{quoting.quoted(own or '/')}")
    elif urls.split(wanted) is None and folder.strip("/"):
        up = "../" * folder.strip("/").count("/") + "../pxelinux.cfg"
        yield Fix("shell", f"ln -s {up} {quoting.shell(quoting.below(root, folder))}   # one for all loaders")
