"""tcp-refused; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TcpConnection
from ...model import Finding, Fix
from ...wire import ports
from ...wire.addresses import in_url
from .. import fixes, meanwhile
from ..case import Case
from ..evidence import evidence, maybe
from ..rule import Rule
from . import targets


class TcpRefused(Rule):
    """Nothing listens on the port of the boot URL.

    What happens
        The machine connects to the web server and is refused at once. edk2 shows "TCP connection failed".
    On the wire
        SYN, answered by RST.
    Not to be confused with
        No answer at all, or ICMP prohibited (tcp-filtered). A reset after data, which is how edk2 closes.
    Causes
        The web server is not running, listens on another port or address; the port in the URL is wrong or was dropped by a
        loader (some GRUB builds connect to port 80 whatever the URL says).
    Fix
        Start the web server on this address and port, or correct the URL. Port 111 is the portmapper, which a nfs URL and
        an NFS root need, beside the NFS server itself.
    Sources
        RFC 9293 section 3.5.2; edk2 NetworkPkg HttpBootImpl.c; lf-edge/eve pull request 6307.
    """

    code = "tcp-refused"
    stage = "tcp"
    needs = "connections"
    summary = "{server} refuses the connection to port {port}{service}{wrong}"

    def check(self, case: Case) -> Iterator[Finding]:
        connections = case.stage.connections
        for connection in connections:
            if not connection.reset or connection.reset_by_client or connection.syn_ack or connection.established:
                continue
            key = connection.server, connection.server_port
            if connection.exchanges or any(c.syn_ack and (c.server, c.server_port) == key for c in connections):
                continue
            if case.stage.fetches and case.stage.fetches[-1].start > connection.last.time:
                continue
            other = meanwhile.served(
                case, connection.server, connection.start, connection.last.time, connection.server_port
            )
            yield self.finding(
                case,
                [
                    *targets.proof(case, connection),
                    *(evidence(ref, f"SYN to port {connection.server_port}") for ref in connection.syns[:1]),
                    *maybe(connection.reset, "RST: refused" if other else "RST: port closed"),
                    *(other.proof if other else ()),
                ],
                subject=f"{connection.server}:{connection.server_port}",
                server=connection.server,
                port=connection.server_port,
                service=targets.service(connection.server_port),
                wrong=_wrong_port(case, connection)
                or (f", and accepts one of {other.who} {other.when}" if other else ""),
                expected="A SYN-ACK.",
                fixes=meanwhile.fixes(
                    other,
                    connection.client,
                    connection.server,
                    _fixes(case, connection.server, connection.server_port),
                ),
            )


def _wrong_port(case: Case, connection: TcpConnection) -> str:
    wanted = targets.wanted_port(case, connection)
    return f"; the URL says port {wanted}" if wanted and wanted != connection.server_port else ""


def _fixes(case: Case, server: str, port: int) -> tuple[Fix, ...]:
    look = Fix("shell", f"ss -ltnp 'sport = :{port}'   # on {server}")
    if port == ports.ISCSI:
        return (look, Fix("iscsi", "systemctl status target tgt   # an iSCSI target, for the root path of option 17"))
    if port in targets.NFS_PORTS:
        return (look, Fix("shell", f"systemctl enable --now rpcbind nfs-server; exportfs -v   # on {server}"))
    return fixes.arrange(
        case, look, Fix("nginx", f"server {{\n  listen {in_url(server)}:{port};\n  root /var/www/html;\n}}")
    )
