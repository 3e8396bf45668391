"""tftp-option-negotiation-refused; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TftpTransfer
from ...model import Finding, Fix
from ...track.records import FetchRecord
from .. import fixes, names
from ..case import Case
from ..evidence import evidence, maybe
from ..rule import Rule
from . import transfers


class TftpOptionNegotiationRefused(Rule):
    """Client and server cannot agree on TFTP options.

    What happens
        The machine asks with options (block size, window size, file size); the server refuses them, or answers with
        options the machine did not ask for or cannot take, and the transfer ends before the first block. UEFI asks for the
        size of the file first, and gives up when the answer leaves it out (it shows a file size of 0 and PXE-E53).
    On the wire
        RRQ with options, ERROR 8 from the server; or OACK, then ERROR 8 or ERROR 4 ("Malformatted OACK packet") from the
        client and no further RRQ. An OACK without tsize, or DATA without an OACK (ERROR 4, "User aborted download",
        PXE-E99), is what UEFI cannot use.
    Not to be confused with
        The size probe: OACK, ERROR 8 from the client, then another RRQ for the same file. A server that ignores options
        and answers with DATA at once is allowed; BIOS ROMs, iPXE and PXELINUX can live with it.
    Causes
        An old or very simple server; a server that forces a block size or adds options nobody asked for; tsize switched off
        (atftpd --no-tsize, tftpd-hpa --refuse tsize).
    Fix
        Switch the disputed option off at the server, or tsize on again.
    Sources
        RFC 2347; RFC 2348; RFC 2349; edk2 Mtftp4Rrq.c and PxeBcMtftp.c; gagle/node-tftp pull request 14.
    """

    code = "tftp-option-negotiation-refused"
    stage = "tftp"
    needs = "fetches"
    explains_away = ("tftp-client-aborts",)
    summary = "{said}"

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in transfers.failed(case):
            error = flow.error
            if error is None:
                continue
            if flow.body.packets:
                if _answered_with_data(case, flow) and not _asked_again(case, flow.filename, fetch.start):
                    yield self._without_size(case, fetch, flow)
                continue
            by_server = not flow.error_by_client and error.code == 8
            by_client = flow.error_by_client and error.code in (4, 8) and flow.oack is not None and flow.size != 0
            by_client = by_client and not transfers.size_only(flow)
            if not (by_server or by_client) or _asked_again(case, flow.filename, fetch.start):
                continue
            asked = dict(flow.options)
            if by_client and _size_left_out(case, flow):
                yield self._without_size(case, fetch, flow)
                continue
            added = [name for name, _ in flow.oack or () if name not in asked]
            disputed = (flow.oack or flow.options) if by_client else flow.options
            spoken = ", ".join(f"{name} {value}" for name, value in disputed) or "(none)"
            who = f"{flow.server} refuses" if by_server else f"the machine does not take {flow.server}'s answer to"
            yield self.finding(
                case,
                [
                    *(evidence(ref, "RRQ with options") for ref in flow.requests[:1]),
                    *(
                        evidence(ref, "OACK" + (f" with {names.joined(added)}, not asked for" if added else ""))
                        for ref in flow.oacks[:1]
                    ),
                    *maybe(
                        flow.error_at,
                        f"error {error.code} “{error.text}” from the {'server' if by_server else 'client'}",
                    ),
                ],
                confidence="certain" if by_server or added else "likely",
                subject=fetch.flow.url,
                said=f"{who} the TFTP options {spoken} for {flow.filename}",
                expected="An OACK the machine accepts, then the first DATA block.",
                proof="" if by_server or added else "The same request with the option switched off at the server.",
                fixes=fixes.arrange(
                    case,
                    Fix("dnsmasq", "tftp-no-blocksize"),
                    Fix("tftpd-hpa", 'TFTP_OPTIONS="--secure --refuse blksize"'),
                ),
            )

    def _without_size(self, case: Case, fetch: FetchRecord, flow: TftpTransfer) -> Finding:
        """UEFI's first request is for the size alone; without it there is no second one."""
        return self.finding(
            case,
            [
                *(evidence(ref, "RRQ with tsize") for ref in flow.requests[:1]),
                *(evidence(ref, "OACK without tsize") for ref in flow.oacks[:1]),
                *maybe(None if flow.oacks else flow.body.first, "DATA 1, and no OACK before it"),
                *maybe(flow.error_at, "the machine ends the transfer, and does not ask again"),
            ],
            confidence="likely" if flow.oacks else "certain",
            subject=fetch.flow.url,
            said=f"{flow.server} does not tell the size of {flow.filename} (TFTP option tsize), which UEFI asks for first",
            expected="An OACK with tsize, then another RRQ for the same file.",
            proof="The machine's screen: “NBP filesize is 0 Bytes”?" if flow.oacks else "",
            fixes=fixes.arrange(case, *(_SIZE_ON if flow.oacks else _OTHER_SERVER)),
        )


_SIZE_ON = (
    Fix("atftpd", "# no --no-tsize in OPTIONS of /etc/default/atftpd"),
    Fix("tftpd-hpa", "# no --refuse tsize in TFTP_OPTIONS of /etc/default/tftpd-hpa"),
)
_OTHER_SERVER = (
    fixes.DNSMASQ_TFTP,
    Fix("tftpd-hpa", "systemctl enable --now tftpd-hpa   # instead of a server that knows no options"),
)


def _answered_with_data(case: Case, flow: TftpTransfer) -> bool:
    """Whether a server that knows no options sent UEFI the first block, and that was the end."""
    return flow.error_by_client and flow.oack is None and flow.highest_block == 1 and _size_left_out(case, flow)


def _size_left_out(case: Case, flow: TftpTransfer) -> bool:
    """Whether UEFI asked for the file's size and was told something else."""
    asked, told = dict(flow.options), dict(flow.oack or ())
    return case.is_efi_pxe and "tsize" in asked and "tsize" not in told and told.keys() <= asked.keys()


def _asked_again(case: Case, file: str, since: int) -> bool:
    return any(flow.filename == file and fetch.start > since for fetch, flow in case.tftp)
