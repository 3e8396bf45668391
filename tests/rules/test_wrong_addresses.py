"""Servers' addresses that no server can have, what a boot waits for, and fixes that name what the network has."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from bootsniff.model import Machine
from bootsniff.rules import names

from ..track.play import CONTENTS
from . import boots_server, scenes_dhcp
from .boots import give_up
from .packets import Wire, machine, read
from .scene import CLIENT, MAC, SERVER, packed


def found(wire: Wire, path: Path) -> Machine:
    return machine(read(wire.save(path / "x.pcap")))


def asks(server: str, *, kind: str = "ipxe-bios") -> Wire:
    wire = Wire(kind).lease(file="pxelinux.0", next_server=server, router="192.168.122.1")
    for time in (1, 2, 4, 8, 16):
        wire.rrq(time, "pxelinux.0", server=server, again=time > 1)
    return wire


@pytest.mark.parametrize("server", ["127.0.0.1", "127.0.1.1", "255.255.255.255"])
def test_no_server_has_a_loopback_address(server: str, tmp_path: Path) -> None:
    (finding,) = found(asks(server).quiet(90), tmp_path).findings
    assert (finding.code, finding.confidence) == ("dhcp-wrong-next-server", "certain")
    assert server in finding.summary
    assert any("pxelinux.0,,192.168.122.1" in fix.text for fix in finding.fixes)


def test_firmware_that_sends_nothing_to_itself(tmp_path: Path) -> None:
    wire = Wire().lease(file="grubx64.efi", next_server="127.0.0.1")
    codes = [finding.code for finding in found(give_up(wire, 40), tmp_path).findings]
    assert "dhcp-wrong-next-server" in codes
    wire = Wire().lease(file="grubx64.efi", next_server="192.168.122.9")
    codes = [finding.code for finding in found(give_up(wire, 40), tmp_path).findings]
    assert "dhcp-wrong-next-server" not in codes


@pytest.mark.parametrize("server", ["192.168.1.10", "10.0.0.5", "192.168.122.9"])
def test_a_server_elsewhere_is_a_server(server: str, tmp_path: Path) -> None:
    codes = [finding.code for finding in found(asks(server).quiet(90), tmp_path).findings]
    assert codes
    assert "dhcp-wrong-next-server" not in codes


def test_a_url_does_not_need_siaddr(tmp_path: Path) -> None:
    script = b"#!ipxe\nkernel vmlinuz\nboot\n"
    wire = Wire("ipxe-bios").lease(file="http://192.168.122.1/boot.ipxe", next_server="127.0.0.1")
    wire.fetch(1, "/boot.ipxe", body=script).fetch(2, "/vmlinuz", body=CONTENTS["kernel"]).quiet(90)
    assert not [finding for finding in found(wire, tmp_path).findings if finding.severity == "error"]


def connects(server: str) -> Wire:
    wire = Wire("ipxe-bios").lease(file=f"http://{server}/boot.ipxe")
    for time in (1, 1.3, 2, 3, 5):
        wire.tcp(time, 2, 1, 0, server=server)
    return wire


def test_a_web_server_at_a_loopback_address_is_behind_no_firewall(tmp_path: Path) -> None:
    (finding,) = found(connects("127.0.0.1").quiet(90), tmp_path).findings
    assert (finding.code, finding.confidence, finding.fixes) == ("tcp-filtered", "certain", ())
    assert "loopback" in finding.summary
    (finding,) = found(connects("192.168.122.9").quiet(90), tmp_path).findings
    assert finding.code == "tcp-filtered"
    assert "loopback" not in finding.summary
    assert finding.fixes


def test_a_boot_waits_for_what_it_asked_last(tmp_path: Path) -> None:
    """Not for a first fetch, nor for a script to ask for something."""
    waits = found(connects("192.168.122.9"), tmp_path).boots[0].waiting_for
    assert waits == "an answer to SYN 192.168.122.9:80, for 4 s, 5 sent"
    wire = Wire("ipxe-bios").lease(file="menu.ipxe").get(1, "menu.ipxe", b"#!ipxe\nkernel http://boot.lan/vmlinuz\n")
    assert "menu.ipxe to ask for something" in found(wire, tmp_path).boots[0].waiting_for
    wire.query(2, "boot.lan")
    assert "an answer about boot.lan" in found(wire, tmp_path).boots[0].waiting_for


def search(prefix: str, option210: str | None = None) -> Wire:
    wire = (
        Wire("bios-pxe")
        .lease(file="bios/pxelinux.0", option210=option210)
        .get(1, "bios/pxelinux.0", CONTENTS["pxelinux"])
    )
    wire.get(1.5, "bios/ldlinux.c32", b"\x7fELF" + bytes(600))
    for number, name in enumerate(("01-" + MAC.replace(":", "-"), "C0A87AE3", "C0A87A", "C0", "default")):
        wire.missing(2 + number / 10, f"{prefix}pxelinux.cfg/{name}")
    return wire.quiet(90)


def test_a_prefix_is_not_mended_by_the_same_prefix(tmp_path: Path) -> None:
    (finding,) = found(search("bios/"), tmp_path).findings
    assert finding.code == "chain-no-config-found"
    assert not any("210" in fix.text for fix in finding.fixes)
    assert any("ln -s ../pxelinux.cfg /srv/tftp/bios/" in fix.text for fix in finding.fixes)
    (finding,) = found(search("other/", "other/"), tmp_path).findings
    assert any('dhcp-option-force=210,"bios/"' in fix.text for fix in finding.fixes)


def test_a_build_of_ipxe_is_replaced_by_the_same_build() -> None:
    assert names.loader_like("undionly.kpxe", "efi-x64-pxe") == "snponly.efi"
    assert names.loader_like("boot/netboot.xyz.kpxe", "efi-x64-pxe") == "netboot.xyz.efi"
    assert names.loader_like("netboot.xyz.efi", "bios-pxe") == "netboot.xyz.kpxe"
    assert names.loader_like("ipxe.efi", "bios-pxe") == "undionly.kpxe"
    assert names.loader_like("pxelinux.0", "efi-x64-pxe") == "grubx64.efi"


def test_a_url_for_phones_names_no_server_for_grub() -> None:
    """Option 66 of an office; GRUB reads the DHCP server's reply, not the proxy's."""
    scene = scenes_dhcp.grub_alone(option66="http://phones.lan/cfg")
    assert scene.finding("dhcp-next-server-missing") is not None
    assert scene.finding("dhcp-next-server-is-a-name") is None
    behind = scenes_dhcp.grub_by_proxy()
    finding = behind.finding("dhcp-next-server-missing")
    assert finding is not None
    assert not any(fix.target in ("dnsmasq", "libvirt") for fix in finding.fixes)
    assert any("next-server" in fix.text for fix in finding.fixes)


def test_pxelinux_leaves_an_empty_file_without_a_word(tmp_path: Path) -> None:
    def asked(size: int, *again: float) -> Wire:
        wire = Wire("bios-pxe").lease(file="bios/pxelinux.0")
        wire.get(1, "bios/pxelinux.0", CONTENTS["pxelinux"]).get(1.5, "bios/ldlinux.c32", b"\x7fELF" + bytes(600))
        wire.get(2, "bios/pxelinux.cfg/default", b"default l\nlabel l\n kernel vmlinuz\n")
        wire.rrq(3, "bios/vmlinuz")
        for time in (3.1, 4.1, 6.1):
            wire.oack(time, tsize=size)
        for time in again:
            wire.rrq(time, "bios/vmlinuz", again=True)
        return wire.quiet(90)

    (finding,) = found(asked(0), tmp_path).findings
    assert (finding.code, finding.confidence) == ("nbp-incomplete-file", "likely")
    assert "empty" in finding.summary
    for other in (asked(9999), asked(0, 7, 12, 17)):  # a size; a machine that asks again has not heard the answer
        assert "nbp-incomplete-file" not in [finding.code for finding in found(other, tmp_path).findings]


def test_a_tftp_url_is_a_name_for_pxe(tmp_path: Path) -> None:
    url = "tftp://192.168.122.9/gh/grubx64.efi"
    found_there = found(Wire().lease(file=url).missing(1, url).quiet(90), tmp_path).findings
    assert [finding.code for finding in found_there] == ["dhcp-http-offer-without-usable-uri"]
    assert any("gh/grubx64.efi,,192.168.122.9" in fix.text for fix in found_there[0].fixes)
    script = Wire("ipxe-bios").lease(file=url).missing(1, "gh/grubx64.efi", server="192.168.122.9").quiet(90)
    assert [finding.code for finding in found(script, tmp_path).findings] == ["tftp-file-not-found"]


def test_a_url_without_its_scheme_is_mended_whole(tmp_path: Path) -> None:
    wire = Wire("efi-x64-http").ignored(file="192.168.122.1:8080/gh/grubx64.efi", option60="HTTPClient").quiet(120)
    (finding,) = found(wire, tmp_path).findings
    assert any("http://192.168.122.1:8080/gh/grubx64.efi" in fix.text for fix in finding.fixes)


@pytest.mark.parametrize(("path", "mended"), [("/boot/", "/boot/grubx64.efi"), ("/boot/x", "application/efi")])
def test_the_listing_of_a_directory_is_no_boot_program_of_another_type(path: str, mended: str, tmp_path: Path) -> None:
    wire = Wire("efi-x64-http").lease(file=f"http://192.168.122.1{path}", option60="HTTPClient")
    wire.fetch(1, path, method="HEAD", fields="\nContent-Type: text/html").quiet(90)
    finding = next(f for f in found(wire, tmp_path).findings if f.code == "http-content-type-not-boot")
    assert mended in finding.fixes[0].text


def test_a_machine_that_connects_has_its_address(tmp_path: Path) -> None:
    """One direction alone: no answer of the DHCP server is there, but a SYN."""
    wire = Wire("efi-x64-http")
    wire.dhcp(0, 1)
    wire.dhcp(1, 3)
    wire.tcp(2, 2, 1, 0)
    boot = found(wire.as_kind("efi-x64-http"), tmp_path).boots[0]
    assert (boot.waiting_for or "").startswith("an answer to SYN 192.168.122.1:80")


def test_a_refused_connection_is_told_with_the_line_of_the_script(tmp_path: Path) -> None:
    script = b"#!ipxe\nchain http://${next-server}/main.ipxe\n"
    wire = Wire("ipxe-bios").lease(file="boot.ipxe").get(1, "boot.ipxe", script)
    wire.tcp(2, 2, 1, 0)
    wire.tcp(2.1, 0x14, 0, 2, from_client=False)
    (finding,) = found(wire.quiet(90), tmp_path).findings
    assert finding.code == "tcp-refused"
    assert finding.evidence[0].role == "boot.ipxe names http://${next-server}/main.ipxe"


def test_pxelinux_takes_a_name_from_its_own_directory(tmp_path: Path) -> None:
    config = b"default l\nlabel l\n kernel images/vmlinuz\n"
    wire = Wire("bios-pxe").lease(file="bios/pxelinux.0").get(1, "bios/pxelinux.0", CONTENTS["pxelinux"])
    wire.get(1.5, "bios/ldlinux.c32", b"\x7fELF" + bytes(600)).get(2, "bios/pxelinux.cfg/default", config)
    (finding,) = found(wire.missing(3, "bios/images/vmlinuz").quiet(90), tmp_path).findings
    assert finding.code == "tftp-file-not-found"
    assert finding.evidence[0].role == "bios/pxelinux.cfg/default names images/vmlinuz"


def test_quotes_of_a_web_page_are_no_part_of_a_name(tmp_path: Path) -> None:
    name = "\u201cgrubx64.efi\u201d"
    (finding,) = found(Wire().lease(file=name).missing(1, name).quiet(90), tmp_path).findings
    assert "quotes" in finding.summary
    assert any(",grubx64.efi,," in fix.text for fix in finding.fixes)


def test_a_url_that_grub_takes_for_a_path(tmp_path: Path) -> None:
    config = b"menuentry x {\n linux http://192.168.122.1/a/vmlinuz\n}\n"
    wire = Wire().lease(file="grubx64.efi").get(1, "grubx64.efi", CONTENTS["pe-x64"]).get(2, "/grub/grub.cfg", config)
    (finding,) = found(wire.missing(3, "http:/192.168.122.1/a/vmlinuz").quiet(90), tmp_path).findings
    assert "a URL" in finding.summary
    assert [fix.text for fix in finding.fixes] == ["linux '(http,192.168.122.1)/a/vmlinuz'"]


@pytest.mark.parametrize(("server", "handed"), [("8.8.8.8", True), ("192.168.1.53", False)])
def test_a_name_server_of_the_internet_does_not_know_the_boot_server(server: str, handed: bool, tmp_path: Path) -> None:
    wire = Wire("efi-x64-http").lease(file="http://boot.lan/x.efi", option60="HTTPClient", dns=server)
    for time in (1, 2):
        question = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\x04boot\x03lan\0" + struct.pack(">HH", 1, 1)
        wire.udp(time, CLIENT, 4000, server, 53, question)
    finding = next(f for f in found(wire.quiet(90), tmp_path).findings if f.code == "dns-lookup-failed")
    assert any("dhcp-option=6,192.168.122.1" in fix.text for fix in finding.fixes) is handed


def test_a_page_that_is_missing_is_told_with_the_line_of_the_script(tmp_path: Path) -> None:
    script = b"#!ipxe\nkernel http://192.168.122.1/linux\ninitrd http://192.168.122.1/Initrd.gz\nboot\n"
    wire = Wire("ipxe-bios").lease(file="http://192.168.122.1/boot.ipxe").fetch(1, "/boot.ipxe", body=script)
    wire.fetch(2, "/linux", body=CONTENTS["kernel"]).fetch(3, "/Initrd.gz", "404 Not Found", b"no")
    (finding,) = found(wire.quiet(90), tmp_path).findings
    assert finding.code == "http-404"
    assert finding.evidence[0].role == "http://192.168.122.1/boot.ipxe names http://192.168.122.1/Initrd.gz"


@pytest.mark.parametrize("named", [True, False])
def test_a_refusal_is_proof_where_the_reply_names_another_server(named: bool, tmp_path: Path) -> None:
    wire = Wire("bios-pxe").lease(file="pxelinux.0", option66="192.168.122.9" if named else SERVER)
    for time in (1, 3, 7, 15):
        wire.icmp(time + 0.01, wire.rrq(time, "pxelinux.0", again=time > 1))
    findings = machine(read(wire.quiet(90).save(tmp_path / "x.pcap"))).findings
    assert [(finding.code, finding.confidence) for finding in findings] == [
        ("dhcp-wrong-next-server" if named else "tftp-server-down", "certain")
    ]
    if named:
        assert findings[0].summary.endswith(f"{SERVER}, which runs no TFTP server; option 66 names 192.168.122.9")


def test_siaddr_that_servers_fill_in_by_themselves_names_no_other_server(tmp_path: Path) -> None:
    """The file is asked of the address in option 66, where TFTP does not run; siaddr is the DHCP server's own."""
    server = "192.168.122.9"
    wire = Wire("bios-pxe").lease(file="pxelinux.0", next_server=SERVER, option66=server)
    for time in (1, 3, 7, 15):
        wire.icmp(time + 0.01, wire.rrq(time, "pxelinux.0", server=server, again=time > 1), sender=server)
    findings = machine(read(wire.quiet(90).save(tmp_path / "x.pcap"))).findings
    assert [finding.code for finding in findings] == ["tftp-server-down"]


