"""Which boot program a DHCP request speaks of, by its architecture and vendor class."""

from __future__ import annotations

import pytest

from bootsniff.track.kinds import kind_of, kind_of_v6
from bootsniff.wire.messages import DhcpMessage, DhcpOptions, Dhcpv6Message


def client(vendor: str | None, *arches: int, user: bytes | None = None, identity: bytes | None = None,
           asked: bytes = b"") -> str | None:  # fmt: skip
    options = {53: b"\1"}
    if asked:
        options[55] = asked
    if identity is not None:
        options[97] = identity
    if user is not None:
        options[77] = user
    if vendor is not None:
        options[60] = vendor.encode()
    if arches:
        options[93] = b"".join(arch.to_bytes(2, "big") for arch in arches)
    message = DhcpMessage(op=1, hops=0, xid=1, secs=0, broadcast=True, client_ip=None, your_ip=None, next_server=None, relay=None,
                          client_mac="52:54:00:89:32:47", server_name=None, file=None,
                          options=DhcpOptions(bytes(options), tuple(options.values())), message_type=1)  # fmt: skip
    kind = kind_of(message)
    return kind.client if kind is not None else None


@pytest.mark.parametrize(
    ("vendor", "arches", "expected"),
    [
        ("PXEClient", (999, 7, 9), "efi-x64-pxe"),
        ("PXEClient", (27,), "efi-riscv64-pxe"),
        ("PXEClient", (39,), "efi-loongarch64-pxe"),
        ("PXEClient", (35,), "other-boot-client"),
        ("PXEClient", (36,), "other-boot-client"),
        ("U-Boot.armv8", (), "u-boot-armv8"),
        ("U-Boot", (0,), "u-boot-x86"),
        ("U-Boot", (27,), "u-boot-riscv64"),
        ("U-Boot.riscv", (27,), "u-boot-riscv64"),
        ("U-Boot.riscv", (), "u-boot-riscv"),
        (None, (22,), "u-boot-armv8"),
        (None, (31,), "s390x"),
        ("Etherboot-5.4", (), "other-boot-client"),
        ("PXE UROOT", (), "other-boot-client"),
        ("MSFT 5.0", (), None),
        ("d-i", (), None),
    ],
)
def test_client_kinds(vendor: str | None, arches: tuple[int, ...], expected: str | None) -> None:
    assert client(vendor, *arches) == expected


@pytest.mark.parametrize(
    "user", [b"iPXE", b"gPXE", b"\4iPXE", b"\3foo\4iPXE", b"\4iPXE\3foo", b"iPXE\0", b"\4iPXE\xffcut", b"\3foo\4gPXE\0"]
)
def test_ipxe_says_so_among_its_user_classes(user: bytes) -> None:
    assert client("PXEClient:Arch:00007:UNDI:003010", 7, user=user) == "ipxe-efi-x64"


@pytest.mark.parametrize(
    "user", [b"", b"foo", b"\3foo", b"\7no iPXE", b"\xff" * 255, b"\0" * 40, b"\3foo\4iP", b"\x01"]
)
def test_other_user_classes_are_not_ipxe(user: bytes) -> None:
    assert client("PXEClient:Arch:00007:UNDI:003000", 7, user=user) == "efi-x64-pxe"


def test_several_user_classes_over_dhcpv6() -> None:
    request = Dhcpv6Message(1, 7, b"d", None, None, None, arch=(7,), user_class="foo, iPXE")
    kind = kind_of_v6(request)
    assert kind is not None
    assert kind.client == "ipxe-efi-x64"


@pytest.mark.parametrize(
    ("arches", "expected"),
    [
        ((), "ipxe-bios"),
        ((0,), "ipxe-bios"),
        ((9,), "ipxe-efi-x64"),
        ((17,), "ipxe-efi-x64"),
        ((28,), "ipxe-efi-riscv64"),
        ((40,), "ipxe-efi-loongarch64"),
        ((12,), "ipxe-other"),
        ((999,), "ipxe-other"),
    ],
)
def test_ipxe_is_bios_only_where_it_says_so(arches: tuple[int, ...], expected: str) -> None:
    assert client("PXEClient", *arches, user=b"iPXE") == expected
    kind = kind_of_v6(Dhcpv6Message(1, 7, b"d", None, None, None, arch=arches, user_class="iPXE"))
    assert kind is not None
    assert kind.client == expected


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        (b"\0RPi4" + bytes(range(12)), "raspberry-pi"),
        (b"\0RPi5" + bytes(range(12)), "raspberry-pi"),
        (b"\0" + b"\x12\x34\x56\x78" * 4, "raspberry-pi"),
        (b"\0" + bytes(range(16)), "bios-pxe"),
        (b"\0RPi4", "bios-pxe"),
    ],
)
def test_a_raspberry_pi_is_known_by_option_97(identity: bytes, expected: str) -> None:
    assert client("PXEClient:Arch:00000:UNDI:002001", 0, identity=identity) == expected


def test_what_asks_for_the_architecture_and_has_no_name_boots() -> None:
    asked = bytes([1, 3, 6, 66, 67, 93])
    assert client(None, asked=asked) == "other-boot-client"
    assert client("phone", asked=asked) is None
    assert client(None, asked=asked[:-1]) is None
