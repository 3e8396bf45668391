from typing import Literal

import pytest
from msgspec.structs import replace

from bootsniff.model import Boot, DhcpStatus, Proxy, Secure, Stage
from bootsniff.report.chain import Turn, chain, client_label, file_label

from . import canned
from .canned import at, dora, fetch, stage


def boot_of(*stages: Stage, stalled_at: str | None = None, stalled_stage: int | None = None) -> Boot:
    status = "stalled" if stalled_at else "handed-off"
    return Boot(at(0), at(60), status, stalled_at, stages, stalled_stage=stalled_stage)  # type: ignore[arg-type]


def drawn(turns: tuple[Turn, ...]) -> list[str]:
    """`label: mark step*` with `!` for the stall and `*` for the last good step."""
    rows = []
    for turn in turns:
        steps = [f"{step.mark[0]}{'*' if step.last_good else ''} {step.label}" for step in turn.steps]
        rows.append(f"{turn.label}{f' x{turn.times}' if turn.times > 1 else ''}: " + ", ".join(steps))
    return rows


@pytest.mark.parametrize(
    ("client", "label"),
    [
        ("efi-x64-http", "EFI x64 HTTP"),
        ("bios-pxe", "BIOS PXE"),
        ("ipxe-efi-arm64", "iPXE EFI ARM64"),
        ("u-boot-armv8", "U-Boot ARMv8"),
        ("u-boot-script", "U-Boot script"),
        ("raspberry-pi", "Raspberry Pi"),
        ("pxelinux", "PXELINUX"),
        ("os", "OS"),
        ("other-boot-client", "other boot client"),
    ],
)
def test_client_labels(client: str, label: str) -> None:
    assert client_label(client) == label


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("tftp://192.168.122.1/a/b.efi", "b.efi"),
        ("http://h/menu.ipxe?mac=1/2", "menu.ipxe"),
        ("http://h/", "h"),
        ("http://h/boot/", "boot/"),
        ("", ""),
    ],
)
def test_file_labels(url: str, label: str) -> None:
    assert file_label(url) == label


def test_healthy() -> None:
    assert drawn(chain(canned.healthy().boots[0])) == [
        "EFI x64 HTTP: d DHCP, d HTTP ipxe.efi",
        "iPXE EFI x64: d DHCP, d HTTP menu.ipxe, d HTTP linux, d HTTP initrd.gz",
        "OS: d DHCP",
    ]


def test_dhcp_stalls_between_its_packets() -> None:
    assert drawn(chain(canned.ignored_offer().boots[0])) == [
        "EFI x64 PXE: f DHCP",
        "EFI x64 HTTP: d DISCOVER, d* OFFER, s REQUEST",
    ]


@pytest.mark.parametrize(
    ("status", "row"),
    [
        ("unanswered", "d* DISCOVER, s OFFER"),
        ("offered", "d DISCOVER, d OFFER, d REQUEST, d* ACK, s lease"),
        ("nak", "d DISCOVER, d OFFER, d* REQUEST, s ACK"),
        ("declined", "d DISCOVER, d OFFER, d* ACK, s address"),
        ("bound", "d* DHCP, s boot file"),
    ],
)
def test_each_way_that_dhcp_stalls(status: DhcpStatus, row: str) -> None:
    dhcp = replace(dora(0, 1, None), status=status)
    assert drawn(chain(boot_of(stage("bios-pxe", "", 0, 9, dhcp=dhcp), stalled_at="dhcp"))) == [f"BIOS PXE: {row}"]


@pytest.mark.parametrize(
    ("version", "requests", "acks", "row", "note"),
    [
        (4, 0, 0, "d DISCOVER, d* OFFER, s REQUEST", "none came"),
        (4, 3, 0, "d DISCOVER, d OFFER, d* REQUEST, s ACK", "none came"),
        (4, 3, 3, "d DISCOVER, d OFFER, d REQUEST, d* ACK, s lease", "not taken up"),
        (6, 3, 3, "d SOLICIT, d ADVERTISE, d REQUEST, d* REPLY, s lease", "not given, or not taken up"),
    ],
)
def test_an_offer_is_taken_answered_and_heard_of(
    version: Literal[4, 6], requests: int, acks: int, row: str, note: str
) -> None:
    dhcp = replace(dora(0, 1, None), status="offered", version=version, requests=requests, acks=acks)
    (turn,) = chain(boot_of(stage("bios-pxe", "", 0, 9, dhcp=dhcp), stalled_at="dhcp"))
    assert (drawn((turn,)), turn.steps[-1].note) == ([f"BIOS PXE: {row}"], note)


