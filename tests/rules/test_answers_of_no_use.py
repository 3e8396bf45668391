"""What web servers answer instead of the file: which cause is told, and whether the fixes would mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootsniff.model import Finding

from ..track.play import pe
from .boots import give_up
from .boots_text import IPXE_AGENT
from .boots_web import ASKS6, DNS6, ECHO6, GIVEN, NAME6, PLAIN_TO_TLS, WEB6, over_ipv6
from .packets import Wire, machine, read
from .scene import CLIENT, SERVER
from .scenes_transfer import handshake

URL = f"http://{SERVER}/uki.efi"
PROGRAM = pe(0x8664).ljust(60_000, b"\1")
_HEAD = pe(0x8664)
_SECTIONS = 0x80 + 4 + 20 + 240
SYSTEMD_BOOT = (_HEAD[:_SECTIONS] + b".sdmagic" + _HEAD[_SECTIONS + 8 :]).ljust(9000, b"\1")
SCRIPT = b"#!ipxe\nkernel linux\ninitrd initrd.gz\nboot\n"


def errors(wire: Wire, path: Path) -> list[Finding]:
    """The errors of the machine, but for the boot options that are tried afterwards."""
    found = machine(read(wire.save(path / "x.pcap"))).findings
    return [one for one in found if one.severity == "error" and one.code != "dhcp-no-offer"]


def texts(finding: Finding) -> str:
    return "\n".join(fix.text for fix in finding.fixes)


def firmware(url: str = URL) -> Wire:
    return Wire("efi-x64-http").lease(file=url, option60="HTTPClient")


def goes_on(wire: Wire) -> Wire:
    """The firmware tries its next boot option."""
    return wire.as_kind("efi-x64-pxe").discover(*(20 + gap for gap in (0, 4, 12, 28))).quiet(200)


def left(wire: Wire, *, after: float = 0.02, flags: int = 0x04) -> Wire:
    """GET is answered with the file, and the machine leaves the connection so many seconds after the first pieces."""
    asked = f"GET /uki.efi HTTP/1.1\nHost: {SERVER}\nUser-Agent: UefiHttpBoot/1.0"
    answer = f"HTTP/1.1 200 OK\nContent-Length: {len(PROGRAM)}"
    wire.exchange(2, asked, answer, PROGRAM, cut=17_000, end="")
    wire.tcp(2.03 + after, flags, 1001 + len(asked.replace("\n", "\r\n")) + 4, 5001 + 17_000)
    return goes_on(wire)


@pytest.mark.parametrize("status", ["405 Method Not Allowed", "501 Not Implemented", "403 Forbidden", "404 Not Found"])
@pytest.mark.parametrize("flags", [0x04, 0x11])
def test_firmware_that_is_refused_the_size_leaves_the_file(status: str, flags: int, tmp_path: Path) -> None:
    wire = firmware().fetch(1, "/uki.efi", status, b"no", method="HEAD")
    (finding,) = errors(left(wire, flags=flags), tmp_path)
    assert (finding.code, finding.confidence) == ("http-no-length", "certain")
    assert f"answers with status {status[:3]};" in finding.summary
    roles = [one.role for one in finding.evidence]
    assert roles[:2] == ["HEAD /uki.efi", f"status {status}"]
    assert "curl -sI" in texts(finding)


def test_a_size_that_was_told_is_not_why_a_file_is_left(tmp_path: Path) -> None:
    wire = firmware().fetch(1, "/uki.efi", body=PROGRAM, method="HEAD")
    assert [one.code for one in errors(left(wire), tmp_path)] == ["tcp-reset-or-stall-mid-body"]


def test_a_file_that_does_not_go_on_coming_is_the_servers_fault(tmp_path: Path) -> None:
    wire = firmware().fetch(1, "/uki.efi", "405 Method Not Allowed", b"no", method="HEAD")
    assert [one.code for one in errors(left(wire, after=5), tmp_path)] == ["tcp-reset-or-stall-mid-body"]


def test_the_size_of_another_file_is_refused(tmp_path: Path) -> None:
    wire = firmware().fetch(1, "/other.efi", "405 Method Not Allowed", b"no", method="HEAD")
    assert "tcp-reset-or-stall-mid-body" in [one.code for one in errors(left(wire), tmp_path)]


def test_ipxe_asks_for_no_size(tmp_path: Path) -> None:
    wire = Wire("ipxe-efi-x64").lease(file=URL).fetch(1, "/uki.efi", "405 Method Not Allowed", b"no", method="HEAD")
    assert [one.code for one in errors(left(wire), tmp_path)] == ["tcp-reset-or-stall-mid-body"]


def closed(fin: float, reset: float) -> Wire:
    """HEAD, the server's FIN and the machine's RST, no answer; the FIN may be the server's late reaction."""
    wire = firmware().connect(1)
    head = f"HEAD /uki.efi HTTP/1.1\r\nHost: {SERVER}\r\nUser-Agent: UefiHttpBoot/1.0\r\n\r\n".encode()
    wire.tcp(1.01, 0x18, 1001, 5001, head)
    wire.tcp(1.011, 0x10, 5001, 1001 + len(head), from_client=False)
    ends = sorted([(fin, 0x11, False), (reset, 0x04, True)])
    for time, flags, by_client in ends:
        numbers = (1001 + len(head), 5001) if by_client else (5001, 1001 + len(head))
        wire.tcp(time, flags, *numbers, from_client=by_client)
    return goes_on(wire)