def test_siaddr_that_is_not_heeded(tmp_path: Path) -> None:
    """The file is asked of the DHCP server; siaddr names another."""
    wire = Wire().lease(file="grubx64.efi", next_server="192.168.122.9")
    for time in (1, 5, 9, 13, 17, 21):
        wire.rrq(time, "grubx64.efi", again=time > 1)
    findings = machine(read(wire.quiet(90).save(tmp_path / "x.pcap"))).findings
    assert [(finding.code, finding.confidence) for finding in findings] == [("dhcp-wrong-next-server", "likely")]
    assert findings[0].summary.endswith("siaddr names 192.168.122.9")


IPXE_FOR_BIOS = b"\xea\x05\x00\xc0\x07".ljust(900, b"\0") + b"PXE->EB:".ljust(900, b"\0")
MENU_OF_43 = bytes([6, 1, 3, 9, 6, 0x80, 0, 3, *b"FOG", 10, 2, 0, *b"F", 255])


@pytest.mark.parametrize(("next_server", "option43"), [("192.168.122.9", None), (None, MENU_OF_43)])
def test_ipxe_takes_a_proxys_name_beside_an_address_or_a_menu(
    next_server: str | None, option43: bytes | None, tmp_path: Path
) -> None:
    found = machine(read(boots_server.proxied(next_server=next_server, option43=option43).save(tmp_path / "x.pcap")))
    assert "dhcp-next-server-missing" not in {finding.code for finding in found.findings}


