"""Reports made by hand, for the tests of every view: healthy boots, stalls, crowds and hostile names.

`frame(n)` of a canned boot is frame n of capture 0; times are seconds after `T0`.
"""

from typing import Literal

from msgspec.structs import replace

from bootsniff.model import (
    NANOSECONDS,
    Arrow,
    Boot,
    CaptureInfo,
    Dhcp,
    Evidence,
    Fetch,
    FetchStatus,
    Finding,
    Fix,
    Machine,
    Proxy,
    Report,
    Stage,
)
from bootsniff.text import printable

T0 = 1_773_476_100 * NANOSECONDS + 123_456_789
"""2026-03-14T08:15:00.123456789Z."""
MAC = "52:54:00:89:32:47"
SERVER = "192.168.122.1"
ADDRESS = "192.168.122.227"
GIB = 1024**3


def at(seconds: float) -> int:
    """Nanoseconds since the epoch, `seconds` after the first frame."""
    return T0 + round(seconds * NANOSECONDS)


def evidence(frame: int, role: str, seconds: float = 0.0, capture: int = 0) -> Evidence:
    return Evidence(capture, frame, role, at(seconds))


def arrow(
    frame: int,
    seconds: float,
    label: str,
    *,
    kind: Literal["request", "reply", "error", "data", "missing"] = "request",
    layer: Literal["arp", "dhcp", "dns", "icmp", "tcp", "tls", "tftp", "http"] = "dhcp",
    server: str = SERVER,
    client: str = MAC,
) -> Arrow:
    mine = kind in ("request", "missing")
    source, target = (client, server) if mine else (server, client)
    return Arrow(0, frame, at(seconds), source, target, label, kind, layer, mine)


def fetch(
    url: str,
    start: float,
    end: float,
    frames: tuple[int, int],
    *,
    status: FetchStatus = "complete",
    size: int | None = None,
    received: int | None = None,
    content: str | None = None,
    error: str | None = None,
    method: str | None = None,
    retransmissions: int = 0,
    gaps: int = 0,
    options: tuple[tuple[str, str], ...] = (),
    capture: int = 0,
) -> Fetch:
    protocol: Literal["tftp", "http"] = "tftp" if url.startswith("tftp:") else "http"
    return Fetch(
        protocol=protocol,
        url=url,
        method=method or ("RRQ" if protocol == "tftp" else "GET"),
        status=status,
        bytes=received if received is not None else (size or 0 if status == "complete" else 0),
        size=size,
        start=at(start),
        end=at(end),
        retransmissions=retransmissions,
        gaps=gaps,
        error=error,
        content=content,
        options=options,
        capture=capture,
        first_frame=frames[0],
        last_frame=frames[1],
    )


def dora(start: float, end: float, boot_file: str | None, *, boot_file_from: str | None = "option 67") -> Dhcp:
    """A whole exchange: one DISCOVER, one OFFER, REQUEST and ACK."""
    return Dhcp(
        version=4,
        status="bound",
        discovers=1,
        offers=1,
        requests=1,
        acks=1,
        server=SERVER,
        offered_address=ADDRESS,
        address=ADDRESS,
        boot_file=boot_file,
        boot_file_from=boot_file_from if boot_file else None,
        next_server=SERVER,
        vendor_class_echoed=None,
        proxy=None,
        start=at(start),
        end=at(end),
    )


def unheeded(start: float, end: float, boot_file: str | None) -> Dhcp:
    """Four DISCOVERs, each with an OFFER that is not taken."""
    exchange = dora(start, end, boot_file)
    return replace(
        exchange, status="ignored-offer", discovers=4, offers=4, requests=0, acks=0, address=None, next_server=None
    )


def stage(client: str, name: str, start: float, end: float, **more: object) -> Stage:
    values: dict[str, object] = {
        "arch": (),
        "vendor_class": None,
        "user_class": None,
        "dhcp": None,
        "fetches": (),
        "arrows": (),
    }
    return Stage(client=client, name=name, start=at(start), end=at(end), **(values | more))  # type: ignore[arg-type]


def capture(path: str = "boot.pcap", *, frames: int = 4242, seconds: float = 60.0, **more: object) -> CaptureInfo:
    values: dict[str, object] = {
        "format": "pcap",
        "link_types": ("EN10MB",),
        "bytes": frames * 700,
        "first": T0,
        "last": at(seconds),
    }
    return CaptureInfo(path=path, frames=frames, **(values | more))  # type: ignore[arg-type]


def report(*machines: Machine, **more: object) -> Report:
    values: dict[str, object] = {"captures": (capture(),), "now": at(60)}
    return Report(machines=machines, **(values | more))  # type: ignore[arg-type]