def test_a_server_that_closes_is_not_one_that_says_nothing(tmp_path: Path) -> None:
    (finding,) = errors(closed(1.02, 1.04), tmp_path)
    assert (finding.code, finding.confidence) == ("http-no-response", "certain")
    assert finding.summary.endswith("and closes the connection")
    assert finding.evidence[-1].role == "FIN from the server"
    (finding,) = errors(closed(7.5, 6.1), tmp_path)
    assert (finding.code, finding.confidence) == ("http-no-response", "likely")
    assert finding.summary.endswith("and answers nothing in 5 s, then the machine gives up")


def test_a_login_is_not_mended_by_modes_of_files(tmp_path: Path) -> None:
    wire = firmware().fetch(1, "/uki.efi", "401 Unauthorized", b"no", '\nWWW-Authenticate: Basic realm="x"')
    (finding,) = errors(goes_on(wire), tmp_path)
    assert finding.code == "http-403"
    assert "auth_basic off;" in texts(finding)
    assert "chmod" not in texts(finding)
    (finding,) = errors(goes_on(firmware().fetch(1, "/uki.efi", "403 Forbidden", b"no")), tmp_path)
    assert "auth_basic" not in texts(finding)
    assert "chmod" in texts(finding)


@pytest.mark.parametrize(
    ("location", "named"),
    [
        ("https://192.168.122.1/uki.efi", True),
        ("/boot/uki.efi", True),
        ("http://192.168.122.1/login?url=http://192.168.122.1/uki.efi", False),
        ("/portal/index.html", False),
    ],
)
def test_a_login_page_is_not_advised_as_boot_file(location: str, named: bool, tmp_path: Path) -> None:
    wire = firmware().fetch(1, "/uki.efi", "302 Found", b"", f"\nLocation: {location}")
    (finding,) = errors(goes_on(wire), tmp_path)
    assert finding.code == "http-redirect-not-followed"
    assert ("dhcp-boot=" in texts(finding)) is named
    assert ("curl -sL" in texts(finding)) is not named


@pytest.mark.parametrize(
    ("links", "mended"),
    [
        (b'<li><a href="boot.cfg">x</a></li><li><a href="shimx64.efi">shimx64.efi</a></li>', "/efi/shimx64.efi"),
        (b"<li><a href='../other.efi'>x</a></li>", "/efi/grubx64.efi"),
    ],
)
def test_the_listing_of_a_directory_names_the_program(links: bytes, mended: str, tmp_path: Path) -> None:
    page = (
        b"<!DOCTYPE HTML>\n<html><head><title>Directory listing for /efi/</title></head><body>"
        + links
        + b"</body></html>"
    )
    wire = firmware(f"http://{SERVER}/efi/").fetch(1, "/efi/", body=page, fields="\nContent-Type: text/html")
    (finding,) = errors(goes_on(wire), tmp_path)
    assert finding.code == "http-page-instead-of-file"
    assert f"http://{SERVER}{mended}" in texts(finding)