def test_a_script_for_ipxe_stands_beside_the_proxys_address_and_before_no_menu(tmp_path: Path) -> None:
    wire = Wire("ipxe-bios")
    for start in (0, 30):
        wire.dhcp(start, 1)
        wire.dhcp(start + 0.1, 2)
        proxied = {"your": None, "option60": "PXEClient", "file": "undionly.kpxe", "next_server": "192.168.122.9"}
        wire.dhcp(start + 0.2, 2, server="192.168.122.9", option43=MENU_OF_43, **proxied)  # type: ignore[arg-type]
        wire.dhcp(start + 1, 3)
        wire.dhcp(start + 1.1, 5)
        wire.get(start + 10, "undionly.kpxe", IPXE_FOR_BIOS, server="192.168.122.9")
        wire.xid += 1
    found = machine(read(wire.quiet(90).save(tmp_path / "x.pcap")))
    finding = next(finding for finding in found.findings if finding.code == "chain-ipxe-loop")
    (fix,) = (fix for fix in finding.fixes if fix.target == "dnsmasq")
    first, *_, last = fix.text.splitlines()
    assert "tag:!ipxe" in first
    assert last == "dhcp-boot=tag:ipxe,http://192.168.122.9/menu.ipxe,,192.168.122.9"


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_menu_that_names_a_silent_boot_server_is_mended_in_the_menu(*, elsewhere: bool, tmp_path: Path) -> None:
    asked = "192.168.122.77" if elsewhere else SERVER
    address = bytes(map(int, asked.split(".")))
    menu = bytes([6, 1, 3, 8, 7, 0, 15, 1, *address, 9, 6, 0, 15, 3, *b"WDS", 10, 2, 0, *b"F", 255])
    wire = Wire("bios-pxe").lease(option43=menu, option60="PXEClient")
    for time in (1, 2, 4, 7):
        wire.dhcp(time, 3, target=asked, port=4011)
    found = machine(read(wire.quiet(90).save(tmp_path / "x.pcap")))
    (finding,) = (finding for finding in found.findings if finding.severity == "error")
    assert finding.code == "proxydhcp-4011-unanswered"
    text = next(fix.text for fix in finding.fixes if fix.target == "dnsmasq")
    assert ('pxe-service=0,"network boot",pxelinux.0' in text) is elsewhere


