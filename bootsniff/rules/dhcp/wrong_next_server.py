"""dhcp-wrong-next-server; reads records, never changes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...flow.records import TftpTransfer
from ...model import Evidence, Finding, Fix
from ...track.kinds import LOADERS
from ...wire import dhcp_options, urls
from ...wire.addresses import is_ipv4
from .. import fixes, names, quoting
from ..case import Case
from ..evidence import evidence, first_and_last, port_unreachable
from ..offers import boot_servers
from ..rule import Rule
from ..tftp import transfers

_LIST = "option 43 (sub-option 8)"


_MODULE = re.compile(r"(/?[\w./-]*)/([a-z0-9_]+-(?:pc|efi|ieee1275|coreboot))/[\w-]+\.(?:mod|lst)")
"""A module of GRUB's, or a list of them: below the prefix, by platform."""


class DhcpWrongNextServer(Rule):
    """The machine asks the wrong address for its files.

    What happens
        The file is requested from an address where no TFTP server runs, while the real one is elsewhere. The request is
        refused or stays without an answer.
    On the wire
        RRQ to A: ICMP port unreachable or silence. Another address B served TFTP in the same boot, or option 66 names B
        while siaddr names A, or the other way about; or option 43 names one as a boot server (sub-option 8), and siaddr
        the other. Or A is an address that no server can have: 127.0.0.1 is the machine
        itself, which often sends nothing at all then.
    Not to be confused with
        The right server with TFTP not running (tftp-server-down) or not reachable (tftp-no-reply): without a sign of
        another server there is no reason to call the address wrong. siaddr with the DHCP server's own address is no such
        sign: nobody may have chosen it.
    Causes
        siaddr is the DHCP server's own address when nothing else is configured (dnsmasq's default). Clients differ: edk2
        takes the boot server list of option 43 (where its sub-option 6 says that no menu is to be shown), then siaddr, then
        option 54 and never option 66; U-Boot, shim and Raspberry Pi do not read that list; U-Boot and shim take siaddr; GRUB
        asks the server of the DHCP reply it finds, which may be the DHCP server's when a ProxyDHCP server named the file;
        Raspberry Pi 3 wants option 66. An example with 127.0.0.1 was copied.
    Fix
        Set siaddr and option 66 both to the TFTP server's IPv4 address; behind ProxyDHCP, set the loader's prefix itself.
    Sources
        edk2 NetworkPkg PxeBcBoot.c; U-Boot net/bootp.c; GRUB grub-core/net/bootp.c; dnsmasq manual page, dhcp-boot.
    """

    code = "dhcp-wrong-next-server"
    stage = "tftp"
    explains_away = ("tftp-server-down", "tftp-no-reply")
    summary = "{file} is asked of {asked}, which {sign}"

    def check(self, case: Case) -> Iterator[Finding]:
        nowhere = self._nowhere(case)
        if nowhere is not None:
            yield nowhere
            return
        serving = _serving(case)
        for fetch, flow in case.tftp:
            if flow.reply_from or flow.oack or flow.error or flow.body.received or not flow.requests:
                continue
            if not fetch.in_vain or case.came_later(fetch):
                continue
            listed = _of_the_list(case, flow)
            if listed is not None:
                yield self._listed(case, flow, *listed)
                return
            right = _right_server(case, flow, serving)
            if right is None:
                continue
            server, sign, named, proof = right
            # A loader's own modules are where the loader is.
            sure = named or case.client in LOADERS
            yield self._astray(case, flow, server, sign, proof, _fixes(case, flow.filename, server), sure=sure)
            return

    def _listed(self, case: Case, flow: TftpTransfer, siaddr: str, proof: list[Evidence]) -> Finding:
        """Option 43 leads elsewhere than siaddr."""
        mend = fixes.arrange(
            case,
            *fixes.dnsmasq(f"# remove: dhcp-option=vendor:PXEClient,8,… and pxe-service lines that name {flow.server}"),
            fixes.windows_removes(case, 43),
            Fix("isc-dhcpd", "# remove: vendor-encapsulated-options, or its sub-option 8"),
        )
        sign = f"{_LIST} names it, before siaddr ({siaddr})"
        return self._astray(case, flow, siaddr, sign, proof, mend)

    def _astray(self, case: Case, flow: TftpTransfer, right: str, sign: str, proof: list[Evidence], mend: tuple[Fix, ...], *,
                sure: bool = True) -> Finding:  # fmt: skip
        """A request that should have gone to `right`; `sure`: a refusal proves it."""
        refused = transfers.refusals(flow)
        certain = sure and bool(refused)
        return self.finding(
            case,
            [*first_and_last(flow.requests, f"RRQ to {flow.server}"), *port_unreachable(refused[:1]), *proof],
            confidence="certain" if certain else "likely",
            subject=flow.server,
            file=flow.filename,
            asked=flow.server,
            sign=f"runs no TFTP server; {sign}",
            expected=f"The request goes to {right}.",
            proof="" if certain else "Does a TFTP server listen on either address (ss -lun 'sport = :69')?",
            fixes=mend,
        )

    def _nowhere(self, case: Case) -> Finding | None:
        """The lease names a server's address that no server can have, and the file did not come."""
        reply, file = case.named or case.lease, case.boot_file
        if reply is None or not file or urls.split(file) or case.is_http or not case.failed_here:
            return None
        asked = reply.message.next_server or ""
        why = names.no_host(asked) or ("the machine's own address" if asked in case.addresses else None)
        flows = [flow for fetch, flow in case.tftp if case.is_boot_file(fetch)]
        if why is None or any(flow.server != asked or transfers.answered(flow) for flow in flows):
            return None
        if not flows and not (case.acks and case.asked_nothing):
            return None
        return self.finding(
            case,
            [
                evidence(reply.heard, f"siaddr {asked}"),
                *(first_and_last(flows[-1].requests, f"RRQ to {asked}") if flows else ()),
            ],
            subject=asked,
            file=file,
            asked=asked,
            sign=f"is {why}",
            expected="siaddr with the address of the TFTP server, as the machine reaches it.",
            fixes=_fixes(case, file, reply.server),
        )


