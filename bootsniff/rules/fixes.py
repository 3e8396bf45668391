"""Configuration lines that mend a fault, in the words of each server, with the capture's own values; no judgement.

Values come from strangers: file names and addresses are quoted for the place they stand in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model import Fix
from .names import loader_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .case import Case

_ARCH = {
    "bios-pxe": 0,
    "efi-ia32-pxe": 6,
    "efi-x64-pxe": 7,
    "efi-arm32-pxe": 10,
    "efi-arm64-pxe": 11,
    "efi-ia32-http": 15,
    "efi-x64-http": 16,
    "efi-arm32-http": 18,
    "efi-arm64-http": 19,
    "efi-riscv64-pxe": 27,
    "efi-riscv64-http": 28,
}
"""Option 93 of a client word (IANA processor architecture types), for a client that sent none."""

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


# --- quoting ---


def shell(text: str) -> str:
    """As one word of a shell line."""
    return "'" + text.replace("'", "'\\''") + "'" if not text.replace("/", "").replace(".", "").isalnum() else text


def xml(text: str) -> str:
    """Inside an XML attribute in single quotes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&apos;")


def quoted(text: str) -> str:
    """Inside double quotes of ISC dhcpd or JSON."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# --- values ---


def arch(case: Case) -> int | None:
    """The client's architecture number, as it sent it."""
    return case.stage.arch[0] if case.stage.arch else _ARCH.get(case.client)


def address_of_server(case: Case) -> str:
    """The address a boot server has, as far as the capture shows."""
    named = case.named or case.lease
    return named.next_server if named else EXAMPLE_SERVER


def network(case: Case) -> str:
    """The first three octets of the machine's network, as far as the capture shows; libvirt's default otherwise."""
    known = [case.lease.address] if case.lease else []
    known += [*case.world.servers, *case.world.arp]
    found = next((address for address in known if address and "." in address and not address.startswith("0.")), None)
    return (found or "192.168.122.1").rsplit(".", 1)[0]


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


def dnsmasq_tag(case: Case) -> tuple[str, str]:
    """The line that recognises the client, and the tag it sets."""
    if case.is_ipxe:
        return "dhcp-match=set:ipxe,175", "ipxe"
    number = arch(case)
    if case.is_uboot or number is None:
        word = (case.stage.vendor_class or "PXEClient").split(":")[0]
        return f"dhcp-vendorclass=set:{case.tag},{word}", case.tag
    return f"dhcp-match=set:{case.tag},option:client-arch,{number}", case.tag


def isc_branch(case: Case, *statements: str) -> Fix:
    """Statements of ISC dhcpd for this kind of client."""
    condition = isc_condition(case)
    declared = "option arch code 93 = unsigned integer 16;\n" if condition.startswith("option arch") else ""
    return Fix("isc-dhcpd", declared + f"if {condition} {{\n" + "".join(f"  {line}\n" for line in statements) + "}")


def isc_condition(case: Case) -> str:
    """What an ISC dhcpd `if` asks to recognise the client."""
    if case.is_ipxe:
        return 'exists user-class and option user-class = "iPXE"'
    number = arch(case)
    if case.is_uboot or number is None:
        word = (case.stage.vendor_class or "PXEClient").split(":")[0]
        return f"substring(option vendor-class-identifier, 0, {len(word)}) = {quoted(word)}"
    return f"option arch = {number >> 8:02x}:{number & 255:02x}"


def kea_test(case: Case) -> str:
    """A Kea client class expression that recognises the client."""
    if case.is_ipxe:
        return "substring(option[77].hex,0,4) == 'iPXE'"
    number = arch(case)
    if case.is_uboot or number is None:
        word = (case.stage.vendor_class or "PXEClient").split(":")[0]
        return f"substring(option[60].hex,0,{len(word)}) == '{word}'"
    return f"option[93].hex == 0x{number:04x}"


# --- whole fixes ---