def machine(boots: tuple[Boot, ...], findings: tuple[Finding, ...] = (), **more: object) -> Machine:
    values: dict[str, object] = {
        "mac": MAC,
        "uuid": None,
        "hostname": None,
        "vlan": None,
        "vendor": "QEMU/KVM",
        "addresses": (ADDRESS,),
        "status": boots[-1].status if boots else "not-booting",
        "last_seen": max((boot.end for boot in boots), default=T0),
    }
    return Machine(boots=boots, findings=findings, **(values | more))  # type: ignore[arg-type]


def healthy() -> Machine:
    """UEFI HTTP boot, iPXE, script, kernel, initrd, the installer's own DHCP."""
    efi = stage(
        "efi-x64-http",
        "EFI x64 HTTPClient (arch 16)",
        0,
        4.6,
        arch=(16,),
        vendor_class="HTTPClient:Arch:00016:UNDI:003001",
        dhcp=replace(dora(0, 3.1, f"http://{SERVER}/ipxe.efi"), vendor_class_echoed=True, next_server=None),
        fetches=(
            fetch(
                f"http://{SERVER}/ipxe.efi",
                3.5,
                3.51,
                (9, 12),
                method="HEAD",
                status="probe",
                size=1048576,
                options=(("status", "200"), ("content-type", "application/efi")),
            ),
            fetch(
                f"http://{SERVER}/ipxe.efi",
                3.6,
                4.6,
                (13, 900),
                size=1048576,
                content="EFI application, x86-64, unsigned",
                options=(("status", "200"), ("content-type", "application/efi")),
            ),
        ),
        arrows=(
            arrow(1, 0, "DISCOVER"),
            arrow(2, 3, f"OFFER {ADDRESS}", kind="reply"),
            arrow(3, 3.05, "REQUEST"),
            arrow(4, 3.1, f"ACK {ADDRESS}", kind="reply"),
            arrow(9, 3.5, "HEAD /ipxe.efi", layer="http", client=ADDRESS),
            arrow(10, 3.51, "200", kind="reply", layer="http", client=ADDRESS),
            arrow(13, 3.6, "GET /ipxe.efi", layer="http", client=ADDRESS),
            arrow(14, 3.61, "200", kind="reply", layer="http", client=ADDRESS),
            arrow(900, 4.6, "1.0 MiB", kind="data", layer="http", client=ADDRESS),
        ),
    )
    ipxe = stage(
        "ipxe-efi-x64",
        "iPXE, EFI x64 (arch 7)",
        5,
        24,
        arch=(7,),
        vendor_class="PXEClient:Arch:00007:UNDI:003010",
        user_class="iPXE",
        dhcp=dora(5, 8.2, f"http://{SERVER}/menu.ipxe"),
        fetches=(
            fetch(
                f"http://{SERVER}/menu.ipxe",
                22,
                22.01,
                (920, 925),
                size=214,
                content="iPXE script",
                options=(("status", "200"),),
            ),
            fetch(
                f"http://{SERVER}/linux",
                22.1,
                22.9,
                (930, 2100),
                size=8_211_520,
                content="Linux kernel, x86-64, signed",
                options=(("status", "200"),),
            ),
            fetch(
                f"http://{SERVER}/initrd.gz",
                23,
                24,
                (2101, 4200),
                size=41_950_000,
                content="gzip data",
                retransmissions=3,
                options=(("status", "200"),),
            ),
        ),
        arrows=(
            arrow(901, 5, "DISCOVER"),
            arrow(902, 8, f"OFFER {ADDRESS}", kind="reply"),
            arrow(903, 8.1, "REQUEST"),
            arrow(904, 8.2, f"ACK {ADDRESS}", kind="reply"),
            arrow(920, 22, "GET /menu.ipxe", layer="http", client=ADDRESS),
            arrow(921, 22.01, "200", kind="reply", layer="http", client=ADDRESS),
            arrow(930, 22.1, "GET /linux", layer="http", client=ADDRESS),
            arrow(2101, 23, "GET /initrd.gz", layer="http", client=ADDRESS),
        ),
    )
    system = stage(
        "os", "operating system (d-i)", 58, 59, vendor_class="d-i", dhcp=replace(dora(58, 59, None), next_server=None)
    )
    return machine(
        (Boot(at(0), at(59), "handed-off", None, (efi, ipxe, system)),),
        hostname="debian",
        uuid="7c0b1d6e-3a80-4c6e-9f2e-0a2d3c4b5a69",
    )


