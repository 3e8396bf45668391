"""Configuration lines that mend a fault, in the words of each server, with the capture's own values; no judgement.

Values come from strangers: file names and addresses are quoted for the place they stand in (quoting.py).
"""

from __future__ import annotations

from ipaddress import ip_network
from itertools import chain
from typing import TYPE_CHECKING

from ..model import Fix
from ..track.boot_file import is_elsewhere
from ..track.kinds import is_ipxe
from ..wire.addresses import in_url
from ..wire.http import is_web_url
from .names import loader_for
from .quoting import field, powershell, quoted, shell, web, xml
from .recognise import IPXE_TAG, arch, asker, dnsmasq_match, isc_condition, kea_test

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .case import Case
    from .offers import Offer

EXAMPLE_SERVER = "192.0.2.1"
"""TEST-NET-1 (RFC 5737): stands where the capture knows no address."""


def arrange(case: Case, *fixes: Fix | None) -> tuple[Fix, ...]:
    """The fixes that are there, the recognised server's dialect first."""
    first = {"libvirt": ("libvirt", "dnsmasq"), "dnsmasq": ("dnsmasq", "libvirt")}.get(
        case.dialect or "", (case.dialect or "",)
    )
    host = case.world.host
    if host and host.libvirt_network:
        first = ("libvirt", "dnsmasq")
    known = [fix for fix in fixes if fix is not None]
    return tuple(sorted(known, key=lambda fix: first.index(fix.target) if fix.target in first else len(first)))


# --- values ---


def address_of_server(case: Case) -> str:
    """The address a boot server has, as far as the capture shows."""
    named = case.named or case.lease
    return named.next_server if named else EXAMPLE_SERVER


def network(case: Case) -> str:
    """The first three octets of the machine's network, as far as the capture shows; libvirt's default otherwise."""
    known = chain([case.lease.address] if case.lease else [], case.world.servers, case.world.arp)
    found = next((address for address in known if address and "." in address and not address.startswith("0.")), None)
    return (found or "192.168.122.1").rsplit(".", 1)[0]


def prefix6(case: Case) -> str:
    """The first half of the machine's IPv6 network with `::` at its end, as far as addresses and routers show."""
    dhcp = case.dhcp6
    given = [a for heard in (*dhcp.replies, *dhcp.advertises) for a in heard.message.addresses] if dhcp else []
    advertised = case.world.prefixes6.get(case.machine.vlan, "").partition("/")[0]
    try:
        known = str(ip_network(f"{given[0] if given else advertised}/64", strict=False).network_address)
    except ValueError:
        return "fd00::"
    return known if known.endswith("::") else "fd00::"


def address_range(case: Case, relay: str | None = None) -> tuple[Fix, ...]:
    """A range of addresses that a DHCP server may give on the machine's network, which is that of its relay.

    Of a network behind a relay dnsmasq has to be told the mask.
    """
    net = relay.rsplit(".", 1)[0] if relay else network(case)
    mask = "255.255.255.0," if relay else ""
    inside = (
        f"<ip address='{net}.1' netmask='255.255.255.0'>\n <dhcp><range start='{net}.2' end='{net}.254'/></dhcp>\n</ip>"
    )
    return (
        Fix("dnsmasq", f"dhcp-range={net}.2,{net}.254,{mask}1h"),
        *(() if relay else (Fix("libvirt", inside),)),
        Fix("isc-dhcpd", f"subnet {net}.0 netmask 255.255.255.0 {{\n  range {net}.2 {net}.254;\n}}"),
        Fix(
            "kea",
            f'"subnet4": [{{\n  "id": 1,\n  "subnet": "{net}.0/24",\n  "pools": [{{"pool": "{net}.2-{net}.254"}}]\n}}]',
        ),
    )


# --- whole fixes ---


_ISC_ARCH = "option arch code 93 = unsigned integer 16;   # at the top of dhcpd.conf, once\n"
_ISC_PLACE = "# below the filename that is sent now, in its subnet, class or group:\n"
_KEA_PLACE = '// in "Dhcp4"; of the classes that fit the first counts:\n'


