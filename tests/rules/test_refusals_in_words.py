"""What a server's or a machine's own refusal says: iSCSI logins, certificates, names of header fields; packets to findings."""

from __future__ import annotations

from operator import itemgetter
from pathlib import Path

import pytest

from bootsniff.model import Machine

from .boots import INITRD, KERNEL
from .boots_https import AGENT, program
from .packets import Wire, errors, machine, read
from .scene import SERVER, Scene
from .scenes_transfer import handshake
from .test_rules import found as finding_of

GRUB_AGENT = "GRUB 2.06"
CONFIG = b"linux /linux\ninitrd /initrd.gz\nboot\n"


def _login(*, status: tuple[int, int], rounds: int = 1, port: int = 3260) -> Wire:
    """A login with so many answers of the target, the last one with this status; iPXE sends headers and data apart."""
    wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/san.ipxe")
    wire.fetch(1, "/san.ipxe", body=b"#!ipxe\nsanboot iscsi:192.168.122.1::::iqn.x\n", agent=AGENT)
    wire.connect(3, port=port)
    mine, theirs = 1001, 5001
    for number in range(rounds):
        time = 3.1 + number / 10
        for piece in (b"\x43".ljust(48, b"\0"), b"InitiatorName=iqn.y\0"):
            wire.tcp(time, 0x18, mine, theirs, piece, port=port)
            mine += len(piece)
        said = status if number == rounds - 1 else (0, 0)
        answer = b"\x23".ljust(36, b"\0") + bytes(said) + bytes(10)
        wire.tcp(time + 0.01, 0x18, theirs, mine, answer, from_client=False, port=port)
        theirs += len(answer)
    wire.tcp(4.2, 0x11, mine, theirs, port=port)
    wire.tcp(4.21, 0x11, theirs, mine + 1, from_client=False, port=port)
    return wire


def _read(wire: Wire, tmp_path: Path) -> Machine:
    return machine(read(wire.save(tmp_path / "x.pcap")))


@pytest.mark.parametrize(
    ("status", "words"),
    [((2, 3), "no target of this name"), ((2, 1), "authentication failed"), ((3, 1), "service unavailable")],
)
def test_what_an_iscsi_target_says_to_a_login_is_told(status: tuple[int, int], words: str, tmp_path: Path) -> None:
    found = _read(_login(status=status, rounds=3).quiet(16), tmp_path)
    assert (found.status, found.boots[0].stalled_at) == ("stalled", "nbp")
    (finding,) = found.findings
    assert (finding.code, finding.confidence) == ("iscsi-login-refused", "certain")
    assert finding.summary.endswith(words)
    assert finding.evidence[-1].role == "login response"


def test_a_login_that_goes_well_and_other_ports_are_no_refusal(tmp_path: Path) -> None:
    for wire in (_login(status=(0, 0), rounds=3), _login(status=(2, 3), port=3261)):
        found = _read(wire.quiet(60), tmp_path)
        assert "iscsi-login-refused" not in {
            finding.code for finding in found.findings if finding.confidence == "certain"
        }


def _paths(*statuses: tuple[int, int]) -> Wire:
    """ISCSI targets that iPXE is given as paths to one disk; it reads from those that accept its login."""
    wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/san.ipxe")
    wire.fetch(
        1, "/san.ipxe", body=b"#!ipxe\nsanboot iscsi:192.168.122.1::::iqn.x iscsi:192.168.122.2::::iqn.x\n", agent=AGENT
    )
    for number, status in enumerate(statuses):
        server, time = f"192.168.122.{number + 1}", 3 + number / 2
        wire.connect(time, port=3260, server=server)
        wire.tcp(time + 0.1, 0x18, 1001, 5001, b"\x43".ljust(48, b"\0"), port=3260, server=server)
        said = b"\x23".ljust(36, b"\0") + bytes(status) + bytes(10)
        wire.tcp(time + 0.11, 0x18, 5001, 1049, said, from_client=False, port=3260, server=server)
        if status[0]:
            wire.tcp(time + 0.2, 0x11, 1049, 5049, port=3260, server=server)
            wire.tcp(time + 0.21, 0x11, 5049, 1050, from_client=False, port=3260, server=server)
            continue
        for block in range(30):
            mine, theirs = 1049 + 48 * block, 5049 + 560 * block
            wire.tcp(time + 1 + block, 0x18, mine, theirs, b"\1".ljust(48, b"\0"), port=3260, server=server)
            answer = b"\x25".ljust(560, b"\0")
            wire.tcp(time + 1.01 + block, 0x18, theirs, mine + 48, answer, from_client=False, port=3260, server=server)
    wire.packets.sort(key=itemgetter(0))
    return wire.quiet(60)


