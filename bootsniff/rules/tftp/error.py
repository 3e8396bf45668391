"""tftp-error; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TftpTransfer
from ...model import NANOSECONDS, Finding, Fix
from ...track.records import FetchRecord
from ...wire.numbers import tftp_error_name
from ...wire.transfers import TftpError as Error
from .. import fixes, names, quoting
from ..case import Case
from ..evidence import maybe, naming_of
from ..rule import Rule
from . import transfers
from .access_violation import refuses

_WAITED = 2 * NANOSECONDS
_LOG = Fix("shell", "journalctl -t dnsmasq-tftp -t in.tftpd --since -10min   # on the TFTP server")


class TftpError(Rule):
    """The TFTP server ends the transfer with an error that is about something else than the file's name or modes.

    What happens
        The server gave up: it is out of something, takes the request for nonsense, or a fault of its own is behind it.
        Firmware shows PXE-E23 or PXE-T with the number of the error.
    On the wire
        TFTP ERROR from the server with another code than 1, 2 and 8, or with code 0 and a text that tells.
    Not to be confused with
        A missing file (tftp-file-not-found), one that may not be read (tftp-access-violation), an option that is refused
        (tftp-option-negotiation-refused), an error that the client sends (tftp-client-aborts).
    Causes
        A directory named as if it were a file; a server that was started without a directory, that cannot read any more
        (a disk, a network file system), that has a limit on sessions; a server of another kind on port 69; a proxy
        between that makes errors of its own; a machine that acknowledges no more, which the finding says then.
    Fix
        The server's log says more than the packet. Name a file where it tells of a directory.
    Sources
        RFC 1350 section 5 and appendix; RFC 2347 (code 8).
    """

    code = "tftp-error"
    stage = "tftp"
    needs = "fetches"
    summary = "{server} ends {file} with error {number}{text}"

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in transfers.failed(case):
            error = flow.error
            if error is None or flow.error_by_client or fetch.role in ("config-search", "optional") or _has_name(error):
                continue
            text = f" ({tftp_error_name(error.code)})" if error.code and error.code < 8 else ""
            text += f" “{error.text}”" if error.text else ""
            unheard = flow.last_ack if _waited(flow) else None
            yield self.finding(
                case,
                [
                    *naming_of(case, fetch),
                    *transfers.proof(flow, text),
                    *maybe(unheard, f"last ACK, block {flow.acked_block}"),
                ],
                subject=fetch.flow.url,
                server=flow.server,
                file=flow.filename or "(empty name)",
                number=error.code,
                text=text
                + (
                    f": the machine acknowledges nothing behind block {flow.acked_block}" if unheard is not None else ""
                ),
                expected="The next DATA block." if flow.body.packets else "An OACK or the first DATA block.",
                fixes=(*_instead_of_directory(case, fetch, flow), _LOG),
            )


def _instead_of_directory(case: Case, fetch: FetchRecord, flow: TftpTransfer) -> tuple[Fix, ...]:
    """A file in the directory that is named as if it were one (dnsmasq tells: "Is a directory")."""
    if flow.error is None or "is a directory" not in flow.error.text.lower():
        return ()
    if not case.is_boot_file(fetch):
        place = quoting.shell(transfers.place(flow))
        return (Fix("shell", f"ls -la {place}   # on {flow.server}: a directory; the file belongs in its place"),)
    loader = names.loader_for(case.client)
    return fixes.boot_file(case, f"{flow.filename.rstrip('/')}/{names.base(loader)}", flow.server)


def _waited(flow: TftpTransfer) -> bool:
    """Whether the server had sent the same again, and no ACK had come for seconds: it is the machine that stopped."""
    last, again = flow.last_ack, flow.body.retransmissions > 0 and flow.acked_block < flow.highest_block
    return last is not None and again and flow.error_at is not None and flow.error_at.time - last.time > _WAITED


def _has_name(error: Error) -> bool:
    """Whether an error has a finding of its own."""
    return error.code == 8 or refuses(error) or error.says_missing
