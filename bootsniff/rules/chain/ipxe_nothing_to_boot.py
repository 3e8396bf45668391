"""chain-ipxe-nothing-to-boot; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding
from ...track.kinds import is_ipxe
from ...wire import dhcp_options
from .. import fixes
from ..case import Case
from ..evidence import evidence
from ..rule import Rule


class ChainIpxeNothingToBoot(Rule):
    """iPXE was loaded, and its own DHCP exchange names nothing to boot.

    What happens
        The firmware was told to load iPXE; iPXE asks DHCP again and gets an address without a file. It shows "Nothing to
        boot" or its shell.
    On the wire
        A second exchange with user class iPXE; the ACK has no file name, no root path and no ProxyDHCP beside it; no fetch
        follows.
    Not to be confused with
        iPXE that is given iPXE again (chain-ipxe-loop); iPXE with an embedded script, which fetches on its own.
    Causes
        The server's rule for iPXE has no file; the boot file is bound to the firmware's vendor class or architecture alone.
    Fix
        Give iPXE a script.
    Sources
        iPXE autoboot.c; iPXE chainloading documentation.
    """

    code = "chain-ipxe-nothing-to-boot"
    stage = "chain"
    needs = "dhcp4"
    misses_options = True
    summary = "iPXE got {address} from {server} but nothing to boot"

    def concerns(self, client: str) -> bool:
        return is_ipxe(client)

    def check(self, case: Case) -> Iterator[Finding]:
        if case.stage_index == case.option[0] or not case.acks or case.stage.fetches:
            return
        replies = [*case.acks, *case.proxy_offers, *case.pxe_replies]
        if any(reply.boot_file or dhcp_options.text(reply.message, 17) for reply in replies) or case.stage.connections:
            return
        ack = case.acks[-1]
        yield self.finding(
            case,
            [evidence(ack.heard, "lease for iPXE without a boot file")],
            address=ack.address or "an address",
            server=ack.server,
            expected="A script's URL in option 67 or the file field, or a ProxyDHCP offer.",
            fixes=fixes.ipxe_script(case, fixes.example_url(case, "menu.ipxe")),
        )
