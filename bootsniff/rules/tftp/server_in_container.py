"""tftp-server-in-bridged-container; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from ...flow.records import TftpTransfer
from ...model import Finding, Fix, FrameRef
from ...track.records import FetchRecord
from .. import fixes
from ..case import Case
from ..evidence import evidence
from ..rule import Cause

_CONTAINERS = (
    ip_network("172.16.0.0/12"),
    ip_network("10.88.0.0/16"),
    ip_network("10.42.0.0/16"),
    ip_network("10.244.0.0/16"),
)
"""Default networks of Docker, podman, k3s and flannel."""


class TftpServerInContainer(Cause):
    """The TFTP server seems to run in a container behind a bridge.

    What happens
        Only port 69 of the container is published. The server answers from a new port, which the container's NAT does not
        connect with the request.
    On the wire
        Answers come from an address of a container network, or from another port that the machine's NAT drops; the server's
        log says "timeout after 6 retransmits".
    Not to be confused with
        A server with two addresses of its own.
    Causes
        Published ports cover the request only; TFTP chooses a port for every transfer.
    Fix
        Host networking, a fixed range of data ports that is published too, or a server with a single port.
    Sources
        RFC 1350 section 4; linuxserver/docker-netbootxyz issue 17; msoulier/tftpy issue 44.
    """

    code = "tftp-server-in-bridged-container"
    stage = "tftp"
    symptoms = ("tftp-no-reply", "tftp-reply-from-other-ip", "tftp-reply-lost")
    summary = "{address} answers for {server}: an address of a container network"

    def explain(self, case: Case, symptom: Finding) -> Iterator[Finding]:
        for fetch, flow in case.tftp:
            named, address, at = _answer(case, fetch, flow)
            if at is None or address == named or not _is_container(address):
                continue
            yield self.finding(
                case,
                [evidence(at, f"answer from {address}")],
                confidence="likely",
                subject=address,
                explains=symptom.code,
                address=address,
                server=named,
                proof="docker ps, on the server: which ports are published?",
                fixes=(
                    Fix("docker", "docker run --network host …"),
                    *fixes.arrange(case, Fix("dnsmasq", "tftp-single-port")),
                ),
            )
            return


def _answer(case: Case, fetch: FetchRecord, flow: TftpTransfer) -> tuple[str, str, FrameRef | None]:
    """Whom the machine asked, whose answer came, and where.

    Where the host's bridge hands packets to its firewall first (br_netfilter), a capture shows the request with the
    container's address in it: then DHCP tells whom the machine asked, unless a script may have named another server.
    """
    for address, _, at in flow.strangers:
        if address != flow.server:
            return flow.server, address, at
    by_dhcp = case.client == "pxelinux" or case.is_boot_file(fetch)
    named = case.lease.next_server if by_dhcp and case.lease is not None else None
    answers = (*flow.oacks[:1], flow.body.first)
    return named or flow.server, flow.server, next((at for at in answers if at is not None), None)


def _is_container(address: str) -> bool:
    try:
        return any(ip_address(address) in network for network in _CONTAINERS)
    except ValueError:
        return False
