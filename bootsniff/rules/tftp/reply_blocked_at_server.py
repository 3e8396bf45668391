"""tftp-reply-blocked-at-server; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...wire import ports
from ..case import Case
from ..evidence import first_and_last
from ..rule import Cause
from . import transfers


class TftpReplyBlockedAtServer(Cause):
    """The TFTP server's own firewall may drop its answers.

    What happens
        The request reaches the server, whose firewall drops the answer because it comes from a new port: "tftpd: oack:
        Operation not permitted".
    On the wire
        At the server's own interface: RRQ in, nothing out.
    Not to be confused with
        A server that does not get the request. Only a capture on the server tells.
    Causes
        An OUTPUT chain that allows port 69 only.
    Fix
        Allow related traffic, with the TFTP conntrack helper assigned.
    Sources
        firehol issue 529; wiki.nftables.org, Conntrack helpers.
    """

    code = "tftp-reply-blocked-at-server"
    stage = "tftp"
    symptoms = ("tftp-no-reply",)
    summary = "{server} is this host, a TFTP server listens here, and nothing leaves: its firewall may drop the answers"

    def explain(self, case: Case, symptom: Finding) -> Iterator[Finding]:
        host = case.world.host
        if host is None or not any(
            protocol == "udp" and port == ports.TFTP for protocol, _, port in host.listeners or ()
        ):
            return
        for _, flow in case.tftp:
            if flow.server in host.addresses and flow.requests:
                yield self.finding(
                    case,
                    first_and_last(flow.requests, "RRQ in, nothing out"),
                    confidence="likely",
                    subject=flow.server,
                    explains=symptom.code,
                    server=flow.server,
                    proof="The TFTP server's log.",
                    fixes=(Fix("nft", transfers.OWN_FIREWALL),),
                )
                return
