"""chain-shim-wrong-path; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TftpTransfer
from ...model import Confidence, Finding, Fix
from ...track.naming import is_grub_binary
from ...track.records import FetchRecord
from .. import fixes, names, quoting
from ..case import Case
from ..evidence import evidence
from ..header_file import is_in_option_alone, loader_reply, put_there
from ..nbp import downloads
from ..offers import Offer
from ..rule import Rule
from ..tftp import transfers

_BACKSLASHES = "the path is written with backslashes"


class ChainShimWrongPath(Rule):
    """shim looks for GRUB in the wrong directory.

    What happens
        shim takes the directory for its second stage from the file field of the DHCP packet. When the name came in option
        67 alone, that field is empty, and shim asks for the loader without a directory.
    On the wire
        efi-x64/shim.efi is fetched, then grubx64.efi (no directory) answered by ERROR 1. The ACK has the name in option 67
        and an empty file field; or the name is written with backslashes. Where another, unsigned grubx64.efi lies in the root
        directory, shim fetches that one and refuses it (a note under nbp-secure-boot-refused).
    Not to be confused with
        A loader that is missing in the right directory (tftp-file-not-found). shim's optional extras (revocations_sbat.efi,
        shim_certificate_0.efi), which are missing in healthy boots.
    Causes
        dnsmasq moves the name into option 67 when the client asks for that option; ISC dhcpd with option bootfile-name and no
        filename statement.
    Fix
        dnsmasq: dhcp-no-override, which puts the name into the file field. ISC dhcpd: filename. Or copy the loader to the
        root directory. Forward slashes.
    Sources
        rhboot/shim netboot.c, issues 165, 300 and 710; dnsmasq manual page; lab captures with dnsmasq 2.90.
    """

    code = "chain-shim-wrong-path"
    stage = "chain"
    needs = "fetches"
    explains_away = ("tftp-file-not-found", "http-404")
    summary = "shim came from {directory} but asks for {asked}: {why}"

    def check(self, case: Case) -> Iterator[Finding]:
        shim = _shim(case)
        if shim is None:
            return
        path = names.path_of(shim)
        directory = names.directory(path)
        for fetch, flow in _astray(case):
            refused = fetch.status == "complete"
            asked = flow.filename
            same = names.directory(asked).strip("/").lower() == directory.strip("/").lower()
            if same or not directory.strip("/"):
                continue
            reply = loader_reply(case)
            confidence, why = _reason(reply, path, asked)
            yield self.finding(
                case,
                [
                    *(
                        [
                            evidence(
                                reply.heard,
                                f"{reply.boot_file_from} names {reply.boot_file}, file field “{reply.message.file or ''}”",
                            )
                        ]
                        if reply
                        else []
                    ),
                    evidence(shim.ended, f"{path} is whole"),
                    *transfers.proof(flow),
                ],
                severity="note" if refused else None,
                explains="nbp-secure-boot-refused" if refused else None,
                confidence=confidence,
                subject=asked,
                directory=directory or path,
                asked=asked,
                why=why,
                expected=f"RRQ {directory}{names.base(asked)}",
                proof="" if confidence == "certain" else "The header's file field of the DHCP packet that named shim.",
                fixes=fixes.arrange(
                    case,
                    *(put_there(path) if why != _BACKSLASHES else fixes.boot_file(case, path.replace("\\", "/"))),
                    Fix(
                        "shell",
                        f"cp {quoting.shell(quoting.below('/srv/tftp', directory + names.base(asked)))} /srv/tftp/",
                    ),
                ),
            )
            return


def _astray(case: Case) -> Iterator[tuple[FetchRecord, TftpTransfer]]:
    """Loaders that shim did not find, and the one that it found but that never ran: another of the same name."""
    for fetch, flow in transfers.failed(case):
        error = flow.error
        if error and not flow.error_by_client and error.code in (0, 1, 2) and _second_stage(flow.filename):
            yield fetch, flow
    idle = downloads.idle_program(case) if case.client == "shim" else None
    if idle and isinstance(idle.flow, TftpTransfer) and idle.content and idle.content.signed is False:
        yield idle, idle.flow


def _second_stage(name: str) -> bool:
    base = names.base(name).lower()
    return is_grub_binary(name) or (base.startswith(("grub", "mm", "fb")) and ".efi" in base)


def _shim(case: Case) -> FetchRecord | None:
    """The file that this boot option began with: shim itself."""
    for index in range(case.option[0], case.stage_index + 1):
        stage = case.boot.stages[index]
        for fetch in stage.fetches:
            if (
                fetch.status == "complete"
                and not _second_stage(names.path_of(fetch))
                and fetch.role not in ("optional", "config-search")
            ):
                return fetch
        if case.client == "shim" and index == case.stage_index:
            return None
    return None


def _reason(reply: Offer | None, path: str, asked: str) -> tuple[Confidence, str]:
    if reply and is_in_option_alone(reply):
        return "certain", "the name came in option 67 and the header's file field is empty"
    if "\\" in path:
        # shim looks for the last slash (netboot.c, parseDhcp4): what stands before it, and no more, is left of the path.
        left = path[: path.rfind("/") + 1].strip("/") == asked[: asked.rfind("/") + 1].strip("/")
        return "certain" if reply and reply.message.file and left else "likely", _BACKSLASHES
    return "likely", "the directory was lost"