def libvirt_options(*lines: str) -> Fix:
    """Dnsmasq lines as libvirt's network XML carries them (`virsh net-edit`)."""
    inside = "\n".join(
        f"  <!-- {xml(line[2:]).replace('--', '- -')} -->"
        if line.startswith("# ")
        else f"  <dnsmasq:option value='{xml(line)}'/>"
        for line in lines
    )
    head = "<network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'>"
    return Fix("libvirt", f"{head}\n <dnsmasq:options>\n{inside}\n </dnsmasq:options>\n</network>")


def dnsmasq(*lines: str) -> tuple[Fix, Fix]:
    """The same lines for dnsmasq itself and for libvirt's."""
    return Fix("dnsmasq", "\n".join(lines)), libvirt_options(*lines)


def dnsmasq_boot(case: Case, name: str, server: str | None = None) -> tuple[Fix, Fix]:
    """A `dhcp-boot` line for this kind of client: of those that fit dnsmasq takes the last (rfc2131.c, find_boot).

    Where a proxy or its port 4011 named the file to firmware, that is a `pxe-service`, which goes before `dhcp-boot`.
    """
    number = arch(asker(case))
    if case.named_by_proxy and case.is_firmware_pxe and server and number is not None:
        return dnsmasq("# instead of the pxe-service of this architecture:", pxe_service(number, name, server))
    match, tags = dnsmasq_match(case)
    return dnsmasq(*match, f"dhcp-boot={tags},{field(name)}" + (f",,{server}" if server else ""))


def pxe_service(number: int | None, name: str, server: str | None = None, *, tag: str = "") -> str:
    """Dnsmasq's line that names firmware of an architecture its file, as a proxy too."""
    return f'pxe-service={tag}{number or 0},"network boot",{field(name)}' + (f",{server}" if server else "")


def isc_branch(case: Case, *statements: str) -> Fix:
    """Statements of ISC dhcpd for this kind of client."""
    return isc_if(isc_condition(case), *statements)


def isc_if(condition: str, *statements: str) -> Fix:
    """Statements of ISC dhcpd under a condition."""
    declared = _ISC_ARCH if "option arch" in condition else ""
    inside = "".join(f"  {line}\n" for line in statements)
    return Fix("isc-dhcpd", f"{declared}{_ISC_PLACE}if {condition} {{\n{inside}}}")


def kea_class(name: str, test: str, fields: Iterable[tuple[str, str]], data: Iterable[tuple[str, str]] = ()) -> Fix:
    """A Kea client class. Options are sent to clients that do not ask for them, too."""
    lines = [f'"name": {quoted(name)}', f'"test": {quoted(test)}']
    lines += [f"{quoted(key)}: {quoted(value)}" for key, value in fields]
    options = ", ".join(
        f'{{"name": {quoted(key)}, "data": {quoted(value)}, "always-send": true}}' for key, value in data
    )
    if options:
        lines.append(f'"option-data": [{options}]')
    return Fix("kea", _KEA_PLACE + '"client-classes": [{\n  ' + ",\n  ".join(lines) + "\n}]")


def qemu(case: Case, name: str, wanted: str = "") -> Fix | None:
    """QEMU's user network serves one directory by TFTP, and names one file to every client (qemu(1), -netdev user).

    `wanted` is the path of a file that has to be there.
    """
    if case.dialect != "qemu":
        return None
    place = f"# the directory of tftp= has to be there, and in it {wanted}\n" if wanted else ""
    value = name.replace(",", ",,")  # as commas stand in the value of an option
    return Fix("qemu", f"{place}-netdev " + shell(f"user,id=net0,tftp=/srv/tftp,bootfile={value}"))


def boot_file(case: Case, name: str | None = None, server: str | None = None) -> tuple[Fix, ...]:
    """Offer a file over TFTP to this kind of client."""
    name = name or example_file(case)
    server = server or address_of_server(case)
    return arrange(
        case,
        qemu(case, name),
        _windows_boot(case, name, server),
        *dnsmasq_boot(case, name, server),
        isc_branch(case, f"next-server {server};", f"filename {quoted(name)};"),
        kea_class(asker(case).client, kea_test(case), [("next-server", server), ("boot-file-name", name)]),
    )