@pytest.mark.parametrize(("questions", "status"), [(5, "in-progress"), (6, "stalled")])
def test_more_questions_than_a_program_has_tries_are_the_end(questions: int, status: str, tmp_path: Path) -> None:
    """However soon after them the capture was stopped."""
    wire = Wire("ipxe-bios").lease(file="pxelinux.0", next_server="192.168.122.11")
    for number in range(questions):
        wire.arp(14 + number, "192.168.122.11")
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert found.status == status
    assert [finding.code for finding in found.findings] == ["arp-next-server-unanswered"] * (status == "stalled")


def leases_own(*, identifier: str = CLIENT) -> Wire:
    """A server whose pool begins with its own address: the machine asks itself, and nobody hears."""
    wire = Wire().lease(file="grubx64.efi", server=identifier, next_server=identifier)
    for time in (1, 5, 9, 13, 17, 21):
        wire.rrq(time, "grubx64.efi", server=CLIENT, again=time > 1)
    return give_up(wire, 40)


def test_a_server_that_leases_its_own_address(tmp_path: Path) -> None:
    told = [one for one in found(leases_own(), tmp_path).findings if one.severity == "error"]
    assert [(one.code, one.confidence) for one in told] == [("dhcp-address-conflict", "certain")]
    assert "by the DHCP server, which leases its own address" in told[0].summary
    assert not any("dhcp-boot" in fix.text for fix in told[0].fixes)


