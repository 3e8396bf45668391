"""How the configuration of each DHCP server recognises a kind of client; reads records, never changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def _vendor(stage: StageRecord) -> str | None:
    """The word of option 60 that stands for a client which is not known by its architecture."""
    word = (stage.vendor_class or "").split(":")[0]
    if is_u_boot(stage.client) and word:
        return word
    return None if arch(stage) is not None else word or "PXEClient"


def _maker(case: Case, stage: StageRecord) -> str | None:
    """The first three octets of a Raspberry Pi's address: by its number it is a BIOS (architecture 0)."""
    return case.machine.mac[:8] if stage.client == "raspberry-pi" and arch(stage) == 0 else None


def dnsmasq_match(case: Case) -> tuple[tuple[str, ...], str]:
    """Lines that recognise the client, and the tags they set, as options ask for them."""
    stage = asker(case)
    tag = stage.client
    if is_ipxe(tag):
        return (IPXE_TAG,), "tag:ipxe"
    if maker := _maker(case, stage):
        return (f"dhcp-mac=set:{tag},{maker}:*:*:*",), f"tag:{tag}"
    word = _vendor(stage)
    if word is not None:
        return (f"dhcp-vendorclass=set:{tag},{field(word)}",), f"tag:{tag}"
    match = f"dhcp-match=set:{tag},option:client-arch,{arch(stage)}"
    return ((IPXE_TAG, match), f"tag:{tag},tag:!ipxe") if _is_firmware(stage) else ((match,), f"tag:{tag}")


def isc_condition(case: Case) -> str:
    """What an ISC dhcpd `if` asks to recognise the client."""
    stage = asker(case)
    if is_ipxe(stage.client):
        return f"option user-class = {quoted(stage.user_class or 'iPXE')}"
    if maker := _maker(case, stage):
        return f"substring(hardware, 1, 3) = {maker}"
    word = _vendor(stage)
    if word is not None:
        return f"substring(option vendor-class-identifier, 0, {len(word.encode())}) = {quoted(word)}"
    number = arch(stage) or 0
    value = f"{number >> 8:02x}:{number & 255:02x}"
    condition = f"substring(option arch, 0, 2) = {value}" if len(stage.arch) > 1 else f"option arch = {value}"
    return f'{condition} and option user-class != "iPXE"' if _is_firmware(stage) else condition


def kea_test(case: Case) -> str:
    """A Kea client class expression that recognises the client."""
    stage = asker(case)
    if is_ipxe(stage.client):
        return "option[175].exists"
    if maker := _maker(case, stage):
        return f"substring(pkt4.mac,0,3) == 0x{maker.replace(':', '')}"
    word = _vendor(stage)
    if word is not None:
        # Strings of expressions know no escapes; hexadecimal ones need none.
        return f"substring(option[60].hex,0,{len(word.encode())}) == 0x{word.encode().hex()}"
    number = arch(stage) or 0
    told = "substring(option[93].hex,0,2)" if len(stage.arch) > 1 else "option[93].hex"
    return f"{told} == 0x{number:04x}" + (" and not option[175].exists" if _is_firmware(stage) else "")
