"""chain-shim-loader-name; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TftpTransfer
from ...model import Evidence, Finding, Fix
from ...track.naming import is_ipxe_binary, is_shim_binary
from ...track.records import FetchRecord
from .. import names, quoting
from ..case import Case
from ..evidence import evidence
from ..http import exchanges
from ..rule import Rule
from ..tftp import transfers


class ChainShimLoaderName(Rule):
    """The shim of iPXE asks for an iPXE of another name than the one that lies beside it.

    What happens
        iPXE's shim was renamed, so that it would load snponly.efi or another build, but it asks for ipxe.efi, and that is
        not there. It prints “Fetching Netboot Image ipxe.efi” and gives up.
    On the wire
        A shim arrives whole; then a request for ipxe.efi (or another iPXE binary) that the server does not have.
    Not to be confused with
        A shim that asks for GRUB in the wrong directory (chain-shim-wrong-path). A boot file that DHCP names and that is
        missing (tftp-file-not-found): there no shim came before.
    Causes
        Older builds of iPXE's shim know one name; it is looked for in the root of the server, wherever the shim lies.
    Fix
        Put the iPXE that shall be started under the name that is asked for.
    Sources
        ipxe/ipxe issue 1684; FOGProject documentation pull request 93.
    """

    code = "chain-shim-loader-name"
    stage = "chain"
    needs = "fetches"
    explains_away = ("tftp-file-not-found", "http-404")
    summary = "{shim} asks for {asked}, which {server} does not have"

    def check(self, case: Case) -> Iterator[Finding]:
        shim = _shim(case)
        if shim is None:
            return
        for fetch in case.stage.fetches:
            asked = names.path_of(fetch)
            if (
                fetch.status != "failed"
                or fetch.start < shim.end
                or not is_ipxe_binary(asked)
                or is_shim_binary(asked)
                or not fetch.missing
                or case.came_later(fetch)
            ):
                continue
            path = names.path_of(shim)
            yield self.finding(
                case,
                [evidence(shim.ended, f"{path} is whole"), *_proof(fetch)],
                subject=asked,
                shim=names.base(path),
                asked=asked,
                server=fetch.server,
                expected=f"The file {asked}.",
                fixes=_fixes(fetch, path, asked),
            )
            return


def _shim(case: Case) -> FetchRecord | None:
    """The shim that this boot option began with."""
    for index in range(case.option[0], case.stage_index + 1):
        for fetch in case.boot.stages[index].fetches:
            if fetch.status == "complete" and names.is_body(fetch):
                details = fetch.content.details if fetch.content is not None else ()
                return fetch if "shim" in details or "shim" in names.base(names.path_of(fetch)).lower() else None
    return None


def _proof(fetch: FetchRecord) -> Iterator[Evidence]:
    flow = fetch.flow
    return transfers.proof(flow) if isinstance(flow, TftpTransfer) else exchanges.proof(flow)


def _fixes(fetch: FetchRecord, shim: str, asked: str) -> tuple[Fix, ...]:
    root = "/srv/tftp" if isinstance(fetch.flow, TftpTransfer) else "/var/www/html"
    wanted, renamed, _ = names.base(shim).partition("-shim")
    beside = quoting.below(root, names.directory(shim) + (f"{wanted}.efi" if renamed else "snponly.efi"))
    target = quoting.below(root, asked)
    if beside == target:
        return (Fix("shell", f"ls -l {quoting.shell(target)}"),)
    return (Fix("shell", f"cp {quoting.shell(beside)} {quoting.shell(target)}"),)
