"""v6-stateless-not-supported; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from .. import fixes
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Rule


class V6StatelessNotSupported(Rule):
    """The DHCPv6 server has no address for a firmware that needs one.

    What happens
        The network gives addresses by router advertisements (stateless), and DHCPv6 has only other data. Firmware of the
        edk2 family boots with an address from DHCPv6 only: its SOLICIT is answered, but with no address.
    On the wire
        ADVERTISE or REPLY with the status NoAddrsAvail and no address, perhaps with a boot file URL; SOLICIT again, or the
        next boot option.
    Not to be confused with
        Answers with an address and without a URL (v6-no-bootfile-url). SOLICITs that nobody answers: a network without
        IPv6.
    Causes
        A range that is stateless only (dnsmasq: ra-stateless), or one that is used up.
    Fix
        A range of addresses for DHCPv6, and router advertisements with the managed flag.
    Sources
        RFC 8415 sections 18.3.9 and 21.13; RFC 4861 section 4.2; tianocore/edk2 issue 9832.
    """

    code = "v6-stateless-not-supported"
    stage = "dhcp"
    needs = "dhcp6"
    side_issue = True
    explains_away = ("v6-no-bootfile-url",)
    summary = "DHCPv6 server {server} has no address for {name} (NoAddrsAvail{text})"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp6
        if dhcp is None or case.client == "os" or case.stage.fetches or not case.over:
            return
        answers = [*dhcp.advertises, *dhcp.replies]
        refusals = [heard for heard in answers if heard.message.says_no_addresses]
        if not refusals or any(heard.message.addresses for heard in answers):
            return
        first = refusals[0]
        words = first.message.status[1] if first.message.status else ""
        net = fixes.prefix6(case)
        again = case.solicited_again(first)
        yield self.finding(
            case,
            [evidence(first, "no address: status NoAddrsAvail"), *first_and_last(again, "SOLICIT again")],
            subject=first.source,
            server=first.source,
            name=case.stage.name or case.client,
            text=f", “{words}”" if words else "",
            expected="An address in IA_NA, and option 59 with a URL.",
            fixes=fixes.arrange(
                case,
                Fix("dnsmasq", f"dhcp-range={net}100,{net}1ff,64,1h\nenable-ra"),
                Fix(
                    "libvirt",
                    f"<ip family='ipv6' address='{net}1' prefix='64'>\n"
                    f" <dhcp><range start='{net}100' end='{net}1ff'/></dhcp>\n</ip>",
                ),
                Fix("radvd", "AdvSendAdvert on;\nAdvManagedFlag on;"),
                Fix("isc-dhcpd", f"subnet6 {net}/64 {{\n  range6 {net}100 {net}1ff;\n}}"),
                Fix(
                    "kea",
                    '// in "Dhcp6", the name of the interface beside:\n'
                    f'"subnet6": [{{\n  "id": 1,\n  "subnet": "{net}/64",\n'
                    f'  "pools": [{{"pool": "{net}100-{net}1ff"}}]\n}}]',
                ),
            ),
        )