def test_a_page_for_a_file_needs_no_other_name(tmp_path: Path) -> None:
    page = b"<!DOCTYPE HTML>\n<html><body><a href='shimx64.efi'>x</a></body></html>"
    (finding,) = errors(goes_on(firmware().fetch(1, "/uki.efi", body=page)), tmp_path)
    assert finding.code == "http-page-instead-of-file"
    assert "dhcp-boot" not in texts(finding)


@pytest.mark.parametrize(
    ("body", "media_type"), [(PROGRAM, "application/efi"), (bytes(60_000), "application/vnd.efi-iso")]
)
def test_the_media_type_is_that_of_the_file(body: bytes, media_type: str, tmp_path: Path) -> None:
    octets = "\nContent-Type: application/octet-stream"
    wire = firmware(f"http://{SERVER}/live").fetch(1, "/live", body=body, fields=octets, method="HEAD")
    wire.fetch(2, "/live", body=body, fields=octets, cut=9000)
    (finding,) = errors(goes_on(wire), tmp_path)
    assert finding.code == "http-content-type-not-boot"
    assert f"default_type {media_type};" in texts(finding)


@pytest.mark.parametrize("over_http", [True, False])
def test_systemd_boot_is_not_refused_but_finds_no_disk(over_http: bool, tmp_path: Path) -> None:
    if over_http:
        wire = goes_on(firmware().fetch(1, "/uki.efi", body=SYSTEMD_BOOT))
    else:
        wire = give_up(Wire().lease(file="uki.efi").get(1, "uki.efi", SYSTEMD_BOOT))
    found = [one for one in errors(wire, tmp_path) if one.code.startswith("nbp-")]
    assert [(one.code, one.confidence) for one in found] == [("nbp-stalls-after-download", "likely")]
    assert "systemd-boot reads its entries from the disk" in found[0].summary
    assert "ukify build" in texts(found[0])


def test_other_unsigned_programs_may_be_refused(tmp_path: Path) -> None:
    found = errors(goes_on(firmware().fetch(1, "/uki.efi", body=PROGRAM)), tmp_path)
    assert [one.code for one in found] == ["nbp-secure-boot-refused"]


def kernel(body: bytes, fields: str = "") -> Wire:
    wire = Wire("ipxe-efi-x64").lease(file=f"http://{SERVER}/x.ipxe").fetch(1, "/x.ipxe", body=SCRIPT, agent=IPXE_AGENT)
    return wire.fetch(2, "/linux", body=body, fields=fields, agent=IPXE_AGENT).quiet(200)


def test_a_kernel_that_the_web_server_compresses(tmp_path: Path) -> None:
    packed = b"\x1f\x8b\x08" + b"\1" * 9000
    (finding,) = errors(kernel(packed, "\nContent-Encoding: gzip"), tmp_path)
    assert (finding.code, finding.confidence) == ("chain-script-stops", "likely")
    assert "linux is gzip data, which it does not unpack; the server says Content-Encoding: gzip" in finding.summary
    assert "gzip off;" in texts(finding)
    (finding,) = errors(kernel(packed), tmp_path)
    assert "does not unpack" in finding.summary
    assert "Content-Encoding" not in finding.summary + texts(finding)


def next_server(script: bytes, *, named: str | None, agent: str = IPXE_AGENT) -> Wire:
    wire = Wire("ipxe-efi-x64").lease(file=f"http://{SERVER}/x.ipxe", next_server=named)
    return wire.fetch(1, "/x.ipxe", body=script, agent=agent).quiet(200)


def test_next_server_is_empty_where_dhcp_names_none(tmp_path: Path) -> None:
    script = b"#!ipxe\nkernel http://${next-server}/linux\nboot\n"
    (finding,) = errors(next_server(script, named=None), tmp_path)
    assert (finding.code, finding.confidence) == ("chain-script-stops", "likely")
    assert "${next-server} is empty, since DHCP names no server" in finding.summary
    assert finding.evidence[0].role == "lease with siaddr 0.0.0.0"
    assert f"next-server {SERVER};" in texts(finding)
    (finding,) = errors(next_server(script, named=SERVER), tmp_path)
    assert finding.confidence == "possible"
    assert "siaddr" not in finding.summary
    other = b"#!ipxe\nkernel http://${server}/linux\nboot\n"
    (finding,) = errors(next_server(other, named=None), tmp_path)
    assert finding.confidence == "possible"


