"""How the configuration of each DHCP server recognises a kind of client; reads records, never changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from ..track.kinds import is_ipxe, is_u_boot
from .quoting import field, quoted

if TYPE_CHECKING:
    from ..track.records import StageRecord
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

IPXE_TAG = "dhcp-match=set:ipxe,175"
"""iPXE lists its features in option 175 (iPXE dhcp.c); the firmware that loaded it does not."""


def asker(case: Case) -> StageRecord:
    """The stage whose DHCP named the file: GRUB, shim and PXELINUX ask for none of their own."""
    for index in range(case.stage_index, case.option[0] - 1, -1):
        stage = case.boot.stages[index]
        if stage.dhcp is not None:
            return stage
    return case.stage


def arch(stage: StageRecord) -> int | None:
    """The client's architecture number, as it sent it."""
    return stage.arch[0] if stage.arch else _ARCH.get(stage.client)


def _is_firmware(stage: StageRecord) -> bool:
    """PXE firmware, whose number iPXE sends as well."""
    return stage.client == "bios-pxe" or (stage.client.startswith("efi-") and stage.client.endswith("-pxe"))


class _Sign(NamedTuple):
    """By what a server tells the client from others, and what that says."""

    by: Literal["ipxe", "mac", "vendor", "arch"]
    """Its options 77 and 175, its MAC or the beginning of it, that of option 60, option 93."""
    value: str = ""
    number: int = 0


def _sign(case: Case, stage: StageRecord) -> _Sign:
    if is_ipxe(stage.client):
        return _Sign("ipxe", stage.user_class or "iPXE")
    number = arch(stage)
    if stage.client == "raspberry-pi" and number == 0:
        return _Sign("mac", case.machine.mac[:8])  # by its number it is a BIOS
    word = (stage.vendor_class or "").split(":")[0]
    if number is None and not word and stage.dhcp is not None:
        return _Sign("mac", case.machine.mac)  # it says nothing of itself
    if number is None or (is_u_boot(stage.client) and word):
        return _Sign("vendor", word or "PXEClient")
    return _Sign("arch", number=number)


def _count(octets: str) -> int:
    return octets.count(":") + 1


def dnsmasq_match(case: Case) -> tuple[tuple[str, ...], str]:
    """Lines that recognise the client, and the tags they set, as options ask for them."""
    stage = asker(case)
    tag = stage.client
    match _sign(case, stage):
        case _Sign("ipxe"):
            return (IPXE_TAG,), "tag:ipxe"
        case _Sign("mac", octets):
            return (f"dhcp-mac=set:{tag},{octets}{':*' * (6 - _count(octets))}",), f"tag:{tag}"
        case _Sign("vendor", word):
            return (f"dhcp-vendorclass=set:{tag},{field(word)}",), f"tag:{tag}"
        case _Sign(number=number):
            line = f"dhcp-match=set:{tag},option:client-arch,{number}"
            return ((IPXE_TAG, line), f"tag:{tag},tag:!ipxe") if _is_firmware(stage) else ((line,), f"tag:{tag}")


def isc_condition(case: Case) -> str:
    """What an ISC dhcpd `if` asks to recognise the client."""
    stage = asker(case)
    match _sign(case, stage):
        case _Sign("ipxe", user_class):
            return f"option user-class = {quoted(user_class)}"
        case _Sign("mac", octets):
            return f"substring(hardware, 1, {_count(octets)}) = {octets}"
        case _Sign("vendor", word):
            return f"substring(option vendor-class-identifier, 0, {len(word.encode())}) = {quoted(word)}"
        case _Sign(number=number):
            told = "substring(option arch, 0, 2)" if len(stage.arch) > 1 else "option arch"
            alone = ' and option user-class != "iPXE"' if _is_firmware(stage) else ""
            return f"{told} = {number >> 8:02x}:{number & 255:02x}{alone}"


def kea_test(case: Case) -> str:
    """A Kea client class expression that recognises the client."""
    stage = asker(case)
    match _sign(case, stage):
        case _Sign("ipxe"):
            return "option[175].exists"
        case _Sign("mac", octets):
            return f"substring(pkt4.mac,0,{_count(octets)}) == 0x{octets.replace(':', '')}"
        case _Sign("vendor", word):
            # Strings of expressions know no escapes; hexadecimal ones need none.
            return f"substring(option[60].hex,0,{len(word.encode())}) == 0x{word.encode().hex()}"
        case _Sign(number=number):
            told = "substring(option[93].hex,0,2)" if len(stage.arch) > 1 else "option[93].hex"
            return f"{told} == 0x{number:04x}" + (" and not option[175].exists" if _is_firmware(stage) else "")
