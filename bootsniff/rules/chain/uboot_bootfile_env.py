"""chain-uboot-bootfile-env; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from ...model import Confidence, Finding, Fix
from ...track.kinds import is_u_boot
from ...track.naming import same_file
from ...wire.addresses import is_ipv4
from .. import fixes, names, quoting
from ..case import Case
from ..evidence import naming
from ..rule import Rule
from ..tftp import transfers


class ChainUbootBootfileEnv(Rule):
    """U-Boot asks for a file of its own instead of the one DHCP named.

    What happens
        A file name on U-Boot's command line (dhcp, tftpboot) or in its environment wins over the one in the DHCP reply, so
        it fetches boot.scr.uimg, an old name, or one made from its address (C0A80001.img).
    On the wire
        The reply names one file, the RRQ another; the server does not have it.
    Not to be confused with
        U-Boot's search list for pxelinux.cfg below the directory of the DHCP file, which is meant so.
    Causes
        bootcmd runs “dhcp ${scriptaddr} boot.scr.uimg”; the variable bootfile is set in the environment; the reply has no
        name at all, and U-Boot keeps its old value. A ProxyDHCP server that names the file in option 67 alone: of an offer
        without an address U-Boot reads the header only.
    Fix
        Put that file on the server, or change the environment; let the ProxyDHCP server fill in the file field.
    Sources
        U-Boot net/bootp.c (store_bootp_params, CONFIG_SERVERIP_FROM_PROXYDHCP), net/tftp.c, include/config_distro_bootcmd.h;
        starfive-tech/u-boot issue 34; siderolabs/booter issue 11.
    """

    code = "chain-uboot-bootfile-env"
    stage = "chain"
    needs = "fetches"
    explains_away = ("tftp-file-not-found",)
    summary = "DHCP names {named}, U-Boot asks for {asked}, which the server does not have{why}"

    def concerns(self, client: str) -> bool:
        return is_u_boot(client)

    def check(self, case: Case) -> Iterator[Finding]:
        named = case.boot_file
        # Its boot commands each do DHCP: a script that one of them misses is no fault once another loads something.
        later = [fetch for stage in case.boot.stages[case.stage_index :] for fetch in stage.fetches]
        if any(fetch.status == "complete" for fetch in later) or any(s.fetches for s in case.followers):
            return
        for fetch, flow in case.tftp:
            if flow.error is None or flow.error_by_client or _searched(flow.filename):
                continue
            if named and same_file(flow.filename, named):
                return  # it did ask for the named file: tftp-file-not-found
            from_address = names.base(flow.filename).lower().endswith(".img") and not named
            confidence: Confidence = "certain" if named else "likely"
            unread = _unread(case, flow.filename)
            if not named and not from_address and fetch.role != "config-search":
                continue
            yield self.finding(
                case,
                [
                    *naming(case),
                    *transfers.proof(flow),
                ],
                confidence=confidence,
                subject=flow.filename,
                named=named or "no file",
                asked=flow.filename,
                why=": of the ProxyDHCP offer it reads the file field, and the name stands in option 67"
                if unread
                else "",
                expected=f"RRQ {named}" if named else "A boot file name in the DHCP reply.",
                proof="" if named else "printenv bootfile, on U-Boot's console.",
                fixes=fixes.arrange(case, *fixes.dnsmasq("dhcp-no-override"))
                if unread
                else (
                    Fix("u-boot", "setenv bootfile\nsetenv autoload no\ndhcp\npxe get && pxe boot"),
                    *(
                        fixes.arrange(case, *fixes.dnsmasq_boot(case, names.loader_for(case.client), flow.server))
                        if named is None
                        else (Fix("shell", f"ls -l {quoting.shell(transfers.place(flow))}   # on {flow.server}"),)
                    ),
                ),
            )
            return


def _unread(case: Case, asked: str) -> bool:
    """Whether U-Boot makes a name from its address, as without any, and a proxy names the file where it does not look."""
    own = {f"{int(ip_address(address)):08X}.img" for address in case.addresses if is_ipv4(address)}
    named = case.named
    return asked in own and named is not None and case.named_by_proxy and not named.message.file


def _searched(name: str) -> bool:
    return "pxelinux.cfg/" in name or "extlinux" in name