def test_https_without_an_authority_is_mended_by_one(tmp_path: Path) -> None:
    wire = goes_on(firmware(f"https://{SERVER}/uki.efi"))
    (finding,) = errors(wire, tmp_path)
    assert finding.code == "tls-unsupported"
    assert finding.summary.endswith("no authority is enrolled in it, or it cannot do TLS")
    assert finding.fixes[0].target == "uefi"
    assert "ipxe" not in [fix.target for fix in finding.fixes]


def test_a_machine_that_looks_for_its_server_may_do_tls(tmp_path: Path) -> None:
    """As at another port of the switch: broadcasts alone."""

    def asks_for(address: str) -> list[str]:
        wire = firmware(f"https://{SERVER}/uki.efi")
        wire.arp(0.5, address)
        return [one.code for one in errors(goes_on(wire), tmp_path)]

    assert "tls-unsupported" not in asks_for(SERVER)
    assert "tls-unsupported" in asks_for(CLIENT)


@pytest.mark.parametrize("said", [None, b"\0\0\1\x57\0\x09PXEClient", b"00:00:00:00:00:0a:48:54:54:50", b"HTTPClient"])
def test_option_16_that_says_no_httpclient(said: bytes | None, tmp_path: Path) -> None:
    (finding,) = errors(over_ipv6(WEB6, *(() if said is None else ((16, said),))), tmp_path)
    assert (finding.code, finding.confidence) == ("dhcp-http-vendor-class-not-echoed", "likely")
    assert "option 16" in finding.summary
    assert "option6:16,..,HTTPClient" in texts(finding)
    (finding,) = errors(over_ipv6(WEB6, *(() if said is None else ((16, said),)), solicits=3), tmp_path)
    assert finding.confidence == "certain"
    assert finding.evidence[-1].role == "SOLICIT again, the answer is ignored, last try"


def test_ipv4_without_an_answer_is_not_why_ipv6_was_not_taken(tmp_path: Path) -> None:
    report = read(over_ipv6(WEB6).save(tmp_path / "x.pcap"))
    severities = {one.code: one.severity for one in machine(report).findings}
    assert severities == {"dhcp-http-vendor-class-not-echoed": "error", "dhcp-no-offer": "note"}
    bare = machine(read(over_ipv6().save(tmp_path / "y.pcap"))).findings
    assert {one.code: one.severity for one in bare}["dhcp-no-offer"] == "error"


@pytest.mark.parametrize(
    "options",
    [
        (WEB6, (16, b"\0\0\1\x57\0\x0aHTTPClient")),
        ((59, b"tftp://[fd00::1]/x.efi"),),
        (),
    ],
)
def test_option_16_is_not_what_is_wrong(options: tuple[tuple[int, bytes], ...], tmp_path: Path) -> None:
    codes = [one.code for one in errors(over_ipv6(*options), tmp_path)]
    assert "dhcp-http-vendor-class-not-echoed" not in codes


def test_an_answer_that_is_taken_said_enough(tmp_path: Path) -> None:
    wire = Wire("efi-x64-http").dhcp6(0, 1, *ASKS6).dhcp6(0.1, 2, GIVEN, WEB6).dhcp6(1, 3, *ASKS6).quiet(90)
    assert "dhcp-http-vendor-class-not-echoed" not in [one.code for one in errors(wire, tmp_path)]


def test_a_machine_that_leaves_by_itself_needs_no_patience_of_the_server(tmp_path: Path) -> None:
    sized = firmware().fetch(1, "/uki.efi", body=PROGRAM, method="HEAD")
    (finding,) = errors(left(sized), tmp_path)
    assert "while data comes" in finding.summary
    assert "send_timeout" not in texts(finding)
    sized = firmware().fetch(1, "/uki.efi", body=PROGRAM, method="HEAD")
    (finding,) = errors(left(sized, after=5), tmp_path)
    assert "then the machine gives up" in finding.summary
    assert "send_timeout" in texts(finding)


