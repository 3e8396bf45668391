"""Whether a started system gets what it was told to fetch, and its root file system; pure functions of the records.

Systems ask for much that they do without (clocks, updates, the vendor's servers): what the arguments of the kernel name
counts, files by whose names a configuration or a file system is known, and hosts that scripts of the boot name. Once a
system has its root, what it asks for next is its own affair.
"""

from __future__ import annotations

import re
from typing import Literal

from ..flow.records import DnsLookup, HttpExchange, PortLookup, TcpConnection, TftpTransfer
from ..model import NANOSECONDS
from ..wire import dhcp_options, ports, urls
from .arrived import is_open
from .boot_file import is_elsewhere
from .connection_outcome import connection_failure
from .exchanges import Arps, Dhcp4Exchange
from .fetch_outcome import failed_before
from .naming import fits, pieces_of, plain_path, same_file
from .nfs_outcome import nfs_in_vain
from .patience import REACTION, TRIED_AGAIN
from .records import FetchRecord, StageRecord
from .state import DONE, StageState, is_over

TRIES = 3
"""Attempts that make it no accident: installers try every few seconds."""
_SYNS = 5
"""SYNs that nobody answers, of all attempts: the fifth comes after 15 s."""
_APART = NANOSECONDS
_MAY_GO_ON = 15 * NANOSECONDS
"""After something failed that the system may do without."""
_CONFIG = re.compile(
    r"(?:^|/)(?:[^/]*\.(?:ks|ign|preseed|yaml|yml)|ks(?:\.cfg)?|preseed\.cfg|user-data|meta-data|autoinst\.xml|"
    r"config\.ign|ignition|kickstart[^/]*|autoyast[^/]*|install\.conf|answers?[^/]*)$",
    re.IGNORECASE,
)
_ANSWERS = re.compile(
    r"(?:^|/)(?:[^/]*\.(?:ks|ign|preseed)|ks(?:\.cfg)?|preseed\.cfg|autoinst\.xml|kickstart[^/]*)$", re.IGNORECASE
)
_ROOT = re.compile(r"\.(?:squashfs|sfs|erofs|iso|img|wim)$|(?:^|/)(?:rootfs|airootfs|modloop)[^/]*$", re.IGNORECASE)
_ROOT_KINDS = frozenset({"squashfs", "iso", "wim"})
_ROOT_PORTS = frozenset({ports.NFS, ports.NBD, ports.ISCSI})
_KEPT = _ROOT_PORTS - {ports.ISCSI}
"""Where a root is used on the connection on which it was asked for; iSCSI looks for its disk on one of its own."""
_AT_ONCE = 5 * NANOSECONDS
_OWN_AFFAIRS = re.compile(r"(?:Debian APT|libdnf|dnf|PackageKit|ZYpp|fwupd|snapd|pacman)", re.IGNORECASE)
"""How package managers and the like call themselves to web servers."""


def os_state(stage: StageRecord, now: int, *, settled: bool) -> StageState:
    """Judge a started system that has an address; unless it is `settled` that nothing follows, it may try again."""
    missing = missed(stage)
    if missing is not None:
        wait = REACTION if settled and is_wanted(stage, missing) and _is_refused(missing) else _MAY_GO_ON
        since = next(one.end for one in stage.fetches if one.in_vain and same_file(one.name, missing.name))
        failed = missing.status == "stalled" or is_over(since, wait, now)
        return StageState(DONE, failed, "os" if failed else None, check_at=since + wait + 1)
    begun = _in_vain_since(stage)
    if begun is not None:
        failed = settled or is_over(begun, TRIED_AGAIN, now)
        return StageState(DONE, failed, "os" if failed else None, check_at=begun + TRIED_AGAIN + 1)
    return StageState(DONE)


def _in_vain_since(stage: StageRecord) -> int | None:
    """When it began to try what comes to nothing, ns."""
    if connections := unreached(stage) or [one for one in (login_refused(stage), *mount_refused(stage)) if one]:
        return connections[0].start
    if asked := unmapped(stage):
        return asked[0].queries[0].time
    if lookups := unnamed(stage):
        return lookups[0].queries[0].time
    arps = unheard(stage)
    return arps.requests[0].time if arps is not None else None