def test_of_two_paths_to_a_disk_one_does(tmp_path: Path) -> None:
    refused = (2, 3)
    for wire in (_paths((0, 0), refused), _paths(refused, (0, 0)), _paths((0, 0), (0, 0))):
        found = _read(wire, tmp_path)
        assert (found.status, errors(found)) == ("handed-off", set())
    assert errors(_read(_paths(refused, refused), tmp_path)) == {"iscsi-login-refused"}


def test_a_certificate_that_fits_and_a_machine_that_leaves_at_it_is_an_unknown_authority() -> None:
    finding = finding_of("tls-unknown-ca", handshake())
    assert (finding.severity, finding.confidence) == ("error", "likely")
    assert "issued by CN=Lab CA" in finding.summary


def _grub(field: str, wait: float, *, found: bool = True) -> Wire:
    """GRUB over HTTP asks for its module lists, `wait` seconds apart; it does nothing with its configuration, or is not there yet."""
    wire = Wire("efi-x64-http").lease(file=f"http://{SERVER}/grubx64.efi", option60="HTTPClient")
    wire.fetch(1, "/grubx64.efi", body=program(40_000))
    time = 3.0
    for name in ("command", "fs", "crypto", "terminal"):
        said = f"\n{field}: 4"
        wire.fetch(time, f"/x86_64-efi/{name}.lst", "404 Not Found", b"none", said, agent=GRUB_AGENT, length=False)
        time += wait
    if found:
        said = f"\n{field}: {len(CONFIG)}"
        wire.fetch(time, "/grub.cfg", body=CONFIG, fields=said, agent=GRUB_AGENT, length=False)
    return wire.quiet(time + (60 if found else 0))


def test_a_grub_that_waits_for_more_after_every_answer_does_not_read_lower_case(tmp_path: Path) -> None:
    found = _read(_grub("content-length", 34), tmp_path)
    assert (found.status, found.boots[0].stalled_at) == ("stalled", "chain")
    assert [finding.code for finding in found.findings if finding.severity == "error"] == ["http-lowercase-header"]
    assert "/grub.cfg" in found.findings[0].summary
    assert {fix.target for fix in found.findings[0].fixes} >= {"nginx", "haproxy"}
    early = _read(_grub("content-length", 34, found=False), tmp_path)
    assert "http-lowercase-header" in {finding.code for finding in early.findings}


def test_a_grub_that_goes_on_at_once_reads_it(tmp_path: Path) -> None:
    assert _read(_grub("content-length", 0.2, found=False), tmp_path).findings == ()
    for build in (_grub("Content-Length", 34), _grub("Content-Length", 0.2)):
        assert "http-lowercase-header" not in {finding.code for finding in _read(build, tmp_path).findings}


