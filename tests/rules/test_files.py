"""What is said of files that are not what their names say, and of replies that the capture cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootsniff.model import Finding

from . import boots_files, boots_system
from .boots_https import program
from .packets import Wire, machine, read


def found(wire: Wire, path: Path, code: str) -> Finding:
    return next(one for one in machine(read(wire.save(path / "x.pcap"))).findings if one.code == code)


@pytest.mark.parametrize(
    ("file", "kind", "content"),
    [("shimx64.efi", "efi-x64-pxe", boots_files.ISO), ("pxelinux.0", "bios-pxe", program(9000))],
)
def test_of_a_file_with_the_right_name_the_content_is_to_blame(
    file: str, kind: str, content: bytes, tmp_path: Path
) -> None:
    """DHCP named what this firmware wants: no rule of its server would mend it."""
    finding = found(boots_files.no_program(file, content, kind), tmp_path, "arch-bios-file-to-efi")
    assert [fix.target for fix in finding.fixes] == ["shell"]
    assert f"file /srv/tftp/{file}" in finding.fixes[0].text


def test_of_a_file_of_the_other_kind_the_rule_is_to_blame(tmp_path: Path) -> None:
    finding = found(boots_files.no_program("pxelinux.0", boots_files.ISO), tmp_path, "arch-bios-file-to-efi")
    assert "dnsmasq" in {fix.target for fix in finding.fixes}


def test_causes_in_the_server_s_rules_are_not_told_of_a_name_that_fits(tmp_path: Path) -> None:
    wire = boots_files.no_program("shimx64.efi", boots_files.ISO)
    codes = {
        one.code
        for one in machine(read(wire.save(tmp_path / "x.pcap"))).findings
        if one.explains == "arch-bios-file-to-efi"
    }
    assert codes == set()


def test_a_directory_is_named_where_the_server_says_that_it_is(tmp_path: Path) -> None:
    finding = found(boots_files.directory(), tmp_path, "tftp-error")
    assert "ls -la /srv/tftp/grub/grub.cfg" in finding.fixes[0].text


def test_half_a_kernel_that_resets_the_machine_is_told(tmp_path: Path) -> None:
    told = machine(read(boots_files.half_a_kernel(reset=True).save(tmp_path / "x.pcap")))
    assert [boot.status for boot in told.boots] == ["stalled", "in-progress"]
    assert [(one.code, one.boot) for one in told.findings] == [(boots_files.CUT, 0)]


def test_what_a_cut_reply_lacks_may_stand_behind_the_cut(tmp_path: Path) -> None:
    wire = Wire().discover(0)
    for time in (0.1, 4.1, 12.1):
        wire.dhcp(time, 2)
        wire.discover(time + 4)
    whole = found(wire.quiet(90), tmp_path, "dhcp-offer-without-boot-file")
    assert (whole.confidence, whole.proof) == ("certain", "")
    cut = machine(read(wire.save(tmp_path / "cut.pcap", snaplen=300)))
    (finding,) = (one for one in cut.findings if one.code == "dhcp-offer-without-boot-file")
    assert finding.confidence == "possible"
    assert "-s 0" in finding.proof


def test_a_kernel_alone_is_all_there_is_only_where_the_script_is_whole(tmp_path: Path) -> None:
    """Behind the cut there may be an initrd that the machine does not ask for."""
    script = b"#!ipxe\n" + b"# a comment\n" * 40 + b"kernel http://192.168.122.1/linux\nboot\n"
    wire = Wire("ipxe-bios").lease(file="http://192.168.122.1/boot.ipxe").fetch(2, "/boot.ipxe", body=script)
    wire.fetch(3, "/linux", body=boots_files.kernel(20_000)).quiet(60)
    assert machine(read(wire.save(tmp_path / "x.pcap"))).status == "handed-off"
    assert machine(read(wire.save(tmp_path / "cut.pcap", snaplen=600))).status == "in-progress"


UNSET = b"#!ipxe\nkernel ${base}/linux quiet\nboot\n"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (UNSET, True),
        (UNSET.replace(b"kernel", b"set base http://192.168.122.1\nkernel"), False),
        (UNSET.replace(b"kernel", b"isset base || set base x\nkernel"), False),
        (UNSET.replace(b"base", b"hostname"), False),
    ],
)
@pytest.mark.parametrize("protocol", ["http", "tftp"])
def test_a_variable_that_no_script_sets_is_named(script: bytes, protocol: str, *, told: bool, tmp_path: Path) -> None:
    wire = Wire("ipxe-bios")
    if protocol == "http":
        wire.lease(file="http://192.168.122.1/net/boot.ipxe").fetch(2, "/net/boot.ipxe", body=script)
        wire.fetch(3, "/linux", "404 Not Found", b"no").quiet(60)
    else:
        wire.lease(file="net/boot.ipxe").get(2, "net/boot.ipxe", script).missing(3, "/linux").quiet(60)
    finding = found(wire, tmp_path, "http-404" if protocol == "http" else "tftp-file-not-found")
    assert ("${base}, which may be empty" in finding.summary) is told
    assert any("names ${base}/linux" in item.role for item in finding.evidence) is told


def test_braces_without_a_dollar_are_named(tmp_path: Path) -> None:
    wire = Wire("ipxe-bios").lease(file="http://192.168.122.1/boot.ipxe")
    wire.fetch(2, "/boot.ipxe", body=b"#!ipxe\nset base http://192.168.122.1\nkernel {base}/linux\nboot\n")
    wire.fetch(3, "/{base}/linux", "404 Not Found", b"no").quiet(60)
    assert "{base} is no variable without a $" in found(wire, tmp_path, "http-404").summary


@pytest.mark.parametrize("login", [True, False])
def test_a_login_that_is_refused_is_told_from_none(tmp_path: Path, *, login: bool) -> None:
    wire = Wire("ipxe-bios").lease(file="http://192.168.122.1/boot.ipxe")
    for time in (2, 2.6):
        fields = "\nAuthorization: Basic Ym9vdDpzZWNyZXQ=" if login and time > 2 else ""
        request = f"GET /boot.ipxe HTTP/1.1\nHost: 192.168.122.1\nUser-Agent: iPXE/1.21.1{fields}"
        wire.exchange(time, request, "HTTP/1.1 401 Unauthorized\nContent-Length: 2", b"no")
    assert ("sends a login" in found(wire.quiet(60), tmp_path, "http-403").summary) is login


@pytest.mark.parametrize(("second", "limited"), [(1.6, True), (20, False)])
def test_a_server_that_is_busy_right_after_an_answer_may_limit_requests(
    second: float, *, limited: bool, tmp_path: Path
) -> None:
    wire = Wire("efi-x64-http").lease(file="http://192.168.122.1/x.efi", option60="HTTPClient")
    wire.fetch(1, "/x.efi", method="HEAD").fetch(second, "/x.efi", "503 Service Unavailable", b"busy").quiet(90)
    finding = found(wire, tmp_path, "http-5xx")
    assert ("a limit of requests" in finding.summary) is limited
    assert ("limit_req" in "".join(fix.text for fix in finding.fixes)) is limited


def test_a_server_that_stays_busy_limits_nothing(tmp_path: Path) -> None:
    """The service behind it is down: its first answer came from elsewhere."""
    wire = Wire("ipxe-bios").lease(file="http://192.168.122.1/boot.ipxe")
    wire.fetch(1, "/boot.ipxe", body=b"#!ipxe\nchain http://192.168.122.1/api\n", agent="iPXE/1.21.1")
    for time in (2, 12, 22):
        wire.fetch(time, "/api", "503 Service Unavailable", b"busy", agent="iPXE/1.21.1")
    finding = found(wire.quiet(90), tmp_path, "http-5xx")
    assert "a limit" not in finding.summary
    assert all(fix.target != "nginx" for fix in finding.fixes)


@pytest.mark.parametrize(
    ("label", "missing"), [(b"bois", True), (b"bios", False), (b"${platform}", False), (b"bios extra words", False)]
)
def test_a_jump_to_a_label_that_is_not_there_is_named(label: bytes, tmp_path: Path, *, missing: bool) -> None:
    script = (
        b"#!ipxe\niseq ${mac} 00:00 && goto special ||\ngoto "
        + label
        + b"\n:bios\nkernel http://192.168.122.1/linux\nboot\n"
    )
    wire = Wire("ipxe-bios").lease(file="http://192.168.122.1/boot.ipxe").fetch(2, "/boot.ipxe", body=script).quiet(90)
    finding = found(wire, tmp_path, "chain-script-stops")
    assert ("no label bois" in finding.summary, finding.confidence == "likely") == (missing, missing)


@pytest.mark.parametrize(
    ("path", "told"), [("/seeduser-data", True), ("/seed/user-data", False), ("/user-data", False)]
)
def test_a_seed_s_url_without_its_slash_is_named(path: str, tmp_path: Path, *, told: bool) -> None:
    wire = boots_system.missing(boots_system.started("/linux quiet"), path)
    finding = found(wire.quiet(120), tmp_path, "os-config-fetch-failed")
    assert ("has no slash at its end" in finding.summary) is told