def missed(stage: StageRecord) -> FetchRecord | None:
    """The file without which the system does not go on: one that it was told to fetch, an installer's answers, or the last.

    Installers fetch what they install from all the same, and then ask questions.
    """
    useful = [fetch for fetch in stage.fetches if fetch.useful]
    while useful and useful[-1].status == "in-progress" and failed_before(useful[-1], useful[:-1]):
        del useful[-1]  # once more is no progress
    for fetch in reversed(useful):
        if not fetch.in_vain or _came(stage, fetch):
            continue
        if is_told(stage, fetch) or (_is_answers(fetch) and not _has_answers(stage)):
            return fetch
    last = useful[-1] if useful else None
    if last is None or not last.in_vain:
        return None
    if is_told(stage, last) or _is_below_told(stage, last) or _CONFIG.search(plain_path(last.name)):
        return last
    return None if _has_root(stage) or _is_own_affair(last) else last


def is_wanted(stage: StageRecord, fetch: FetchRecord) -> bool:
    """Whether a system needs this file, by what it was told, or by the file's name."""
    path = plain_path(fetch.name)
    return is_told(stage, fetch) or _CONFIG.search(path) is not None or _ROOT.search(path) is not None


def is_told(stage: StageRecord, fetch: FetchRecord) -> bool:
    """Whether the arguments of the kernel name this very file."""
    for url in stage.told:
        pieces = pieces_of(url) if "$" in url else None
        if fits(pieces, fetch.name) if pieces is not None else plain_path(url) and same_file(url, fetch.name):
            return True
    return False


def unreached(stage: StageRecord) -> list[TcpConnection]:
    """The attempts at the one server that a system without any connection tried last, when they are enough to tell.

    One that was refused is enough at the place that the arguments of the kernel name, or where the root is.
    """
    since = _since(stage)
    tried = [one for one in stage.connections if one.start >= since and one.login_refused is None]
    if not tried or any(_works(one) for one in tried):
        return []
    last = tried[-1]
    told = _is_told_place(stage, last) and not (_has_root(stage) and _served(stage, last))
    if not told:
        if _has_root(stage) or not _is_named(stage, last.server):
            return []
        told = last.server_port in _ROOT_PORTS
    tries = [one for one in tried if (one.server, one.server_port) == (last.server, last.server_port)]
    refused = [one for one in tries if one.reset is not None or one.established]
    enough = 1 if told else TRIES
    return tries if len(refused) >= enough or sum(one.syn_count for one in tries) >= _SYNS else []


def unnamed(stage: StageRecord) -> list[DnsLookup]:
    """The lookups of the one name that a system asked for last, in vain, when they are enough to tell.

    An answer that there is none is enough for the name that the arguments of the kernel hold.
    """
    since = _since(stage)
    lookups = [one for one in stage.lookups if one.queries and one.queries[-1].time >= since]
    if not lookups or any(one.start >= since for one in stage.connections):
        return []
    name = lookups[-1].name.lower()
    tries = [one for one in lookups if one.name.lower() == name]
    if name not in stage.hosts or _addresses(stage, name):
        return []
    if name in {host for host, _ in _places(stage)} and all(one.answer is not None for one in tries):
        return tries
    moments = 0
    asked = -_APART
    for one in tries:
        for query in one.queries:
            if query.time - asked >= _APART:
                moments, asked = moments + 1, query.time
    return tries if moments >= TRIES else []


def unheard(stage: StageRecord) -> Arps | None:
    """Whose hardware address a system asks for in vain, a host's that a script names or its router's, before it does anything."""
    since = _since(stage)
    if _has_root(stage) or any(one.start >= since for one in stage.connections):
        return None
    own = stage.given
    for arps in reversed(stage.arps):
        asked = arps.request_count >= TRIES and arps.requests[-1].time >= since
        if not asked or arps.reply or arps.answers or arps.target in own:
            continue
        if _is_named(stage, arps.target) or way_to_told(stage, arps.target) is not None:
            return arps
    return None


def login_refused(stage: StageRecord) -> TcpConnection | None:
    """The login to an iSCSI target that was refused last, when no other was taken."""
    tried = [one for one in stage.connections if one.server_port == ports.ISCSI and one.established]
    if not tried or any(is_open(one) for one in tried) or tried[-1].login_refused is None:
        return None
    return tried[-1]


def unmapped(stage: StageRecord) -> list[PortLookup]:
    """The questions where NFS is that a portmapper answered in vain or not at all, when the system has no root."""
    return [] if _has_root(stage) else nfs_in_vain(stage, _since(stage))


