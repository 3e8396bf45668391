"""What rules about connections that fail share: which URL they are for; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TcpConnection
from ...model import Evidence
from ...track.next_file import next_named
from ...track.records import Expectation
from ...wire import ports, urls
from ..case import Case
from ..evidence import names_next, naming

NFS_PORTS = (ports.PORTMAP, ports.NFS)
_FIREWALLD = {
    80: "http",
    443: "https",
    ports.PORTMAP: "rpc-bind",
    ports.NFS: "nfs",
    ports.ISCSI: "iscsi-target",
}
"""firewalld's names of services, by their one TCP port."""


def service(port: int) -> str:
    """What a port that is not the web's belongs to, as words to append."""
    return {
        ports.PORTMAP: " (the portmapper, which NFS asks first)",
        ports.NFS: " (NFS)",
        ports.ISCSI: " (iSCSI)",
    }.get(port, "")


def opened(port: int) -> str:
    """The words by which firewalld lets a port through."""
    return f"--add-service={_FIREWALLD[port]}" if port in _FIREWALLD else f"--add-port={port}/tcp"


def script_names(case: Case, connection: TcpConnection) -> Expectation | None:
    """What a script names behind the last file that was fetched, when such a connection may be for it."""
    fetches = case.stage.fetches
    wanted = next_named(case.stage) if fetches and fetches[-1].start < connection.start else None
    if wanted is None:
        return None
    url = urls.split(wanted.url)  # of one with variables only a host is of use, or the variable that stands for it
    if url is None or (url.host != connection.server and not urls.is_name(url.host)):
        return None
    return wanted


def wanted_port(case: Case, connection: TcpConnection) -> int | None:
    """The port of the URL that a connection is for, as far as one is known."""
    wanted = script_names(case, connection)
    if wanted is None and case.stage.fetches:
        return None  # the boot file was asked for elsewhere already
    if wanted is not None and wanted.pieces is not None:
        return None  # a variable may name the port too
    url = urls.split(wanted.url if wanted else case.boot_file or "")
    return url.tcp_port if url else None


def proof(case: Case, connection: TcpConnection) -> Iterator[Evidence]:
    """Where the URL stands: in a script, else in DHCP."""
    wanted = script_names(case, connection)
    if wanted is None:
        yield from naming(case)
    else:
        yield names_next(wanted)