def _right_server(
    case: Case, flow: TftpTransfer, serving: dict[str, TftpTransfer]
) -> tuple[str, str, bool, list[Evidence]] | None:
    """The address to ask, what tells of it, whether the very reply that led elsewhere names it, and the proof."""
    record = case.world.servers.get(flow.server)
    other = next((other for server, other in serving.items() if server != flow.server), None)
    if other is not None and not (record and record.tftp_replies):
        server, file = other.server, other.filename
        proof = evidence(other.last_from_server or other.last, f"{server} serves {file}")
        return server, f"{server} is the one (it served {file})", False, [proof]
    for reply in [*case.acks[-1:], *([case.lease] if case.lease else [])]:
        named, siaddr = dhcp_options.server_name_option(reply.message), reply.message.next_server
        if flow.server not in (named, siaddr, reply.server):
            continue
        chosen = siaddr if siaddr != reply.server else None  # not what servers fill in by themselves
        listed = boot_servers(reply)
        first = next(iter(listed), None) if flow.server == reply.server else None  # which is asked for want of another
        for where, address in (("siaddr", chosen), ("option 66", named), (_LIST, first)):
            if address and is_ipv4(address) and address != flow.server:
                told = [evidence(reply.heard, f"option 66 {named or 'none'}, siaddr {siaddr or 'none'}")]
                return address, f"{where} names {address}", True, told
    return None


def _of_the_list(case: Case, flow: TftpTransfer) -> tuple[str, list[Evidence]] | None:
    """Siaddr, where the machine asked a boot server of option 43 instead, and the proof."""
    for reply in [*case.pxe_replies[-1:], *case.acks[-1:], *case.proxy_offers[:1]]:
        siaddr = reply.message.next_server
        by_itself = siaddr == reply.server and not transfers.refusals(flow)  # servers fill it in, nobody chose it
        if siaddr and siaddr != flow.server and not by_itself and flow.server in boot_servers(reply):
            return siaddr, [evidence(reply.heard, f"{_LIST} {flow.server}, siaddr {siaddr}")]
    return None


def _serving(case: Case) -> dict[str, TftpTransfer]:
    """The first transfer that each server began or completed for this machine in this boot option."""
    found: dict[str, TftpTransfer] = {}
    for index in case.option:
        for fetch in case.boot.stages[index].fetches:
            flow = fetch.flow
            if isinstance(flow, TftpTransfer) and (flow.complete or flow.oack):
                found.setdefault(flow.server, flow)
    return found


def _fixes(case: Case, file: str, server: str) -> tuple[Fix, ...]:
    name = case.first_boot_file or file
    isc, kea = fixes.next_server(server)
    return (
        *_of_grub(case, file, server),
        *fixes.arrange(
            case,
            *fixes.dnsmasq_boot(case, name, server),
            Fix("isc-dhcpd", f"{isc.text}\noption tftp-server-name {quoting.quoted(server)};"),
            kea,
        ),
    )


def _of_grub(case: Case, file: str, server: str) -> tuple[Fix, ...]:
    """GRUB takes the server of the lease, not the ProxyDHCP's, unless its prefix names one: by hand, and for good."""
    if case.client != "grub":
        return ()
    parts = _MODULE.match(file)
    prefix = f"(tftp,{server}){parts[1] if parts else '/grub'}"
    by_hand = Fix("grub", f"# at its prompt\nset prefix={prefix}\ninsmod normal\nnormal")
    if parts is None or parts[2] != "i386-pc":
        return (by_hand,)
    core = quoting.shell(names.base(case.first_boot_file or "core.0"))
    return (Fix("shell", f"grub-mkimage -O i386-pc-pxe -p '{prefix}' -o {core} pxe tftp"), by_hand)