def _windows_boot(case: Case, name: str, server: str) -> Fix | None:
    """Windows' DHCP server as it tells kinds of clients apart: a policy for a class, with options of its own."""
    if case.dialect != "windows":
        return None
    stage = asker(case)
    kind, word = (
        ("User", "iPXE") if is_ipxe(stage.client) else ("Vendor", ":".join((stage.vendor_class or "").split(":")[:3]))
    )
    if not word:
        return None
    scope, told = f"-ScopeId {network(case)}.0", powershell(word)
    value = f"Set-DhcpServerv4OptionValue {scope} -PolicyName {told}"
    return Fix(
        "windows",
        f"Add-DhcpServerv4Class -Name {told} -Type {kind} -Data {told}\n"
        f"Add-DhcpServerv4Policy -Name {told} {scope} -Condition Or -{kind}Class EQ,{powershell(word + '*')}\n"
        f"{value} -OptionId 66 -Value {powershell(server)}\n"
        f"{value} -OptionId 67 -Value {powershell(name)}",
    )


def windows_removes(case: Case, *options: int) -> Fix:
    """Options that Windows' DHCP server is to send no more, whether to all of its scopes or to this one."""
    remove, scope = "Remove-DhcpServerv4OptionValue", f"-ScopeId {network(case)}.0"
    return Fix("windows", "\n".join(f"{remove} -OptionId {n}\n{remove} {scope} -OptionId {n}" for n in options))


def http_boot(case: Case, url: str) -> tuple[Fix, ...]:
    """Offer a URL to HTTP boot firmware, with the vendor class echoed."""
    match, tags = dnsmasq_match(case)
    return arrange(
        case,
        qemu(case, url),
        *dnsmasq(*match, f"dhcp-boot={tags},{field(url)}", f"dhcp-option-force={tags},60,HTTPClient"),
        isc_branch(case, 'option vendor-class-identifier "HTTPClient";', f"filename {quoted(url)};"),
        kea_class(
            asker(case).client,
            kea_test(case),
            [("boot-file-name", url)],
            [("vendor-class-identifier", "HTTPClient")],
        )
        if len(url.encode()) < _FILE_FIELD
        else None,
    )


_FILE_FIELD = 128
"""Kea has no longer boot-file-name than the header's field with its end (RFC 2131 section 2)."""


def ipxe_script(case: Case, script: str) -> tuple[Fix, ...]:
    """A script for iPXE, and for every other client what it got before.

    Of a proxy iPXE takes a name only with siaddr beside it; the menu of `pxe-service` lines goes before any name.
    """
    named = case.named if case.named_by_proxy else None
    menu = any(reply.has_menu for reply in (*case.proxy_offers, *case.acks))
    place = ("# and tag:!ipxe, at the beginning of every pxe-service:",) if menu else ()
    boot = f"dhcp-boot=tag:ipxe,{field(script)}" + (f",,{named.server}" if named else "")
    return arrange(
        case,
        *dnsmasq(*place, IPXE_TAG, boot),
        isc_if('option user-class = "iPXE"', f"filename {quoted(script)};"),
        kea_class("ipxe", "option[175].exists", [("boot-file-name", script)]),
    )


def next_server(server: str) -> tuple[Fix, Fix]:
    """The address of the TFTP server, for everybody."""
    return (
        Fix("isc-dhcpd", f"next-server {server};   # beside the filename"),
        Fix("kea", f'// beside "boot-file-name", or in "Dhcp4" for all:\n"next-server": {quoted(server)}'),
    )


def option(case: Case, number: int, value: str, isc: str, kea: str) -> tuple[Fix, ...]:
    """One DHCP option for everybody."""
    return arrange(
        case,
        *dnsmasq(f"dhcp-option={number},{value}"),
        Fix("isc-dhcpd", f"option {isc} {value};"),
        Fix("kea", f'"option-data": [{{"name": {quoted(kea)}, "data": {quoted(value)}}}]'),
    )