def looks_for(target: str, *, option66: str | None = None, count: int = 12, answer: bool = False) -> Wire:
    wire = Wire("raspberry-pi").lease(next_server=None, option66=option66, option43=b"\6\1\3\xff")
    for number in range(count):
        wire.arp(1 + number, target)
        if answer:
            wire.arp(1.01 + number, target, answer=True)
    return wire.quiet(120)


def test_an_address_that_nothing_names(tmp_path: Path) -> None:
    """A Raspberry Pi that reads 192.168.122.21 wrongly (rpi-eeprom issue 72)."""
    told = found(looks_for("192.168.122.214", option66="192.168.122.21"), tmp_path)
    assert (told.status, told.boots[-1].stalled_at) == ("stalled", "arp")
    (finding,) = (one for one in told.findings if one.severity == "error")
    assert (finding.code, finding.confidence) == ("arp-next-server-unanswered", "likely")
    assert "192.168.122.214, which nothing here names: DHCP gives option 66 192.168.122.21" in finding.summary
    assert any("next-server 192.168.122.21;" in fix.text for fix in finding.fixes)


@pytest.mark.parametrize("wire", [looks_for("192.168.122.214", count=1), looks_for("192.168.122.214", answer=True)])
def test_one_question_or_an_answer_tells_no_lost_address(wire: Wire, tmp_path: Path) -> None:
    codes = {one.code for one in found(wire, tmp_path).findings}
    assert "arp-next-server-unanswered" not in codes


def test_an_ack_with_neither_an_address_nor_a_server(tmp_path: Path) -> None:
    wire = Wire("bios-pxe").lease(file="pxelinux.0")
    time, packet = wire.packets.pop()
    identifier = b"\x36\x04" + packed(SERVER)
    assert identifier in packet
    assert packed(CLIENT) in packet
    wire.packets.append((time, packet.replace(identifier, bytes(6)).replace(packed(CLIENT), bytes(4))))
    wire.get(1, "pxelinux.0", b"\xeb" * 6000)
    assert "dhcp-address-conflict" not in {one.code for one in found(wire.quiet(90), tmp_path).findings}