def ignored_offer() -> Machine:
    """HTTP boot: the server's OFFER lacks option 60, the firmware ignores it; PXEv4 had no boot file before."""
    pxe = stage(
        "efi-x64-pxe",
        "EFI x64 PXEClient (arch 7)",
        0,
        60,
        arch=(7,),
        vendor_class="PXEClient:Arch:00007:UNDI:003001",
        dhcp=unheeded(0, 28, None),
        arrows=(arrow(1, 0, "DISCOVER"), arrow(4, 3, f"OFFER {ADDRESS}", kind="reply")),
    )
    http = stage(
        "efi-x64-http",
        "EFI x64 HTTPClient (arch 16)",
        125,
        153,
        arch=(16,),
        vendor_class="HTTPClient:Arch:00016:UNDI:003001",
        dhcp=replace(unheeded(125, 153, f"http://{SERVER}/ipxe.efi"), vendor_class_echoed=False),
        arrows=(
            arrow(35, 125, "DISCOVER"),
            arrow(37, 125.1, f"OFFER {ADDRESS}", kind="reply"),
            arrow(38, 129, "DISCOVER"),
            arrow(39, 129.1, f"OFFER {ADDRESS}", kind="reply"),
            arrow(40, 137, "DISCOVER"),
            arrow(41, 137.1, f"OFFER {ADDRESS}", kind="reply"),
            arrow(42, 153, "REQUEST", kind="missing"),
        ),
    )
    findings = (
        Finding(
            code="dhcp-http-vendor-class-not-echoed",
            severity="error",
            confidence="certain",
            summary="The OFFER carries a URL but not the vendor class HTTPClient (option 60), so the firmware ignores it",
            boot=0,
            stage=1,
            subject=SERVER,
            expected="A REQUEST after one of the 4 OFFERs; the firmware sent another DISCOVER instead.",
            evidence=(
                evidence(35, "DISCOVER with option 60 HTTPClient", 125),
                evidence(37, "OFFER without option 60", 125.1),
                evidence(39, "OFFER without option 60", 129.1),
            ),
            fixes=(
                Fix(
                    "dnsmasq",
                    "dhcp-match=set:efi-x64-http,option:client-arch,16\n"
                    "dhcp-option-force=tag:efi-x64-http,60,HTTPClient\n"
                    f"dhcp-boot=tag:efi-x64-http,http://{SERVER}/ipxe.efi",
                ),
                Fix(
                    "libvirt",
                    "<network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'>\n"
                    "  <dnsmasq:options>\n"
                    "    <dnsmasq:option value='dhcp-option-force=tag:efi-x64-http,60,HTTPClient'/>\n"
                    "  </dnsmasq:options>\n"
                    "</network>",
                ),
            ),
        ),
        Finding(
            code="dhcp-offer-without-boot-file",
            severity="note",
            confidence="certain",
            summary="The PXE attempt before was offered no boot file",
            boot=0,
            stage=0,
            subject=SERVER,
            evidence=(evidence(4, "OFFER without a boot file", 3),),
        ),
    )
    return machine(
        (Boot(at(0), at(153), "stalled", "dhcp", (pxe, http), waiting_for="REQUEST, for 16 s"),), findings, addresses=()
    )


def not_found() -> Machine:
    """A TFTP server that has no such file, and a cause beneath the finding."""
    pxe = stage(
        "efi-x64-pxe",
        "EFI x64 PXEClient (arch 7)",
        0,
        4,
        arch=(7,),
        vendor_class="PXEClient:Arch:00007:UNDI:003001",
        dhcp=replace(dora(0, 3.2, "grubx64.efi"), boot_file_from="file"),
        fetches=(
            fetch(
                f"tftp://{SERVER}/grubx64.efi",
                3.5,
                3.51,
                (9, 10),
                status="failed",
                error="1 file /srv/tftpboot/grubx64.efi not found",
            ),
        ),
        arrows=(
            arrow(1, 0, "DISCOVER"),
            arrow(2, 3, f"OFFER {ADDRESS}", kind="reply"),
            arrow(3, 3.1, "REQUEST"),
            arrow(4, 3.2, f"ACK {ADDRESS}", kind="reply"),
            arrow(9, 3.5, "RRQ grubx64.efi", layer="tftp", client=ADDRESS),
            arrow(10, 3.51, "ERROR 1", kind="error", layer="tftp", client=ADDRESS),
        ),
    )
    findings = (
        Finding(
            code="tftp-file-not-found",
            severity="error",
            confidence="certain",
            summary=f"{SERVER} has no file grubx64.efi",
            boot=0,
            stage=0,
            subject=f"tftp://{SERVER}/grubx64.efi",
            expected="DATA or an OACK for the RRQ.",
            evidence=(
                evidence(9, "RRQ grubx64.efi", 3.5),
                evidence(10, "ERROR 1 file /srv/tftpboot/grubx64.efi not found", 3.51),
            ),
            fixes=(
                Fix("tftp server", "cp /usr/lib/grub/x86_64-efi/monolithic/grubnetx64.efi /srv/tftpboot/grubx64.efi"),
            ),
        ),
        Finding(
            code="arch-rule-missing-http",
            severity="note",
            confidence="possible",
            summary="The server gives every client the same file name",
            boot=0,
            stage=0,
            subject=SERVER,
            explains="tftp-file-not-found",
            proof="The server's configuration, or an OFFER to a client of another architecture.",
            evidence=(evidence(2, "OFFER with grubx64.efi", 3),),
        ),
    )
    return machine(
        (Boot(at(0), at(4), "stalled", "tftp", (pxe,)),), findings, mac="52:54:00:00:00:02", hostname="node2", vlan=42
    )