def libvirt_options(*lines: str) -> Fix:
    """Dnsmasq lines as libvirt's network XML carries them (`virsh net-edit`)."""
    inside = "\n".join(
        f"  <!-- {xml(line[2:])} -->" if line.startswith("# ") else f"  <dnsmasq:option value='{xml(line)}'/>"
        for line in lines
    )
    head = "<network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'>"
    return Fix("libvirt", f"{head}\n <dnsmasq:options>\n{inside}\n </dnsmasq:options>\n</network>")


def dnsmasq(*lines: str) -> tuple[Fix, Fix]:
    """The same lines for dnsmasq itself and for libvirt's."""
    return Fix("dnsmasq", "\n".join(lines)), libvirt_options(*lines)


def boot_file(case: Case, name: str | None = None, server: str | None = None) -> tuple[Fix, ...]:
    """Offer a file over TFTP to this kind of client."""
    name = name or names_example(case)
    server = server or address_of_server(case)
    match, tag = dnsmasq_tag(case)
    plain, wrapped = dnsmasq(match, f"dhcp-boot=tag:{tag},{name},,{server}")
    if case.client == "bios-pxe":
        wrapped = Fix("libvirt", f"<bootp file='{xml(name)}' server='{xml(server)}'/>")
    return arrange(
        case,
        plain,
        wrapped,
        isc_branch(case, f"next-server {server};", f"filename {quoted(name)};"),
        kea_class(case, [("next-server", server), ("boot-file-name", name)]),
    )


def http_boot(case: Case, url: str) -> tuple[Fix, ...]:
    """Offer a URL to HTTP boot firmware, with the vendor class echoed."""
    match, tag = dnsmasq_tag(case)
    return arrange(
        case,
        *dnsmasq(match, f"dhcp-boot=tag:{tag},{url}", f"dhcp-option-force=tag:{tag},60,HTTPClient"),
        isc_branch(case, 'option vendor-class-identifier "HTTPClient";', f"filename {quoted(url)};"),
        kea_class(case, [("boot-file-name", url)], [("vendor-class-identifier", "HTTPClient")]),
    )


def option(case: Case, number: int, value: str, isc: str, kea: str) -> tuple[Fix, ...]:
    """One DHCP option for everybody."""
    return arrange(
        case,
        *dnsmasq(f"dhcp-option={number},{value}"),
        Fix("isc-dhcpd", f"option {isc} {value};"),
        Fix("kea", f'"option-data": [{{"name": {quoted(kea)}, "data": {quoted(value)}}}]'),
    )


def kea_class(case: Case, fields: Iterable[tuple[str, str]], data: Iterable[tuple[str, str]] = ()) -> Fix:
    """A Kea client class."""
    lines = [f'"name": {quoted(case.tag)}', f'"test": {quoted(kea_test(case))}']
    lines += [f"{quoted(key)}: {quoted(value)}" for key, value in fields]
    options = ", ".join(f'{{"name": {quoted(key)}, "data": {quoted(value)}}}' for key, value in data)
    if options:
        lines.append(f'"option-data": [{options}]')
    return Fix("kea", '"client-classes": [{\n  ' + ",\n  ".join(lines) + "\n}]")


DNSMASQ_TFTP = Fix("dnsmasq", "enable-tftp\ntftp-root=/srv/tftp")
"""dnsmasq as the TFTP server."""


def over_http(case: Case, name: str) -> Fix:
    """The same file by HTTP, which knows none of TFTP's troubles."""
    return Fix("http", example_url(case, name))


def names_example(case: Case) -> str:
    """A file this kind of client can start: the one that was named before, or an example."""
    return loader_for(case.client)


def example_url(case: Case, path: str | None = None) -> str:
    """A URL on the boot server of this capture."""
    host = address_of_server(case)
    name = (path or names_example(case)).lstrip("/")
    return f"http://[{host}]/{name}" if ":" in host else f"http://{host}/{name}"
