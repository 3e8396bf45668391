"""Which boot program sent a DHCP message: told by what the client sent, never by what a server answered.

Sources: the IANA processor architecture registry (RFC 4578, RFC 5970), iPXE and U-Boot option layouts, contract table.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from ..wire import dhcp_options as options
from ..wire.messages import DhcpMessage, Dhcpv6Message
from ..wire.numbers import arch_name, vendor_of_mac


class Kind(NamedTuple):
    """What a client is: the word of the report and what it said about itself."""

    client: str
    name: str
    arch: tuple[int, ...]
    vendor_class: str | None
    user_class: str | None


_PXE = {0: "bios-pxe", 6: "efi-ia32-pxe", 7: "efi-x64-pxe", 9: "efi-x64-pxe", 8: "efi-arm32-pxe", 10: "efi-arm32-pxe",
        11: "efi-arm64-pxe", 25: "efi-riscv32-pxe", 27: "efi-riscv64-pxe", 29: "efi-riscv128-pxe",
        37: "efi-loongarch32-pxe", 39: "efi-loongarch64-pxe"}  # fmt: skip
_HTTP = {15: "efi-ia32-http", 16: "efi-x64-http", 17: "efi-x64-http", 18: "efi-arm32-http", 19: "efi-arm64-http",
         20: "bios-http", 26: "efi-riscv32-http", 28: "efi-riscv64-http", 30: "efi-riscv128-http",
         38: "efi-loongarch32-http", 40: "efi-loongarch64-http"}  # fmt: skip
_OTHER = {12: "powerpc", 13: "powerpc", 14: "powerpc-opal", 31: "s390x", 32: "s390x", 41: "raspberry-pi"}
_U_BOOT = {21: "u-boot-armv7", 22: "u-boot-armv8", 23: "u-boot-armv7", 24: "u-boot-armv8"}
_IPXE = {code: f"ipxe-{word.rpartition('-')[0]}" for code, word in (_PXE | _HTTP).items()}

_BOOT_VENDORS = (
    "AAPLBSDPC",
    "Arista",
    "ciscopnp",
    "Juniper",
    "wimboot",
    "OpenBMC",
    "Etherboot",
    "PXE UROOT",
    "petitboot",
    "s390",
    "onie_vendor",
    "cumulus",
    "Cumulus",
)
"""Vendor classes of network boot or zero-touch programs that are neither PXE nor HTTP boot clients."""
_ASKED_BY_SLOF = (1, 3, 6, 66, 67, 93)
"""Option 55 of DISCOVERs that say nothing of their sender, the architecture comes with the REQUEST: no system asks for
option 93 (SLOF lib/libnet/dhcp.c, also in QEMU's pc-bios/s390-ccw)."""


_known: dict[tuple[object, ...], tuple[Kind | None, Kind | None]] = {}
_KNOWN_LIMIT = 4096
_CLIENTS = 256
"""Client words that are remembered: there are some 60, and those that a U-Boot calls itself."""


def kind_of(message: DhcpMessage) -> Kind | None:
    """The boot program behind a DHCPv4 request, or None for an ordinary DHCP client.

    A phone, a printer, an office PC (`MSFT 5.0`), the Debian installer (`d-i`) are no boot programs. Thousands of
    machines say the same words, so the answer to each set of them is kept.
    """
    said = message.options
    key = said.codes, said.values, message.client_mac[:8]
    kinds = _known.get(key)
    if kinds is None:
        if len(_known) >= _KNOWN_LIMIT:
            _known.clear()
        kinds = _known[key] = _tell(message, serial=False), _tell(message, serial=True)
    kind, with_serial = kinds
    return (
        kind if kind is with_serial or kind == with_serial or not _is_of_a_raspberry_pi(said.get(97)) else with_serial
    )


def _tell(message: DhcpMessage, *, serial: bool) -> Kind | None:
    """`serial`: option 97 is as a Raspberry Pi has it."""
    vendor = options.vendor_class(message)
    user = options.user_class(message)
    arches = options.arches(message)
    arch = next((code for code in arches if code in _PXE or code in _HTTP or code in _OTHER or code in _U_BOOT), None)
    if arch is None:
        arch = arches[0] if arches else _arch_in_vendor_class(vendor)

    def kind(client: str, name: str) -> Kind:
        return Kind(client, name, arches, vendor, user)

    if _is_ipxe(message, user):
        return kind(_ipxe_word(arch), f"iPXE ({_plain_arch(arch)})" if arch is not None else "iPXE")
    if vendor is not None and vendor.startswith("U-Boot"):
        client = _u_boot_word(vendor, arch)
        word = client.removeprefix("u-boot-")
        return kind(client, "U-Boot" if word == "other" else f"U-Boot ({word})")
    if arch in _U_BOOT:
        return kind(_U_BOOT[arch], f"U-Boot ({_plain_arch(arch)})")
    if vendor is not None and vendor.startswith("HTTPClient"):
        if arch is not None and arch in _HTTP:
            return kind(_HTTP[arch], f"{_spoken(_HTTP[arch])} HTTPClient (arch {arch})")
        return kind("other-boot-client", f"HTTPClient ({_plain_arch(arch)})")
    if arch in _OTHER:
        return kind(_OTHER[arch], f"{_plain_arch(arch)} (arch {arch})")
    if vendor is not None and vendor.startswith("PXEClient"):
        if arch in (0, None) and (serial or "Raspberry" in (vendor_of_mac(message.client_mac) or "")):
            return kind("raspberry-pi", "Raspberry Pi boot ROM")
        if arch is not None and arch in _PXE:
            return kind(_PXE[arch], f"{_spoken(_PXE[arch])} PXE (arch {arch})")
        if arch is not None and arch in _HTTP:
            return kind(_HTTP[arch], f"{_spoken(_HTTP[arch])} HTTPClient (arch {arch})")
        return kind("bios-pxe" if arch is None else "other-boot-client", f"PXEClient ({_plain_arch(arch)})")
    if arches:
        if arch is not None and arch in _HTTP:
            return kind(_HTTP[arch], f"{_spoken(_HTTP[arch])} HTTPClient (arch {arch})")
        if arch is not None and arch in _PXE:
            return kind(_PXE[arch], f"{_spoken(_PXE[arch])} PXE (arch {arch})")
        return kind("other-boot-client", f"boot client ({_plain_arch(arch)})")
    if vendor is not None and vendor.startswith(_BOOT_VENDORS):
        return kind("other-boot-client", f"boot client {vendor[:40]}")
    if vendor is None and options.parameter_list(message) == _ASKED_BY_SLOF:
        return kind("other-boot-client", "SLOF or s390 network boot")
    return None


def kind_of_v6(message: Dhcpv6Message) -> Kind | None:
    """The boot program behind a DHCPv6 request, or None for an ordinary client."""
    vendor, user = message.vendor_class, message.user_class
    arch = next((code for code in message.arch if code in _PXE or code in _HTTP or code in _U_BOOT), None)
    if arch is None and message.arch:
        arch = message.arch[0]

    def kind(client: str, name: str) -> Kind:
        return Kind(client, f"{name} over IPv6", message.arch, vendor, user)

    if options.names_ipxe(user):
        return kind(_ipxe_word(arch), f"iPXE ({_plain_arch(arch)})")
    if vendor is not None and vendor.startswith("U-Boot"):
        return kind(_u_boot_word(vendor, arch), "U-Boot")
    if arch is None:
        if vendor is not None and vendor.startswith(("PXEClient", "HTTPClient")):
            return kind("other-boot-client", vendor.split(":")[0])
        return None
    if arch in _HTTP:
        return kind(_HTTP[arch], f"{_spoken(_HTTP[arch])} HTTPClient (arch {arch})")
    if arch in _U_BOOT:
        return kind(_U_BOOT[arch], f"U-Boot ({_plain_arch(arch)})")
    if arch in _PXE:
        return kind(_PXE[arch], f"{_spoken(_PXE[arch])} PXE (arch {arch})")
    return kind(_OTHER.get(arch, "other-boot-client"), _plain_arch(arch))


def architecture(client: str) -> str | None:
    """`x64`, `arm64`, … of a client word, None for BIOS and for programs without one."""
    if client.startswith("ipxe-efi-"):
        return client.removeprefix("ipxe-efi-")
    if client.startswith("efi-"):
        return client.split("-")[1]
    return {"u-boot-armv8": "arm64", "u-boot-armv7": "arm32", "u-boot-arm": "arm32", "u-boot-riscv64": "riscv64"}.get(
        client
    )


@lru_cache(_CLIENTS)
def is_ipxe(client: str) -> bool:
    """Whether a client word names iPXE."""
    return client.startswith("ipxe-")


@lru_cache(_CLIENTS)
def is_http_client(client: str) -> bool:
    """Whether a client word names firmware that does HTTP boot."""
    return client.endswith("-http")


@lru_cache(_CLIENTS)
def is_u_boot(client: str) -> bool:
    """Whether a client word names U-Boot itself."""
    return client.startswith("u-boot-") and client != "u-boot-script"


def runs_u_boot(client: str) -> bool:
    """Whether it is U-Boot, or a script that U-Boot runs."""
    return client == "u-boot-script" or is_u_boot(client)


@lru_cache(_CLIENTS)
def reads_pxelinux_config(client: str) -> bool:
    """Whether a client word names a program that looks for `pxelinux.cfg/` itself.

    U-Boot (boot/pxe_utils.c), the network boot of s390-ccw (QEMU pc-bios/s390-ccw/netmain.c), SLOF
    (lib/libnet/pxelinux.c), petitboot.
    """
    return runs_u_boot(client) or client in ("s390x", "powerpc", "powerpc-opal")


LOADERS = frozenset({"pxelinux", "shim", "grub", "u-boot-script"})
"""Programs that do no DHCP of their own."""


@lru_cache(_CLIENTS)
def is_firmware(client: str) -> bool:
    """Whether a client word names what a machine runs at power-on (iPXE may be both: as a ROM it is the first)."""
    return client not in LOADERS and client not in ("os", "unknown") and not is_ipxe(client)


def is_pxe_firmware(client: str) -> bool:
    """Whether a client word names a PXE ROM, or UEFI's PXE."""
    return client == "bios-pxe" or (client.startswith("efi-") and client.endswith("-pxe"))


@lru_cache(_CLIENTS)
def is_open_firmware(client: str) -> bool:
    """Whether a client word names SLOF, or what took its network code over: the network boot of s390-ccw."""
    return client in ("powerpc", "s390x")


def told_with_the_request(kind: Kind) -> bool:
    """Whether this DISCOVER leaves open which of them sent it."""
    return kind.client == "other-boot-client" and not kind.arch and kind.vendor_class is None


def needs_reset(before: Iterable[str], after: str) -> bool:
    """Whether no boot leads from what ran, the latest first, to this client: the machine was made anew, with other firmware.

    A board's processor stays what it is, and BIOS programs do not load EFI ones, nor these iPXE for BIOS. EFI firmware
    may fall back to a network card's own BIOS ROM (its compatibility support module).
    """
    new = _platform(after)
    old = next(filter(None, map(_platform, before)), new) if new else new
    return old != new and not (old == "x86" and after == "bios-pxe")


@lru_cache(_CLIENTS)
def _platform(client: str) -> str:
    """What firmware and its iPXE run on, empty where the word does not tell; 32 and 64 bits of a PC are one."""
    if client in ("bios-pxe", "bios-http", "ipxe-bios"):
        return "bios"
    if client in ("s390x", "powerpc", "powerpc-opal"):
        return client.removesuffix("-opal")
    word, _, rest = client.removeprefix("ipxe-").partition("-")
    processor = rest.split("-")[0]
    return ("x86" if processor in ("ia32", "x64") else processor) if word == "efi" else ""


def _is_ipxe(message: DhcpMessage, user: str | None) -> bool:
    if options.names_ipxe(user):
        return True
    # Option 175 alone is iPXE's too (ipxe/src/net/udp/dhcp.c: the encapsulated options are always sent).
    return options.ipxe(message) is not None and 175 in message.options


def _is_of_a_raspberry_pi(identity: bytes | None) -> bool:
    """Option 97 of a Raspberry Pi: `RPi4` and so on before board and serial number, or the serial number four times.

    Raspberry Pi documentation, bootloader configuration, DHCP_OPTION97.
    """
    if identity is None or len(identity) != 17:
        return False
    return identity[1:4] == b"RPi" or identity[1:5] == identity[5:9] == identity[9:13] == identity[13:17]


def _ipxe_word(arch: int | None) -> str:
    """GPXE and early iPXE, for BIOS alone, left option 93 out."""
    return "ipxe-bios" if arch is None else _IPXE.get(arch, "ipxe-other")


def _u_boot_word(vendor: str, arch: int | None) -> str:
    tail = vendor.removeprefix("U-Boot").lstrip(".")
    word = "".join(character for character in tail.lower() if character.isalnum())[:16]
    if word and word != "riscv":
        return f"u-boot-{word}"
    if arch is not None and arch in _U_BOOT:
        return _U_BOOT[arch]
    return {0: "u-boot-x86", 11: "u-boot-armv8", 10: "u-boot-armv7", 25: "u-boot-riscv32", 27: "u-boot-riscv64"}.get(
        arch if arch is not None else -1, f"u-boot-{word or 'other'}"
    )


def _arch_in_vendor_class(vendor: str | None) -> int | None:
    """Firmware that leaves option 93 out still names its architecture in `PXEClient:Arch:00007:…`."""
    if vendor is None:
        return None
    parts = vendor.split(":")
    if len(parts) >= 3 and parts[1] == "Arch" and parts[2].isascii() and parts[2].isdigit():
        return int(parts[2][:5])
    return None


_SPOKEN = {"ia32": "IA32", "x64": "x64", "arm32": "ARM32", "arm64": "ARM64", "riscv32": "RISC-V 32", "riscv64": "RISC-V 64",
           "riscv128": "RISC-V 128", "loongarch32": "LoongArch 32", "loongarch64": "LoongArch 64"}  # fmt: skip


def _spoken(client: str) -> str:
    if client.startswith("bios"):
        return "BIOS"
    return "EFI " + _SPOKEN[client.split("-")[1]]


def _plain_arch(arch: int | None) -> str:
    return "architecture not told" if arch is None else arch_name(arch)