def nat_loss() -> Machine:
    """ProxyDHCP, a TFTP server behind a NAT, requests that stay unanswered, seen at two capture points."""
    server = "192.168.2.14"
    pxe = stage(
        "bios-pxe",
        "BIOS PXEClient (arch 0)",
        0,
        28,
        arch=(0,),
        vendor_class="PXEClient:Arch:00000:UNDI:002001",
        dhcp=replace(
            dora(0, 3.2, "pxelinux.0", boot_file_from="4011"),
            next_server=server,
            proxy=Proxy(server, "pxelinux.0", "4011"),
        ),
        fetches=(fetch(f"tftp://{server}/pxelinux.0", 3.5, 23.5, (9, 14), status="stalled", retransmissions=5),),
        arrows=(
            arrow(9, 3.5, "RRQ pxelinux.0", layer="tftp", server=server, client=ADDRESS),
            arrow(10, 7.5, "RRQ pxelinux.0", layer="tftp", server=server, client=ADDRESS),
            arrow(14, 23.5, "DATA or OACK", kind="missing", layer="tftp", server=server, client=ADDRESS),
        ),
    )
    findings = (
        Finding(
            code="tftp-nat-loss",
            severity="error",
            confidence="certain",
            summary=f"Replies of {server} are lost at the NAT",
            boot=0,
            stage=0,
            subject=f"tftp://{server}/pxelinux.0",
            expected="An OACK inside for the OACK seen outside.",
            evidence=(
                evidence(9, "RRQ inside", 3.5),
                evidence(3, "the same RRQ outside, from 192.168.2.1", 3.5, capture=1),
                evidence(5, "ICMP port unreachable from the NAT", 3.6, capture=1),
            ),
            fixes=(
                Fix(
                    "nft",
                    "table ip tftp-nat {\n"
                    '  ct helper tftp { type "tftp" protocol udp; }\n'
                    "  chain prerouting {\n"
                    "    type filter hook prerouting priority 0;\n"
                    f'    ip daddr {server} udp dport 69 ct helper set "tftp"\n'
                    "  }\n"
                    "}",
                ),
            ),
        ),
    )
    return machine((Boot(at(0), at(28), "stalled", "tftp", (pxe,)),), findings, mac="52:54:00:00:00:03")


def in_progress() -> Machine:
    """A transfer that runs when the capture ends."""
    pxe = stage(
        "efi-arm64-pxe",
        "EFI ARM64 PXEClient (arch 11)",
        50,
        60,
        arch=(11,),
        vendor_class="PXEClient:Arch:00011:UNDI:003000",
        dhcp=dora(50, 53, "grubaa64.efi"),
        fetches=(
            fetch(
                f"tftp://{SERVER}/grubaa64.efi",
                54,
                60,
                (3000, 4240),
                status="in-progress",
                size=2_000_000,
                received=456_789,
                options=(("blksize", "1468"), ("tsize", "2000000")),
            ),
        ),
    )
    return machine(
        (Boot(at(50), at(60), "in-progress", None, (pxe,), waiting_for="block 312 of grubaa64.efi"),),
        mac="52:54:00:00:00:04",
        vendor=None,
    )


def not_booting() -> Machine:
    """An ordinary DHCP client."""
    return machine(
        (), mac="3c:52:82:00:00:05", vendor="Hewlett Packard", hostname="printer", addresses=("192.168.122.9",)
    )


