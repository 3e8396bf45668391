"""tftp-option-negotiation-refused; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from .. import fixes, names
from ..case import Case
from ..evidence import evidence, maybe
from ..rule import Rule
from . import transfers


class TftpOptionNegotiationRefused(Rule):
    """Client and server cannot agree on TFTP options.

    What happens
        The machine asks with options (block size, window size, file size); the server refuses them, or answers with
        options the machine did not ask for or cannot take, and the transfer ends before the first block.
    On the wire
        RRQ with options, ERROR 8 from the server; or OACK, then ERROR 8 or ERROR 4 ("Malformatted OACK packet") from the
        client and no further RRQ.
    Not to be confused with
        The size probe: OACK, ERROR 8 from the client, then another RRQ for the same file. A server that ignores options
        and answers with DATA at once, which is allowed.
    Causes
        An old or very simple server; a server that forces a block size or adds options nobody asked for.
    Fix
        Switch the disputed option off at the server.
    Sources
        RFC 2347; RFC 2348; edk2 Mtftp4Rrq.c; gagle/node-tftp pull request 14.
    """

    code = "tftp-option-negotiation-refused"
    stage = "tftp"
    needs = "fetches"
    summary = "{who} the TFTP options {options} for {file}"

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in transfers.failed(case):
            error = flow.error
            if error is None or flow.body.packets:
                continue
            by_server = not flow.error_by_client and error.code == 8
            by_client = flow.error_by_client and error.code in (4, 8) and flow.oack is not None
            if not (by_server or by_client) or _asked_again(case, flow.filename, fetch.start):
                continue
            asked = dict(flow.options)
            added = [name for name, _ in flow.oack or () if name not in asked]
            disputed = (flow.oack or flow.options) if by_client else flow.options
            spoken = ", ".join(f"{name} {value}" for name, value in disputed) or "(none)"
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
                subject=names.url_of(fetch),
                who=f"{flow.server} refuses" if by_server else f"the machine does not take {flow.server}'s answer to",
                options=spoken,
                file=flow.filename,
                expected="An OACK the machine accepts, then the first DATA block.",
                proof="" if by_server or added else "The same request with the option switched off at the server.",
                fixes=fixes.arrange(
                    case,
                    Fix("dnsmasq", "tftp-no-blocksize"),
                    Fix("tftpd-hpa", 'TFTP_OPTIONS="--secure --refuse blksize --refuse windowsize"'),
                ),
            )


def _asked_again(case: Case, file: str, since: int) -> bool:
    return any(flow.filename == file and fetch.start > since for fetch, flow in case.tftp)
