"""Every rule: its fault, what looks like it, and healthy boots; generated over the registry."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import get_args
from xml.etree import ElementTree as ET

import pytest

from bootsniff.model import Confidence, Finding, Severity, StallPoint
from bootsniff.rules import registry
from bootsniff.rules.case import Case
from bootsniff.rules.judge import MAX_FINDINGS, Judge
from bootsniff.rules.rule import HEADINGS, Cause, Rule
from bootsniff.rules.tftp.server_in_container import TftpServerInContainer
from bootsniff.track.records import Expectation
from bootsniff.wire.transfers import BootContent, TftpError

from . import scenes_dhcp, scenes_link, scenes_more, scenes_program, scenes_transfer, scenes_unheard
from .scene import MAC, SERVER, Scene

Build = Callable[[], Scene]
FAULTS: dict[str, Build] = {
    **scenes_dhcp.FAULTS,
    **scenes_transfer.FAULTS,
    **scenes_program.FAULTS,
    **scenes_more.FAULTS,
    **scenes_link.FAULTS,
    **scenes_unheard.FAULTS,
}
LOOKALIKES: list[tuple[str, str, Build]] = [
    *scenes_dhcp.LOOKALIKES,
    *scenes_transfer.LOOKALIKES,
    *scenes_program.LOOKALIKES,
    *scenes_more.LOOKALIKES,
    *scenes_link.LOOKALIKES,
    *scenes_unheard.LOOKALIKES,
]
HEALTHY = [scenes_program.normal_chain, scenes_program.healthy_shim, scenes_program.newer_ipxe, scenes_dhcp.healthy_relay,
           scenes_dhcp.nak_then_lease, scenes_dhcp.answered_late, scenes_program.quiet_os]  # fmt: skip


def found(code: str, scene: Scene) -> Finding:
    finding = scene.finding(code)
    assert finding is not None, f"only {sorted(scene.codes())}"
    return finding


def test_every_rule_has_a_scene_of_its_fault() -> None:
    assert set(FAULTS) == set(registry.BY_CODE)


def test_every_rule_has_a_look_alike() -> None:
    assert {code for code, _, _ in LOOKALIKES} == set(registry.BY_CODE)


def test_codes_are_unique() -> None:
    assert len(registry.RULES) == len(registry.BY_CODE)


@pytest.mark.parametrize("code", sorted(FAULTS))
def test_the_fault_is_found(code: str) -> None:
    rule = registry.BY_CODE[code]
    finding = found(code, FAULTS[code]())
    assert finding.severity == rule.severity or code == "link-dhcp-blocked-by-host-firewall"
    assert finding.confidence in get_args(Confidence)
    assert finding.evidence, "every finding cites frames"
    assert all(item.role and item.frame > 0 and item.time for item in finding.evidence)
    assert finding.summary
    assert "{" not in finding.summary
    assert "None" not in finding.summary
    assert finding.expected or isinstance(rule, Cause)
    assert finding.proof or finding.confidence == "certain", "what is not certain says what would prove it"
    assert finding.explains is None or finding.explains in registry.BY_CODE
    assert all(fix.target and fix.text for fix in finding.fixes)
    assert "None" not in " ".join(fix.text for fix in finding.fixes)


@pytest.mark.parametrize(("code", "what", "build"), LOOKALIKES, ids=[f"{code}: {what}" for code, what, _ in LOOKALIKES])
def test_it_is_silent_on_what_looks_like_it(code: str, what: str, build: Build) -> None:
    assert code in FAULTS
    assert code not in build().codes()


@pytest.mark.parametrize("build", HEALTHY, ids=lambda build: build.__name__)
def test_a_healthy_boot_has_no_error_and_no_warning(build: Build) -> None:
    assert not build().codes("error", "warning")


@pytest.mark.parametrize("code", sorted(FAULTS))
def test_a_boot_that_went_on_all_the_same_has_notes_only(code: str) -> None:
    scene = FAULTS[code]()
    for boot in scene.machine.boots:
        boot.status = "handed-off"
    assert not scene.codes("error", "warning")


@pytest.mark.parametrize("code", sorted(FAULTS))
def test_an_ordinary_client_has_no_findings(code: str) -> None:
    scene = FAULTS[code]()
    scene.machine.boot_client = False
    assert scene.findings() == ()


@pytest.mark.parametrize("rule", registry.RULES, ids=lambda rule: rule.code)
def test_declarations(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.code)
    assert rule.stage in get_args(StallPoint)
    assert rule.severity in get_args(Severity)
    assert rule.needs in {"any", "dhcp4", "dhcp6", "fetches", "lookups", "connections", "arps"}
    assert set(rule.explains_away) <= set(registry.BY_CODE)
    assert rule.code not in rule.explains_away
    if isinstance(rule, Cause):
        assert rule.severity == "note"
        assert rule.symptoms
        assert set(rule.symptoms) <= set(registry.BY_CODE)


@pytest.mark.parametrize("rule", registry.RULES, ids=lambda rule: rule.code)
def test_documentation(rule: Rule) -> None:
    text = inspect.cleandoc(type(rule).__doc__ or "")
    lines = text.splitlines()
    assert lines[0].endswith(".")
    assert tuple(line for line in lines if line in HEADINGS) == HEADINGS
    for heading, following in zip(HEADINGS, [*HEADINGS[1:], None], strict=True):
        part = (
            text.split(f"\n{heading}\n")[1].split(f"\n{following}\n")[0]
            if following
            else text.split(f"\n{heading}\n")[1]
        )
        assert part.strip(), f"nothing under {heading}"
    confused = " ".join(text.split("\nNot to be confused with\n")[1].split("\nCauses\n")[0].split())
    mentioned = set(re.findall(r"\(([a-z0-9]+(?:-[a-z0-9]+)+)[),;]", confused))
    assert mentioned <= set(registry.BY_CODE)


def test_every_module_of_the_rooms_is_registered() -> None:
    loaded = {type(rule).__module__ for rule in registry.RULES}
    assert len(loaded) == len(registry.RULES), "one fault per file"


def test_an_ipxe_that_lists_no_https_is_certain() -> None:
    finding = found("tls-unsupported", scenes_transfer.ipxe_with(b"\x13\x01\x01"))
    assert finding.confidence == "certain"
    assert "iPXE lists its features: no https" in [item.role for item in finding.evidence]


def test_a_second_dhcp_server_is_no_error_when_the_right_offer_was_taken() -> None:
    scene = scenes_dhcp.good_one_chosen()
    assert scene.codes("error") == {"tftp-file-not-found"}
    assert scene.codes("warning") == {"dhcp-competing-servers"}


def test_findings_about_the_option_that_got_furthest_come_first() -> None:
    scene = scenes_transfer.tftp(status="failed", error=1)
    scene.stage("efi-x64-http")
    for second in (60, 64, 72, 88):
        scene.discover(second).offer(second + 0.1, file=scenes_transfer.URL)
    scene.machine.boots[-1].stalled_stage = 0
    codes = [finding.code for finding in scene.findings() if finding.severity == "error"]
    assert codes == ["tftp-file-not-found", "dhcp-http-vendor-class-not-echoed"]


def test_a_failed_option_is_a_note_once_a_later_one_got_farther() -> None:
    scene = scenes_dhcp.ignored("efi-x64-pxe")
    scene.stage("efi-x64-http")
    scene.lease(60, file=scenes_transfer.URL, option60="HTTPClient")
    scene.http(61, scenes_transfer.URL, "failed", code=404)
    assert scene.codes("error") == {"http-404"}
    assert "dhcp-offer-without-boot-file" in scene.codes("note")


@pytest.mark.parametrize(
    ("file", "code"),
    [("", "dhcp-offer-without-boot-file"), ("grubx64.efi", "dhcp-http-offer-without-usable-uri")],
)
def test_an_option_nobody_meant_to_serve_is_a_warning_beside_one_that_got_farther(file: str, code: str) -> None:
    scene = scenes_transfer.tftp(status="failed", error=1)
    scene.stage("efi-x64-http")
    for second in (60, 64, 72, 88):
        scene.discover(second).offer(second + 0.1, file=file)
    assert scene.codes("error") == {"tftp-file-not-found"}
    assert scene.codes("warning") == {code}


def test_the_recognised_servers_dialect_comes_first() -> None:
    for dialect in ("kea", "isc-dhcpd", "dnsmasq", "libvirt", "qemu"):
        scene = scenes_dhcp.ignored("efi-x64-http", file=scenes_transfer.URL)
        scene.serves(SERVER).dialect = dialect
        assert found("dhcp-http-vendor-class-not-echoed", scene).fixes[0].target == dialect


def test_windows_tells_kinds_of_clients_apart_by_policies() -> None:
    scene = scenes_dhcp.ignored("efi-x64-pxe")
    assert "windows" not in {fix.target for fix in found("dhcp-offer-without-boot-file", scene).fixes}
    scene.serves(SERVER).dialect = "windows"
    lines = found("dhcp-offer-without-boot-file", scene).fixes[0].text.splitlines()
    name, scope = "'PXEClient:Arch:00007'", "-ScopeId 192.168.122.0"
    assert lines[:2] == [
        f"Add-DhcpServerv4Class -Name {name} -Type Vendor -Data {name}",
        f"Add-DhcpServerv4Policy -Name {name} {scope} -Condition Or -VendorClass EQ,'PXEClient:Arch:00007*'",
    ]
    assert lines[-1] == f"Set-DhcpServerv4OptionValue {scope} -PolicyName {name} -OptionId 67 -Value 'grubx64.efi'"


def test_fixes_carry_the_values_of_the_capture() -> None:
    scene = scenes_dhcp.ignored("efi-x64-http", file="http://10.1.2.3/x.efi")
    texts = {fix.target: fix.text for fix in found("dhcp-http-vendor-class-not-echoed", scene).fixes}
    assert "dhcp-option-force=tag:efi-x64-http,60,HTTPClient" in texts["dnsmasq"]
    assert "option:client-arch,16" in texts["dnsmasq"]
    assert "<dnsmasq:option value='dhcp-boot=tag:efi-x64-http,http://10.1.2.3/x.efi'/>" in texts["libvirt"]
    assert "option arch = 00:10" in texts["isc-dhcpd"]
    assert "option[93].hex == 0x0010" in texts["kea"]


def test_what_is_more_than_the_bound_is_counted() -> None:
    scene = scenes_transfer.leased()
    for number in range(200):
        scene.tftp(number, f"file{number}", "failed", error=1, role="other")
    judge = Judge(scene.world)
    assert len(judge.findings(scene.machine)) == MAX_FINDINGS
    assert judge.dropped > 0


@pytest.mark.parametrize("code", sorted(FAULTS))
def test_libvirt_takes_what_it_is_given(code: str) -> None:
    for finding in FAULTS[code]().findings():
        for fix in finding.fixes:
            if fix.target == "libvirt":
                tree = ET.fromstring(f"<all>{fix.text}</all>")  # noqa: S314 - our own
                values = [element.get("value", "") for element in tree.iter() if element.tag.endswith("}option")]
                assert not any(value.startswith("#") or "\n" in value for value in values)


@pytest.mark.parametrize("code", sorted(FAULTS))
def test_fixes_can_be_pasted(code: str) -> None:
    """A line with a blank to be filled in says so in capitals or with an ellipsis behind a command, never in braces."""
    for fix in found(code, FAULTS[code]()).fixes:
        assert "{ … }" not in fix.text


@pytest.mark.parametrize(
    ("head", "words", "edit"),
    [
        (b"kernel x\nboot\n", "a text without the #!ipxe line: it begins with “kernel x”", "'1i #!ipxe'"),
        (b"\xef\xbb\xbf#!ipxe\nboot\n", "not at its very beginning", "xef"),
        (b"\n#!ipxe\nboot\n", "not at its very beginning: it begins with an empty line", "'1,/#!ipxe/"),
        (b'{"error": "no"}', 'it begins with “{"error": "no"}”', None),
    ],
)
def test_a_text_tells_what_it_is_and_how_it_becomes_a_script(head: bytes, words: str, edit: str | None) -> None:
    scene = scenes_program.texts()
    scene.here.fetches[-1].flow.body.head = head
    finding = found("chain-text-instead-of-program", scene)
    assert words in finding.summary
    first = finding.fixes[0].text
    assert first.startswith("curl ") if edit is None else first.startswith("sed -i ") and edit in first


def test_a_raspberry_pi_waits_for_its_words() -> None:
    finding = found("option43-foreign-content", scenes_more.raspberry())
    assert "Raspberry Pi Boot" in finding.summary
    assert any('pxe-service=0,"Raspberry Pi Boot   "' in fix.text for fix in finding.fixes)


@pytest.mark.parametrize("url", ["tftp://boot.lan/x.efi", "http://[fd00::1]/x.efi", "tftp://fd00::1/x.efi"])
def test_pxe_over_ipv6_wants_an_address_in_brackets(url: str) -> None:
    finding = found("v6-no-bootfile-url", scenes_more.bound6(url=url))
    assert url in finding.summary


def test_a_server_on_another_network_needs_a_router() -> None:
    finding = found("v6-ra-missing-or-bootparam", scenes_more.bound6(address="fd00:0:0:9::5"))
    assert finding.confidence == "likely"
    assert "fd00::1 is on another network" in finding.summary


def test_a_raspberry_pi_does_not_find_the_router_over_ipv6() -> None:
    pi = scenes_more.bound6(address="fd00:0:0:9::5", router=True, client="raspberry-pi")
    finding = found("v6-ra-missing-or-bootparam", pi)
    assert (finding.confidence, finding.summary.endswith("no way through the router")) == ("possible", True)
    assert "tftp://[fd00:0:0:9::1]/" in finding.fixes[0].text


def test_windows_that_are_lost_are_trouble_too() -> None:
    scene = scenes_more.windows(blocks=4000, seconds=20, repeated=1500, wait=0.5)
    assert "1500 of 4000 blocks" in found("tftp-windowsize-trouble", scene).summary


def test_a_long_name_and_silence_is_possible_at_most() -> None:
    scene = scenes_more.silent_about("x/" * 80)
    assert found("dhcp-bootfile-too-long", scene).confidence == "possible"


def test_an_offer_to_the_address_itself_is_likely_wrong_only_where_a_broadcast_was_asked_for() -> None:
    assert found("dhcp-reply-unicast-not-delivered", scenes_more.unicast()).confidence == "likely"
    assert found("dhcp-reply-unicast-not-delivered", scenes_more.unicast(broadcast=False)).confidence == "possible"


@pytest.mark.parametrize(
    ("shim", "asked", "command"),
    [
        ("boot/snponly-shimx64.efi", "ipxe.efi", "cp '/srv/tftp/boot/snponly.efi' /srv/tftp/ipxe.efi"),
        ("ipxe-shimx64.efi", "ipxe.efi", "ls -l /srv/tftp/ipxe.efi"),
        ("shimx64.efi", "ipxe.efi", "cp /srv/tftp/snponly.efi /srv/tftp/ipxe.efi"),
    ],
)
def test_the_shim_gets_what_it_asks_for(shim: str, asked: str, command: str) -> None:
    (fix,) = found("chain-shim-loader-name", scenes_more.renamed_shim(asked, shim=shim)).fixes
    assert fix.text.replace("'", "") == command.replace("'", "")


def test_the_path_that_the_server_told_is_the_one_to_look_at() -> None:
    scene = scenes_transfer.leased()
    flow = scene.tftp(1, "efi/nope.efi", "failed", error=1)
    flow.error = TftpError(1, "file /srv/boot/efi/nope.efi not found for 192.168.122.227")
    texts = [fix.text for fix in found("tftp-file-not-found", scene).fixes]
    assert any("/srv/boot/efi/nope.efi" in text for text in texts)
    flow.error = TftpError(1, "file /etc/passwd not found for 192.168.122.227")
    texts = [fix.text for fix in found("tftp-file-not-found", scene).fixes]
    assert any("/srv/tftp/efi/nope.efi" in text for text in texts)
    assert not any("passwd" in text for text in texts)


@pytest.mark.parametrize(("offered", "url"), [("efi-x64/boot.efi", "/boot.efi"), ("pxelinux.0", "/grubx64.efi")])
def test_an_offered_path_becomes_a_url_of_something_that_can_start(offered: str, url: str) -> None:
    scene = Scene("efi-x64-http").discover(0, 4, 12).offer(0.1, file=offered, option60="HTTPClient")
    (fix,) = [fix for fix in found("dhcp-http-offer-without-usable-uri", scene).fixes if fix.target == "dnsmasq"]
    assert f"http://{SERVER}{url}\n" in fix.text


def test_a_router_that_does_not_exist_is_not_mended_by_another_boot_server() -> None:
    finding = found("arp-next-server-unanswered", scenes_more.ghost())
    assert finding.summary == "nobody answers ARP for the router 192.168.122.99"
    assert [fix.text for fix in finding.fixes if fix.target == "dnsmasq"] == [f"dhcp-option=3,{SERVER}"]
    assert not any("dhcp-boot" in fix.text for fix in finding.fixes)


@pytest.mark.parametrize(
    ("client", "elf", "summary"),
    [
        (
            "bios-pxe",
            "x86-64",
            "PXELINUX has no use for its module ldlinux.c32: it is one for UEFI (ELF program, x86-64)",
        ),
        ("efi-x64-pxe", "x86", "PXELINUX has no use for its module ldlinux.c32: it is the BIOS one (ELF program, x86)"),
        ("efi-x64-pxe", "x86-64", ""),
        ("bios-pxe", "x86", ""),
    ],
)
def test_a_module_of_the_other_firmware_is_of_no_use(client: str, elf: str, summary: str) -> None:
    scene = Scene(client, at="tftp").lease(file="core")
    scene.stage("pxelinux", dhcp=False)
    content = BootContent("elf", f"ELF program, {elf}")
    flow = scene.tftp(
        1, "ldlinux.c32", "probe", role="module", oack=True, data=16896, error=0, by_client=True, content=content
    )
    scene.tftp(2, "boot/isolinux/ldlinux.c32", "failed", role="module", error=1)
    if summary:
        finding = found("chain-pxelinux-module-missing", scene)
        assert finding.summary == summary
        assert [item.frame for item in finding.evidence] == [
            flow.requests[0].frame,
            flow.error_at and flow.error_at.frame,
        ]
    else:
        finding = found("chain-pxelinux-module-missing", scene)
        assert finding.summary.endswith("boot/isolinux/ldlinux.c32")


def test_configurations_are_looked_for_where_the_server_did() -> None:
    scene = Scene(at="chain").lease(file="pxelinux.0")
    scene.stage("pxelinux", dhcp=False)
    for second, name in enumerate(("01-52-54-00-89-32-47", "default")):
        text = f"file /pub/boot/pxelinux.cfg/{name} not found for 192.168.122.227"
        scene.tftp(second, f"pxelinux.cfg/{name}", "failed", role="config-search", error=1, text=text)
    assert [fix.text for fix in found("chain-no-config-found", scene).fixes] == [
        "ls -l /pub/boot/pxelinux.cfg/   # is 01-52-54-00-89-32-47 or default there, and readable?"
    ]


def test_a_server_that_serves_others_is_there_and_has_a_reason() -> None:
    fixes = found("dhcp-no-offer", FAULTS["dhcp-pool-exhausted"]()).fixes
    assert "journalctl" in fixes[0].text
    assert MAC in fixes[0].text
    assert not any("sport = :67" in fix.text or "dport 67" in fix.text for fix in fixes)


@pytest.mark.parametrize(("server", "zone"), [(SERVER, "--zone=libvirt "), ("192.168.122.9", "")])
def test_libvirts_zone_is_that_of_its_host_alone(server: str, zone: str) -> None:
    scene = Scene("ipxe-bios", at="tftp").lease(file="pxelinux.0", next_server=server)
    scene.tftp(1, "pxelinux.0", "stalled", server=server, requests=6)
    (fix,) = (fix for fix in found("tftp-no-reply", scene).fixes if fix.target == "firewalld")
    assert fix.text == f"firewall-cmd {zone}--add-service=tftp   # on {server}"


@pytest.mark.parametrize(("client", "told"), [("bios-pxe", False), ("ipxe-bios", True), ("pxelinux", False)])
def test_http_is_no_way_out_for_what_does_not_speak_it(client: str, told: bool) -> None:
    scene = FAULTS["tftp-timeout-mid-transfer"]()
    scene.here.client = client
    assert any(fix.target == "http" for fix in found("tftp-timeout-mid-transfer", scene).fixes) is told


def test_a_name_server_that_does_not_exist_is_replaced_by_one_that_does() -> None:
    scene = Scene("ipxe-bios", at="arp").lease(file="http://boot.lan/menu.ipxe", dns="192.168.122.53")
    finding = found("arp-next-server-unanswered", scene.arp("192.168.122.53", 1, 2, 3, 4))
    assert finding.summary == "nobody answers ARP for the name server 192.168.122.53"
    assert [fix.text for fix in finding.fixes if fix.target == "dnsmasq"] == [f"dhcp-option=6,{SERVER}"]
    assert not any("dhcp-boot" in fix.text for fix in finding.fixes)


@pytest.mark.parametrize(
    ("mask", "target", "told"),
    [
        ("255.255.0.0", "192.168.2.14", True),
        ("255.255.0.0", "192.168.122.14", False),
        ("255.255.255.0", "192.168.122.14", False),
    ],
)
def test_a_mask_that_is_too_wide_may_keep_the_machine_from_its_router(mask: str, target: str, told: bool) -> None:
    scene = Scene("ipxe-bios", at="arp").lease(file="pxelinux.0", next_server=target, mask=mask)
    finding = found("arp-next-server-unanswered", scene.arp(target, 1, 2, 3, 4))
    assert (mask in finding.summary) is told
    assert any("what is its mask?" in fix.text for fix in finding.fixes) is told


def test_ipxe_for_bios_does_not_start_ipxe_for_uefi() -> None:
    scene = Scene("ipxe-bios", at="nbp").lease(file="snponly.efi")
    scene.tftp(1, "snponly.efi", "complete", content=BootContent("pe", "EFI application, x86-64", efi=True, ipxe=True))
    assert scene.finding("chain-ipxe-loop") is None
    found("arch-bios-file-to-efi", scene)


@pytest.mark.parametrize(
    ("module", "braces"),
    [
        ("vesamenu.c32", "{ldlinux,libutil,libcom32,menu,vesamenu}.c32 "),
        ("menu.c32", "{ldlinux,libutil,libcom32,menu}.c32 "),
        ("a b;.c32", "{ldlinux,libutil,libcom32,menu}.c32 "),
    ],
)
def test_the_module_that_is_missing_is_among_those_to_copy(module: str, braces: str) -> None:
    scene = Scene("bios-pxe", at="tftp").lease(file="pxelinux.0")
    scene.tftp(1, module, "failed", error=1, role="module")
    (fix,) = found("chain-pxelinux-module-missing", scene).fixes
    assert braces in fix.text


@pytest.mark.parametrize(
    ("client", "tree"), [("bios-pxe", "bios/{ldlinux,"), ("efi-x64-pxe", "efi64/{ldlinux.e64,libutil.c32,")]
)
def test_the_modules_to_copy_are_those_of_the_firmware_and_go_where_the_server_looked(client: str, tree: str) -> None:
    scene = Scene(client, at="tftp").lease(file="syslinux/core")
    scene.tftp(1, "syslinux/core", "complete")
    scene.stage("pxelinux", dhcp=False)
    text = "file /pub/boot/syslinux/libutil.c32 not found for 192.168.122.227"
    scene.tftp(2, "syslinux/libutil.c32", "failed", error=1, role="module", text=text)
    (fix,) = found("chain-pxelinux-module-missing", scene).fixes
    assert f"modules/{tree}" in fix.text
    assert fix.text.endswith("} /pub/boot/syslinux/" if client != "bios-pxe" else "}.c32 /pub/boot/syslinux/")


@pytest.mark.parametrize(("port", "target"), [(80, "nginx"), (3260, "iscsi")])
def test_what_has_to_listen_on_a_port_that_refuses(port: int, target: str) -> None:
    scene = Scene("ipxe-bios", at="tcp").lease(file=None)
    connection = scene.connection(1, port=port, opened=False)
    connection.reset = scene.at(1.1)
    assert [fix.target for fix in found("tcp-refused", scene).fixes] == ["shell", target]


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("http://[fd00::1]/linux", "; the URL says port 80"),
        ("http://[fd00::1]:8080/linux", ""),
        ("ftp://me:secret@[fd00::1]/linux", "; the URL says port 21"),
        ("http://[fd00::2]/linux", ""),
    ],
)
def test_a_refused_port_is_not_always_the_one_in_the_url(url: str, wrong: str) -> None:
    scene = Scene("ipxe-efi-x64", at="tcp").lease(file="menu.ipxe")
    scene.tftp(1, "menu.ipxe", "complete", role="script")
    scene.here.expectations = (Expectation(url, "kernel", "menu.ipxe", scene.at(1.5)),)
    scene.connection(2, server="fd00::1", port=8080, opened=False).reset = scene.at(2.1)
    assert found("tcp-refused", scene).summary == f"fd00::1 refuses the connection to port 8080{wrong}"


@pytest.mark.parametrize(
    ("offered", "mended"),
    [
        ("http://me:secret@192.168.122.1:81/a b.efi?c", "http://me:secret@192.168.122.1:81/a%20b.efi?c"),
        ("ftp://192.168.122.1:2121/x.efi", "http://192.168.122.1/x.efi"),
        ("192.168.122.1/x.efi", "http://192.168.122.1/x.efi"),
    ],
)
def test_a_url_that_is_mended_keeps_what_it_says(offered: str, mended: str) -> None:
    scene = Scene("efi-x64-http").discover(0, 4).offer(0.1, file=offered, option60="HTTPClient")
    fixes = found("dhcp-http-offer-without-usable-uri", scene).fixes
    assert fixes
    assert all(mended in fix.text for fix in fixes)


def test_a_cause_is_asked_once_about_a_fault_that_a_stage_has_many_times(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def explain(self: Cause, case: Case, symptom: Finding) -> Iterator[Finding]:
        asked.append(symptom.code)
        yield from ()

    monkeypatch.setattr(TftpServerInContainer, "explain", explain)
    scene = Scene("bios-pxe", at="tftp").lease(file="pxelinux.0")
    for number in range(20):
        scene.tftp(1 + 40 * number, f"{number}.0", requests=6)
    assert "tftp-no-reply" in scene.codes()
    assert asked == ["tftp-no-reply"]


def test_repeated_syns_prove_that_no_answer_came() -> None:
    many, two = (
        Scene("efi-x64-http", at="tcp").lease(file="http://192.168.122.1/x.efi", option60="HTTPClient") for _ in "ab"
    )
    many.world.quality.unicast_server_packets = two.world.quality.unicast_server_packets = 0
    many.connection(1, syns=5, opened=False)
    two.connection(1, syns=2, opened=False)
    assert found("tcp-filtered", many).confidence == "likely"
    assert two.finding("tcp-filtered") is None