@pytest.mark.parametrize(
    ("dns", "url", "why"),
    [
        (False, "http://boot.lab/linux", "DHCP names no name server (option 6)"),
        (True, "http://boot.lab/linux", "a command above it fails"),
        (False, f"http://{SERVER}/linux", "a command above it fails"),
        (False, "http://${where}/linux", "${where} may be empty"),
    ],
)
def test_a_name_in_a_script_needs_a_name_server(dns: bool, url: str, why: str, tmp_path: Path) -> None:
    script = f"#!ipxe\nkernel {url}\nboot\n".encode()
    wire = Wire("ipxe-efi-x64").lease(file=f"http://{SERVER}/x.ipxe", dns=SERVER if dns else None)
    (finding,) = errors(wire.fetch(1, "/x.ipxe", body=script, agent=IPXE_AGENT).quiet(200), tmp_path)
    assert finding.code == "chain-script-stops"
    assert why in finding.summary
    assert finding.confidence == ("likely" if "option 6" in why else "possible")
    assert (f"dhcp-option=6,{SERVER}" in texts(finding)) is ("option 6" in why)


@pytest.mark.parametrize(
    ("sets", "url", "why"),
    [
        ("isset ${next-server} || set next-server 10.0.0.1", "tftp://${next-server}/linux", "may be empty"),
        ("isset ${net0/mac} || set net0/next-server 10.0.0.1", "tftp://${next-server}/linux", "may be empty"),
        ("set dns 10.0.0.1", "http://boot.lab/linux", "a command above it fails"),
        ("set net0/dns 10.0.0.1", "http://boot.lab/linux", "a command above it fails"),
        ("set dns-is-fine 1", "http://boot.lab/linux", "option 6"),
        ("set where here", "tftp://${next-server}/linux", "DHCP names no server (siaddr)"),
    ],
)
def test_a_script_may_set_what_the_lease_lacks(sets: str, url: str, why: str, tmp_path: Path) -> None:
    script = f"#!ipxe\n{sets}\nkernel {url}\nboot\n".encode()
    wire = Wire("ipxe-efi-x64").lease(file=f"http://{SERVER}/x.ipxe", next_server=None)
    (finding,) = errors(wire.fetch(1, "/x.ipxe", body=script, agent=IPXE_AGENT).quiet(200), tmp_path)
    assert finding.code == "chain-script-stops"
    assert why in finding.summary
    assert finding.confidence == ("likely" if "DHCP" in finding.summary else "possible")


def test_the_network_that_a_router_advertises_is_in_the_fixes(tmp_path: Path) -> None:
    refused = (13, b"\0\2no addresses")
    wire = Wire("efi-x64-pxe")
    for number in range(3):
        wire.dhcp6(60 + number, 1, (61, b"\0\7"), (16, b"\0\0\1\x57\0\x09PXEClient")).dhcp6(60.1 + number, 2, refused)
    prefix = b"\3\4\x40\xc0" + b"\0\0\x0e\x10" * 2 + bytes(4) + bytes.fromhex("fd000122") + bytes(12)
    advertisement = b"\x86\0\0\0\x40\x40\x07\x08" + bytes(8) + prefix
    ends = bytes.fromhex("fe800000000000000000000000000009") + bytes.fromhex("ff020000000000000000000000000001")
    ip = b"\x60\0\0\0" + len(advertisement).to_bytes(2, "big") + b"\x3a\xff" + ends
    wire.packets.append((59, bytes.fromhex("333300000001") + b"\2\0\0\0\0\x09" + b"\x86\xdd" + ip + advertisement))
    found = machine(read(wire.quiet(200).save(tmp_path / "x.pcap"))).findings
    (finding,) = [one for one in found if one.code == "v6-stateless-not-supported"]
    assert "dhcp-range=fd00:122::100,fd00:122::1ff,64,1h" in texts(finding)
    assert 'subnet": "fd00:122::/64"' in texts(finding)


@pytest.mark.parametrize(("kind", "name"), [("efi-x64-http", "/ipxe.efi"), ("efi-arm64-http", "/ipxe-arm64.efi")])
def test_the_program_in_the_fixes_is_for_the_processor(kind: str, name: str, tmp_path: Path) -> None:
    (finding,) = errors(Wire(kind).ignored().quiet(120), tmp_path)
    assert finding.code == "dhcp-offer-without-boot-file"
    assert f"http://{SERVER}{name}" in texts(finding)