@pytest.mark.parametrize(
    ("requests", "acks", "note"), [(0, 0, "offered, not asked for"), (3, 0, "no ACK"), (3, 3, "ACK not taken up")]
)
def test_an_option_that_is_not_where_the_boot_stands_says_the_same(requests: int, acks: int, note: str) -> None:
    dhcp = replace(dora(0, 1, None), status="offered", requests=requests, acks=acks)
    (turn,) = chain(boot_of(stage("bios-pxe", "", 0, 9, dhcp=dhcp), stalled_at="tftp"))
    assert (turn.steps[0].label, turn.steps[0].note) == ("DHCP", note)


def test_a_proxydhcp_offer_stands_before_what_did_not_come() -> None:
    dhcp = replace(dora(0, 1, None), proxy=Proxy("192.168.122.9", None, "offer"))
    assert drawn(chain(boot_of(stage("bios-pxe", "", 0, 9, dhcp=dhcp), stalled_at="dhcp"))) == [
        "BIOS PXE: d DHCP, d* ProxyDHCP, s boot file"
    ]


def test_the_stall_is_marked_where_the_furthest_option_stood_not_where_the_last_one_did() -> None:
    first = stage(
        "efi-x64-pxe",
        "",
        0,
        9,
        dhcp=dora(0, 1, "x"),
        fetches=(fetch("tftp://s/x", 2, 3, (9, 9), status="failed", error="1 no"),),
    )
    second = stage("efi-x64-http", "", 9, 20, dhcp=replace(dora(9, 12, None), status="unanswered"))
    assert drawn(chain(boot_of(first, second, stalled_at="tftp", stalled_stage=0))) == [
        "EFI x64 PXE: d* DHCP, s TFTP x",
        "EFI x64 HTTP: f DHCP",
    ]


@pytest.mark.parametrize(
    ("stalled_at", "label"),
    [("arp", "ARP"), ("dns", "DNS"), ("tcp", "TCP connection"), ("tls", "TLS"), ("tftp", "TFTP x"), ("http", "HTTP x")],
)
def test_what_never_came_to_a_fetch_is_a_step_of_its_own(stalled_at: str, label: str) -> None:
    turns = chain(boot_of(stage("bios-pxe", "", 0, 9, dhcp=dora(0, 1, "x")), stalled_at=stalled_at))
    assert drawn(turns) == [f"BIOS PXE: d* DHCP, s {label}"]


def test_a_file_that_was_not_asked_for_is_named_the_proxys_before_the_servers() -> None:
    dhcp = replace(dora(0, 1, "x"), proxy=Proxy("s", "boot/y.efi", "offer"))
    (turn,) = chain(boot_of(stage("bios-pxe", "", 0, 9, dhcp=dhcp), stalled_at="tftp"))
    assert (turn.steps[-1].label, turn.steps[-1].note) == ("TFTP y.efi", "not asked for")
    asked = stage("bios-pxe", "", 0, 9, dhcp=dhcp, fetches=(fetch("tftp://s/y.efi", 2, 2, (2, 2), status="probe"),))
    (turn,) = chain(boot_of(asked, stalled_at="tftp"))
    assert (turn.steps[-1].label, turn.steps[-1].note) == ("TFTP", "")


def test_a_web_page_under_the_name_of_a_file_came_and_is_of_no_use() -> None:
    only = stage("ipxe-bios", "", 0, 9, fetches=(fetch("http://s/vmlinuz", 2, 3, (9, 12), size=9),))
    (turn,) = chain(boot_of(only, stalled_at="http"))
    assert (turn.steps[-1].label, turn.steps[-1].note) == ("HTTP", "what came is not the file that is meant")


