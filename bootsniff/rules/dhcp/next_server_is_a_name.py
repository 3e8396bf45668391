"""dhcp-next-server-is-a-name; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TftpTransfer
from ...model import Evidence, Finding, Fix
from .. import fixes, names, quoting
from ..case import Case
from ..evidence import evidence, first_and_last
from ..nbp import downloads
from ..offers import Offer
from ..rule import Rule
from ..tftp import transfers
from .next_server_missing import names_a_host, server_fixes


class DhcpNextServerIsAName(Rule):
    """The TFTP server is named by a host name, which boot programs do not look up.

    What happens
        The DHCP reply names the server only in option 66 or in the sname field, and by a host name. Boot ROMs, firmware,
        U-Boot, shim and GRUB (without a name server) take an IPv4 address in siaddr; they ask the DHCP server itself, or
        nobody.
    On the wire
        siaddr 0.0.0.0 and a name in option 66 or sname; no DNS query for it. Requests go to the address in option 54 and
        fail there, or none is sent; or the first program arrives from there and asks for nothing more.
    Not to be confused with
        An address written into option 66 (dhcp-wrong-next-server). A name beside siaddr, which is normal: dnsmasq and
        others fill sname with their own name.
    Causes
        A TFTP server set as option 66 alone, as for IP telephones; dhcp-boot with a name and no address.
    Fix
        Put the server's IPv4 address into siaddr.
    Sources
        edk2 NetworkPkg PxeBcBoot.c; U-Boot net/bootp.c; GRUB grub-core/net/bootp.c; flan/staticdhcpd issue 31.
    """

    code = "dhcp-next-server-is-a-name"
    stage = "dhcp"
    needs = "dhcp4"
    explains_away = (
        "nbp-secure-boot-refused",
        "nbp-stalls-after-download",
        "tftp-no-reply",
        "chain-uboot-no-serverip",
        "tftp-nat-loss",
    )
    summary = "{server} names the TFTP server “{name}”, which boot programs do not look up; the next-server field (siaddr) is empty{effect}"

    def check(self, case: Case) -> Iterator[Finding]:
        reply = case.named or next(iter(case.acks[-1:]), None)
        if reply is None or not case.acks or case.is_http or case.client == "os" or reply.is_url:
            return
        name = names_a_host(reply)
        if name is None or reply.message.next_server or any(lookup.name == name for lookup in case.stage.lookups):
            return
        found = _effect(case, reply)
        if found is None:
            return
        effect, proof, sure = found
        in_vain = any(flow.server == reply.server and not flow.complete for _, flow in case.tftp)
        yield self.finding(
            case,
            [evidence(reply.heard, f"option 66 or sname “{name}”, siaddr 0.0.0.0"), *proof],
            confidence="likely" if sure else "possible",
            subject=name,
            server=reply.server,
            name=name,
            effect=effect,
            expected="siaddr with the TFTP server's IPv4 address.",
            proof=f"The address of {name}, set as next-server.",
            fixes=(
                Fix(
                    "shell", f"getent ahostsv4 {quoting.shell(name)}   # the address for {fixes.EXAMPLE_SERVER}, below"
                ),
                *server_fixes(case, fixes.EXAMPLE_SERVER),
            )
            if in_vain
            else server_fixes(case, reply.server),
        )


def _effect(case: Case, reply: Offer) -> tuple[str, list[Evidence], bool] | None:
    for _, flow in transfers.failed(case):
        if flow.server == reply.server and isinstance(flow, TftpTransfer):
            return (
                f"; {flow.server} is asked instead",
                list(first_and_last(flow.requests, "RRQ to the DHCP server")),
                True,
            )
    if not case.stage.fetches and not case.stage.connections and not case.sought_in_vain:
        return "; no request follows", [], case.is_ipxe  # which takes siaddr alone (usr/autoboot.c)
    fetch = downloads.idle_program(case)
    if fetch is not None and not case.went_on and downloads.times_fetched(case, fetch) == 1:
        role = f"{names.base(names.path_of(fetch))} is whole, nothing follows"
        return "; the loaded program asks nobody", [evidence(fetch.ended, role)], True
    return None
