"""chain-uboot-no-serverip; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.kinds import is_u_boot
from .. import fixes, names
from ..case import Case
from ..evidence import evidence
from ..rule import Rule


class ChainUbootNoServerip(Rule):
    """U-Boot has an address, but does not know where to fetch from.

    What happens
        U-Boot takes the TFTP server from siaddr alone. When the reply leaves it empty, it stops: "*** ERROR: `serverip' not
        set".
    On the wire
        The whole DHCP exchange with siaddr 0.0.0.0, then no RRQ at all.
    Not to be confused with
        A server whose hardware address is not found (arp-next-server-unanswered).
    Causes
        A server that puts the address into option 66 only, or a router's DHCP server that knows nothing of boot.
    Fix
        Set siaddr (next-server).
    Sources
        U-Boot net/bootp.c (store_bootp_params, which ignores option 66); PJO2/tftpd64 issue 37.
    """

    code = "chain-uboot-no-serverip"
    stage = "chain"
    needs = "dhcp4"
    summary = "{server} gave U-Boot {address} but no TFTP server: siaddr is 0.0.0.0"

    def concerns(self, client: str) -> bool:
        return is_u_boot(client)

    def check(self, case: Case) -> Iterator[Finding]:
        if not case.acks or case.stage.fetches or case.followers:
            return
        ack = case.acks[-1]
        if ack.message.next_server or any(arps.reply for arps in case.stage.arps):
            return
        file = ack.boot_file or names.loader_for(case.client)
        yield self.finding(
            case,
            [evidence(ack.heard, "lease with siaddr 0.0.0.0")],
            server=ack.server,
            address=ack.address or "an address",
            expected="siaddr with the TFTP server's address, then an RRQ to it.",
            fixes=fixes.arrange(
                case,
                *fixes.dnsmasq_boot(case, file, ack.server),
                *fixes.next_server(ack.server),
                Fix("u-boot", f"setenv serverip {ack.server}"),
            ),
        )