@pytest.mark.parametrize("whole", [True, False])
def test_a_grub_that_asks_for_the_kernel_has_read_its_configuration(whole: bool, tmp_path: Path) -> None:
    """It shows a menu after a picture that is missing; the boot goes well, or lacks its initrd."""
    wire = Wire("efi-x64-http").lease(file=f"http://{SERVER}/grubx64.efi", option60="HTTPClient")
    wire.fetch(1, "/grubx64.efi", body=program(40_000))
    for time, path, body in (
        (3, "/grub.cfg", CONFIG),
        (4, "/no.png", b""),
        (34, "/linux", KERNEL),
        (36, "/initrd.gz", INITRD),
    ):
        status = "200 OK" if body and (whole or path != "/initrd.gz") else "404 Not Found"
        said = f"\ncontent-length: {len(body)}"
        wire.fetch(time, path, status, body, said, agent=GRUB_AGENT, length=False)
    found = _read(wire.as_kind("os").lease(50).quiet(120) if whole else wire.quiet(120), tmp_path)
    assert found.status == ("handed-off" if whole else "stalled")
    assert "http-lowercase-header" not in {finding.code for finding in found.findings}


@pytest.mark.parametrize(("option60", "targets"), [("HTTPClient", {"grub"}), ("HTTPClient:x", {"grub", "dnsmasq"})])
def test_an_exact_echo_needs_no_mending(option60: str, targets: set[str], tmp_path: Path) -> None:
    wire = Wire("efi-x64-http").lease(file=f"http://{SERVER}/grubx64.efi", option60=option60)
    wire.fetch(1, "/grubx64.efi", body=program(40_000))
    for time in (3, 3.4, 3.9, 4.6, 5.6, 7.2):
        wire.rrq(time, "/boot/grub/grub.cfg", again=time > 3)
    finding = next(f for f in _read(wire.quiet(90), tmp_path).findings if f.code == "chain-grub-thinks-tftp")
    assert {fix.target for fix in finding.fixes} - {"libvirt"} == targets
    assert "'(http,192.168.122.1)/boot/grub'" in next(fix.text for fix in finding.fixes if fix.target == "grub")


@pytest.mark.parametrize(
    ("status", "fields", "code"),
    [
        ("403 Forbidden", "\nServer: squid/5.7\nX-Squid-Error: ERR_ACCESS_DENIED 0", "http-proxy-in-the-way"),
        ("401 Unauthorized", "\nServer: tinyproxy/1.11.1", "http-proxy-in-the-way"),
        ("407 Proxy Authentication Required", "", "http-proxy-in-the-way"),
        ("403 Forbidden", "\nServer: Apache/2.4\nVia: 1.1 proxy.lan (squid/5.7)", "http-403"),
        ("404 Not Found", "\nServer: nginx\nX-Cache: MISS from proxy.lan", "http-404"),
        ("503 Service Unavailable", "\nServer: squid/5.7\nX-Squid-Error: ERR_CONNECT_FAIL 113", "http-5xx"),
    ],
)
def test_a_proxy_that_refuses_by_itself_is_told_from_one_that_passes_on(
    status: str, fields: str, code: str, tmp_path: Path
) -> None:
    wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/menu.ipxe")
    wire.fetch(1, "/menu.ipxe", status, b"<html>no</html>", fields, agent=AGENT)
    found = _read(wire.quiet(60), tmp_path)
    assert [finding.code for finding in found.findings] == [code]