def hostile() -> Machine:
    """Names that are markup, escape sequences, right-to-left overrides, and far too long."""
    names = [
        printable(b"[/x]"),
        printable(b"[red]alarm[/red]"),
        printable(b"\x1b]52;c;ZWNobyBvd25lZA==\x07"),
        printable("\u202egpj.exe".encode()),
        printable(b"\xff\xfe\x00x"),
        printable(b"A" * 255),
        printable("\U0001f608 \u6f22\u5b57 caf\u00e9".encode()),
        printable(b"<script>alert(1)</script> & \"quoted\" 'text' `id` $(id)"),
        printable(b"a\nb\r\tc"),
    ]
    fetches = tuple(
        fetch(f"tftp://{SERVER}/{name}", 4 + n, 4.1 + n, (10 + n, 10 + n), status="failed", error=f"1 {name}")
        for n, name in enumerate(names)
    )
    pxe = stage(
        "efi-x64-pxe",
        "EFI x64 PXEClient (arch 7)",
        0,
        20,
        arch=(7,),
        vendor_class=names[2],
        user_class=names[0],
        dhcp=dora(0, 3, names[0]),
        fetches=fetches,
        arrows=tuple(arrow(10 + n, 4 + n, f"RRQ {name}", layer="tftp") for n, name in enumerate(names)),
    )
    findings = tuple(
        Finding(
            code="tftp-file-not-found",
            severity="error",
            confidence="certain",
            summary=f"{SERVER} has no file {name}",
            boot=0,
            stage=0,
            subject=name,
            expected=f"DATA of {name}.",
            evidence=(evidence(10 + n, f"RRQ {name}", 4.0 + n),),
            fixes=(Fix("tftp server", f"touch -- '/srv/tftpboot/{name}'"),),
        )
        for n, name in enumerate(names)
    )
    return machine(
        (Boot(at(0), at(20), "stalled", "tftp", (pxe,)),),
        findings,
        mac="52:54:00:00:00:06",
        hostname=names[1],
        vendor=names[0],
    )


def second_boot() -> Machine:
    """Stalled first, power-cycled, and healthy then."""
    stalled = not_found()
    good = healthy()
    late = replace(good.boots[0], start=at(120), end=at(180))
    return machine(
        (stalled.boots[0], late),
        tuple(replace(finding, severity="warning") for finding in stalled.findings),
        mac="52:54:00:00:00:07",
    )


def network_findings() -> tuple[Finding, ...]:
    return (
        Finding(
            code="dhcp-competing-servers",
            severity="warning",
            confidence="likely",
            summary=f"Two DHCP servers answer: {SERVER} and 192.168.122.66",
            proof="Switch one of them off and look again.",
            evidence=(evidence(2, f"OFFER of {SERVER}", 3), evidence(5, "OFFER of 192.168.122.66", 3.01)),
        ),
    )


def many(count: int = 2000) -> Report:
    """A crowd; every 50th machine is stalled, every 51st runs."""
    good, bad, running = healthy(), not_found(), in_progress()
    machines = []
    for n in range(count):
        base = bad if n % 50 == 7 else running if n % 50 == 8 else good
        mac = "52:54:" + ":".join(f"{byte:02x}" for byte in n.to_bytes(4, "big"))
        machines.append(replace(base, mac=mac))
    return report(*machines, captures=(capture(frames=count * 20),))


def damaged() -> Report:
    """Two captures: one cut short, one that lost frames."""
    return report(
        nat_loss(),
        captures=(
            capture(truncated=True, problem="the file ends inside frame 4243", cut_frames=4000),
            capture(
                "uplink.pcapng", frames=12, format="pcapng", dropped_frames=17, undecoded_frames=2, interfaces=("up0",)
            ),
        ),
        counters=(("evicted_machines", 3),),
    )


def mixed() -> Report:
    """One of each."""
    return report(
        healthy(),
        replace(ignored_offer(), mac="52:54:00:00:00:01"),
        not_found(),
        nat_loss(),
        in_progress(),
        not_booting(),
        hostile(),
        second_boot(),
        captures=(capture(seconds=200), capture("uplink.pcapng", frames=12, format="pcapng")),
        findings=network_findings(),
        now=at(200),
    )


def single() -> Report:
    """The usual case: one file, one stalled machine."""
    return report(ignored_offer(), captures=(capture("http-no-echo.pcap", frames=58, seconds=153),), now=at(153))


def empty() -> Report:
    """A capture without packets."""
    return report(captures=(capture(frames=0, first=None, last=None, bytes=0),), now=None)


ALL = {
    "single": single,
    "mixed": mixed,
    "damaged": damaged,
    "empty": empty,
    "healthy": lambda: report(healthy()),
}
"""Every canned report by name (without the crowd)."""
