"""iscsi-login-refused; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TcpConnection
from ...model import Finding, Fix, FrameRef
from ...track.arrived import is_open
from ...wire import iscsi, ports
from .. import names
from ..case import Case
from ..evidence import evidence, naming
from ..rule import Rule


class IscsiLoginRefused(Rule):
    """The iSCSI server takes the connection and ends it again.

    What happens
        iPXE logs in to the disk that option 17 or a script names, and the server refuses: it has no target of that name, or
        not for this machine. iPXE says “Operation not permitted” or “Invalid argument” and gives up.
    On the wire
        A connection to port 3260 that opens, and a login response with status class 2 or 3; or a few hundred bytes, and
        FIN or RST of the server within seconds. Then silence.
    Not to be confused with
        A closed port (tcp-refused). A disk that is used: its connection stays open. A disk on which iPXE finds nothing to
        start: it closes the connection itself.
    Causes
        A misspelt target name (IQN) or unit number, an access list that does not have this initiator or address, CHAP.
    Fix
        Compare the name with what the server has; allow the machine's address.
    Sources
        RFC 7143 section 11.13 (status class 2: initiator error); iPXE net/tcp/iscsi.c; lab captures with tgt.
    """

    code = "iscsi-login-refused"
    stage = "nbp"
    needs = "connections"
    summary = "iSCSI server {server} refuses the login of {name}: {why}"

    def check(self, case: Case) -> Iterator[Finding]:
        tried = [c for c in case.stage.connections if c.server_port == ports.ISCSI and c.established]
        if not tried or any(is_open(connection) for connection in tried) or not case.failed_here:
            return
        connection = tried[-1]
        if case.stage.fetches and case.stage.fetches[-1].start > connection.start:
            return
        status, answer = connection.login_refused, connection.login_refused_at
        end = answer or _ended_by_server(connection)
        if end is None:
            return
        time = names.seconds(end.time - connection.start)
        yield self.finding(
            case,
            [
                *naming(case),
                *(evidence(ref, "SYN to port 3260") for ref in connection.syns[:1]),
                evidence(end, "login response" if status else "the server ends the connection"),
            ],
            confidence="certain" if status else "likely",
            subject=connection.server,
            server=connection.server,
            name=case.stage.name or case.client,
            why=iscsi.words(status) if status else f"it ends the connection after {time}",
            expected="A connection that stays open while the disk is used.",
            proof="" if status else "The machine's screen, and the log of the iSCSI server.",
            fixes=(
                Fix(
                    "iscsi",
                    f"tgtadm --lld iscsi --mode target --op show   # on {connection.server}: {_LOOK.get(status, 'names and ACL')}",
                ),
            ),
        )


_LOOK: dict[tuple[int, int] | None, str] = {
    (2, 1): "Account information: user and password that iPXE needs too (set username, set password)",
    (2, 3): "the name of the target, and ACL information, which hides it from others",
}


def _ended_by_server(connection: TcpConnection) -> FrameRef | None:
    """Where the server left, unless the machine did so before."""
    end = connection.fin_from_server or (None if connection.reset_by_client else connection.reset)
    mine = connection.fin_from_client
    return None if end is None or (mine is not None and mine.time < end.time) else end
