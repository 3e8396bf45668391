"""dhcp-next-server-missing; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.naming import is_shim_binary
from ...track.records import FetchRecord
from ...wire import dhcp_options
from .. import fixes, names
from ..case import Case
from ..evidence import evidence
from ..nbp import downloads
from ..offers import Offer
from ..rule import Rule


class DhcpNextServerMissing(Rule):
    """The DHCP reply leaves the TFTP server's address out, and the loaded program has nobody to ask.

    What happens
        UEFI firmware manages without the address: it asks the DHCP server itself, or the ProxyDHCP server. GRUB and shim
        then read the same DHCP reply, find no server in it and stop: GRUB ends at its prompt, shim with an error.
    On the wire
        An ACK with siaddr 0.0.0.0; the boot file arrives whole from the address in option 54 (or from the ProxyDHCP
        server); after it not one packet of GRUB or shim.
    Not to be confused with
        A program that Secure Boot refuses (nbp-secure-boot-refused): the firmware goes on to its next boot option then, and
        does not wait. U-Boot, which does not even ask for the first file (chain-uboot-no-serverip). A server that is named
        by a host name (dhcp-next-server-is-a-name).
    Causes
        ISC dhcpd without next-server and Kea without next-server leave siaddr empty; with ProxyDHCP the address stands in
        the proxy's reply, which older GRUB does not read.
    Fix
        Set siaddr in the reply of the DHCP server itself, or build GRUB with a prefix that names the server.
    Sources
        GRUB grub-core/net/bootp.c (grub_net_configure_by_dhcp_ack); shim netboot.c; edk2 NetworkPkg PxeBcBoot.c.
    """

    code = "dhcp-next-server-missing"
    stage = "nbp"
    needs = "dhcp4"
    explains_away = ("nbp-secure-boot-refused", "nbp-stalls-after-download")
    summary = "{program} arrived from {fetched}, and finds no server to go on with: siaddr of {server} is 0.0.0.0"

    def concerns(self, client: str) -> bool:
        return client.startswith("efi-") and client.endswith("-pxe")

    def check(self, case: Case) -> Iterator[Finding]:
        fetch = downloads.idle_program(case)
        if fetch is None or not case.acks or case.gave_up or downloads.times_fetched(case, fetch) > 1:
            return
        ack, program = case.acks[-1], _reads_siaddr(fetch)
        if program is None or ack.message.next_server or names_a_host(ack):
            return
        fetched = getattr(fetch.flow, "server", ack.server)
        yield self.finding(
            case,
            [
                evidence(ack.heard, "lease with siaddr 0.0.0.0"),
                evidence(fetch.ended, f"{names.base(names.path_of(fetch))} is whole, nothing follows"),
            ],
            confidence="likely",
            subject=ack.server,
            program=program,
            fetched=fetched,
            server=ack.server,
            expected=f"siaddr {fetched} in the ACK, then requests of {program}.",
            proof="The machine's screen: a “grub>” prompt, or shim's error.",
            fixes=server_fixes(case, fetched),
        )


def names_a_host(reply: Offer) -> str | None:
    """The host name in option 66 or the sname field, None when there is none or it is an address."""
    for text in (dhcp_options.server_name_option(reply.message), reply.message.server_name):
        if text and names.is_name(text):
            return text
    return None


def server_fixes(case: Case, server: str) -> tuple[Fix, ...]:
    """Put the address of the TFTP server into siaddr."""
    match, tag = fixes.dnsmasq_tag(case)
    file = case.boot_file or names.loader_for(case.client)
    return fixes.arrange(
        case,
        *fixes.dnsmasq(match, f"dhcp-boot=tag:{tag},{file},,{server}"),
        Fix("isc-dhcpd", f"next-server {server};"),
        Fix("kea", f'"next-server": "{server}"'),
        Fix("grub", f"grub-mkimage -p '(tftp,{server})/grub' …   # a prefix that names the server"),
    )


def _reads_siaddr(fetch: FetchRecord) -> str | None:
    """`GRUB` or `shim`, the programs that know their server from siaddr alone."""
    details = fetch.content.details if fetch.content else ()
    if "GRUB" in details:
        return "GRUB"
    return "shim" if "shim" in details or is_shim_binary(names.path_of(fetch)) else None
