"""chain-ipxe-proxydhcp-wait; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding
from ...track.exchanges import Dhcp4Exchange
from .. import fixes
from ..case import Case
from ..evidence import evidence
from ..offers import Offer
from ..rule import Cause


class ChainIpxeProxydhcpWait(Cause):
    """The ProxyDHCP server answered the firmware, and does not answer iPXE.

    What happens
        The firmware got its boot file from a ProxyDHCP server. iPXE, which that file was or led to, asks DHCP again, gets an
        address and hears nothing of the proxy: it has nothing to boot, or its script asks again and again (“No ProxyDHCP
        response, retrying”).
    On the wire
        A ProxyDHCP offer beside the firmware's lease; leases without one in the exchanges with user class iPXE.
    Not to be confused with
        A proxy that answers iPXE too late: iPXE waits for two seconds. A network without any proxy
        (chain-ipxe-nothing-to-boot alone).
    Causes
        The proxy is set up for an architecture or a vendor class that iPXE does not send, or it leaves iPXE out on purpose.
    Fix
        Let the proxy answer iPXE too, or name iPXE's script in the DHCP server itself.
    Sources
        iPXE config/dhcp.h (PROXYDHCP_WAIT); danderson/netboot issue 38.
    """

    code = "chain-ipxe-proxydhcp-wait"
    stage = "chain"
    symptoms = ("chain-ipxe-nothing-to-boot",)
    summary = "ProxyDHCP server {proxy} answered {client}, but not iPXE{times}"

    def explain(self, case: Case, symptom: Finding) -> Iterator[Finding]:
        if case.dhcp4 is None or case.proxy_offers:
            return
        for index in range(case.stage_index - 1, case.option[0] - 1, -1):
            earlier = case.boot.stages[index]
            dhcp = earlier.dhcp
            if not isinstance(dhcp, Dhcp4Exchange) or not dhcp.proxy_offers:
                continue
            proxy = Offer.of(dhcp.proxy_offers[0])
            if proxy.server == case.acks[-1].server:
                return
            leases = len(case.acks)
            yield self.finding(
                case,
                [
                    evidence(proxy.heard, f"ProxyDHCP offer for {earlier.client}"),
                    evidence(case.acks[-1].heard, "lease for iPXE, no ProxyDHCP offer beside it"),
                ],
                confidence="likely",
                explains=symptom.code,
                proxy=proxy.server,
                client=earlier.name or earlier.client,
                times=f", which asked {leases} times" if leases > 1 else "",
                proof=f"The log of {proxy.server}: why does it not answer iPXE?",
                fixes=fixes.arrange(
                    case,
                    *fixes.dnsmasq(
                        "dhcp-match=set:ipxe,175",
                        f"dhcp-boot=tag:ipxe,{fixes.example_url(case, 'menu.ipxe')}",
                    ),
                ),
            )
            return