def mount_refused(stage: StageRecord) -> list[TcpConnection]:
    """The mounts of NFS directories that were refused, when the system has no root."""
    return [] if _has_root(stage) else [one for one in stage.connections if one.mount_refused is not None]


def _since(stage: StageRecord) -> int:
    """When the latest file came whole, ns: what is tried before that came to something."""
    return max((fetch.end for fetch in stage.fetches if fetch.status == "complete"), default=0)


def _works(connection: TcpConnection) -> bool:
    """Whether a connection came to be; not one whose TLS one of both ends refused, nor one to a root that was not kept."""
    came = connection.syn_ack is not None or connection.established
    if connection.server_port in _KEPT and not is_open(connection):
        came = connection.last.time - connection.start > _AT_ONCE
    return came and connection_failure(connection, connection.last.time, moved_on=False) is None


def _is_refused(fetch: FetchRecord) -> bool:
    """Whether the server said that it will not send the file."""
    flow = fetch.flow
    return flow.error is not None if isinstance(flow, TftpTransfer) else flow.response is not None


def _is_answers(fetch: FetchRecord) -> bool:
    return _ANSWERS.search(plain_path(fetch.name)) is not None


def _has_answers(stage: StageRecord) -> bool:
    return any(one.status == "complete" and _is_answers(one) for one in stage.fetches)


def _came(stage: StageRecord, fetch: FetchRecord) -> bool:
    return any(one.status == "complete" and same_file(one.name, fetch.name) for one in stage.fetches)


def _is_below_told(stage: StageRecord, fetch: FetchRecord) -> bool:
    """Whether the arguments of the kernel name a directory above this file: a repository, a place of configurations."""
    return any(plain_path(url) and fetch.name.startswith(url.rstrip("/") + "/") for url in stage.told)


def _has_root(stage: StageRecord) -> bool:
    """Whether the system got its root file system, or a disk with one."""
    for fetch in stage.fetches:
        content = fetch.content
        named = _ROOT.search(plain_path(fetch.name)) is not None
        if fetch.status == "complete" and (named or (content is not None and content.kind in _ROOT_KINDS)):
            return True
    return any(one.server_port in _ROOT_PORTS and one.established and is_open(one) for one in stage.connections)


def _is_own_affair(fetch: FetchRecord) -> bool:
    flow = fetch.flow
    agent = flow.request.get("User-Agent") if isinstance(flow, HttpExchange) and flow.request is not None else None
    return agent is not None and _OWN_AFFAIRS.match(agent) is not None


def _places(stage: StageRecord) -> list[tuple[str, int | None]]:
    """Host, in lower case, and port of what the arguments of the kernel name."""
    return [(url.host.lower(), url.tcp_port) for url in map(urls.split, stage.told) if url is not None]


def _is_told_place(stage: StageRecord, connection: TcpConnection) -> bool:
    return any(
        port == connection.server_port and connection.server in (host, *_addresses(stage, host))
        for host, port in _places(stage)
    )


def _served(stage: StageRecord, connection: TcpConnection) -> bool:
    """Whether something came whole from the server and port of a connection."""
    place = connection.server, connection.server_port
    flows = (fetch.flow for fetch in stage.fetches if fetch.status == "complete")
    return any(
        isinstance(flow, HttpExchange) and (flow.connection.server, flow.connection.server_port) == place
        for flow in flows
    )


def _addresses(stage: StageRecord, name: str) -> list[str]:
    """What name servers said of a name."""
    return [
        address
        for look in stage.lookups
        if look.name.lower() == name and look.answer is not None
        for address in look.answer.addresses
    ]


def way_to_told(stage: StageRecord, address: str) -> Literal["router", "name server"] | None:
    """What this is of a system's lease, when what the arguments of the kernel name is behind it or has to be looked up."""
    exchange = stage.dhcp
    if not isinstance(exchange, Dhcp4Exchange) or not exchange.acks:
        return None
    lease = exchange.acks[-1].message
    places = [host for host, _ in _places(stage)]
    hosts = (one for host in places for one in (host, *_addresses(stage, host)))
    if address in dhcp_options.routers(lease) and any(is_elsewhere(lease, host) for host in hosts):
        return "router"
    named = address in dhcp_options.dns_servers(lease) and any(urls.is_name(host) for host in places)
    return "name server" if named else None


def _is_named(stage: StageRecord, address: str) -> bool:
    """Whether a script named this server, by its address or by a name that has it."""
    return address in stage.hosts or any(address in _addresses(stage, host) for host in stage.hosts)
