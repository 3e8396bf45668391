"""Faults from packets to findings: file, sieve, engine and rules together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from . import (
    boots,
    boots_files,
    boots_https,
    boots_kinds,
    boots_link,
    boots_loss,
    boots_more,
    boots_nfs,
    boots_other,
    boots_responses,
    boots_roms,
    boots_seen,
    boots_server,
    boots_system,
    boots_text,
    boots_web,
    wire_faults,
)
from .packets import Wire, errors, machine, read
from .scene import CLIENT, MAC, SERVER
from .wire_faults import Case

FAULTS = {
    **wire_faults.FAULTS,
    **boots_web.FAULTS,
    **boots_https.FAULTS,
    **boots_files.FAULTS,
    **boots_server.FAULTS,
    **boots_loss.FAULTS,
    **boots_text.FAULTS,
    **boots_more.FAULTS,
    **boots_link.FAULTS,
    **boots_other.FAULTS,
    **boots_seen.FAULTS,
    **boots_kinds.FAULTS,
    **boots_nfs.FAULTS,
    **boots_system.FAULTS,
    **boots_responses.FAULTS,
    **boots_roms.FAULTS,
}
HEALTHY = {
    **boots.HEALTHY,
    **boots_web.HEALTHY,
    **boots_https.HEALTHY,
    **boots_files.HEALTHY,
    **boots_server.HEALTHY,
    **boots_loss.HEALTHY,
    **boots_text.HEALTHY,
    **boots_more.HEALTHY,
    **boots_other.HEALTHY,
    **boots_seen.HEALTHY,
    **boots_kinds.HEALTHY,
    **boots_system.HEALTHY,
    **boots_responses.HEALTHY,
}
WAITING = {
    **boots_text.WAITING,
    **boots_https.WAITING,
    **boots_other.WAITING,
    **boots_kinds.WAITING,
    **boots_nfs.WAITING,
    **boots_roms.WAITING,
}


@pytest.mark.parametrize("case", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_found_and_nothing_else_is_claimed(case: Case, tmp_path: Path) -> None:
    wire = case.build()
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert found.status == "stalled"
    assert case.must in errors(found)
    assert errors(found) <= {case.must, *case.may}
    assert {boot.stalled_at for boot in found.boots} & set(case.at)
    for finding in found.findings:
        assert finding.evidence
        assert all(1 <= item.frame <= len(wire.packets) for item in finding.evidence)
    main = next(finding for finding in found.findings if finding.severity == "error")
    assert main.code == case.must or main.code in case.may[:1]


@pytest.mark.parametrize("build", HEALTHY.values(), ids=HEALTHY)
def test_a_healthy_boot_has_no_error(build: Callable[[], Wire], tmp_path: Path) -> None:
    found = machine(read(build().save(tmp_path / "x.pcap")))
    assert found.status == "handed-off"
    assert not [finding for finding in found.findings if finding.severity != "note"]


@pytest.mark.parametrize("build", WAITING.values(), ids=WAITING)
def test_a_machine_that_waits_has_no_finding(build: Callable[[], Wire], tmp_path: Path) -> None:
    found = machine(read(build().save(tmp_path / "x.pcap")))
    assert found.status == "in-progress"
    assert found.findings == ()


@pytest.mark.parametrize("build", boots_link.OTHERS.values(), ids=boots_link.OTHERS)
def test_a_port_that_is_not_suspended_is_no_cause(build: Callable[[], Wire], tmp_path: Path) -> None:
    found = machine(read(build().save(tmp_path / "x.pcap")))
    assert found.status == "stalled"
    codes = {finding.code for finding in found.findings}
    assert not codes & {"link-lacp-suspended", "link-port-unauthorized"}


@pytest.mark.parametrize("build", boots_seen.OPEN.values(), ids=boots_seen.OPEN)
def test_a_port_that_was_open_is_no_cause(build: Callable[[], Wire], tmp_path: Path) -> None:
    assert codes(build(), tmp_path) == {"dhcp-no-offer"}


def test_a_container_behind_the_bridge_is_noted_where_its_address_stands_in_the_request(tmp_path: Path) -> None:
    assert codes(boots_seen.rewritten(), tmp_path) == {"tftp-reply-lost", "tftp-server-in-bridged-container"}
    assert codes(boots_seen.rewritten(boots_seen.CONTAINER), tmp_path) == {"tftp-reply-lost"}


def test_a_directory_is_mended_by_a_file_in_it(tmp_path: Path) -> None:
    finding = machine(read(boots_seen.directory().save(tmp_path / "x.pcap"))).findings[0]
    assert finding.code == "tftp-error"
    assert any("images/grubx64.efi" in fix.text for fix in finding.fixes)


def test_another_host_with_the_same_address_is_noted(tmp_path: Path) -> None:
    assert codes(boots_seen.two_speakers(), tmp_path) == {"dhcp-address-conflict"}
    assert codes(boots_seen.two_speakers(other=MAC), tmp_path) == set()
    router = boots_seen.two_speakers(speaks_for=("192.168.122.20", "192.168.122.254", CLIENT))  # proxy ARP
    assert codes(router, tmp_path) == set()


def test_uboot_that_does_not_tell_its_architecture_is_a_cause(tmp_path: Path) -> None:
    assert "arch-option-missing" in codes(boots_seen.uboot_without_architecture(), tmp_path)
    assert "arch-option-missing" not in codes(boots_seen.uboot_without_architecture("u-boot-armv8"), tmp_path)


def test_a_vlan_in_which_nobody_answers_is_noted_under_the_silence(tmp_path: Path) -> None:
    wire = boots_link.elsewhere()
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    note = next(finding for finding in found.findings if finding.code == "link-wrong-vlan-or-nic")
    assert (note.severity, note.explains) == ("note", "dhcp-no-offer")
    assert note.summary == "it asks in VLAN 10, but servers were seen to answer in VLAN 20 only"
    same = machine(read(boots_link.elsewhere(served=10).save(tmp_path / "y.pcap")))
    assert "link-wrong-vlan-or-nic" not in {finding.code for finding in same.findings}


def test_an_installation_that_starts_over_is_noted(tmp_path: Path) -> None:
    found = machine(read(boots_link.turns(3, 600).save(tmp_path / "x.pcap")))
    assert (found.status, len(found.boots)) == ("handed-off", 3)
    assert [(finding.code, finding.severity, finding.boot) for finding in found.findings] == [
        ("os-install-loop", "note", 2)
    ]
    for wire in (boots_link.turns(2, 600), boots_link.turns(3, 600, other_kernel=True), boots_link.turns(3, 100)):
        assert machine(read(wire.save(tmp_path / "y.pcap"))).findings == ()


@pytest.mark.parametrize(("in_fragments", "mtu"), [(True, 1300), (False, 1420)])
def test_the_fix_for_a_narrow_path_fits_the_fragments_that_were_seen(
    in_fragments: bool, mtu: int, tmp_path: Path
) -> None:
    found = machine(read(boots_loss.blocks_that_do_not_arrive(in_fragments=in_fragments).save(tmp_path / "x.pcap")))
    finding = next(finding for finding in found.findings if finding.code == "tftp-mtu-blackhole")
    assert {fix.target: fix.text for fix in finding.fixes}["dnsmasq"] == f"tftp-mtu={mtu}"


def test_silence_over_ipv4_alone_is_told_as_such(tmp_path: Path) -> None:
    wire = boots_more.stateless()
    wire.packets += Wire("efi-x64-http").discover(90, 94, 102, 118).packets
    found = machine(read(wire.quiet(300).save(tmp_path / "x.pcap")))
    summary = next(finding.summary for finding in found.findings if finding.code == "dhcp-no-offer")
    assert summary.endswith("only DHCPv6 is answered here")
    alone = machine(read(boots.no_answer().save(tmp_path / "y.pcap")))
    assert alone.findings[0].summary.endswith("nobody answers anyone here")


def only_dhcp(kind: str, file: str, *, option60: str | None = None, router: str | None = None) -> Wire:
    """The whole exchange, as a capture with the filter `port 67 or port 68` has it."""
    return Wire(kind).lease(file=file, next_server=boots_server.OUTSIDE, router=router, option60=option60)


@pytest.mark.parametrize(
    ("kind", "file", "option60"),
    [
        ("efi-x64-pxe", "grubx64.efi", None),
        ("ipxe-bios", f"http://{boots_server.OUTSIDE}/menu.ipxe", None),
        ("efi-x64-http", f"http://{boots_server.OUTSIDE}/x.efi", "HTTPClient"),
    ],
)
def test_dhcp_alone_shows_that_a_router_is_missing(kind: str, file: str, option60: str | None, tmp_path: Path) -> None:
    wire = only_dhcp(kind, file, option60=option60)
    other = Wire("bios-pxe")
    other.mac = "52:54:00:00:00:99"
    wire.packets += other.discover(90, 94).packets
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert (found.status, errors(found)) == ("stalled", {"dhcp-router-missing"})


def test_dhcp_alone_does_not_show_what_a_router_makes_possible(tmp_path: Path) -> None:
    wire = only_dhcp("efi-x64-pxe", "grubx64.efi", router=SERVER)
    other = Wire("bios-pxe")
    other.mac = "52:54:00:00:00:99"
    wire.packets += other.discover(90, 94).packets
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert (found.status, errors(found)) == ("in-progress", set())


def codes(wire: Wire, path: Path) -> set[str]:
    return {finding.code for finding in machine(read(wire.save(path / "x.pcap"))).findings}


def test_another_identity_is_a_cause_where_a_later_program_is_refused(tmp_path: Path) -> None:
    cause = "dhcp-identity-changes-between-stages"
    assert cause in codes(boots_more.refused_by_address(b"\xff\1\2\3\4\0\2\0\0"), tmp_path)
    assert cause not in codes(boots_more.refused_by_address(None), tmp_path)
    assert cause in codes(boots_more.loader_refused_by_address(b"\xff\1\2\3\4\0\2\0\0"), tmp_path)
    assert cause not in codes(boots_more.loader_refused_by_address(None), tmp_path)


def test_windows_that_the_server_does_not_keep_are_a_note(tmp_path: Path) -> None:
    assert "tftp-windowsize-trouble" in codes(boots_more.windowed(), tmp_path)
    assert codes(boots_more.windowed(honest=True), tmp_path) == set()


def test_a_storm_of_copies_is_a_note_and_a_mirror_is_none(tmp_path: Path) -> None:
    assert codes(boots_more.stormy(), tmp_path) == {"tftp-duplicate-data-storm"}
    assert codes(boots_more.stormy(copies=True), tmp_path) == set()


def test_a_slow_line_is_a_note_and_a_fast_one_is_none(tmp_path: Path) -> None:
    assert codes(boots_more.slow(), tmp_path) == {"tftp-slow-lockstep"}
    assert codes(boots_more.slow(trip=0.002), tmp_path) == set()


@pytest.mark.parametrize(("block", "better"), [(512, "Blocks of 1428 bytes"), (1408, "A window of 16 blocks")])
def test_a_slow_line_is_not_mended_by_blocks_of_nearly_the_same_size(block: int, better: str, tmp_path: Path) -> None:
    (finding,) = machine(read(boots_more.slow(trip=0.11, block=block, blocks=600).save(tmp_path / "x.pcap"))).findings
    assert finding.expected.startswith(better)


def test_a_reset_after_an_image_is_another_boot(tmp_path: Path) -> None:
    found = machine(read(boots_web.image(20)().save(tmp_path / "x.pcap")))
    assert [boot.status for boot in found.boots] == ["handed-off", "stalled"]
    assert errors(found) == {"dhcp-no-offer"}


@pytest.mark.parametrize(("turns", "status"), [(7, "in-progress"), (8, "stalled"), (60, "stalled")])
def test_scripts_in_a_circle_are_told_while_they_go_on(turns: int, status: str, tmp_path: Path) -> None:
    wire = boots_other.circle("a.ipxe", "b.ipxe", turns=2 * turns)()
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert found.status == status
    if status == "stalled":
        (finding,) = found.findings
        assert finding.summary == (
            f"iPXE's scripts lead to each other in a circle: a.ipxe › b.ipxe › a.ipxe, {2 * turns} times over"
        )
        assert [fix.target for fix in finding.fixes] == ["shell"]


@pytest.mark.parametrize("more", [0, 1, 2])
def test_a_circle_is_the_same_wherever_it_is_looked_at(more: int, tmp_path: Path) -> None:
    wire = boots_other.circle("a.ipxe", "b.ipxe", "c.ipxe", turns=20)()
    for number in range(more):
        name = ("a.ipxe", "b.ipxe")[number]
        wire.fetch(7 + number / 10, f"/{name}", body=b"#!ipxe\nchain x\n", agent=boots_text.IPXE_AGENT)
    (finding,) = machine(read(wire.save(tmp_path / "x.pcap"))).findings
    assert finding.subject == f"http://{SERVER}/a.ipxe"
    assert "a.ipxe › b.ipxe › c.ipxe › a.ipxe" in finding.summary


def test_a_script_that_begins_anew_is_told_once(tmp_path: Path) -> None:
    found = machine(read(boots_other.rounds(6).save(tmp_path / "x.pcap")))
    assert [finding.summary for finding in found.findings] == [
        "iPXE's script begins anew with DHCP: auto.ipxe › DHCP › auto.ipxe, 6 times over"
    ]


def test_the_grub_that_shim_took_for_its_own_is_a_note_under_the_refusal(tmp_path: Path) -> None:
    found = machine(read(boots_other.another_grub().save(tmp_path / "x.pcap")))
    notes = [finding for finding in found.findings if finding.code == "chain-shim-wrong-path"]
    assert [(note.severity, note.explains) for note in notes] == [("note", "nbp-secure-boot-refused")]
    signed = machine(read(boots_other.another_grub(signed=True).save(tmp_path / "y.pcap")))
    assert "chain-shim-wrong-path" not in {finding.code for finding in signed.findings}


def test_u_boot_that_is_back_at_once_did_not_start_its_kernel(tmp_path: Path) -> None:
    at_once = machine(read(boots_other.u_boot(boots.KERNEL, back=0.1).save(tmp_path / "x.pcap")))
    assert [boot.status for boot in at_once.boots] == ["stalled"]
    reset = machine(read(boots_other.u_boot(boots.KERNEL, back=20).save(tmp_path / "y.pcap")))
    assert [boot.status for boot in reset.boots] == ["handed-off", "stalled"]


@pytest.mark.parametrize("build", [lambda: boots_other.answered_without("tsize"), boots_other.answered_with_data])
def test_a_server_that_does_not_tell_the_size_is_told_so(build: Callable[[], Wire], tmp_path: Path) -> None:
    found = machine(read(build().save(tmp_path / "x.pcap")))
    (finding,) = [finding for finding in found.findings if finding.code == "tftp-option-negotiation-refused"]
    assert "does not tell the size" in finding.summary
    assert "tftp-no-blocksize" not in {fix.text for fix in finding.fixes}


def test_who_closed_a_connection_before_its_end_is_told(tmp_path: Path) -> None:
    found = machine(read(boots_other.image_by_pieces("200 OK").save(tmp_path / "x.pcap")))
    assert found.boots[0].stages[0].fetches[-1].error == "connection closed by the client"


def test_an_image_by_pieces_that_the_server_gives_is_no_fault(tmp_path: Path) -> None:
    wire = boots_other.image_by_pieces("206 Partial Content", "\r\nContent-Range: bytes 32768-34815/36774")
    assert machine(read(wire.save(tmp_path / "x.pcap"))).findings == ()


@pytest.mark.parametrize(("path", "words"), [("/boot/", "ls /var/www/html/boot/"), ("/boot", "chmod o+r /var/www")])
def test_a_directory_is_not_made_readable(path: str, words: str, tmp_path: Path) -> None:
    wire = boots_text.scripted(b"#!ipxe\nchain http://192.168.122.1/boot\n")()
    wire.fetch(3, path, "403 Forbidden", b"no", agent=boots_text.IPXE_AGENT)
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    (finding,) = [finding for finding in found.findings if finding.code == "http-403"]
    assert words in finding.fixes[0].text


@pytest.mark.parametrize(
    "url", ["http://[x/linux", "//[", "http://[fd00::1/${x}", "${[}/linux", "http://h:99999999/linux"]
)
def test_a_script_may_name_any_host(url: str, tmp_path: Path) -> None:
    script = f"#!ipxe\nkernel {url}\ninitrd {url}\nboot\n".encode()
    wire = boots_text.scripted(script, ("/linux", boots.KERNEL))()
    assert machine(read(wire.save(tmp_path / "x.pcap"))).boots


@pytest.mark.parametrize(("answered", "words"), [(False, "ADVERTISE, for 2 s"), (True, "REQUEST, for 2 s")])
def test_what_a_machine_waits_for_over_ipv6(answered: bool, words: str, tmp_path: Path) -> None:
    wire = Wire().dhcp6(0, 1, *boots_more.ASKS6)
    if answered:
        wire.dhcp6(0.1, 2, (3, boots_more.ADDRESS6), (59, b"tftp://[fd00::1]/x.efi"))
    (boot,) = machine(read(wire.quiet(2.4).save(tmp_path / "x.pcap"))).boots
    assert (boot.status, boot.waiting_for) == ("in-progress", words)


@pytest.mark.parametrize(
    ("software", "targets"),
    [
        (None, {"shell", "nginx", "apache"}),
        ("nginx/1.22.1", {"shell", "nginx"}),
        ("Apache/2.4.66 (Debian)", {"shell", "apache"}),
        ("SimpleHTTP/0.6 Python/3.11.2", {"shell"}),
    ],
)
def test_a_web_server_is_mended_in_its_own_words(software: str | None, targets: set[str], tmp_path: Path) -> None:
    wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/menu.ipxe")
    wire.fetch(1, "/menu.ipxe", "404 Not Found", b"no", f"\nServer: {software}" if software else "", agent="iPXE/1.21")
    (finding,) = machine(read(wire.quiet(60).save(tmp_path / "x.pcap"))).findings
    assert {fix.target for fix in finding.fixes} == targets


@pytest.mark.parametrize("script", [boots_other.SLEEPS, boots_other.PROMPTS])
def test_a_script_that_sleeps_too_long_is_stalled(script: bytes, tmp_path: Path) -> None:
    found = machine(read(boots_other.pausing(script, 140).save(tmp_path / "x.pcap")))
    assert (found.status, found.boots[0].stalled_at) == ("stalled", "chain")
    short = script.replace(b"60", b"1").replace(b"30", b"2").replace(b"90000", b"900")
    assert machine(read(boots_other.pausing(short, 60).save(tmp_path / "y.pcap"))).status == "stalled"


@pytest.mark.parametrize(
    ("code", "targets"), [(13, {"firewalld", "nft"}), (10, {"firewalld", "nft"}), (1, {"dnsmasq"})]
)
def test_a_firewall_that_rejects_tftp_is_told_from_a_silent_server(
    code: int, targets: set[str], tmp_path: Path
) -> None:
    wire = Wire("ipxe-bios").lease(file="pxelinux.0")
    for time in (1, 2, 4, 8):
        wire.icmp(time + 0.01, wire.rrq(time, "pxelinux.0", again=time > 1), code=code)
    (finding,) = machine(read(wire.quiet(90).save(tmp_path / "x.pcap"))).findings
    assert finding.code == "tftp-no-reply"
    assert ("forbids" in finding.summary) == ("dnsmasq" not in targets)
    shown = {fix.target for fix in finding.fixes}
    assert shown == targets if "dnsmasq" not in targets else shown > targets


@pytest.mark.parametrize("code", [0, 1])
def test_a_router_that_knows_no_way_to_the_server_is_mended_there(code: int, tmp_path: Path) -> None:
    wire = Wire("ipxe-bios").lease(file="pxelinux.0", next_server="192.0.2.9")
    for time in (1, 2, 4, 8):
        wire.icmp(time + 0.01, wire.rrq(time, "pxelinux.0", again=time > 1, server="192.0.2.9"), code=code)
    (finding,) = machine(read(wire.quiet(90).save(tmp_path / "x.pcap"))).findings
    assert finding.code == "tftp-no-reply"
    assert [fix.target for fix in finding.fixes] == ["iproute2"]
    assert f"# on {SERVER}" in finding.fixes[0].text


def test_a_disk_from_which_nothing_starts_is_left_at_once(tmp_path: Path) -> None:
    found = machine(read(boots_other.network_disk(left=True).save(tmp_path / "x.pcap")))
    assert (found.status, found.boots[0].stalled_at) == ("stalled", "nbp")


def test_a_menu_of_option_43_has_counted_down_at_some_time(tmp_path: Path) -> None:
    found = machine(read(boots_other.menu(60, 100).save(tmp_path / "x.pcap")))
    assert (found.status, found.boots[0].stalled_at) == ("stalled", "tftp")


@pytest.mark.parametrize("knows_backslashes", [True, False])
def test_a_backslash_is_no_cause_where_the_server_reads_it(knows_backslashes: bool, tmp_path: Path) -> None:
    wire = boots_kinds.windows_without(knows_backslashes=knows_backslashes)
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    finding = next(finding for finding in found.findings if finding.code == "tftp-file-not-found")
    assert ("backslash" in finding.summary) == (not knows_backslashes)
    assert any("/srv/tftp/boot/boot.sdi" in fix.text for fix in finding.fixes) == knows_backslashes


def test_of_a_switches_list_of_names_one_is_told(tmp_path: Path) -> None:
    found = machine(read(boots_kinds.switch(found=False).save(tmp_path / "x.pcap")))
    assert [finding.code for finding in found.findings] == ["http-404"]


@pytest.mark.parametrize(
    ("asked", "went_on", "found"),
    [([1.0], 6.0, True), ([1.0], 1.3, False), ([1.0, 1.9], 2.2, True)],
    ids=["after a wait", "at once", "for the same file"],
)
def test_a_machine_that_goes_on_at_once_had_its_answer(
    asked: list[float], went_on: float, found: bool, tmp_path: Path
) -> None:
    wire = Wire("efi-x64-pxe").lease(file="bootx64.efi")
    for time in asked:
        wire.rrq(time, "bootx64.efi")
    wire.as_kind("efi-x64-http").discover(went_on, went_on + 4, went_on + 12, went_on + 28)
    codes = {finding.code for finding in machine(read(wire.save(tmp_path / "x.pcap"))).findings}
    assert ("tftp-no-reply" in codes) is found


def test_a_boot_cfg_whose_modules_nobody_asks_for(tmp_path: Path) -> None:
    wire = Wire().lease(file="esxi/mboot.efi").get(1, "esxi/mboot.efi", boots.SIGNED)
    wire.get(3, "esxi/boot.cfg", boots_kinds.BOOT_CFG).quiet(120)
    assert machine(read(wire.save(tmp_path / "x.pcap"))).status == "stalled"


def test_certificates_that_do_not_arrive_are_no_unknown_authority(tmp_path: Path) -> None:
    def told(*, taken: bool) -> tuple[str, set[str]]:
        wire = boots_responses.hello_in_vain(taken=taken)
        finding = next(f for f in machine(read(wire.save(tmp_path / "x.pcap"))).findings if f.severity == "error")
        return finding.summary, {fix.target for fix in finding.fixes}

    summary, targets = told(taken=False)
    assert "acknowledges nothing of the server's answer" in summary
    assert targets == {"nft", "iptables", "shell"}
    summary, targets = told(taken=True)
    assert "acknowledges nothing" not in summary
    assert "ipxe" in targets


def test_the_lease_before_a_boot_server_discovery_is_no_answer_to_it(tmp_path: Path) -> None:
    wire = boots_seen.discovery(target="224.0.1.2", port=4011)  # under the transaction id of the lease
    found = next(iter(machine(read(wire.save(tmp_path / "x.pcap"))).findings))
    assert found.code == "pxe-boot-server-discovery-unanswered"
    assert "only the lease" not in {item.role for item in found.evidence}
    wire = boots_seen.discovery()
    found = next(iter(machine(read(wire.save(tmp_path / "x.pcap"))).findings))
    assert "only the lease" in {item.role for item in found.evidence}


@pytest.mark.parametrize(("fetches", "status"), [(True, "offered"), (False, "ignored-offer")])
def test_what_fetches_has_taken_an_offer_though_it_sent_no_request(fetches: bool, status: str, tmp_path: Path) -> None:
    wire = Wire("raspberry-pi")
    for time in (0, 2):  # the ROM asks again although it heard the first one
        wire.dhcp(time, 1)
        wire.dhcp(time + 0.1, 2, option66=SERVER, option60="PXEClient")
    if fetches:
        wire.get(3, "bootcode.bin", b"\0" * 5000)
    (stage,) = machine(read(wire.quiet(60).save(tmp_path / "x.pcap"))).boots[0].stages
    assert stage.dhcp is not None
    assert stage.dhcp.status == status


def _looks_up(kind: str) -> Wire:
    echo = "HTTPClient" if kind.endswith("-http") else None
    wire = Wire(kind).lease(file="http://boot.lan/x.efi", option60=echo, dns=SERVER)
    wire.arp(1, SERVER)
    wire.arp(1.001, SERVER, answer=True)
    return wire


def test_half_of_a_question_about_a_name_is_no_failure_yet(tmp_path: Path) -> None:
    asks = _looks_up("ipxe-efi-x64").query(2, "boot.lan", rcode=0, six=True)
    assert machine(read(asks.save(tmp_path / "x.pcap"))).status == "in-progress"
    whole = machine(read(asks.query(2.1, "boot.lan", rcode=0).save(tmp_path / "x.pcap")))
    assert (whole.boots[-1].stalled_at, errors(whole)) == ("dns", {"dns-lookup-failed"})
    waited = _looks_up("ipxe-efi-x64").query(2, "boot.lan", rcode=3, six=True).quiet(60)
    assert errors(machine(read(waited.save(tmp_path / "x.pcap")))) == {"dns-lookup-failed"}


def test_an_address_of_ipv6_does_not_help_http_boot_over_ipv4(tmp_path: Path) -> None:
    asks = _looks_up("efi-x64-http").query(2, "boot.lan", rcode=0, address="fd00::1", six=True).quiet(60)
    found = machine(read(asks.save(tmp_path / "x.pcap")))
    assert (found.boots[-1].stalled_at, errors(found)) == ("dns", {"dns-lookup-failed"})