@pytest.mark.parametrize(
    ("ends", "who"),
    [
        ([(0x11, False), (0x04, True)], "the server closes"),
        ([(0x04, True), (0x11, False)], "the machine resets"),
        ([(0x11, True), (0x11, False)], "the machine closes"),
        ([(0x11, False), (0x11, True)], "the server closes"),
    ],
)
def test_who_ends_a_download_first_is_who_ended_it(ends: list[tuple[int, bool]], who: str, tmp_path: Path) -> None:
    asked = f"GET /uki.efi HTTP/1.1\nHost: {SERVER}\nUser-Agent: UefiHttpBoot/1.0"
    wire = firmware().exchange(
        2, asked, f"HTTP/1.1 200 OK\nContent-Length: {len(PROGRAM)}", PROGRAM, cut=17_000, end=""
    )
    mine, theirs = (
        1001 + len(asked.replace("\n", "\r\n")) + 4,
        5001 + 17_000 + len(f"HTTP/1.1 200 OKContent-Length: {len(PROGRAM)}") + 6,
    )
    for number, (flags, by_client) in enumerate(ends):
        numbers = (mine, theirs) if by_client else (theirs, mine)
        wire.tcp(2.1 + number / 100, flags, *numbers, from_client=by_client)
    (finding,) = errors(goes_on(wire), tmp_path)
    assert finding.code == "tcp-reset-or-stall-mid-body"
    assert who in finding.summary


def test_a_name_over_ipv6_needs_a_name_server(tmp_path: Path) -> None:
    (finding,) = errors(over_ipv6(NAME6, ECHO6), tmp_path)
    assert (finding.code, finding.confidence) == ("dns-server-missing-for-name-uri", "likely")
    assert "option 23" in finding.summary
    assert "dhcp-option=option6:dns-server,[fd00::1]" in texts(finding)
    assert errors(over_ipv6(NAME6, ECHO6, solicits=3), tmp_path)[0].confidence == "certain"


@pytest.mark.parametrize("options", [(NAME6, ECHO6, DNS6), (WEB6, ECHO6), (NAME6,)])
def test_no_name_server_is_missed(options: tuple[tuple[int, bytes], ...], tmp_path: Path) -> None:
    assert "dns-server-missing-for-name-uri" not in [one.code for one in errors(over_ipv6(*options), tmp_path)]


def test_a_grub_instead_of_a_signed_one_is_not_signed(tmp_path: Path) -> None:
    signed = pe(0x8664, signed=True)
    grub = (signed[:_SECTIONS] + b"mods\0\0\0\0" + signed[_SECTIONS + 8 :]).ljust(9000, b"\1")
    (finding,) = errors(goes_on(firmware().fetch(1, "/uki.efi", body=grub)), tmp_path)
    assert finding.code == "nbp-stalls-after-download"
    assert texts(finding).startswith("# not signed: for Secure Boot sign it")


@pytest.mark.parametrize(
    ("client", "code", "target"),
    [("efi-x64-http", "tls-unknown-ca", "uefi"), ("ipxe-efi-x64", "tls-certificate", "openssl")],
)
def test_an_expired_certificate_is_no_fault_for_firmware(client: str, code: str, target: str) -> None:
    (finding,) = handshake(expired=True, client=client).findings()
    assert finding.code == code
    assert finding.fixes[0].target == target


@pytest.mark.parametrize(
    ("client", "targets"), [("efi-x64-http", ["uefi", "nginx"]), ("ipxe-efi-x64", ["ipxe", "nginx"])]
)
def test_an_authority_is_made_known_to_the_program_that_misses_it(client: str, targets: list[str]) -> None:
    (finding,) = handshake(client=client).findings()
    assert finding.code == "tls-unknown-ca"
    assert [fix.target for fix in finding.fixes] == targets


@pytest.mark.parametrize(("page", "told"), [(PLAIN_TO_TLS, True), (b"<html>Bad Request</html>", False)])
def test_a_port_for_tls_is_told_by_the_page_behind_a_refused_size(page: bytes, told: bool, tmp_path: Path) -> None:
    wire = firmware().fetch(1, "/uki.efi", "400 Bad Request", b"", method="HEAD")
    (finding,) = errors(goes_on(wire.fetch(2, "/uki.efi", "400 Bad Request", page)), tmp_path)
    assert finding.code == "http-4xx"
    assert ([fix.text for fix in finding.fixes if fix.target == "url"] == [f"https://{SERVER}/uki.efi"]) is told
