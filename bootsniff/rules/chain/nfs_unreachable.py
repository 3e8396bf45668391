"""chain-nfs-unreachable; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import PortLookup
from ...model import Finding, Fix
from ...track.nfs_outcome import nfs_in_vain
from ...track.records import StageRecord, World
from .. import fixes
from ..case import Case
from ..evidence import evidence, first_and_last, maybe
from ..rule import Rule


class ChainNfsUnreachable(Rule):
    """A program fetches by NFS, and the server has none.

    What happens
        FreeBSD's pxeboot, U-Boot's nfs command and the initial RAM disks of Linux ask the portmapper where NFS is, over UDP.
        It says nowhere, or there is no portmapper: they try for a while and give up.
    On the wire
        Calls to UDP port 111 for the programs 100005 (mount) or 100003 (NFS); a reply with port 0, ICMP port unreachable, or
        nothing.
    Not to be confused with
        A portmapper that knows one version of a program and not another: the program goes on with the next. NFS over TCP:
        tcp-refused and tcp-filtered tell of it. A path that is not exported: the portmapper names the ports.
    Causes
        An NFS server that serves TCP and version 4 only, as Linux does by default; rpcbind that does not run; a firewall.
    Fix
        Serve version 3 over UDP, or boot by TFTP or HTTP.
    Sources
        RFC 1833 section 3; FreeBSD stand/libsa/rpc.c; U-Boot net/nfs.c; nfs.conf(5); lab captures with U-Boot.
    """

    code = "chain-nfs-unreachable"
    stage = "chain"
    explains_away = ("tcp-refused",)
    summary = "{server} serves no NFS{over} to {client}: {why}"

    def may(self, stage: StageRecord, world: World) -> bool:  # noqa: ARG002
        return bool(stage.port_lookups)

    def check(self, case: Case) -> Iterator[Finding]:
        fetches = case.stage.fetches
        vain = nfs_in_vain(case.stage, fetches[-1].start if fetches else case.stage.start)
        if not vain or not case.failed_here:
            return
        last = vain[-1]
        answered = last.reply is not None or bool(last.icmp)
        yield self.finding(
            case,
            [
                *first_and_last(
                    [query for lookup in vain for query in lookup.queries], "call to the portmapper, UDP port 111"
                ),
                *maybe(last.reply, "reply: no port"),
                *(evidence(notice.at, f"ICMP {notice.message.text}") for notice in last.icmp[:1]),
            ],
            confidence="certain" if answered else case.silence(),
            subject=last.server,
            server=last.server,
            over="" if case.client == "os" else " over UDP",
            client="the started system" if case.client == "os" else case.stage.name or case.client,
            why=_why(last),
            expected="A reply with a port.",
            proof="" if answered else f"rpcinfo -u {last.server} nfs",
            fixes=_fixes(last, by_udp=case.client != "os"),
        )


def _why(lookup: PortLookup) -> str:
    if lookup.reply is not None:
        return "its portmapper names no port"
    return "it has no portmapper" if lookup.icmp else "no answer from its portmapper"


def _fixes(lookup: PortLookup, *, by_udp: bool) -> tuple[Fix, ...]:
    only = " | grep udp" if by_udp else ""
    udp = "nfsconf --set nfsd udp y; " if by_udp else ""
    return (
        Fix(
            "shell",
            f"rpcinfo -p {lookup.server}{only}   # should list mountd and nfs\n"
            f"{udp}nfsconf --set nfsd vers3 y   # on {lookup.server}\n"
            "systemctl enable --now rpcbind; systemctl restart nfs-server; exportfs -v",
        ),
        *((fixes.accept("udp", 111),) if lookup.reply is None else ()),
    )