def test_a_file_that_stopped_says_how_much_of_it_came() -> None:
    def note(received: int | None = None, size: int | None = None) -> str:
        broken = fetch("tftp://s/x", 2, 3, (2, 9), status="stalled", received=received, size=size)
        (turn,) = chain(boot_of(stage("pxelinux", "", 0, 9, fetches=(broken,)), stalled_at="tftp"))
        return turn.steps[-1].note

    assert note() == "no data"
    assert note(received=2048) == "stopped after 2.0 KiB"
    assert note(received=2048, size=4096) == "stopped at 50 %"


def test_a_file_that_arrived_and_did_not_start() -> None:
    only = stage(
        "efi-x64-pxe", "", 0, 9, dhcp=dora(0, 1, "x"), fetches=(fetch("tftp://s/x.efi", 2, 3, (9, 12), size=9),)
    )
    assert drawn(chain(boot_of(only, stalled_at="nbp"))) == ["EFI x64 PXE: d DHCP, d* TFTP x.efi, s start x.efi"]


def test_probes_and_optional_files_are_no_steps_and_retries_are_one() -> None:
    fetches = (
        fetch("tftp://s/x", 1, 1, (1, 1), status="probe"),
        fetch("tftp://s/x", 2, 3, (2, 3), status="failed"),
        fetch("tftp://s/x", 3, 4, (4, 5), size=7),
        fetch("tftp://s/grub.cfg-01-52", 4, 4, (6, 6), status="optional"),
        fetch("tftp://s/grub.cfg", 5, 5, (7, 7), size=7),
    )
    turns = chain(boot_of(stage("grub", "", 0, 9, fetches=fetches)))
    assert drawn(turns) == ["GRUB: d TFTP x, d TFTP grub.cfg"]
    assert turns[0].steps[0].times == 2


def test_loops_and_long_lists_are_folded() -> None:
    loop = [
        stage("ipxe-bios", "", n, n, dhcp=dora(n, n, "x"), fetches=(fetch("tftp://s/x", n, n, (1, 1), size=5),))
        for n in range(30)
    ]
    turns = chain(boot_of(*loop, stalled_at="chain", stalled_stage=29))
    assert drawn(turns) == ["iPXE BIOS x29: d DHCP, d TFTP x", "iPXE BIOS: d DHCP, d* TFTP x, s next step"]
    files = tuple(fetch(f"http://s/f{n}", n, n, (1, 1), size=5) for n in range(40))
    assert drawn(chain(boot_of(stage("os", "", 0, 9, fetches=files)))) == [
        "OS: d HTTP f0, d HTTP f1, d HTTP f2, d 35 more files, d HTTP f38, d HTTP f39"
    ]
    mixed = [stage("os" if n % 2 else "grub", "", n, n, fetches=files[:1]) for n in range(40)]
    turns = chain(boot_of(*mixed))
    assert len(turns) == 13
    assert turns[4].steps[0].label == "28 more stages"


def test_what_came_over_tls_stands_where_it_came() -> None:
    files = (fetch("http://s/menu.ipxe", 2, 3, (9, 9)), fetch("http://s/x.png", 7, 8, (12, 12)))
    secure = (Secure("b.example", 3 << 20, 2), Secure("a.example", 200, 1))
    turns = chain(boot_of(stage("ipxe-efi-x64", "", 0, 9, fetches=files, secure=secure)))
    assert drawn(turns) == ["iPXE EFI x64: d HTTP menu.ipxe, d TLS a.example, d HTTP x.png, d TLS b.example"]
    assert [step.note for step in turns[0].steps] == ["", "200 bytes", "", "3.0 MiB"]
    alone = stage("efi-x64-http", "", 0, 9, dhcp=dora(0, 1, "x"), secure=secure[:1])
    assert drawn(chain(boot_of(alone, stalled_at="nbp"))) == [
        "EFI x64 HTTP: d DHCP, d* TLS b.example, s start the boot file"
    ]
    assert drawn(chain(boot_of(stage("os", "", 0, 9, dhcp=dora(0, 1, "x"), secure=secure)))) == ["OS: d DHCP"]