def _closed(*, reset: bool, says: str = "") -> Wire:
    """The server closes while the GET that follows its answer to HEAD is under way; `reset`: it does not read it."""
    wire = Wire("efi-x64-http").lease(file=f"http://{SERVER}/grubx64.efi", option60="HTTPClient").connect(1)
    tail = f"Host: {SERVER}\r\nUser-Agent: UefiHttpBoot/1.0\r\n\r\n"
    head, get = (f"{method} /grubx64.efi HTTP/1.1\r\n{tail}".encode() for method in ("HEAD", "GET"))
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n{says}\r\n".encode()
    mine, theirs = 1001 + len(head), 5001 + len(answer)
    wire.tcp(1.01, 0x18, 1001, 5001, head)
    wire.tcp(1.02, 0x18, 5001, mine, answer, from_client=False)
    wire.tcp(1.03, 0x18, mine, theirs, get)
    wire.tcp(1.04, 0x11, theirs, mine + len(get), from_client=False)
    if reset:
        wire.tcp(1.041, 0x14, theirs + 1, mine + len(get), from_client=False)
    return wire.as_kind("efi-x64-pxe").discover(*(3 + gap for gap in (0, 4, 12, 28))).quiet(200)


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (_closed(reset=True), "http-10-connection-close"),
        (_closed(reset=False, says="Connection: close\r\n"), "http-10-connection-close"),
        (_closed(reset=False), "http-no-response"),
    ],
)
def test_a_request_that_the_server_did_not_read(wire: Wire, code: str, tmp_path: Path) -> None:
    assert errors(_read(wire, tmp_path)) - {"dhcp-no-offer"} == {code}


@pytest.mark.parametrize(
    ("status", "fields", "code"),
    [
        ("404 Not Found", "", "chain-no-config-found"),
        ("302 Found", f"\nLocation: http://{SERVER}/other/grub.cfg", "http-redirect-not-followed"),
        ("403 Forbidden", "", "http-403"),
    ],
)
def test_a_configuration_that_is_there_and_kept_back_is_not_called_missing(
    status: str, fields: str, code: str, tmp_path: Path
) -> None:
    wire = Wire("efi-x64-http").lease(file=f"http://{SERVER}/grubx64.efi", option60="HTTPClient")
    wire.fetch(1, "/grubx64.efi", body=program(40_000))
    wire.fetch(3, "/grub/grub.cfg", status, b"no", fields, agent=GRUB_AGENT)
    found = _read(wire.quiet(60), tmp_path)
    assert errors(found) == {code}
    assert "/srv/tftp" not in "".join(fix.text for finding in found.findings for fix in finding.fixes)


def test_lines_of_an_error_page_that_grub_takes_for_modules_are_no_fault(tmp_path: Path) -> None:
    wire = Wire("efi-x64-http").lease(file=f"http://{SERVER}/grubx64.efi", option60="HTTPClient")
    wire.fetch(1, "/grubx64.efi", body=program(40_000))
    wire.fetch(3, "/grub/x86_64-efi/fs.lst", "404 Not Found", b"<h1>Error response</h1>\n<body>\n", agent=GRUB_AGENT)
    wire.fetch(4, "/grub/grub.cfg", body=b"loopback l /boot.iso\n", agent=GRUB_AGENT)
    wire.exchange(5, f"GET /boot.iso HTTP/1.1\nHost: {SERVER}\nUser-Agent: {GRUB_AGENT}\nRange: bytes=32768-",
                  "HTTP/1.1 200 OK\nContent-Length: 900000", b"\0" * 900_000, cut=20_000)  # fmt: skip
    for time, name in ((6, "</html>"), (6.7, "<h1>Error response</h1>")):
        wire.fetch(time, f"/grub/x86_64-efi/{name}.mod", "400 Bad Request", b"no", agent=GRUB_AGENT)
    found = _read(wire.quiet(90), tmp_path)
    assert errors(found) == {"http-range-unsupported"}


@pytest.mark.parametrize(("length", "codes"), [(False, {"http-no-length"}), (True, {"chain-script-stops"})])
def test_grub_reads_texts_in_chunks_and_no_kernel(length: bool, codes: set[str], tmp_path: Path) -> None:
    wire = Wire("efi-x64-http").lease(file=f"http://{SERVER}/grubx64.efi", option60="HTTPClient")
    wire.fetch(1, "/grubx64.efi", body=program(40_000))
    wire.fetch(3, "/grub/grub.cfg", body=CONFIG, agent=GRUB_AGENT, length=length)
    wire.fetch(4, "/linux", body=KERNEL, agent=GRUB_AGENT, length=length)
    found = _read(wire.quiet(90), tmp_path)
    assert errors(found) == codes
    assert all("/linux" in finding.summary or "initrd" in finding.summary for finding in found.findings)


