"""Names of numbers: those that reports quote, and how unknown ones are named."""

import pytest

from bootsniff.wire import numbers


@pytest.mark.parametrize(
    ("code", "name"),
    [(0, "x86 BIOS"), (7, "EFI x64"), (16, "EFI x64 HTTP"), (22, "ARM64 U-Boot"), (39, "EFI LoongArch 64"),
     (41, "Raspberry Pi ROM"), (99, "arch 99")],
)  # fmt: skip
def test_architectures(code: int, name: str) -> None:
    assert numbers.arch_name(code) == name


def test_the_architecture_registry_has_no_hole() -> None:
    assert sorted(numbers.ARCHES) == list(range(42))


@pytest.mark.parametrize(
    ("version", "kind", "code", "name"),
    [(4, 3, 3, "port unreachable"), (4, 3, 13, "communication administratively prohibited"),
     (4, 3, 4, "fragmentation needed"), (6, 1, 4, "port unreachable"), (6, 2, 0, "packet too big"),
     (4, 8, 0, "echo request"), (6, 99, 1, "ICMPv6 type 99 code 1"), (4, 99, 1, "ICMP type 99 code 1")],
)  # fmt: skip
def test_icmp(version: int, kind: int, code: int, name: str) -> None:
    assert numbers.icmp_name(version, kind, code) == name


def test_other_names() -> None:
    assert numbers.dhcp_type_name(1) == "DISCOVER"
    assert numbers.dhcpv6_type_name(11) == "INFORMATION-REQUEST"
    assert numbers.dhcp_option_name(67) == "boot file name"
    assert numbers.dhcp_option_name(230) == "option 230"
    assert numbers.tftp_error_name(1) == "file not found"
    assert numbers.tftp_error_name(77) == "unknown"
    assert numbers.tls_alert_name(48) == "unknown_ca"
    assert numbers.link_type_name(276) == "LINUX_SLL2"
    assert numbers.link_type_name(4711) == "LINKTYPE_4711"
    assert numbers.pe_machine_name(0xAA64) == "ARM64"


@pytest.mark.parametrize(
    ("mac", "vendor"),
    [("52:54:00:12:34:56", "QEMU/KVM"), ("B8:27:EB:01:02:03", "Raspberry Pi"), ("dc:a6:32:01:02:03", "Raspberry Pi"),
     ("00:50:56:aa:bb:cc", "VMware"), ("08:00:27:aa:bb:cc", "VirtualBox"), ("00:15:5d:00:00:01", "Hyper-V"),
     ("00:25:90:00:00:01", "Supermicro"), ("02:42:ac:11:00:02", None), ("52:52:52:52:52:52", None), ("", None)],
)  # fmt: skip
def test_vendors(mac: str, vendor: str | None) -> None:
    assert numbers.vendor_of_mac(mac) == vendor
