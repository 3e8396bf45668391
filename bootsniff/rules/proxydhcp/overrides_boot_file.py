"""proxydhcp-overrides-boot-file; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.exchanges import Dhcp4Exchange
from ...track.naming import is_way_out, same_file
from ...track.records import FetchRecord, StageRecord, World
from .. import fixes, names
from ..case import Case
from ..evidence import evidence
from ..offers import Offer
from ..rule import Rule


class ProxyDhcpOverridesBootFile(Rule):
    """ProxyDHCP leads the machine away from the boot file that the DHCP server names.

    What happens
        Two servers name a boot file: the DHCP server, and a ProxyDHCP server beside it, which wins. It has nothing for this
        machine and sends it to its next boot device ("PXE Boot aborted. Booting to next device"), or has no such file.
    On the wire
        An ACK with a boot file; an OFFER without an address, or an answer at port 4011, with another one; that one is fetched.
        Then abortpxe.com of Windows Deployment Services, or an error of the TFTP server.
    Not to be confused with
        ProxyDHCP beside a DHCP server that names no file, as it is meant to be. A ProxyDHCP server that serves the machine: then
        the DHCP server's file is one that nobody needs.
    Causes
        A relay (ip helper-address) that hands DHCP to a deployment server as well; a deployment server that answers machines
        which are not its own.
    Fix
        One server for the boot file: take the other out of the relay, or let it answer known machines only.
    Sources
        PXE specification 2.1 section 2.2.5; edk2 NetworkPkg PxeBcDhcp4.c (PxeBcSelectDhcp4Offer); xcat-core issue 6815.
    """

    code = "proxydhcp-overrides-boot-file"
    stage = "proxydhcp"
    needs = "dhcp4"
    always = True
    severity = "warning"
    summary = "{server} names {file}, but {proxy} leads the machine to {other} by ProxyDHCP, {end}"

    def may(self, stage: StageRecord, _world: World) -> bool:
        dhcp = stage.dhcp
        return isinstance(dhcp, Dhcp4Exchange) and bool(stage.fetches) and bool(dhcp.proxy_offers or dhcp.pxe_replies)

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None or not case.acks:
            return
        lease, taken = case.acks[-1], _taken(case)
        if lease.boot_file is None or taken is None:
            return
        reply, fetch = taken
        if reply.server == lease.server or same_file(reply.boot_file or "", lease.boot_file):
            return
        out = next((one for one in case.stage.fetches if is_way_out(one.name) and one.status == "complete"), None)
        if out is None and (not fetch.in_vain or case.came_later(fetch)):
            return
        last = fetch if out is None else out
        how = "which does not come" if out is None else "and on to its next boot device"
        yield self.finding(
            case,
            [
                evidence(lease.heard, f"ACK, names {lease.boot_file}"),
                evidence(reply.heard, f"ProxyDHCP, names {reply.boot_file}"),
                evidence(last.ended, f"end of {names.path_of(last)}"),
            ],
            subject=reply.server,
            server=lease.server,
            file=lease.boot_file,
            proxy=reply.server,
            other=reply.boot_file,
            end=how,
            expected=f"A request for {lease.boot_file}.",
            fixes=fixes.arrange(
                case,
                Fix("ios", f"no ip helper-address {reply.server}   # on the machine's network"),
                Fix("windows", "wdsutil /Set-Server /AnswerClients:Known   # and prestage what it shall serve"),
            ),
        )


def _taken(case: Case) -> tuple[Offer, FetchRecord] | None:
    """What a ProxyDHCP server named, and the machine fetched first."""
    for reply in [*case.pxe_replies, *case.proxy_offers]:
        for fetch in case.stage.fetches if reply.boot_file else ():
            if same_file(fetch.name, reply.boot_file or ""):
                return reply, fetch
    return None