_TOLD = b"#!ipxe\nkernel http://192.168.122.1/linux ks=http://deploy.lan:8000/ks url=images.lan\ninitrd http://192.168.122.1/initrd.gz\nboot\n"
_VARIABLE = b"#!ipxe\nkernel linux url=http://${next-server}:8000/preseed.cfg\ninitrd initrd.gz\nboot\n"
_NOBODY = b"#!ipxe\nkernel linux quiet\ninitrd initrd.gz\nboot\n"


def _system(
    *,
    refused: int = 0,
    server: str = SERVER,
    name: str = "",
    asked: int = 0,
    address: str | None = None,
    script: bytes = _TOLD,
) -> Wire:
    """A started system that was told of two servers, and is refused so often, or asks so often for a name."""
    wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/menu.ipxe")
    for time, path, body in ((1, "/menu.ipxe", script), (2, "/linux", KERNEL), (3, "/initrd.gz", INITRD)):
        wire.fetch(time, path, body=body, agent=AGENT)
    wire.as_kind("os").lease(20)
    for number in range(refused):
        wire.port += 1
        wire.tcp(25 + 4 * number, 0x02, 1000, 0, port=8000, server=server)
        wire.tcp(25.001 + 4 * number, 0x14, 0, 1001, from_client=False, port=8000, server=server)
    for number in range(asked):
        wire.query(25 + 4 * number, name, rcode=0 if address else 3, address=address)
    return wire


@pytest.mark.parametrize(
    ("wire", "subject"),
    [
        (_system(refused=4), f"{SERVER}:8000"),
        (_system(refused=4, script=_VARIABLE), f"{SERVER}:8000"),
        (_system(name="deploy.lan", asked=1), "deploy.lan"),
        (_system(name="deploy.lan", asked=3), "deploy.lan"),
        (_system(name="images.lan", asked=3), "images.lan"),
    ],
)
def test_a_started_system_that_reaches_nothing_of_what_it_tries_again_and_again(
    wire: Wire, subject: str, tmp_path: Path
) -> None:
    found = _read(wire.quiet(60), tmp_path)
    assert (found.status, found.boots[0].stalled_at) == ("stalled", "os")
    assert [(finding.code, finding.subject) for finding in found.findings] == [("os-config-fetch-failed", subject)]
    assert found.findings[0].confidence == "certain"
    assert found.findings[0].fixes


@pytest.mark.parametrize(
    "wire",
    [
        _system(refused=1),
        _system(name="images.lan", asked=1),
        _system(name="deploy.lan", asked=3, address=SERVER),
        _system(name="2.debian.pool.ntp.org", asked=9),
        _system(name="updates.example.org", asked=9),
        _system(refused=9, server="192.168.122.77"),
        _system(refused=9, server="192.168.122.77", script=_VARIABLE),
        _system(refused=9, script=_NOBODY),
    ],
)
def test_a_started_system_may_do_without_what_it_misses(wire: Wire, tmp_path: Path) -> None:
    found = _read(wire.quiet(60), tmp_path)
    assert found.status == "handed-off"
    assert not [finding for finding in found.findings if finding.severity != "note"]


def test_a_proxy_that_has_nothing_for_ipxe_gets_a_service_for_ipxe_alone() -> None:
    scene = Scene("ipxe-efi-x64", at="dhcp").lease().proxy(0.15, option60="PXEClient").to_4011(1)
    scene.dhcp.pxe_replies = (scene.reply(1.1, 5, server="192.168.122.9", your=None, option60="PXEClient"),)
    lines = {fix.target: fix.text for fix in finding_of("proxydhcp-no-boot-file", scene).fixes}["dnsmasq"]
    assert lines.splitlines() == ["dhcp-match=set:ipxe,175", 'pxe-service=tag:ipxe,7,"network boot",menu.ipxe']
