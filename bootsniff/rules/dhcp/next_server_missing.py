"""dhcp-next-server-missing; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.kinds import is_ipxe
from ...track.naming import is_shim_binary
from ...track.records import FetchRecord
from ...wire import dhcp_options, urls
from .. import fixes, names
from ..case import Case
from ..evidence import evidence, first_and_last
from ..nbp import downloads
from ..offers import Offer
from ..rule import Rule


class DhcpNextServerMissing(Rule):
    """The DHCP reply leaves the TFTP server's address out, and the loaded program has nobody to ask.

    What happens
        UEFI firmware manages without the address: it asks the DHCP server itself, or the ProxyDHCP server. GRUB and shim
        then read the same DHCP reply, find no server in it and stop: GRUB ends at its prompt, shim with an error. iPXE
        does not ask anybody for a file without a server (“Nothing to boot”).
    On the wire
        An ACK with siaddr 0.0.0.0; the boot file arrives whole from the address in option 54 (or from the ProxyDHCP
        server); after it not one packet of GRUB or shim. Or iPXE's ACK names a file (not a URL) and no server, and no
        request follows.
    Not to be confused with
        A program that Secure Boot refuses (nbp-secure-boot-refused): the firmware goes on to its next boot option then, and
        does not wait. U-Boot, which does not even ask for the first file (chain-uboot-no-serverip). A server that is named
        by a host name (dhcp-next-server-is-a-name).
    Causes
        ISC dhcpd without next-server, Kea without next-server and udhcpd without siaddr leave siaddr empty; with ProxyDHCP the address stands in
        the proxy's reply, which older GRUB does not read. As a proxy, dnsmasq leaves siaddr empty where dhcp-boot has no
        third field; iPXE wants it for a URL too.
    Fix
        Set siaddr in the reply of the DHCP server itself, or build GRUB with a prefix that names the server.
    Sources
        GRUB grub-core/net/bootp.c (grub_net_configure_by_dhcp_ack); shim netboot.c; edk2 NetworkPkg PxeBcBoot.c;
        iPXE usr/autoboot.c and net/udp/dhcp.c (dhcp_has_pxeopts); lab captures with busybox udhcpd, and with dnsmasq 2.90
        as a proxy for iPXE of 2019.
    """

    code = "dhcp-next-server-missing"
    stage = "nbp"
    needs = "dhcp4"
    explains_away = ("dhcp-ack-lost", "nbp-secure-boot-refused", "nbp-stalls-after-download")
    summary = "{what}: {server} leaves the next-server field (siaddr) empty"

    def concerns(self, client: str) -> bool:
        return is_ipxe(client) or (client.startswith("efi-") and client.endswith("-pxe"))

    def check(self, case: Case) -> Iterator[Finding]:
        yield from self._ipxe(case) if case.is_ipxe else self._loaded(case)

    def _ipxe(self, case: Case) -> Iterator[Finding]:
        """IPXE that was given a name and nobody to ask for it."""
        file = case.boot_file
        if not (case.failed_here and case.asked_nothing and case.acks and file):
            return
        named = case.named
        if named is not None and case.named_by_proxy:
            if named.message.next_server is None and not named.has_menu:
                yield self._proxied(case, named, file)
            return
        if urls.split(file):
            return
        ack = case.acks[-1]
        replies = [*case.acks, *case.pxe_replies, *case.proxy_offers]
        if any(reply.message.next_server or names_a_host(reply) for reply in replies):
            return
        yield self.finding(
            case,
            [evidence(ack.heard, f"lease with the file {file} and siaddr 0.0.0.0; no request follows")],
            confidence="likely",
            subject=ack.server,
            what=f"iPXE was given {file}, and no server to fetch it from",
            server=ack.server,
            expected=f"siaddr {ack.server} in the ACK, then a request for {file}.",
            proof="The machine's screen: “Nothing to boot”.",
            fixes=server_fixes(case, ack.server),
        )

    def _proxied(self, case: Case, named: Offer, file: str) -> Finding:
        """IPXE that was named a file, or a URL, by a ProxyDHCP server without an address beside it."""
        dhcp = case.dhcp4
        return self.finding(
            case,
            [
                evidence(named.heard, f"ProxyDHCP names {file}, siaddr 0.0.0.0"),
                *first_and_last(dhcp.pxe_requests if dhcp else (), "iPXE asks port 4011 for more"),
            ],
            confidence="likely",
            subject=named.server,
            what=f"iPXE takes {file} of a ProxyDHCP reply only with a server's address beside it",
            server=named.server,
            expected=f"siaddr {named.server} in the ProxyDHCP reply, then a request for {file}.",
            proof="The machine's screen: “Nothing to boot”.",
            fixes=fixes.arrange(case, *fixes.dnsmasq_boot(case, file, named.server), *fixes.next_server(named.server)),
        )

    def _loaded(self, case: Case) -> Iterator[Finding]:
        """GRUB or shim that arrived, and does not go on."""
        fetch = downloads.idle_program(case)
        if fetch is None or not case.acks or case.went_on or downloads.times_fetched(case, fetch) > 1:
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
            what=f"{program} arrived from {fetched}, and finds no server to go on with",
            server=ack.server,
            expected=f"siaddr {fetched} in the ACK, then requests of {program}.",
            proof="The machine's screen: a “grub>” prompt, or shim's error.",
            fixes=server_fixes(case, fetched),
        )


def names_a_host(reply: Offer) -> str | None:
    """The host name in option 66 or the sname field, None when there is none or it is an address."""
    for text in (dhcp_options.server_name_option(reply.message), reply.message.server_name):
        if text and urls.is_name(text):
            return text
    return None


def server_fixes(case: Case, server: str) -> tuple[Fix, ...]:
    """Put the address of the TFTP server into siaddr; of what a ProxyDHCP server says, GRUB and shim read nothing."""
    file = case.boot_file or names.loader_for(case.client)
    unread = case.named_by_proxy and not case.is_ipxe
    return fixes.arrange(
        case,
        *(() if unread else fixes.dnsmasq_boot(case, file, server)),
        *fixes.next_server(server),
        Fix("udhcpd", f"siaddr {server}"),
        None
        if case.is_ipxe
        else Fix("grub", f"grub-mkimage -p '(tftp,{server})/grub' …   # a prefix that names the server"),
    )


def _reads_siaddr(fetch: FetchRecord) -> str | None:
    """`GRUB` or `shim`, the programs that know their server from siaddr alone."""
    details = fetch.content.details if fetch.content else ()
    if "GRUB" in details:
        return "GRUB"
    return "shim" if "shim" in details or is_shim_binary(names.path_of(fetch)) else None