def router(case: Case, lease: Offer) -> tuple[Fix, ...]:
    """Option 3: the relay, which is the network's router as a rule, else the server where it is on the network itself."""
    near = [a for a in (lease.message.relay, lease.server) if a and not is_elsewhere(lease.message, a)]
    return option(case, 3, near[0] if near else f"{network(case)}.1", "routers", "routers")


def _is_libvirt(case: Case, server: str | None) -> bool:
    """Whether libvirt runs the machine's network, as far as one can tell, and the server is its host."""
    host = case.world.host
    known = case.dialect == "libvirt" or bool(host and host.libvirt_network) or network(case) == "192.168.122"
    return known and server in (None, f"{network(case)}.1")


def firewalld(case: Case, words: str, server: str) -> Fix:
    """Let something through the firewall of a server: in libvirt's zone on its host, elsewhere in the default one."""
    zone = "--zone=libvirt " if _is_libvirt(case, server) else ""
    return Fix("firewalld", f"firewall-cmd {zone}{words}   # on {server}")


def trusted_bridge(case: Case, server: str | None = None) -> Fix | None:
    """A libvirt network in the firewalld zone that lets everything in, where the server is its host."""
    return Fix("libvirt", "<bridge name='virbr0' zone='trusted'/>") if _is_libvirt(case, server) else None


def accept(protocol: str, port: int, server: str | None = None) -> Fix:
    """Let a server's port be reached; `insert`, for what stands behind a rule that drops never counts."""
    where = f"   # on {server}" if server else ""
    return Fix("nft", f"nft insert rule inet filter input {protocol} dport {port} accept{where}")


SMALLER_SEGMENTS = (
    Fix(
        "nft",
        "nft insert rule inet filter forward tcp flags syn tcp option maxseg size set rt mtu\n"
        "nft insert rule inet filter forward icmp type destination-unreachable accept",
    ),
    Fix("iptables", "iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu"),
    Fix("shell", "sysctl -w net.ipv4.tcp_mtu_probing=1   # on the web server, until the MTU is repaired"),
)
"""For a way on which the packets of TCP are too large, and nobody tells their senders."""

PROXY_ANSWERS = 'pxe-prompt="network boot",0'
"""dnsmasq as a proxy is silent without a pxe-service or pxe-prompt, whatever dhcp-boot says (option.c, enable_pxe)."""

EDGE_PORT = Fix("ios", "interface GigabitEthernet1/0/1\n spanning-tree portfast")
BRIDGE_WITHOUT_STP = Fix("iproute2", "ip link set virbr0 type bridge stp_state 0")
IPXE_WITH_HTTPS = Fix(
    "ipxe", "#define DOWNLOAD_PROTO_HTTPS   /* config/local/general.h */\nmake bin-x86_64-efi/ipxe.efi TRUST=ca.crt"
)
DNSMASQ_TFTP = Fix("dnsmasq", "enable-tftp\ntftp-root=/srv/tftp")
"""dnsmasq as the TFTP server."""


def over_http(case: Case, name: str) -> Fix | None:
    """The same file by HTTP, which knows none of TFTP's troubles, for programs that speak it."""
    if case.client in ("bios-pxe", "raspberry-pi", "s390x"):
        return None
    if case.client == "pxelinux" and "lpxelinux" not in (case.first_boot_file or ""):
        return None
    return Fix("http", example_url(case, name))


def example_file(case: Case) -> str:
    """A file that this kind of client can start: one that another of its kind booted with, else an example."""
    other = case.booted_alike
    return other.file if other is not None else loader_for(case.client)


def example_url(case: Case, path: str | None = None) -> str:
    """A URL on the boot server of this capture."""
    host, file = address_of_server(case), path or example_file(case)
    if is_web_url(file):
        return file
    name = web(file.lstrip("/")).replace("&", "%26").replace("?", "%3f")
    return f"http://{in_url(host)}/{name}"
